package svc_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// scrape reads /metrics with a key.
func (g *gateway) scrape(t *testing.T, key string) (scrape, string) {
	t.Helper()
	req := g.request("GET", "/metrics", nil)
	req.Header.Del("x-api-key")
	req.Header.Set("Authorization", "Bearer "+key)
	a := g.do(req)
	if kind := a.header.Get("Content-Type"); a.status != 200 || kind != "text/plain; version=0.0.4; charset=utf-8" {
		t.Fatalf("got %d %s: %s", a.status, kind, a.body)
	}
	s, err := parseScrape(string(a.body))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, a.body)
	}
	return s, string(a.body)
}

// newKey makes an API key with one scope.
func (g *gateway) newKey(scope string) string {
	g.t.Helper()
	return must[struct{ Key string }](g, 201, "POST", "/v1/keys", object{"name": "of a test", "scopes": []string{scope}}).Key
}

// TestMetrics counts known traffic, and looks what else /metrics says, and to whom.
func TestMetrics(t *testing.T) {
	t.Parallel()
	g := sandboxed(t)
	key := g.newKey("metrics")
	empty, _ := g.scrape(t, key)
	for _, series := range []string{"wamux_messages_received_total", "wamux_messages_sent_total", "wamux_messages_failed_total", "wamux_jobs_open", "wamux_jobs_oldest_age_seconds"} {
		if got, there := empty.series[series]; got != 0 || !there {
			t.Errorf("%s: got %v, %v before anything happened", series, got, there)
		}
	}
	g.pair("shop", ours)
	g.phone(theirs)
	before, _ := g.scrape(t, key)
	const sent, received = 3, 7
	for i := range sent {
		must[object](g, 200, "POST", "/shop/messages/send", text(theirs, fmt.Sprint("canary out ", i)))
	}
	must[object](g, 200, "POST", "/v1/sandbox/phones/"+theirs+"/messages:bulk", object{"to": ours, "type": "text", "text": "canary in", "count": received})
	if status, answer := g.call("POST", "/v1/sessions/shop/messages", object{"to": "6289999999999", "type": "text", "text": object{"body": "canary lost"}}); status/100 == 5 {
		t.Errorf("a send to nobody: got %d %s", status, answer)
	}
	var after scrape
	var said string
	eventually(t, "all is counted", func() bool {
		after, said = g.scrape(t, key)
		return after.series["wamux_messages_received_total"] == received && after.series["wamux_messages_failed_total"] == 1 &&
			after.series[`wamux_receipts_total{status="delivered"}`] == sent
	})
	for series, want := range map[string]float64{
		"wamux_messages_sent_total":                            sent,
		`wamux_acks_total{result="accepted"}`:                  sent,
		`wamux_sessions{state="online"}`:                       1,
		`wamux_sessions{state="logged_out"}`:                   0,
		"wamux_jobs_open":                                      0,
		"wamux_ready":                                          1,
		"wamux_database_writable":                              1,
		`wamux_http_requests_total{route="root",status="200"}`: before.series[`wamux_http_requests_total{route="root",status="200"}`] + sent,
		`wamux_http_request_seconds_count{route="root"}`:       before.series[`wamux_http_request_seconds_count{route="root"}`] + sent,
		`wamux_http_requests_total{route="v1",status="201"}`:   1,
		"wamux_http_requests_open":                             1,
		"wamux_events_kept":                                    after.series["wamux_events_last_seq"],
		`wamux_build_info{version="` + after.labels("version")[0] + `",goversion="` + runtime.Version() + `",os="` + runtime.GOOS + `",arch="` + runtime.GOARCH + `"}`: 1,
	} {
		if got, there := after.series[series]; got != want || !there {
			t.Errorf("%s: got %v (there: %v), want %v", series, got, there, want)
		}
	}
	if shrunk := before.shrunk(after); len(shrunk) > 0 {
		t.Errorf("got smaller: %q", shrunk)
	}
	if commits := after.series["wamux_commit_seconds_count"] - before.series["wamux_commit_seconds_count"]; commits < sent || after.series["wamux_commit_batches_sum"] < commits {
		t.Errorf("%v commits of %v pieces for %d messages", commits, after.series["wamux_commit_batches_sum"], sent+received)
	}
	if last, said := g.lastEvent(), after.series["wamux_events_last_seq"]; said < sent || said > last {
		t.Errorf("the last event was %v, and is %v", said, last)
	}
	if a, b := after.series["wamux_commit_seconds_count"], after.series["wamux_commit_batches_count"]; max(a-b, b-a) > 3 { // more may come in between
		t.Errorf("%v commits took their time, %v had batches", a, b)
	}
	g.measured(t, after)
	for _, secret := range []string{"canary", ours, theirs, "6289999999999", key, g.key, "shop"} {
		if strings.Contains(said, secret) {
			t.Errorf("/metrics says %q", secret)
		}
	}
	t.Run("Waiting", func(t *testing.T) { g.waiting(t, key) })
	t.Run("Scope", func(t *testing.T) { g.mayOnlyScrape(t, key) })
}

