package sandbox

import (
	"context"
	"strconv"
	"time"

	"wamux/api"
)

// How far the clock can be moved: far enough for any expiry, and no further than stanzas can say.
const clockReach = 10 * 365 * 24 * time.Hour

// now is the time by the clock of the simulated service and its phones. It is what stanzas and messages are dated with and what
// decides that a code has expired or a ban is over. Certificates, time-outs of connections and the log of stanzas go by real time.
func (s *Server) now() time.Time { return time.Now().Add(time.Duration(s.offset.Load())) }

// alarm is something that happens at a time of the clock. Guarded by Server.mu.
type alarm struct {
	at    time.Time
	timer *time.Timer
}

// schedule lets fn run, in a goroutine of its own, when the clock is so much further.
func (s *Server) schedule(d time.Duration, fn func()) *alarm {
	a := &alarm{at: s.now().Add(d)}
	a.timer = time.AfterFunc(d, func() {
		s.mu.Lock()
		delete(s.alarms, a)
		s.mu.Unlock()
		fn()
	})
	s.alarms[a] = struct{}{}
	return a
}

// cancel makes sure that an alarm does not begin to ring any more.
func (s *Server) cancel(a *alarm) {
	a.timer.Stop()
	delete(s.alarms, a)
}

// SetClock moves the clock and returns its time. What is due by then happens at once.
func (s *Server) SetClock(ctx context.Context, c api.SandboxClockChange) (api.SandboxClock, error) {
	var out api.SandboxClock
	err := s.do(ctx, func() error {
		offset := time.Duration(s.offset.Load())
		switch {
		case c.At != nil && c.ForwardSeconds != 0:
			return invalid("clock_invalid", "Give the time to set the clock to, or by how much to move it, not both.")
		case c.At != nil:
			offset = time.Until(*c.At)
		case c.ForwardSeconds > int64(clockReach/time.Second) || c.ForwardSeconds < -int64(clockReach/time.Second):
			return errClockReach
		default:
			offset += time.Duration(c.ForwardSeconds) * time.Second
		}
		if offset.Abs() > clockReach {
			return errClockReach
		}
		s.turnClock(offset)
		out = api.SandboxClock{At: s.now().UTC(), OffsetSeconds: int64(offset / time.Second)}
		return nil
	})
	return out, err
}

var errClockReach = invalid("clock_invalid", "The clock of the sandbox can be at most ten years off.")

// turnClock sets how far the clock is ahead of the real one.
func (s *Server) turnClock(offset time.Duration) {
	s.offset.Store(int64(offset))
	s.put(`INSERT INTO meta(key,value) VALUES('clock',?) ON CONFLICT(key) DO UPDATE SET value=excluded.value`, strconv.FormatInt(int64(offset), 10))
	for a := range s.alarms {
		if a.timer.Stop() { // else it rings already
			a.timer.Reset(max(a.at.Sub(s.now()), 0))
		}
	}
}

func (s *Server) loadClock() error {
	text, err := s.db.meta("clock")
	if err != nil || text == "" {
		return err
	}
	offset, err := strconv.ParseInt(text, 10, 64)
	s.offset.Store(offset)
	return err
}
