package session_test

import (
	"context"
	"testing"
	"time"

	"wamux/store"
)

// BenchmarkSend is how long one text of one session takes from its accepted
// job to WhatsApp's ack, when many wait.
func BenchmarkSend(b *testing.B) {
	w := newWorld(b)
	w.phone(bob)
	w.pair("shop", alice)
	w.must(w.m.Stop(b.Context(), "shop"))
	var last *store.Job
	for _, text := range numbered(b.N) {
		last = w.job("shop", bob, text)
	}
	b.ResetTimer()
	w.must(w.m.Start(b.Context(), "shop"))
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Minute)
	defer cancel()
	if j, err := w.m.Deliver(ctx, last); err != nil || j.State != store.JobSent {
		b.Fatalf("job is %+v, %v", j, err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "texts/s")
}
