package svc_test

import (
	"fmt"
	"testing"
	"time"
)

// TestBulk walks the good and bad answers of the bulk call; the bodies are golden files.
func TestBulk(t *testing.T) {
	t.Parallel()
	g := start(t, t.TempDir(), []string{"SANDBOX_TIME_SCALE=100"}, "run", "--sandbox")
	g.pair("shop", ours)
	g.phone(theirs)
	bulk := func(name string, status int, body any) scenario {
		return scenario{name: name, method: "POST", path: "/shop/messages/send/bulk", body: body, status: status}
	}
	g.play([]scenario{
		bulk("bulk-no-array", 400, text(theirs, "alone")),
		bulk("bulk-no-json", 400, "[{"),
		bulk("bulk-no-body", 400, nil),
		bulk("bulk-empty", 200, []object{}),
		{name: "bulk-unknown", method: "POST", path: "/nobody/messages/send/bulk", body: []object{}, status: 400},
		bulk("bulk", 200, []any{
			text(theirs, "first"), object{"jid": theirs}, text("081234", "leading zero"), 7,
			object{"jid": theirs, "message": object{"hologram": object{}}}, text("6289999999999", "nobody there"),
			object{"jid": theirs, "type": "number", "message": object{"text": "last"}, "delay": 5000},
		}),
	})
	later := bulk("bulk-async", 202, []any{text("081234", "leading zero"), text(theirs, "later")})
	later.async = true
	g.play([]scenario{later})
	eventually(t, "what nobody waited for", func() bool { return len(g.inbox(theirs)) == 3 })
	if got := g.words(theirs); fmt.Sprint(got) != "[first last later]" {
		t.Errorf("the phone has %q", got)
	}
}

// batch is what the gateway tells of one.
type batch struct {
	ID, State   string
	Total, Open int
	Results     []struct{ Index int }
	Errors      []struct {
		Index int
		Error string
	}
}

// accepted sends a batch without waiting for it.
func (g *gateway) accepted(items []any) string {
	g.t.Helper()
	req := g.request("POST", "/shop/messages/send/bulk", items)
	req.Header.Set("Prefer", "respond-async")
	resp := g.do(req)
	if resp.status != 202 || resp.header.Get("Location") == "" {
		g.t.Fatalf("got %d %s, Location %q", resp.status, resp.body, resp.header.Get("Location"))
	}
	return resp.header.Get("Location")
}

// TestBulkIsCancelled takes a batch back: what has not gone out does not go out.
func TestBulkIsCancelled(t *testing.T) {
	t.Parallel()
	g := sandboxed(t)
	g.pair("shop", ours)
	g.phone(theirs)
	at := g.accepted([]any{text(theirs, "first"), text(theirs, "never")})
	eventually(t, "the first message", func() bool { return len(g.inbox(theirs)) == 1 })
	eventually(t, "its outcome", func() bool { return must[batch](g, 200, "GET", at, nil).Open == 1 })
	must[object](g, 204, "DELETE", at, nil)
	must[object](g, 409, "DELETE", at, nil)
	b := must[batch](g, 200, "GET", at, nil)
	if b.State != "cancelled" || len(b.Results) != 1 || len(b.Errors) != 1 || b.Errors[0].Index != 1 || b.Open != 0 {
		t.Errorf("got %+v", b)
	}
	must[object](g, 200, "POST", "/shop/messages/send", text(theirs, "alone"))
	if got := g.inbox(theirs); len(got) != 2 || got[1].Text != "alone" {
		t.Errorf("the phone has %+v", got)
	}
}

