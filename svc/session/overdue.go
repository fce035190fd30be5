package session

import (
	"context"
	"errors"

	"wamux/store"
)

// overdueChunk is how many jobs are ended in one commit. It is more than a sender has in
// hand, whose jobs are left to it.
const overdueChunk = 200

// FailOverdue ends the jobs that wait though their deadline is over, as a sender does, and
// returns how many. Only sessions that are online have a sender: the jobs of others
// would wait until then, which may be for ever.
func (m *Manager) FailOverdue(ctx context.Context) (n int, err error) {
	ids, err := m.db.SessionsWithJobs(ctx)
	for _, id := range ids {
		ended, failed := m.failOverdue(ctx, id)
		n, err = n+ended, errors.Join(err, failed)
	}
	return n, err
}

func (m *Manager) failOverdue(ctx context.Context, session string) (total int, err error) {
	for {
		jobs, err := m.db.OverdueJobs(ctx, session, overdueChunk)
		if err != nil {
			return total, err
		}
		n, err := m.failAll(ctx, jobs)
		if total += n; err != nil || n == 0 || len(jobs) < overdueChunk {
			return total, err
		}
	}
}

// failAll ends jobs, but for those that somebody has.
func (m *Manager) failAll(ctx context.Context, jobs []*store.Job) (int, error) {
	var list []store.Outcome
	for _, j := range jobs {
		if m.claims.take(j.ID) {
			defer m.claims.drop(j.ID)
			r := failed(j, tooLate())
			list = append(list, store.Outcome{Job: r.job, Entry: r.entry})
		}
	}
	if len(list) == 0 {
		return 0, nil
	}
	finished, err := m.db.FinishQueued(ctx, list)
	if err != nil {
		return 0, err
	}
	m.claims.cancelled.Add(int64(len(finished))) // a sender may have read them before
	for _, j := range finished {
		m.waiting.done(j)
	}
	return len(finished), nil
}
