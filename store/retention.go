package store

import (
	"context"
	"fmt"
	"time"
)

// Retention says how long rows are kept; 0 means for ever.
type Retention struct {
	History   time.Duration // messages, with their receipts and secrets, by when they were written
	Events    time.Duration
	EventsMax int64         // events there may be; older ones go
	Jobs      time.Duration // jobs and batches that are over, with their Idempotency-Keys
}

// secretLife is how long the secret of a message lives that has no row in the history, be it
// that there is none or that such messages get none. A secret opens votes and answers
// to the message, late edits, reactions and comments of some groups, and makes our own.
// Edits come within minutes, votes within days; a month is as long as events and jobs
// tell of the message. After that they are kept as they came.
const secretLife = 30 * 24 * time.Hour

// Expired is how many rows [DB.Expire] deleted.
type Expired struct{ Messages, Events, Jobs int64 }

// Expire deletes what is older than r says, in small pieces, so that nobody waits
// long for the writer.
func (db *DB) Expire(ctx context.Context, r Retention) (n Expired, err error) {
	if n.Messages, err = db.expireHistory(ctx, r.History); err != nil {
		return n, err
	}
	if err = db.expireSecrets(ctx, r.History); err != nil {
		return n, err
	}
	if n.Events, err = db.expireEvents(ctx, r); err != nil {
		return n, err
	}
	n.Jobs, err = db.expireJobs(ctx, r.Jobs)
	return n, err
}

// pieces runs fn, which deletes at most deleteChunk rows and returns how many,
// until it finds less.
func (db *DB) pieces(ctx context.Context, fn func(*Tx) (int64, error)) (total int64, err error) {
	for n := int64(deleteChunk); n == deleteChunk && err == nil; {
		err = db.Update(ctx, func(tx *Tx) (err error) {
			n, err = fn(tx)
			return err
		})
		if err == nil {
			total += n
		}
	}
	return total, err
}

