package api

import (
	"net/http/httptest"
	"runtime"
	"testing"
)

func waitingRequest() *request {
	return &request{Request: httptest.NewRequest("GET", "/sessions", nil), route: Route{Path: "/sessions"}}
}

// TestStopBetween: a request that comes just when a stop finds nothing at work is refused, since nobody waits for it any more.
func TestStopBetween(t *testing.T) {
	p := newPhase(false)
	p.mu.Lock() // as stop does
	entered := make(chan error)
	go func() { entered <- p.enter(waitingRequest()) }()
	for range 1000 { // it gets to the mutex, mostly: when it does not, the test proves less
		runtime.Gosched()
	}
	close(p.stopped)
	close(p.idle)
	p.mu.Unlock()
	if err := <-entered; err == nil {
		t.Error("it was let in when nobody waits for it")
	}
}
