package store

import "context"

// OverdueJobs returns the oldest jobs of the session that wait and whose deadline is over,
// in order, at most limit of them.
func (db *DB) OverdueJobs(ctx context.Context, session string, limit int) (list []*Job, err error) {
	err = db.Read(ctx, func(tx *Tx) error {
		rows, err := tx.Query("SELECT "+jobColumns+` FROM jobs INDEXED BY jobs_open
			WHERE sessionId = ? AND state IN ('queued', 'sending') AND state = 'queued' AND deadline BETWEEN 1 AND ? ORDER BY seq LIMIT ?`,
			session, toMillis(tx.Now), limit)
		list, err = collect(rows, err, tx.scanJob)
		return err
	})
	return list, err
}

// Outcome is a job with what its end leaves behind.
type Outcome struct {
	Job   *Job
	Entry Entry
}

// FinishQueued is [DB.FinishJob] for many jobs that nobody has begun to send, in one
// transaction, and returns those that were still waiting. Whoever sends jobs must not
// be about to.
func (db *DB) FinishQueued(ctx context.Context, list []Outcome) (finished []*Job, err error) {
	err = db.UpdateSealed(ctx, func(s Sealer) (func(*Tx) error, error) {
		var ends []func(*Tx) error
		for _, o := range list {
			end, err := db.finishing(s, o.Job, []Entry{o.Entry})
			if err != nil {
				return nil, err
			}
			ends = append(ends, end)
		}
		return func(tx *Tx) (err error) {
			finished = nil
			for n, o := range list {
				waits := false
				err = tx.QueryRow("SELECT EXISTS (SELECT 1 FROM jobs WHERE id = ? AND state = 'queued')", o.Job.ID).Scan(&waits)
				if err == nil && waits {
					err = ends[n](tx)
					finished = append(finished, o.Job)
				}
				if err != nil {
					return err
				}
			}
			return nil
		}, nil
	})
	return finished, err
}
