package api_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"wamux/api"
)

// TestTooManyRequests runs into the limit with one key after the other, without a key and where no route is.
func TestTooManyRequests(t *testing.T) {
	w := newWorld(t, func(o *api.Options) { o.RateMax, o.RateWindow, o.Keys = 3, time.Hour, append(o.Keys, "second-key") })
	as := func(key, path string) scenario {
		return scenario{method: "GET", path: path, header: map[string]string{"X-Api-Key": key}}
	}
	play := func(s scenario, status int, want ...string) *httptest.ResponseRecorder {
		t.Helper()
		s.status, s.want = status, want
		return w.play(t, s)
	}
	for range 3 {
		play(as(adminKey, "/sessions"), 200)
	}
	root := play(as(adminKey, "/sessions"), 429, `{"success":false,"message":"Too many requests, try again later"}`)
	v1 := play(as(adminKey, "/v1/sessions/nobody"), 429, `"code":"too_many_requests"`, `"type":"/docs#too_many_requests"`)
	for _, rec := range []*httptest.ResponseRecorder{root, v1} {
		if got := rec.Header().Get("Retry-After"); got != "3600" && got != "3599" {
			t.Errorf("Retry-After: got %q, want the rest of the hour", got)
		}
	}
	play(as("second-key", "/v1/sessions"), 200)
	play(as("", "/sessions"), 401)
	play(as("wrong", "/sessions"), 401)
	play(as("second-key", "/no/such/route"), 404)
	for _, key := range []string{"", "wrong"} {
		play(as(key, "/sessions"), 429)
		play(as(key, "/status"), 429)
		play(as(key, "/v1/nothing"), 429, `"status":429`)
		play(as(key, "/healthz"), 200)
	}
	play(as("second-key", "/sessions"), 200)
}

// TestNoLimit is how it is without the setting.
func TestNoLimit(t *testing.T) {
	w := newWorld(t, nil)
	for range 300 {
		w.play(t, scenario{method: "GET", path: "/healthz", status: 200})
		w.play(t, scenario{method: "GET", path: "/v1/version", status: 200})
	}
}
