package sandbox

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"wamux/api"
)

// BenchmarkPhoneToPhone is what a message costs without a client: inbox, state file, receipts.
func BenchmarkPhoneToPhone(b *testing.B) {
	s := benchServer(b)
	for _, n := range []string{alice, bob} {
		if _, err := s.AddPhone(b.Context(), n, ""); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	if _, err := s.SendBulk(b.Context(), bob, api.SandboxMessage{To: alice, Type: "text", Text: "hello"}, min(b.N, 100_000)); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(time.Second)/float64(b.Elapsed())*float64(b.N), "msg/s")
}

// BenchmarkPhones is what a phone costs.
func BenchmarkPhones(b *testing.B) {
	s := benchServer(b)
	b.ReportAllocs()
	for i := range b.N {
		if _, err := s.AddPhone(b.Context(), fmt.Sprintf("49151%07d", i), ""); err != nil {
			b.Fatal(err)
		}
	}
}

func benchServer(b *testing.B) *Server {
	s, err := Start(b.Context(), Options{Path: filepath.Join(b.TempDir(), "sandbox.db")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

// BenchmarkPhoneToClient is what a message to a linked device costs the server: encrypted, queued, in the state file. The
// client is offline, so its own cost is not in it.
func BenchmarkPhoneToClient(b *testing.B) {
	w, c := linked(b)
	c.Disconnect()
	b.ResetTimer()
	if _, err := w.SendBulk(b.Context(), bob, api.SandboxMessage{To: alice, Type: "text", Text: "hello"}, min(b.N, 100_000)); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(time.Second)/float64(b.Elapsed())*float64(b.N), "msg/s")
}

// BenchmarkClientToPhone is a text from a client to a phone and its ack, the client's own cost included.
func BenchmarkClientToPhone(b *testing.B) {
	w, c := linked(b)
	c.text(bob, "hello")
	b.ResetTimer()
	for range b.N {
		c.text(bob, "hello")
	}
	b.StopTimer()
	w.clean()
}
