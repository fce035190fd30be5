package session_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"wamux/api"
	"wamux/store"
)

// slowAcks makes WhatsApp take its time with the acks of the next messages of a phone.
func (w *world) slowAcks(number string, count, ms int) {
	w.t.Helper()
	w.must(w.server.Fault(w.t.Context(), api.SandboxFault{Kind: "slow_ack", Phone: number, Count: count, DelayMS: ms}))
}

// wire lists what passed since a stanza of the traffic: messages of the sessions by their ids, and the
// acks of them as "ack " and the id.
func (w *world) wire(after int64) (list []string) {
	w.t.Helper()
	all, err := w.server.Traffic(w.t.Context(), "", after, 10000)
	w.must(err)
	for _, s := range all {
		_, id, _ := strings.Cut(s.XML, ` id="`)
		id, _, _ = strings.Cut(id, `"`)
		switch {
		case s.Direction == "in" && strings.HasPrefix(s.XML, "<message"):
			list = append(list, id)
		case s.Direction == "out" && strings.HasPrefix(s.XML, "<ack") && strings.Contains(s.XML, `class="message"`):
			list = append(list, "ack "+id)
		}
	}
	return list
}

// jobs accepts numbered texts and returns them with their message ids.
func (w *world) jobs(id, to string, n int) (jobs []*store.Job, ids []string) {
	w.t.Helper()
	for _, text := range numbered(n) {
		j := w.job(id, to, text)
		jobs, ids = append(jobs, j), append(ids, j.MessageID)
	}
	return jobs, ids
}

func (w *world) sent(jobs []*store.Job) {
	w.t.Helper()
	for i, j := range jobs {
		if done := w.deliver(j); done.State != store.JobSent {
			w.t.Errorf("job %d is %s (%s: %s), want sent", i+1, done.State, done.Code, done.Error)
		}
	}
}

// TestSeveralOnTheWire: messages leave before those in front of them are acked, in order, and so do the outcomes.
func TestSeveralOnTheWire(t *testing.T) {
	w := newWorld(t, func(w *world) { w.options.Scale = 2 })
	w.phone(bob)
	w.pair("shop", alice)
	w.greet("shop", bob)
	seq := w.traffic()
	w.slowAcks(alice, 3, 2000)
	jobs, ids := w.jobs("shop", bob, 6)
	w.sent(jobs)
	wire := w.wire(seq)
	first := slices.IndexFunc(wire, func(s string) bool { return strings.HasPrefix(s, "ack ") })
	if first < 3 {
		t.Errorf("%d messages left before the first ack came, want several: %v", first, wire)
	}
	left := slices.DeleteFunc(wire, func(s string) bool { return strings.HasPrefix(s, "ack ") })
	if !slices.Equal(left, ids) {
		t.Errorf("%v left, want %v", left, ids)
	}
	w.got(bob, append([]string{"greeting"}, numbered(6)...)...)
	w.until("the history", func() bool { return len(w.outgoing("shop")) == 7 })
	if texts := w.outgoing("shop"); !slices.Equal(texts, append([]string{"greeting"}, numbered(6)...)) {
		t.Errorf("the history has %q", texts)
	}
	w.once()
}

// outgoing lists the texts that a session sent, in the order in which they were written down.
func (w *world) outgoing(id string) (texts []string) {
	w.t.Helper()
	rows, _, err := w.db.Messages(w.t.Context(), store.MessageQuery{Session: id, Limit: 1000})
	w.must(err)
	slices.SortFunc(rows, func(a, b *store.Message) int { return int(a.Seq - b.Seq) })
	for _, m := range rows {
		if m.Outgoing {
			texts = append(texts, m.Text)
		}
	}
	return texts
}

// TestRefusedAmongOthers: a refusal is that of one message, whatever is on the wire beside it.
func TestRefusedAmongOthers(t *testing.T) {
	w := newWorld(t, func(w *world) { w.options.Scale = 2 })
	w.phone(bob)
	w.pair("shop", alice)
	w.greet("shop", bob)
	w.fault("error_463", alice)
	w.slowAcks(alice, 6, 500)
	jobs, _ := w.jobs("shop", bob, 6)
	if j := w.deliver(jobs[0]); j.State != store.JobFailed || j.Code != "reachout_timelock" {
		t.Errorf("job is %s (%s: %s)", j.State, j.Code, j.Error)
	}
	w.sent(jobs[1:])
	w.got(bob, append([]string{"greeting"}, numbered(6)[1:]...)...)
	w.once()
}

// TestLineBreaksUnderSeveral: what was on the wire when the line broke is neither lost nor doubled, and stays in order.
func TestLineBreaksUnderSeveral(t *testing.T) {
	w := newWorld(t)
	w.phone(bob)
	w.pair("shop", alice)
	w.greet("shop", bob)
	want := []string{"greeting"}
	for round := range 5 {
		seq := w.traffic()
		w.slowAcks(alice, 4, 1500)
		var jobs []*store.Job
		for i := range 12 {
			text := fmt.Sprint("round ", round, " text ", i)
			jobs, want = append(jobs, w.job("shop", bob, text)), append(want, text)
		}
		w.m.Wake("shop")
		w.until("several to be on the wire", func() bool { return len(w.wire(seq)) >= round+2 })
		w.fault("drop", alice)
		w.sent(jobs)
	}
	w.got(bob, want...)
	w.once()
}

// TestAckThatNeverComes: a message whose ack is missing goes out again under its id, while those behind it are confirmed.
func TestAckThatNeverComes(t *testing.T) {
	w := newWorld(t)
	w.phone(bob)
	w.pair("shop", alice)
	w.greet("shop", bob)
	seq := w.traffic()
	w.slowAcks(alice, 1, 600_000)
	jobs, ids := w.jobs("shop", bob, 3)
	w.sent(jobs)
	w.got(bob, append([]string{"greeting"}, numbered(3)...)...)
	left := slices.DeleteFunc(w.wire(seq), func(s string) bool { return s != ids[0] })
	if len(left) != 2 {
		t.Errorf("the first message left %d times, want twice", len(left))
	}
	w.once()
}

// TestPeerLinksADevice: what WhatsApp tells with an ack of the devices of a chat is heard, so that the next message reaches all.
func TestPeerLinksADevice(t *testing.T) {
	w := newWorld(t)
	w.phone(bob)
	w.pair("shop", alice)
	w.greet("shop", bob)
	_, err := w.m.Add(t.Context(), "desk")
	w.must(err)
	w.scan("desk", bob)
	w.send("shop", bob, "with a list of before")
	w.send("shop", bob, "with a list of today")
	w.until("the device to have it", func() bool { return slices.Contains(w.history("desk"), "with a list of today") })
	w.once()
}
