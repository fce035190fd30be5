package store

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// aged opens a database whose clock the test turns.
func aged(t *testing.T) (*DB, *time.Time) {
	t.Helper()
	now := noon
	db, err := Open(t.Context(), Options{Path: freshPath(t), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db, &now
}

// rowsOf counts.
func rowsOf(t *testing.T, db *DB, from string) (n int) {
	t.Helper()
	if err := db.Read(t.Context(), func(tx *Tx) error { return tx.QueryRow("SELECT COUNT(*) FROM " + from).Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestExpire lets ten days of traffic grow old: what is over goes by its age, what
// is open stays, and no event's number is given twice.
func TestExpire(t *testing.T) {
	db, now := aged(t)
	addTestSession(t, db, "shop")
	const perDay = 350
	for day := range 10 {
		*now = noon.Add(time.Duration(day) * 24 * time.Hour)
		err := db.Update(t.Context(), func(tx *Tx) error {
			for i := range perDay {
				id := fmt.Sprintf("M%d-%d", day, i)
				if _, err := tx.Record("shop", Entry{Message: &Message{ID: id, Chat: "1@s.whatsapp.net", Sender: "1@s.whatsapp.net", Type: "text", Timestamp: *now}, Events: []Event{{Type: "message.received"}}}); err != nil {
					return err
				}
				for _, query := range []string{
					"INSERT INTO message_receipts (sessionId, messageId, recipient, status, at) VALUES ('shop', ?, '1', 'read', 1)",
					"INSERT INTO message_secrets (sessionId, messageId, chat, sender, secret, createdAt) VALUES ('shop', ?, '', '', '', 0)",
				} {
					if _, err := tx.Exec(query, id); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		job, _, err := db.AddJob(t.Context(), &Job{Session: "shop", MessageID: fmt.Sprint("J", day), To: "1@s.whatsapp.net", Key: fmt.Sprint("key", day)}, nil)
		if err == nil && day%2 == 0 {
			job.State = JobSent
			err = db.FinishJob(t.Context(), job)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if n, err := db.Expire(t.Context(), Retention{}); n != (Expired{}) || err != nil {
		t.Errorf("nothing was to be deleted: %+v, %v", n, err)
	}
	last := rowsOf(t, db, "(SELECT 1 FROM events)")
	*now = noon.Add(9*24*time.Hour + time.Hour)
	n, err := db.Expire(t.Context(), Retention{History: 4 * 24 * time.Hour, Events: 3 * 24 * time.Hour, Jobs: 5 * 24 * time.Hour})
	if want := (Expired{Messages: 6 * perDay, Events: 7 * perDay, Jobs: 3}); n != want || err != nil {
		t.Errorf("got %+v, %v, want %+v", n, err, want)
	}
	for from, want := range map[string]int{
		"chat_history": 4 * perDay, "message_receipts": 4 * perDay, "message_secrets": 4 * perDay, "events": 3 * perDay,
		"jobs WHERE state = 'queued'": 5, "jobs": 7,
	} {
		if got := rowsOf(t, db, from); got != want {
			t.Errorf("%d rows of %s are left, want %d", got, from, want)
		}
	}
	if n, err = db.Expire(t.Context(), Retention{EventsMax: 100}); n.Events != 3*perDay-100 || err != nil {
		t.Errorf("got %+v, %v, want all but 100 events to go", n, err)
	}
	*now = now.Add(365 * 24 * time.Hour)
	if _, err := db.Expire(t.Context(), Retention{Events: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if err := db.SetState(t.Context(), "shop", StateChange{State: StateOffline}); err != nil {
		t.Fatal(err)
	}
	events, err := db.Events(t.Context(), 0, 10)
	if err != nil || len(events) != 2 || events[1].Seq != int64(last)+1 {
		t.Errorf("got %+v, %v, want the last one and a new number", events, err)
	}
}

// addSecrets adds secrets of the session as they are kept at a time.
func addSecrets(t *testing.T, db *DB, at time.Time, prefix string, count int) {
	t.Helper()
	err := db.Update(t.Context(), func(tx *Tx) error {
		_, err := tx.Exec(`INSERT INTO message_secrets (sessionId, messageId, chat, sender, secret, createdAt)
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?3) SELECT 'shop', ?1 || i, '', '', '', ?2 FROM n`, prefix, toMillis(at), count)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestExpireSecrets: a secret goes with its message, however many before it stay, and one whose message has no row goes by
// its age, also where a clock was wrong and where numbers are given again.
func TestExpireSecrets(t *testing.T) {
	const day = 24 * time.Hour
	db, now := aged(t)
	addTestSession(t, db, "shop")
	expire := func(after time.Duration, r Retention, want string) {
		t.Helper()
		*now = noon.Add(after)
		if _, err := db.Expire(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		var got string
		err := db.Read(t.Context(), func(tx *Tx) error {
			return tx.QueryRow(`SELECT COALESCE(group_concat(kind || count, ' '), '') FROM (SELECT substr(messageId, 1, 1) AS kind, COUNT(*) AS count FROM message_secrets GROUP BY kind ORDER BY kind)`).Scan(&got)
		})
		if err != nil || got != want {
			t.Errorf("after %s: %q, %v, want %q", after, got, err, want)
		}
	}
	err := db.Update(t.Context(), func(tx *Tx) error {
		_, err := tx.Exec(`INSERT INTO chat_history (sessionId, phoneNumber, message, messageType, direction, timestamp, chat, sender, messageId)
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) SELECT 'shop', '1', '', 'text', 'incoming', ?2, '', '', 'r' || i FROM n`, 2*deleteChunk+1, formatTime(noon))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	addSecrets(t, db, noon, "r", 2*deleteChunk+1)           // of messages in the history
	addSecrets(t, db, noon, "a", 10)                        // alone
	addSecrets(t, db, noon.Add(99*365*day), "w", 3)         // of a clock that was wrong
	addSecrets(t, db, noon.Add(20*day), "b", deleteChunk+1) // alone, too
	expire(29*day, Retention{}, "a10 b2001 r4001 w3")
	expire(31*day, Retention{}, "b2001 r4001")
	expire(40*day, Retention{}, "b2001 r4001")
	expire(41*day, Retention{History: 22 * day}, "b2001")
	expire(43*day, Retention{History: 22 * day}, "")
	addSecrets(t, db, noon.Add(40*day), "c", 5)
	expire(71*day, Retention{}, "")
}

// TestSecretsWithoutHistory: with HISTORY=off, where messages get no rows, neither their secrets nor their receipts grow for
// ever.
func TestSecretsWithoutHistory(t *testing.T) {
	now := noon
	db, err := Open(t.Context(), Options{Path: freshPath(t), History: HistoryOff, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	addTestSession(t, db, "shop")
	job, _, err := db.AddJob(t.Context(), &Job{Session: "shop", MessageID: "J", To: "1@s.whatsapp.net"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for day := range 60 {
		now = noon.Add(time.Duration(day) * 24 * time.Hour)
		id := fmt.Sprint("M", day)
		_, err := db.Record(t.Context(), "shop",
			Entry{Message: &Message{ID: id, Chat: "1@s.whatsapp.net", Sender: "1@s.whatsapp.net", Type: "text", Timestamp: now}, Events: []Event{{Type: "message.received"}}},
			Entry{Receipt: &Receipt{Chat: job.To, MessageIDs: []string{"J"}, Status: "read", By: fmt.Sprint(day, "@s.whatsapp.net"), At: now}})
		if err != nil {
			t.Fatal(err)
		}
		addSecrets(t, db, now, id, 1)
		if _, err := db.Expire(t.Context(), Retention{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := rowsOf(t, db, "message_secrets"); got != 31 {
		t.Errorf("%d secrets are left, want those of a month", got)
	}
	if got := rowsOf(t, db, "message_receipts"); got != 0 {
		t.Errorf("%d receipts are kept of a message that gets no row", got)
	}
}

// TestExpireBehindOpenJobs: jobs that a stopped session will never send do not keep those behind them that are over, nor
// receipts of what failed.
func TestExpireBehindOpenJobs(t *testing.T) {
	db, now := aged(t)
	addTestSession(t, db, "stopped")
	addTestSession(t, db, "shop")
	add := func(session, state string, count int) {
		t.Helper()
		err := db.Update(t.Context(), func(tx *Tx) error {
			_, err := tx.Exec(`INSERT INTO jobs (id, sessionId, messageId, recipient, content, state, createdAt, updatedAt)
				WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?3)
				SELECT ?1 || ?2 || i || '-' || ?4, ?1, ?2 || i, '', '{}', ?2, ?4, ?4 FROM n`, session, state, count, toMillis(*now))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		add("stopped", "queued", deleteChunk)
		add("shop", "sent", 1)
		add("shop", "failed", 1)
		*now = now.Add(time.Second)
	}
	err := db.Update(t.Context(), func(tx *Tx) error {
		_, err := tx.Exec(`INSERT INTO message_receipts (sessionId, messageId, recipient, status, at) VALUES ('shop', 'failed1', '', '', 0), ('shop', 'other', '', '', 0)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	*now = now.Add(31 * 24 * time.Hour)
	add("shop", "sent", 5)
	n, err := db.Expire(t.Context(), Retention{Jobs: 30 * 24 * time.Hour})
	if err != nil || n.Jobs != 6 {
		t.Errorf("%d jobs were deleted, %v, want 6", n.Jobs, err)
	}
	if jobs, receipts := rowsOf(t, db, "jobs"), rowsOf(t, db, "message_receipts"); jobs != 3*deleteChunk+5 || receipts != 1 {
		t.Errorf("%d jobs and %d receipts are left", jobs, receipts)
	}
}

// TestExpirePlans asks SQLite how it finds what is old.
func TestExpirePlans(t *testing.T) {
	db := fresh(t)
	for query, want := range map[string]string{
		"DELETE FROM chat_history WHERE id IN (SELECT id FROM chat_history WHERE sessionId = 'x' AND timestamp < '2026' ORDER BY timestamp LIMIT 2000)": "COVERING INDEX chat_history_session (sessionId=? AND timestamp<?)",
		"DELETE FROM events WHERE seq > 1 AND seq <= 2 AND timestamp < 3":                                                                               "INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
		"DELETE FROM message_secrets WHERE sessionId = 'x' AND messageId IN (SELECT 'a')":                                                               "(sessionId=? AND messageId=?)",
		deleteSecrets:  "SEARCH message_secrets USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
		oldSecrets:     "SEARCH message_secrets USING INTEGER PRIMARY KEY (rowid>?)",
		oldJobs().With: "SEARCH message_receipts USING PRIMARY KEY (sessionId=? AND messageId=?)",
	} {
		if got := plan(t, db, strings.NewReplacer("?1", "1", "?2", "2", "?3", "3", "?4", "4").Replace(query)); !strings.Contains(got, want) {
			t.Errorf("%s\nruns as %q, want %q", query, got, want)
		}
	}
}
