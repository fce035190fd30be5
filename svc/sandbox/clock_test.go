package sandbox

import (
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types/events"

	"wamux/api"
)

func (w *world) forward(d time.Duration) api.SandboxClock {
	w.t.Helper()
	clock, err := w.SetClock(w.t.Context(), api.SandboxClockChange{ForwardSeconds: int64(d / time.Second)})
	if err != nil {
		w.t.Fatal(err)
	}
	return clock
}

// TestClockDatesMessages: what is sent is dated by the clock, over a restart too, and a reset sets it right.
func TestClockDatesMessages(t *testing.T) {
	w, c := linked(t)
	at := time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)
	if clock, err := w.SetClock(t.Context(), api.SandboxClockChange{At: &at}); err != nil || clock.At.Sub(at).Abs() > time.Minute {
		t.Fatalf("the clock shows %+v, %v", clock, err)
	}
	w.send(bob, alice, "from the future")
	if m := c.hears("from the future"); m.Info.Timestamp.Sub(at).Abs() > time.Minute {
		t.Errorf("it is dated %s", m.Info.Timestamp)
	}
	w.restartWith(c)
	if r, err := w.SetClock(t.Context(), api.SandboxClockChange{}); err != nil || r.At.Sub(at).Abs() > time.Minute || r.OffsetSeconds == 0 {
		t.Errorf("after a restart the clock shows %+v, %v", r, err)
	}
	for _, bad := range []api.SandboxClockChange{{At: &at, ForwardSeconds: 1}, {ForwardSeconds: 1 << 40}, {ForwardSeconds: -1 << 62}, {At: &time.Time{}}} {
		if _, err := w.SetClock(t.Context(), bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
	c.must(w.Reset(t.Context()))
	if clock := w.forward(0); clock.OffsetSeconds != 0 {
		t.Errorf("after a reset the clock shows %+v", clock)
	}
}

// TestClockEndsCodes: a QR code expires when the clock has passed its time.
func TestClockEndsCodes(t *testing.T) {
	w := newWorld(t)
	w.phone(alice)
	c := w.client()
	c.connect()
	qr := wait[*events.QR](c, nil)
	w.forward(refsLifetime - 30*time.Second)
	w.forward(31 * time.Second)
	w.until("the codes gone", func() bool { w.mu.Lock(); defer w.mu.Unlock(); return len(w.refs) == 0 || len(w.conns) == 0 })
	w.until("no code", func() bool { return w.Scan(t.Context(), alice, qr.Codes[0]) != nil })
}

// TestClockEndsBans: a ban of an hour is over when the clock says so.
func TestClockEndsBans(t *testing.T) {
	w, c := linked(t)
	w.fault(api.SandboxFault{Kind: "402", Phone: alice, Count: 100, DelayMS: 3_600_000})
	if e := wait[*events.TemporaryBan](c, nil); e.Expire > time.Hour || e.Expire < 59*time.Minute {
		t.Errorf("the ban is %s", e.Expire)
	}
	w.forward(20 * time.Minute)
	c.Disconnect()
	c.connect()
	if e := wait[*events.TemporaryBan](c, nil); e.Expire > 40*time.Minute || e.Expire < 38*time.Minute {
		t.Errorf("the rest of the ban is %s", e.Expire)
	}
	w.forward(41 * time.Minute)
	c.Disconnect()
	c.connect()
	wait[*events.Connected](c, nil)
}
