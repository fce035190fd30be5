package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestValidSessionID(t *testing.T) {
	for _, id := range []string{"abc", "user001", "A-b_9", strings.Repeat("x", 50)} {
		if err := ValidSessionID(id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, id := range []string{"", "ab", "a b", "ä12", "a/b", "abc\n", strings.Repeat("x", 51), "sessions", "status", "add", "docs",
		"metrics", "healthz", "readyz", "sessions-history", "qr", "v1"} {
		wantError(t, ValidSessionID(id), CodeInvalid, "Invalid session ID format")
	}
}

func TestAddSession(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		db := fresh(t)
		s, created, err := db.AddSession(t.Context(), "user001", 0)
		if err != nil || !created {
			t.Fatal(created, err)
		}
		if s.ID != "user001" || s.Wanted != WantRunning || s.State != StateStopped || string(s.Metadata) != "{}" || s.CreatedAt.IsZero() {
			t.Errorf("got %+v", s)
		}
	})

	t.Run("Again", func(t *testing.T) {
		db := fresh(t)
		addTestSession(t, db, "user001")
		s, created, err := db.AddSession(t.Context(), "user001", 1)
		if err != nil || created || s.ID != "user001" {
			t.Errorf("got %+v, %v, %v", s, created, err)
		}
	})

	t.Run("ErrLimit", func(t *testing.T) {
		db := fresh(t)
		addTestSession(t, db, "user001")
		_, _, err := db.AddSession(t.Context(), "user002", 1)
		wantError(t, err, CodeLimit, "Maximum number of sessions reached (1)")
	})

	t.Run("ErrInvalid", func(t *testing.T) {
		_, _, err := fresh(t).AddSession(t.Context(), "a b", 0)
		wantError(t, err, CodeInvalid, "Invalid session ID format")
	})
}

func TestSession(t *testing.T) {
	db := fresh(t)
	_, err := db.Session(t.Context(), "nobody")
	wantError(t, err, CodeNotFound, "Session not found")
	if e := (*Error)(nil); !errors.As(err, &e) || e.Name != "session_not_found" {
		t.Errorf("got %+v, want the name session_not_found", e)
	}
}

func TestSessions(t *testing.T) {
	db := fresh(t)
	for i := range 5 {
		addTestSession(t, db, fmt.Sprint("user", 9-i))
	}
	list, err := db.Sessions(t.Context())
	if err != nil || len(list) != 5 || list[0].ID != "user9" || list[4].ID != "user5" {
		t.Errorf("got %v, %v", list, err)
	}
	page, total, err := db.SessionsPage(t.Context(), 2, 2)
	if err != nil || total != 5 || len(page) != 2 || page[0].ID != "user7" || page[1].ID != "user6" {
		t.Errorf("got %v, %d, %v", page, total, err)
	}
	page, total, err = db.SessionsPage(t.Context(), 9, 2)
	if err != nil || total != 5 || page == nil || len(page) != 0 {
		t.Errorf("behind the end: got %v, %d, %v", page, total, err)
	}
}

func TestSetWanted(t *testing.T) {
	db := fresh(t)
	addTestSession(t, db, "user001")
	if err := db.SetWanted(t.Context(), "user001", WantStopped); err != nil {
		t.Fatal(err)
	}
	if s, err := db.Session(t.Context(), "user001"); err != nil || s.Wanted != WantStopped {
		t.Errorf("got %+v, %v", s, err)
	}
	wantError(t, db.SetWanted(t.Context(), "nobody", WantStopped), CodeNotFound, "Session not found")
}

func TestSetState(t *testing.T) {
	db := fresh(t)
	addTestSession(t, db, "user001")
	until := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	change := StateChange{State: StateBanned, Code: "banned", Reason: "WhatsApp banned this number", Next: "Wait", Until: until}
	for range 3 { // the repeats are no news
		if err := db.SetState(t.Context(), "user001", change); err != nil {
			t.Fatal(err)
		}
	}
	s, err := db.Session(t.Context(), "user001")
	if err != nil || s.State != StateBanned || s.Code != "banned" || s.Reason != change.Reason || s.Next != "Wait" || !s.Until.Equal(until) {
		t.Errorf("got %+v, %v", s, err)
	}
	list, err := db.Events(t.Context(), 0, 0)
	if err != nil || len(list) != 1 || list[0].Type != "session.state" || list[0].Session != "user001" {
		t.Fatalf("got events %v, %v", list, err)
	}
	var data map[string]string
	if err := json.Unmarshal(list[0].Data, &data); err != nil || data["state"] != "banned" || data["status"] != "DISCONNECTED" || data["until"] != "2026-11-23T12:00:00.000Z" {
		t.Errorf("got %v, %v", data, err)
	}
	wantError(t, db.SetState(t.Context(), "nobody", change), CodeNotFound, "Session not found")
}

func TestStateWords(t *testing.T) {
	for state, want := range map[SessionState]string{
		StateConnecting: "connecting CONNECTING", StatePairing: "waiting_qr_scan CONNECTED", StatePasskeyRequired: "waiting_qr_scan CONNECTED",
		StateOnline: "connected AUTHENTICATED", StateStopping: "disconnected CLOSING", StateOffline: "disconnected DISCONNECTED",
		StateStopped: "disconnected DISCONNECTED", StateReplaced: "disconnected DISCONNECTED", StateBanned: "disconnected DISCONNECTED",
		StateOutdated: "disconnected DISCONNECTED", StateFailed: "disconnected DISCONNECTED", StateStorageError: "disconnected DISCONNECTED",
		StateLoggedOut: "logged_out DISCONNECTED",
	} {
		if got := state.Status() + " " + state.RootWord(); got != want {
			t.Errorf("%s is %s, want %s", state, got, want)
		}
	}
}