// TestBulkDelayIsCancelled cancels a batch that waits for a day: the next one goes out at once, and meanwhile nobody waits for what
// can never be sent.
func TestBulkDelayIsCancelled(t *testing.T) {
	t.Parallel()
	g := start(t, t.TempDir(), []string{"SANDBOX_TIME_SCALE=100"}, "run", "--sandbox")
	g.pair("shop", ours)
	g.phone(theirs)
	tomorrow := text(theirs, "tomorrow")
	tomorrow["delay"] = 1e300
	at := g.accepted([]any{text(theirs, "first"), text(theirs, "second"), tomorrow})
	eventually(t, "all but the last", func() bool { return must[batch](g, 200, "GET", at, nil).Open == 1 })
	hopeless := must[batch](g, 200, "POST", "/shop/messages/send/bulk", []any{object{"jid": theirs}, 7})
	if len(hopeless.Results) != 0 || len(hopeless.Errors) != 2 {
		t.Errorf("a batch with nothing to send: got %+v", hopeless)
	}
	next := g.accepted([]any{text(theirs, "next")})
	must[object](g, 204, "DELETE", at, nil)
	eventually(t, "the next batch", func() bool { return must[batch](g, 200, "GET", next, nil).State == "done" })
	if got := fmt.Sprint(g.words(theirs)); got != "[first second next]" {
		t.Errorf("the phone has %s", got)
	}
}

// TestBulkOfDeletedSession deletes a session whose batch waits: who waits for it is told, and a new session of that name is not
// held up.
func TestBulkOfDeletedSession(t *testing.T) {
	t.Parallel()
	g := start(t, t.TempDir(), []string{"SANDBOX_TIME_SCALE=100"}, "run", "--sandbox")
	g.pair("shop", ours)
	g.phone(theirs)
	tomorrow := text(theirs, "tomorrow")
	tomorrow["delay"] = 1e300
	answer := make(chan answered, 1)
	go func() {
		a, _ := send(g.request("POST", "/shop/messages/send/bulk", []any{text(theirs, "first"), tomorrow}))
		answer <- a
	}()
	eventually(t, "the first message", func() bool { return len(g.inbox(theirs)) == 1 })
	must[object](g, 200, "DELETE", "/sessions/shop", nil)
	select {
	case a := <-answer:
		if a.status != 404 {
			t.Errorf("who waited for the batch: got %d %s", a.status, a.body)
		}
	case <-time.After(deadline):
		t.Fatal("who waited for the batch of a deleted session waits still")
	}
	g.pair("shop", ours)
	next := g.accepted([]any{text(theirs, "anew")})
	eventually(t, "the batch of the new session", func() bool { return must[batch](g, 200, "GET", next, nil).State == "done" })
}

// words are the texts that a phone has.
func (g *gateway) words(number string) (texts []string) {
	for _, m := range g.inbox(number) {
		texts = append(texts, m.Text)
	}
	return texts
}

// TestBulkKill kills wamux in the middle of a batch of 200: each recipient gets one message, and each item has its outcome.
func TestBulkKill(t *testing.T) {
	t.Parallel()
	const size, bad = 200, 50 // one in so many is bad
	world := start(t, t.TempDir(), nil, "sandbox")
	g := start(t, t.TempDir(), append(pointedAt(world), "SANDBOX_TIME_SCALE=100", "BULK_MESSAGE_MIN_DELAY=5000", "BULK_MESSAGE_MAX_DELAY=5000"), "run")
	g.pairOn(world, "shop", ours)
	var items []any
	for n := range size {
		number := fmt.Sprintf("62817770%05d", n)
		world.phone(number)
		if n%bad == bad-1 {
			number = "0" + number
		}
		items = append(items, text(number, fmt.Sprint("for ", number)))
	}
	at := g.accepted(items)
	for _, open := range []int{size * 3 / 4, size / 2, size / 4} {
		eventually(t, "some of the batch", func() bool { return must[batch](g, 200, "GET", at, nil).Open <= open })
		g.kill()
		g.begin()
	}
	eventually(t, "the end of the batch", func() bool { return must[batch](g, 200, "GET", at, nil).State == "done" })
	b := must[batch](g, 200, "GET", at, nil)
	outcomes := map[int]int{}
	for _, r := range b.Results {
		outcomes[r.Index]++
	}
	for _, e := range b.Errors {
		outcomes[e.Index]++
		if e.Index%bad != bad-1 {
			t.Errorf("item %d failed: %s", e.Index, e.Error)
		}
	}
	for n := range size {
		want := 1
		if n%bad == bad-1 {
			want = 0
		}
		if got := len(world.inbox(fmt.Sprintf("62817770%05d", n))); got != want || outcomes[n] != 1 {
			t.Errorf("recipient %d has %d messages, its item %d outcomes", n, got, outcomes[n])
		}
	}
	world.healthy(ours)
}
