package api

import (
	"net/http/httptest"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
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

// TestManyWait: so many wait for the start, and the next is told at once that it starts.
func TestManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhase(true)
		entered := make(chan error, mostWaiting)
		for range mostWaiting {
			go func() { entered <- p.enter(waitingRequest()) }()
		}
		synctest.Wait()
		began := time.Now()
		if err := p.enter(waitingRequest()); err == nil || problemOf(err).Name != "starting" || time.Since(began) != 0 {
			t.Errorf("got %v after %v, want at once that it starts", err, time.Since(began))
		}
		p.open()
		for range mostWaiting {
			if err := <-entered; err != nil {
				t.Fatal(err)
			}
		}
		if err := p.enter(waitingRequest()); err != nil || p.working != mostWaiting+1 {
			t.Errorf("got %v with %d at work, after the start", err, p.working)
		}
	})
}
