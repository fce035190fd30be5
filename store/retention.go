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

// Expired is how many rows [DB.Expire] deleted.
type Expired struct{ Messages, Events, Jobs int64 }

// Expire deletes what is older than r says, in small pieces, so that nobody waits
// long for the writer.
func (db *DB) Expire(ctx context.Context, r Retention) (n Expired, err error) {
	if n.Messages, err = db.expireHistory(ctx, r.History); err != nil {
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

// expireEvents deletes by age, then by count. The last event stays, since its
// number must not be given twice.
func (db *DB) expireEvents(ctx context.Context, r Retention) (total int64, err error) {
	if r.Events > 0 {
		total, err = db.expireRows(ctx, "events", "timestamp < ?3 AND seq < (SELECT MAX(seq) FROM events)", r.Events)
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
	if _, err := db.expireRows(ctx, "batches", "updatedAt < ?3 AND state <> 'running'", keep); err != nil {
		return 0, err
	}
	return db.expireRows(ctx, "jobs", "updatedAt < ?3 AND state IN ('sent', 'failed', 'cancelled')", keep)
}

// expireRows deletes the old rows of a table that grows with its seq. It looks at
// the oldest ones, a window at a time, and ends at the first that has none to
// delete: what it costs does not grow with the table, and a row with an odd time
// does not keep the others.
func (db *DB) expireRows(ctx context.Context, table, where string, keep time.Duration) (total int64, err error) {
	for after := int64(0); ; {
		var n, last int64
		err := db.Update(ctx, func(tx *Tx) error {
			n = 0
			err := tx.QueryRow(fmt.Sprintf("SELECT COALESCE(MAX(seq), 0) FROM (SELECT seq FROM %s WHERE seq > ? ORDER BY seq LIMIT ?)", table), after, deleteChunk).Scan(&last)
			if err != nil || last == 0 {
				return err
			}
			n, err = tx.deleted(fmt.Sprintf("DELETE FROM %s WHERE seq > ?1 AND seq <= ?2 AND %s", table, where), after, last, toMillis(tx.Now.Add(-keep)))
			return err
		})
		if total += n; err != nil || n == 0 {
			return total, err
		}
		after = last
	}
}