func TestSetIdentity(t *testing.T) {
	db := fresh(t)
	addTestSession(t, db, "user001")
	for _, who := range []Identity{{JID: "628@s.whatsapp.net", Phone: "628"}, {LID: "99@lid", Name: "Me", Platform: "android"}} {
		if err := db.SetIdentity(t.Context(), "user001", who); err != nil {
			t.Fatal(err)
		}
	}
	s, err := db.Session(t.Context(), "user001")
	if err != nil || s.JID != "628@s.whatsapp.net" || s.LID != "99@lid" || s.Phone != "628" || s.Name != "Me" || s.Platform != "android" {
		t.Errorf("got %+v, %v", s, err)
	}
	wantError(t, db.SetIdentity(t.Context(), "nobody", Identity{}), CodeNotFound, "Session not found")
}

// TestDeleteSession fills every table that has a sessionId, whoever made it.
func TestDeleteSession(t *testing.T) {
	db := fresh(t)
	addTestSession(t, db, "user001")
	addTestSession(t, db, "user002")
	tables := sessionTables(t, db)
	for _, table := range tables {
		for _, id := range []string{"user001", "user002"} {
			if table != "whatsapp_sessions" {
				fill(t, db, table, id)
			}
		}
	}
	if err := db.DeleteSession(t.Context(), "user001"); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		if n := countRows(t, db, table, "user001"); n != 0 {
			t.Errorf("%s still has %d rows of the deleted session", table, n)
		}
		if n := countRows(t, db, table, "user002"); n != 1 {
			t.Errorf("%s has %d rows of the other session, want 1", table, n)
		}
	}
	wantError(t, db.DeleteSession(t.Context(), "user001"), CodeNotFound, "Session not found")
}

// sessionTables returns all tables with a column sessionId.
func sessionTables(t *testing.T, db *DB) (names []string) {
	t.Helper()
	err := db.View(t.Context(), func(tx *Tx) error {
		rows, err := tx.Query(`SELECT s.name FROM sqlite_schema s JOIN pragma_table_info(s.name) c ON c.name = 'sessionId' WHERE s.type = 'table' ORDER BY 1`)
		names, err = collect(rows, err, func(row scanner) (s string, err error) { return s, row.Scan(&s) })
		return err
	})
	if err != nil || len(names) < 8 {
		t.Fatalf("found only %v, %v", names, err)
	}
	return names
}

// fill adds a row of the session with something in each column.
func fill(t *testing.T, db *DB, table, id string) {
	t.Helper()
	err := db.Update(t.Context(), func(tx *Tx) error {
		rows, err := tx.Query("SELECT name, type FROM pragma_table_info(?) WHERE NOT (pk = 1 AND type = 'INTEGER' AND (SELECT COUNT(*) FROM pragma_table_info(?) WHERE pk > 0) = 1)", table, table)
		columns, err := collect(rows, err, func(row scanner) (c [2]string, err error) { return c, row.Scan(&c[0], &c[1]) })
		if err != nil {
			return err
		}
		names, marks, values := []string{}, []string{}, []any{}
		for _, c := range columns {
			names, marks, values = append(names, c[0]), append(marks, "?"), append(values, sample(c[0], c[1], id))
		}
		_, err = tx.Exec(fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table, strings.Join(names, ", "), strings.Join(marks, ", ")), values...)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", table, err)
	}
}

func sample(column, kind, id string) any {
	switch {
	case column == "sessionId":
		return id
	case column == "direction":
		return incoming
	case kind == "INTEGER":
		return 1
	}
	return "value of " + id
}

func countRows(t *testing.T, db *DB, table, id string) (n int) {
	t.Helper()
	err := db.View(t.Context(), func(tx *Tx) error {
		return tx.QueryRow("SELECT COUNT(*) FROM "+table+" WHERE sessionId = ?", id).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDeleteSessionInPieces(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	addTestSession(t, db, "user001")
	var entries []Entry
	for i := range deleteChunk + 10 {
		entries = append(entries, Entry{
			Message: &Message{Chat: "1@s.whatsapp.net", ID: fmt.Sprint(i), Timestamp: time.Now()},
			Events:  []Event{{Type: "message.received"}},
		})
	}
	if n, err := db.Record(t.Context(), "user001", entries...); err != nil || n != len(entries) {
		t.Fatal(n, err)
	}
	if err := db.DeleteSession(t.Context(), "user001"); err != nil {
		t.Fatal(err)
	}
	list, err := db.Events(t.Context(), 0, 0)
	if err != nil || len(list) != 1 || list[0].Type != "session.deleted" || list[0].Session != "" || string(list[0].Data) != `{"id":"user001"}` {
		t.Errorf("got %v, %v", list, err)
	}
	if list[0].Seq <= int64(len(entries)) {
		t.Errorf("the sequence went back to %d", list[0].Seq)
	}
}

// TestSettle starts after a crash: what the table says must be true.
func TestSettle(t *testing.T) {
	db := fresh(t)
	for id, state := range map[string]SessionState{"online": StateOnline, "stopping": StateStopping, "banned": StateBanned} {
		addTestSession(t, db, id)
		if err := db.SetState(t.Context(), id, StateChange{State: state, Code: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.SetWanted(t.Context(), "stopping", WantStopped); err != nil {
		t.Fatal(err)
	}
	closeDB(t, db)
	db = open(t, db.Path())
	for id, want := range map[string]SessionState{"online": StateOffline, "stopping": StateStopped, "banned": StateBanned} {
		if s, err := db.Session(t.Context(), id); err != nil || s.State != want {
			t.Errorf("%s is %v, %v, want %s", id, s, err, want)
		}
	}
}
