package session

import (
	"context"
	"sync"
	"time"
)

// limiter is a token bucket that all sessions of the process share, so that a
// router that comes back does not see all of them connect in the same second.
type limiter struct {
	interval time.Duration // between two tokens
	burst    int

	mu   sync.Mutex
	next time.Time // when the bucket would be full again, less the burst
}

// newLimiter allows perSecond events a second, and burst at once.
func newLimiter(perSecond float64, burst int) *limiter {
	return &limiter{interval: time.Duration(float64(time.Second) / perSecond), burst: burst}
}

// wait takes a token, waiting for it if need be. The error is ctx's.
func (l *limiter) wait(ctx context.Context) error {
	timer := time.NewTimer(l.reserve(time.Now()))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reserve takes the next free token and tells how long it is until then.
func (l *limiter) reserve(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	full := now.Add(-time.Duration(l.burst-1) * l.interval)
	if l.next.Before(full) {
		l.next = full
	}
	wait := l.next.Sub(now)
	l.next = l.next.Add(l.interval)
	return max(wait, 0)
}