// lastEvent is the number of the newest event.
func (g *gateway) lastEvent() float64 {
	last := 0.0
	for {
		page := must[struct{ Data []struct{ Seq float64 } }](g, 200, "GET", fmt.Sprintf("/v1/events?limit=500&after=%.0f", last), nil)
		if len(page.Data) == 0 {
			return last
		}
		last = page.Data[len(page.Data)-1].Seq
	}
}

// measured compares with what the system says of the process from outside.
func (g *gateway) measured(t *testing.T, s scrape) {
	t.Helper()
	if info, err := os.Stat(filepath.Join(g.dir, "wamux-sandbox.db")); err != nil || s.series["wamux_database_bytes"] != float64(info.Size()) {
		t.Errorf("the database has %v bytes, /metrics says %v", info.Size(), s.series["wamux_database_bytes"])
	}
	least := map[string]float64{"wamux_database_wal_bytes": 1024, "go_goroutines": 10, "go_memstats_heap_alloc_bytes": 1 << 20, "wamux_uptime_seconds": 0.001}
	if runtime.GOOS == "linux" {
		least["process_open_fds"], least["process_cpu_seconds_total"], least["process_max_fds"] = 8, 0.01, 64
		known := float64(rss(g.cmd.Process.Pid) << 10)
		if got := s.series["process_resident_memory_bytes"]; got < known/2 || got > known*2 {
			t.Errorf("process_resident_memory_bytes: got %v, the system says %v", got, known)
		}
	}
	for series, want := range least {
		if got := s.series[series]; got < want {
			t.Errorf("%s: got %v, want %v or more", series, got, want)
		}
	}
	if got := s.series["process_start_time_seconds"]; got < 1.7e9 {
		t.Errorf("process_start_time_seconds: got %v", got)
	}
}

// waiting leaves a message that nobody sends, and sees it grow old.
func (g *gateway) waiting(t *testing.T, key string) {
	must[object](g, 200, "POST", "/v1/sessions/shop/stop", nil)
	for range 2 {
		req := g.request("POST", "/v1/sessions/shop/messages", object{"to": theirs, "type": "text", "text": object{"body": "later"}})
		req.Header.Set("Prefer", "respond-async")
		if a := g.do(req); a.status != 202 {
			t.Fatalf("got %d %s", a.status, a.body)
		}
	}
	first, _ := g.scrape(t, key)
	if first.series["wamux_jobs_open"] != 2 || first.series[`wamux_sessions{state="online"}`] != 0 || first.series[`wamux_sessions{state="stopped"}`] != 1 {
		t.Errorf("got %v open jobs, %v online, %v stopped", first.series["wamux_jobs_open"], first.series[`wamux_sessions{state="online"}`], first.series[`wamux_sessions{state="stopped"}`])
	}
	eventually(t, "it grows old", func() bool {
		now, _ := g.scrape(t, key)
		return now.series["wamux_jobs_oldest_age_seconds"] > first.series["wamux_jobs_oldest_age_seconds"]
	})
}

// mayOnlyScrape tries what a key for metrics must not reach, and who else may scrape.
func (g *gateway) mayOnlyScrape(t *testing.T, key string) {
	as := func(key, method, path string) int {
		req := g.request(method, path, nil)
		if req.Header.Set("x-api-key", key); key == "" {
			req.Header.Del("x-api-key")
		}
		return g.do(req).status
	}
	for _, path := range []string{"/sessions", "/v1/sessions", "/v1/events", "/v1/version", "/shop/chats", "/v1/backup", "/v1/keys", "/v1/sandbox/phones", "/v1/sessions/shop/messages", "/sessions/shop/status"} {
		if got := as(key, "GET", path); got != 403 {
			t.Errorf("%s with a key for metrics: got %d, want 403", path, got)
		}
	}
	if got := as(key, "POST", "/v1/sessions/shop/start"); got != 403 {
		t.Errorf("a start with a key for metrics: got %d, want 403", got)
	}
	for key, want := range map[string]int{g.key: 200, g.newKey("read"): 403, "": 401} {
		if got := as(key, "GET", "/metrics"); got != want {
			t.Errorf("/metrics with another key: got %d, want %d", got, want)
		}
	}
	bound := must[struct{ Key string }](g, 201, "POST", "/v1/keys", object{"name": "bound", "scopes": []string{"metrics"}, "sessions": []string{"shop"}}).Key
	if got := as(bound, "GET", "/metrics"); got != http.StatusForbidden {
		t.Errorf("/metrics with a key for one session: got %d, want 403", got)
	}
}

// TestMetricsOfSessions names sessions where that is wanted, and nothing more of them.
func TestMetricsOfSessions(t *testing.T) {
	t.Parallel()
	g := start(t, t.TempDir(), []string{"METRICS_SESSIONS=true"}, "run", "--sandbox")
	g.pair("shop", ours)
	s, said := g.scrape(t, g.key)
	if got := s.series[`wamux_session_state{session="shop",state="online"}`]; got != 1 {
		t.Errorf("got %v:\n%s", got, said)
	}
	if got := s.labels("session"); !slices.Equal(got, []string{"shop"}) || strings.Count(said, `"shop"`) != 1 || strings.Contains(said, ours) {
		t.Errorf("sessions %q, in:\n%s", got, said)
	}
}
