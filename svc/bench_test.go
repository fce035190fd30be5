package svc_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// benchSessions is how many accounts chat in one process.
const benchSessions = 20

// BenchmarkSessions pairs twenty sessions in one process, beside the sandbox in
// another, and lets them chat through the REST API. It reports memory,
// goroutines, texts per second and how long a send takes.
func BenchmarkSessions(b *testing.B) {
	world := start(b, b.TempDir(), []string{"LOG_LEVEL=error"}, "sandbox")
	g := start(b, b.TempDir(), append(pointedAt(world), "LOG_LEVEL=error"), "run")
	empty := g.rss()
	for n := range benchSessions {
		g.pairOn(world, fmt.Sprintf("bench%02d", n), benchNumber(n))
	}
	b.Run("idle", func(b *testing.B) {
		for b.Loop() {
			g.call("GET", "/healthz", nil)
		}
		b.ReportMetric(float64(g.rss())/1024, "MiB-RSS")
		b.ReportMetric(float64(g.rss()-empty)/benchSessions, "KiB/session")
		b.ReportMetric(float64(g.goroutines()), "goroutines")
	})
	b.Run("one-session-one-client", func(b *testing.B) { g.chat(b, 1, 1) })
	b.Run("one-session-eight-clients", func(b *testing.B) { g.chat(b, 1, 8) })
	b.Run("all-sessions", func(b *testing.B) { g.chat(b, benchSessions, 2*benchSessions) })
}

func benchNumber(n int) string { return fmt.Sprintf("62810000%05d", n) }

// chat sends b.N texts from the first so many sessions, each to the next one,
// with so many clients at once.
func (g *gateway) chat(b *testing.B, sessions, clients int) {
	b.Helper()
	var next atomic.Int64
	var wait sync.WaitGroup
	took := make([][]time.Duration, clients)
	begin := time.Now()
	for client := range clients {
		wait.Go(func() {
			from := client % sessions
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				started := time.Now()
				status, answer, err := g.try("POST", fmt.Sprintf("/bench%02d/messages/send", from), text(benchNumber((from+1)%benchSessions), fmt.Sprint(n)))
				if err != nil || status != 200 {
					b.Errorf("send: got %d %s %v", status, answer, err)
					return
				}
				took[client] = append(took[client], time.Since(started))
			}
		})
	}
	wait.Wait()
	all := slices.Sorted(slices.Values(slices.Concat(took...)))
	b.ReportMetric(float64(len(all))/time.Since(begin).Seconds(), "texts/s")
	b.ReportMetric(percentile(all, 50), "p50-ms")
	b.ReportMetric(percentile(all, 99), "p99-ms")
}

func percentile(sorted []time.Duration, p int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[(len(sorted)-1)*p/100].Microseconds()) / 1000
}

// rss is the resident memory of the gateway in KiB, 0 where the system does not tell.
func (g *gateway) rss() int {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.cmd.Process.Pid))
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, _ := strconv.Atoi(strings.Fields(rest)[0])
			return kib
		}
	}
	return 0
}

func (g *gateway) goroutines() int {
	return must[struct{ Goroutines int }](g, 200, "GET", "/v1/stats", nil).Goroutines
}
