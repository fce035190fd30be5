package api

import (
	"net/http"
	"sync/atomic"
	"time"
)

// The phases of the gateway, as its API sees them.
const (
	phaseStarting int32 = iota // sessions are not started yet: requests wait
	phaseServing
	phaseStopping
)

// phase tells how far the gateway has come.
type phase struct {
	now    atomic.Int32
	opened chan struct{} // closed when requests are let in
}

func newPhase(starting bool) *phase {
	p := &phase{opened: make(chan struct{})}
	if !starting {
		p.open()
	}
	return p
}

// open lets requests in, once.
func (p *phase) open() {
	if p.now.CompareAndSwap(phaseStarting, phaseServing) {
		close(p.opened)
	}
}

// await waits until requests are let in. What asks how we are, and strangers to the routes, never wait.
func (p *phase) await(r *request) error {
	if p.now.Load() != phaseStarting || isProbe(r.route.Path) {
		return nil
	}
	timer := time.NewTimer(time.Minute)
	defer timer.Stop()
	select {
	case <-p.opened:
		return nil
	case <-r.Context().Done():
		return r.Context().Err()
	case <-timer.C:
		return notReady(phaseStarting)
	}
}

// isProbe tells whether a route says how we are, which nobody who asks must be refused.
func isProbe(path string) bool { return path == "/healthz" || path == "/readyz" }

// notReady says why the gateway takes no work in a phase; nil when it does.
func notReady(phase int32) *problem {
	switch phase {
	case phaseStarting:
		return fail(http.StatusServiceUnavailable, "starting", "wamux is starting", "Try again in a moment.")
	case phaseStopping:
		return fail(http.StatusServiceUnavailable, "stopping", "wamux is stopping", "Try again when it runs.")
	}
	return nil
}

// ready answers GET /readyz: may work be sent here. It always says no by 503, which is what load balancers know.
func (a *api) ready(w http.ResponseWriter, r *request) error {
	p := notReady(a.phase.now.Load())
	if p == nil {
		if e := a.DB.Ready(r.Context()); e != nil {
			p = fail(http.StatusServiceUnavailable, e.Name, e.Message, e.Hint)
		}
	}
	if p != nil {
		return reply(w, p.Status, object{"status": p.Name, "message": p.Detail, "hint": p.Hint})
	}
	return reply(w, http.StatusOK, object{"status": "ready"})
}
