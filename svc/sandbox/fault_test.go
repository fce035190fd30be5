package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"wamux/api"
)

func (w *world) fault(f api.SandboxFault) {
	w.t.Helper()
	if err := w.Fault(w.t.Context(), f); err != nil {
		w.t.Fatal(err)
	}
}

// TestFaultsAreDocumented holds the kinds of faults against the API's document.
func TestFaultsAreDocumented(t *testing.T) {
	var doc struct {
		Components struct {
			Schemas struct {
				SandboxFault struct {
					Properties struct{ Kind struct{ Enum []string } }
				}
			}
		}
	}
	text, err := os.ReadFile("../../assets/openapi.json")
	if err == nil {
		err = json.Unmarshal(text, &doc)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := doc.Components.Schemas.SandboxFault.Properties.Kind.Enum; !slices.Equal(got, faultKinds()) {
		t.Errorf("openapi.json lists the faults %q, there are %q", got, faultKinds())
	}
}

func TestFaultsThatReconnect(t *testing.T) {
	for _, kind := range []string{"drop", "503", "515"} {
		t.Run(kind, func(t *testing.T) {
			w, c := linked(t)
			w.fault(api.SandboxFault{Kind: kind, Phone: alice})
			wait[*events.Connected](c, nil)
			c.text(bob, "back")
			w.inbox(bob, withText("back"))
			w.clean()
		})
	}
}

func TestFaultReplaced(t *testing.T) {
	w, c := linked(t)
	w.fault(api.SandboxFault{Kind: "replaced", Phone: alice})
	wait[*events.StreamReplaced](c, nil)
}

func TestFaultDeviceRemoved(t *testing.T) {
	w, c := linked(t)
	w.fault(api.SandboxFault{Kind: "device_removed", Phone: alice})
	wait[*events.LoggedOut](c, nil)
	if p, _ := w.Phone(t.Context(), alice); len(p.Devices) != 0 {
		t.Errorf("devices left: %+v", p.Devices)
	}
	d := w.client()
	d.pair(alice)
	d.text(bob, "linked anew")
	w.inbox(bob, withText("linked anew"))
}

func TestFaultsAtLogin(t *testing.T) {
	w, c := linked(t)
	w.fault(api.SandboxFault{Kind: "402", Phone: alice, DelayMS: 3_600_000})
	ban := wait[*events.TemporaryBan](c, nil)
	if ban.Code != 101 || ban.Expire > time.Hour || ban.Expire < 59*time.Minute {
		t.Errorf("the ban is %+v", ban)
	}
	w.fault(api.SandboxFault{Kind: "405", Phone: alice})
	c.Disconnect()
	c.connect()
	wait[*events.ClientOutdated](c, nil)
	w.fault(api.SandboxFault{Kind: "401", Phone: alice})
	c.Disconnect()
	c.connect()
	wait[*events.LoggedOut](c, nil)
}

func TestFaultLostAck(t *testing.T) {
	w, c := linked(t)
	w.fault(api.SandboxFault{Kind: "lost_ack", Phone: alice})
	id := c.GenerateMessageID()
	// whatsmeow sends the same stanza again when it is back within five seconds; otherwise the caller does.
	_, err := c.SendMessage(t.Context(), user(bob), &waE2E.Message{Conversation: proto.String("once")}, whatsmeow.SendRequestExtra{ID: id})
	if err != nil {
		c.text(bob, "once", whatsmeow.SendRequestExtra{ID: id})
	}
	c.text(bob, "once", whatsmeow.SendRequestExtra{ID: id}) // and encrypted anew
	c.text(bob, "last")
	w.inbox(bob, withText("last"))
	rows, err := w.Inbox(t.Context(), bob, 0, 0)
	if err != nil || len(rows) != 2 || rows[0].ID != id {
		t.Errorf("the phone got %+v, %v", rows, err)
	}
	w.clean()
}

func TestFaultSlowAck(t *testing.T) {
	w, c := linked(t)
	w.fault(api.SandboxFault{Kind: "slow_ack", Phone: alice, DelayMS: 300})
	start := time.Now()
	c.text(bob, "slow")
	if d := time.Since(start); d < 300*time.Millisecond {
		t.Errorf("the ack came after %s", d)
	}
}

func TestFaultRefusedMessage(t *testing.T) {
	w, c := linked(t)
	w.fault(api.SandboxFault{Kind: "error_463", Phone: alice})
	_, err := c.SendMessage(t.Context(), user(bob), &waE2E.Message{Conversation: proto.String("no")})
	if !errors.Is(err, whatsmeow.ErrServerReturnedError) {
		t.Errorf("the error is %v", err)
	}
	faults, err := w.Faults(t.Context())
	if err != nil || len(faults) != 0 {
		t.Errorf("faults left: %+v, %v", faults, err)
	}
}

func TestDuplicateDelivery(t *testing.T) {
	w, c := linked(t)
	w.fault(api.SandboxFault{Kind: "duplicate", Phone: alice})
	w.send(bob, alice, "twice")
	w.send(bob, alice, "end")
	c.hears("twice")
	if m := wait[*events.Message](c, nil); textOf(m.Message) != "end" {
		t.Errorf("the client heard %q", textOf(m.Message))
	}
	w.clean()
}

func TestLogout(t *testing.T) {
	w, c := linked(t)
	device := waBinary.Node{Tag: "remove-companion-device", Attrs: waBinary.Attrs{"jid": c.Store.GetJID(), "reason": "user_initiated"}}
	//lint:ignore SA1019 Client.Logout deletes the device in two goroutines at once, as the server confirms it twice
	_, err := c.DangerousInternals().SendIQ(t.Context(), whatsmeow.DangerousInfoQuery{
		Namespace: "md", Type: "set", To: types.ServerJID, Content: []waBinary.Node{device}})
	if err != nil {
		t.Fatal(err)
	}
	wait[*events.LoggedOut](c, nil)
	w.until("no device left", func() bool { p, _ := w.Phone(t.Context(), alice); return len(p.Devices) == 0 })
}

func TestUnlink(t *testing.T) {
	w, c := linked(t)
	if err := w.Unlink(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	wait[*events.LoggedOut](c, nil)
}

func TestClientLosesItsSession(t *testing.T) {
	w, c := linked(t)
	c.text(bob, "hello")
	w.send(bob, alice, "one")
	c.hears("one")
	w.until("an established session", func() bool {
		w.send(bob, alice, "more")
		return c.hears("more") != nil
	})
	lid := w.phone(bob).LID
	if err := c.Store.Sessions.DeleteAllSessions(context.Background(), lid+"_1"); err != nil {
		t.Fatal(err)
	}
	w.send(bob, alice, "said again")
	// It comes twice: the client also asks its own phone for it.
	wait(c, func(m *events.Message) bool { return textOf(m.Message) == "said again" && m.RetryCount == 0 })
	wait(c, func(m *events.Message) bool { return textOf(m.Message) == "said again" && m.RetryCount == 1 })
	if p, _ := w.Phone(t.Context(), alice); p.Undecryptable != 1 {
		t.Errorf("%d undecryptable messages are counted", p.Undecryptable)
	}
}

func TestPhoneLosesItsSession(t *testing.T) {
	w, c := linked(t)
	c.text(bob, "hello")
	w.send(bob, alice, "hi")
	c.hears("hi")
	c.text(bob, "established")
	w.inbox(bob, withText("established"))
	w.mu.Lock()
	a := w.byNumber[bob]
	a.phone.DropSession(w.byNumber[alice].jid(1, true))
	w.savePhone(a)
	w.mu.Unlock()
	c.text(bob, "sent twice")
	w.inbox(bob, withText("sent twice"))
}

func TestReusedCounterIsCounted(t *testing.T) {
	w, c := linked(t)
	c.text(bob, "hello")
	w.send(bob, alice, "hi")
	c.hears("hi")
	ctx := t.Context()
	address := w.byLIDJID(bob).SignalAddress().String()
	old, err := c.Store.Sessions.GetSession(ctx, address)
	if err != nil || old == nil {
		t.Fatal(err)
	}
	c.text(bob, "one")
	if err := c.Store.Sessions.PutSession(ctx, address, old); err != nil {
		t.Fatal(err)
	}
	c.text(bob, "two")
	w.until("the reuse to be counted", func() bool { p, _ := w.Phone(ctx, alice); return p.ReusedCounters == 1 })
}

// TestOvertakenMessage: a counter that comes after a later one is no reuse, and comes once.
func TestOvertakenMessage(t *testing.T) {
	w, _ := linked(t)
	w.mu.Lock()
	defer w.mu.Unlock()
	from, to := w.byNumber[alice].devices[1], w.byNumber[bob].jid(0, true)
	for _, tt := range []struct {
		key     string
		counter uint32
		data    string
		reused  bool
	}{
		{"a", 1, "second", false}, {"a", 0, "first", false}, {"a", 0, "first again", true},
		{"a", 5, "sixth", false}, {"a", 3, "fourth", false}, {"a", 3, "other", true}, {"a", 1, "other", true}, {"a", 5, "other", true},
		{"b", 3, "another key", false}, {"a", 4, "fifth", false}, {"b", 3, "other", true},
	} {
		if got := w.checkUse(from, to, tt.key, tt.counter, []byte(tt.data)); got != tt.reused {
			t.Errorf("%s %d %q: reused is %t", tt.key, tt.counter, tt.data, got)
		}
	}
}

func TestLowPreKeys(t *testing.T) {
	w, _ := linked(t)
	left := func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		d := w.byNumber[alice].devices[1]
		return len(d.keys) - d.used
	}
	w.mu.Lock()
	d := w.byNumber[alice].devices[1]
	d.used = len(d.keys) - lowKeys - 1
	w.mu.Unlock()
	w.send(bob, alice, "takes a key")
	w.until("new pre-keys", func() bool { return left() >= 50 })
}

func TestReset(t *testing.T) {
	w, c := linked(t)
	if err := w.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	wait[*events.LoggedOut](c, nil) // after it has tried to come back
	if phones, err := w.Phones(t.Context()); err != nil || len(phones) != 0 {
		t.Errorf("phones left: %+v, %v", phones, err)
	}
	w.phone(alice)
	if rows, err := w.Inbox(t.Context(), alice, 0, 0); err != nil || len(rows) != 0 {
		t.Errorf("messages left: %+v, %v", rows, err)
	}
}

func TestDamagedMessagesComeAgain(t *testing.T) {
	w, c := linked(t)
	w.fault(api.SandboxFault{Kind: "garbled", Phone: alice})
	w.send(bob, alice, "once more")
	c.hears("once more")
	w.send(bob, alice, "readable")
	c.hears("readable")
	c.text(bob, "the first has the keys")
	w.fault(api.SandboxFault{Kind: "unreadable", Phone: bob})
	c.text(bob, "again")
	w.inbox(bob, withText("again"))
	for _, number := range []string{alice, bob} {
		if p, err := w.Phone(t.Context(), number); err != nil || p.Undecryptable != 1 || p.ReusedCounters != 0 {
			t.Errorf("%s: %+v, %v", number, p, err)
		}
	}
}

func TestMoveToLID(t *testing.T) {
	w, c := linked(t)
	w.fault(api.SandboxFault{Kind: "by_number", Phone: bob, Count: 2})
	for i, server := range []string{types.DefaultUserServer, types.DefaultUserServer, types.HiddenUserServer} {
		w.send(bob, alice, "hello")
		if m := wait[*events.Message](c, nil); m.Info.Sender.Server != server {
			t.Errorf("message %d came from %s, want %s", i+1, m.Info.Sender, server)
		}
	}
	// whatsmeow by itself looks for no ratchet under the number, and asks for the first message from the LID again.
	if p, err := w.Phone(t.Context(), alice); err != nil || p.Undecryptable > 1 || p.ReusedCounters > 0 {
		t.Errorf("%+v, %v", p, err)
	}
}
