package api

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// phase tells how far the gateway has come: it starts, it serves, it stops.
type phase struct {
	opened  chan struct{} // closed when requests are let in
	stopped chan struct{} // closed when no more are
	idle    chan struct{} // closed when it stops and nothing is at work any more
	waiting chan struct{} // slots for requests that wait for the start

	mu      sync.Mutex
	working int
}

func newPhase(starting bool) *phase {
	p := &phase{opened: make(chan struct{}), stopped: make(chan struct{}), idle: make(chan struct{}), waiting: make(chan struct{}, mostWaiting)}
	if !starting {
		p.open()
	}
	return p
}

// open lets requests in. Call it once.
func (p *phase) open() { close(p.opened) }

// stop lets no more in. It may be called again.
func (p *phase) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if isClosed(p.stopped) {
		return
	}
	close(p.stopped)
	if p.working == 0 {
		close(p.idle)
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// startTime is how long a request waits for the start, and mostWaiting how many do, whose keys nobody has looked at.
const (
	startTime   = time.Minute
	mostWaiting = 1000
)

// enter waits until requests are let in, and counts this one; who gets no error calls leave. Who asks how we are is let in always.
func (p *phase) enter(r *request) error {
	if isProbe(r.route.Path) {
		p.probe()
		return nil
	}
	if !isClosed(p.opened) {
		p.await(r.Context())
	}
	return p.begin()
}

// await returns when the start is over, or nobody should wait for it any longer, or too many do.
func (p *phase) await(ctx context.Context) {
	select {
	case p.waiting <- struct{}{}:
	default:
		return
	}
	defer func() { <-p.waiting }()
	timer := time.NewTimer(startTime)
	defer timer.Stop()
	select {
	case <-p.opened:
	case <-p.stopped:
	case <-ctx.Done():
	case <-timer.C:
	}
}

// begin counts a request, unless the gateway takes none. Both happen at one moment, or a stop between them would not wait for it.
func (p *phase) begin() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if problem := p.problem(); problem != nil {
		return problem
	}
	p.working++
	return nil
}

// probe counts a request that asks how we are.
func (p *phase) probe() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.working++
}

func (p *phase) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.working--; p.working == 0 && isClosed(p.stopped) && !isClosed(p.idle) {
		close(p.idle)
	}
}

// problem says why the gateway takes no work; nil when it does.
func (p *phase) problem() *problem {
	switch {
	case isClosed(p.stopped):
		return fail(http.StatusServiceUnavailable, "stopping", "wamux is stopping", "Try again when it runs.")
	case !isClosed(p.opened):
		return fail(http.StatusServiceUnavailable, "starting", "wamux is starting", "Try again in a moment.")
	}
	return nil
}

// isProbe tells whether a route says how we are, which nobody who asks must be refused.
func isProbe(path string) bool { return path == "/healthz" || path == "/readyz" }

// ready answers GET /readyz: may work be sent here. It always says no by 503, which is what load balancers know.
func (a *api) ready(w http.ResponseWriter, r *request) error {
	p := a.phase.problem()
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