// deleted runs a query that deletes, and returns how many rows.
func (tx *Tx) deleted(query string, args ...any) (int64, error) {
	res, err := tx.Exec(query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// expireHistory deletes messages session by session, for which there is an index.
func (db *DB) expireHistory(ctx context.Context, keep time.Duration) (total int64, err error) {
	if keep == 0 {
		return 0, nil
	}
	sessions, err := db.Sessions(ctx)
	for _, s := range sessions {
		n, err := db.pieces(ctx, func(tx *Tx) (int64, error) { return expireMessages(tx, s.ID, keep) })
		if total += n; err != nil {
			return total, err
		}
	}
	return total, err
}

// expireMessages deletes the oldest messages of a session, and what is only of use
// with them.
func expireMessages(tx *Tx, session string, keep time.Duration) (int64, error) {
	before := formatTime(tx.Now.Add(-keep))
	const oldest = "FROM chat_history WHERE sessionId = ?1 AND timestamp < ?2 ORDER BY timestamp LIMIT ?3)"
	for _, table := range []string{"message_receipts", "message_secrets"} {
		if _, err := tx.Exec("DELETE FROM "+table+" WHERE sessionId = ?1 AND messageId IN (SELECT messageId "+oldest, session, before, deleteChunk); err != nil {
			return 0, err
		}
	}
	return tx.deleted("DELETE FROM chat_history WHERE id IN (SELECT id "+oldest, session, before, deleteChunk)
}

// expireSecrets deletes the old secrets of messages that are not in the history. Those of
// the others go with their message, however long that stays, and may be most of the
// table: it is walked through once in the life of the program, and from there on.
func (db *DB) expireSecrets(ctx context.Context, keep time.Duration) error {
	life := secretLife
	if keep > 0 {
		life = min(life, keep)
	}
	for more := true; more; {
		after, last, alone := db.secretsSeen.Load(), int64(0), int64(0)
		err := db.Read(ctx, func(tx *Tx) error {
			return tx.QueryRow(oldSecrets, after, deleteChunk, toMillis(tx.Now.Add(-life)), toMillis(tx.Now.Add(life))).Scan(&after, &last, &alone)
		})
		if err == nil && alone > 0 {
			err = db.Update(ctx, func(tx *Tx) error {
				_, err := tx.Exec(deleteSecrets, after, last, toMillis(tx.Now.Add(-life)), toMillis(tx.Now.Add(life)))
				return err
			})
		}
		if err != nil {
			return err
		}
		db.secretsSeen.Store(max(after, last))
		more = last > 0
	}
	return nil
}

// A row from a time when the clock was far ahead counts as old: it must not keep the others.
const aloneAndOld = `createdAt NOT BETWEEN ?3 AND ?4 AND NOT EXISTS (SELECT 1 FROM chat_history AS h
	WHERE h.sessionId = message_secrets.sessionId AND h.messageId = message_secrets.messageId)`

// oldSecrets looks at some rows behind ?1, or from the beginning where there are none any
// more: then their numbers are given again. It tells from where, the last old one, and how
// many may go.
const oldSecrets = `WITH start (at) AS (SELECT CASE WHEN ?1 > COALESCE(MAX(rowid), 0) THEN 0 ELSE ?1 END FROM message_secrets),
	some AS (SELECT rowid AS n, createdAt NOT BETWEEN ?3 AND ?4 AS old, ` + aloneAndOld + ` AS alone
		FROM message_secrets WHERE rowid > (SELECT at FROM start) ORDER BY rowid LIMIT ?2)
	SELECT (SELECT at FROM start), COALESCE(MAX(n) FILTER (WHERE old), 0), COALESCE(SUM(alone), 0) FROM some`

const deleteSecrets = `DELETE FROM message_secrets WHERE rowid > ?1 AND rowid <= ?2 AND ` + aloneAndOld

// Aging says which rows of a table are to go, whose rowids grow with the time, but for
// rows that were written anew.
type Aging struct {
	Table string
	Old   string // what makes a row old, as SQL; ?3 is the time before which it is, in ms
	Open  string // what makes a row stay at any age; "" when nothing does
	With  string // what is deleted before the rows; ?1 to ?3 as for them, "" for nothing
}

func oldEvents() Aging {
	return Aging{Table: "events", Old: "timestamp < ?3 AND seq < (SELECT MAX(seq) FROM events)"}
}

func oldBatches() Aging {
	return Aging{Table: "batches", Old: "updatedAt < ?3 AND state <> 'running'", Open: "state = 'running'"}
}

// oldJobs takes along the receipts that came for a message on its way, which then got no
// row in the history.
func oldJobs() Aging {
	a := Aging{Table: "jobs", Old: "updatedAt < ?3 AND state IN ('sent', 'failed', 'cancelled')", Open: "state IN ('queued', 'sending')"}
	a.With = `DELETE FROM message_receipts WHERE (sessionId, messageId) IN (SELECT sessionId, messageId FROM jobs WHERE rowid > ?1 AND rowid <= ?2 AND ` + a.Old + `)
		AND NOT EXISTS (SELECT 1 FROM chat_history AS h WHERE h.sessionId = message_receipts.sessionId AND h.messageId = message_receipts.messageId)`
	return a
}

// expireEvents deletes by age, then by count. The last event stays, since its
// number must not be given twice.
func (db *DB) expireEvents(ctx context.Context, r Retention) (total int64, err error) {
	if r.Events > 0 {
		total, err = db.ExpireRows(ctx, oldEvents(), r.Events)
	}
	if err != nil || r.EventsMax <= 0 {
		return total, err
	}
	n, err := db.pieces(ctx, func(tx *Tx) (int64, error) {
		return tx.deleted("DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE seq <= (SELECT MAX(seq) FROM events) - ? ORDER BY seq LIMIT ?)", r.EventsMax, deleteChunk)
	})
	return total + n, err
}

// expireJobs deletes jobs that are over, and batches with their items.
func (db *DB) expireJobs(ctx context.Context, keep time.Duration) (int64, error) {
	if keep == 0 {
		return 0, nil
	}
	if _, err := db.ExpireRows(ctx, oldBatches(), keep); err != nil {
		return 0, err
	}
	return db.ExpireRows(ctx, oldJobs(), keep)
}

// idleWindows is how many windows of open rows are looked past in one run.
const idleWindows = 50

// ExpireRows deletes the old rows of a table, and returns how many. It looks at the
// oldest ones, a window at a time, and ends at the first that has none to delete, unless
// all of it is open: what it costs does not grow with the table, and neither a row with
// an odd time nor those of a session that nobody starts keep the others.
func (db *DB) ExpireRows(ctx context.Context, a Aging, keep time.Duration) (total int64, err error) {
	for after, idle := int64(0), 0; idle < idleWindows; {
		var n, last int64
		var end bool
		err := db.Update(ctx, func(tx *Tx) (err error) {
			n, last, end, err = a.expire(tx, after, toMillis(tx.Now.Add(-keep)))
			return err
		})
		if total += n; err != nil || end {
			return total, err
		}
		if after = last; n == 0 {
			idle++
		}
	}
	return total, nil
}

// expire deletes the old ones of the rows behind after, up to last; end tells that nobody
// has to look further.
func (a Aging) expire(tx *Tx, after, before int64) (n, last int64, end bool, err error) {
	err = tx.QueryRow(fmt.Sprintf("SELECT COALESCE(MAX(rowid), 0) FROM (SELECT rowid FROM %s WHERE rowid > ? ORDER BY rowid LIMIT ?)", a.Table), after, deleteChunk).Scan(&last)
	if err != nil || last == 0 {
		return 0, 0, true, err
	}
	if a.With != "" {
		if _, err = tx.Exec(a.With, after, last, before); err != nil {
			return 0, 0, false, err
		}
	}
	n, err = tx.deleted(fmt.Sprintf("DELETE FROM %s WHERE rowid > ?1 AND rowid <= ?2 AND %s", a.Table, a.Old), after, last, before)
	if err != nil || n > 0 || a.Open == "" {
		return n, last, n == 0, err
	}
	err = tx.QueryRow(fmt.Sprintf("SELECT EXISTS (SELECT 1 FROM %s WHERE rowid > ? AND rowid <= ? AND NOT (%s))", a.Table, a.Open), after, last).Scan(&end)
	return n, last, end, err
}
