package session

import (
	"context"
	"sync"
	"sync/atomic"
)

// claims says whose a job is while it goes out or is taken back, by its id: a sender's or a canceller's, never both. The
// database learns that a job is on its way together with the ratchet that its message moves.
type claims struct {
	mu        sync.Mutex
	taken     map[string]bool
	cancelled atomic.Int64 // how many jobs were taken back so far
}

// take claims a job, unless somebody has it. drop must follow.
func (c *claims) take(job string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.taken[job] {
		return false
	}
	if c.taken == nil {
		c.taken = map[string]bool{}
	}
	c.taken[job] = true
	return true
}

func (c *claims) drop(job string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.taken, job)
}

// Cancel takes a job back that waits. It answers false when the job is on its way or over.
func (m *Manager) Cancel(ctx context.Context, session, job string) (bool, error) {
	if !m.claims.take(job) {
		return false, nil
	}
	cancelled, err := m.db.CancelJob(ctx, job)
	if cancelled {
		m.claims.cancelled.Add(1)
	}
	m.claims.drop(job)
	if s := m.known(session); s != nil {
		s.nudge() // its sender may have passed the job over meanwhile
	}
	return cancelled, err
}
