package store

import "context"

// OpenJobs returns the oldest jobs of the session that are not done, in order,
// at most limit of them. A sender looks ahead with it, so that the start of the
// next job does not wait for the end of the last.
func (db *DB) OpenJobs(ctx context.Context, session string, limit int) (list []*Job, err error) {
	err = db.Read(ctx, func(tx *Tx) error {
		rows, err := tx.Query("SELECT "+jobColumns+" FROM jobs INDEXED BY jobs_open WHERE sessionId = ? AND state IN ('queued', 'sending') ORDER BY seq LIMIT ?", session, limit)
		list, err = collect(rows, err, tx.scanJob)
		return err
	})
	return list, err
}
