package api_test

import (
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"wamux/api"
)

// TestStarting keeps requests waiting until the sessions are started, but not those who ask how we are, nor for ever.
func TestStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(o *api.Options) { o.Starting = true })
		w.play(t, scenario{method: "GET", path: "/healthz", status: 200})
		w.play(t, scenario{method: "GET", path: "/readyz", header: without("X-Api-Key"), status: 503, want: []string{`"status":"starting"`}})
		began := time.Now()
		w.play(t, scenario{method: "GET", path: "/v1/sessions", status: 503, want: []string{`"code":"starting"`}})
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it waited for %v, want a minute", took)
		}
		answered := make(chan int)
		go func() {
			rec := httptest.NewRecorder()
			w.handler.ServeHTTP(rec, scenario{method: "GET", path: "/sessions"}.request())
			answered <- rec.Code
		}()
		synctest.Wait()
		select {
		case status := <-answered:
			t.Errorf("an answer came before the start: %d", status)
		default:
		}
		running := w.handler.(*api.API)
		if err := running.Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
		if status := <-answered; status != 200 {
			t.Errorf("got %d after the start, want 200", status)
		}
		w.play(t, scenario{method: "GET", path: "/readyz", status: 200, want: []string{`{"status":"ready"}`}})
		running.Stop()
		w.play(t, scenario{method: "GET", path: "/readyz", status: 503, want: []string{`"status":"stopping"`}})
		w.play(t, scenario{method: "GET", path: "/v1/sessions", status: 503, want: []string{`"code":"stopping"`}})
		w.play(t, scenario{method: "GET", path: "/healthz", status: 200})
		running.Drain(t.Context())
		running.Close()
	})
}
