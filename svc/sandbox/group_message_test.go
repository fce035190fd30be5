package sandbox

import (
	"errors"
	"fmt"
	"testing"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"wamux/api"
)

// says sends a text to a group and returns its id.
func (c *client) says(g types.JID, text string) string {
	c.t.Helper()
	r, err := c.SendMessage(c.t.Context(), g, &waE2E.Message{Conversation: proto.String(text)})
	if err != nil {
		c.t.Fatal(err)
	}
	return r.ID
}

func TestGroupChat(t *testing.T) {
	w := newWorld(t)
	c, d := w.linkedTo(alice), w.linkedTo(bob)
	w.phone(carol)
	g := w.group(alice, bob, carol)
	for round := range 3 {
		text := func(who string) string { return fmt.Sprint(who, " ", round) }
		c.says(g, text("c"))
		d.says(g, text("d"))
		w.send(carol, g.String(), text("carol"))
		for _, who := range []string{"c", "d", "carol"} {
			for _, number := range []string{alice, bob, carol} {
				got := w.inbox(number, withText(text(who)))
				from := map[string]string{"c": alice, "d": bob, "carol": carol}[who]
				if got.Chat != g.String() || got.From != user(from).String() || got.FromMe != (from == number) {
					t.Errorf("%s has %+v", number, got)
				}
			}
		}
		m := c.hears(text("d"))
		if !m.Info.IsGroup || m.Info.Chat != g || m.Info.Sender.User != w.byLIDJID(bob).User || m.Info.SenderAlt.User != bob || m.Info.AddressingMode != types.AddressingModeLID {
			t.Errorf("the client hears %+v", m.Info)
		}
		c.hears(text("carol"))
		d.hears(text("c"))
		d.hears(text("carol"))
		if round == 1 {
			w.restartWith(c, d)
		}
	}
	w.clean()
}

func TestGroupRefuses(t *testing.T) {
	w := newWorld(t)
	c := w.linkedTo(alice)
	w.phone(bob)
	w.phone(carol)
	g := w.group(bob, alice)
	c.says(g, "allowed")
	announce := true
	if _, err := w.ChangeGroup(t.Context(), g.String(), api.SandboxGroupChange{Announce: &announce}); err != nil {
		t.Fatal(err)
	}
	_, err := c.SendMessage(t.Context(), g, &waE2E.Message{Conversation: proto.String("not an admin")})
	if !errors.Is(err, whatsmeow.ErrServerReturnedError) {
		t.Errorf("a member writes where only admins may: %v", err)
	}
	w.members(g, "promote", alice)
	c.says(g, "an admin now")
	w.inbox(bob, withText("an admin now"))

	for name, try := range map[string]func() error{
		"stranger writes": func() error {
			_, err := w.Send(t.Context(), carol, api.SandboxMessage{To: g.String(), Text: "hello"})
			return err
		},
		"stranger reads": func() error { return w.Read(t.Context(), carol, g.String(), nil) },
		"no such group":  func() error { return w.Typing(t.Context(), carol, "1@g.us", "composing") },
		"stranger sets": func() error {
			_, err := w.ChangeGroup(t.Context(), g.String(), api.SandboxGroupChange{By: carol, Announce: &announce})
			return err
		},
		"stranger's invite": func() error { _, err := w.Invite(t.Context(), g.String(), carol, false); return err },
		"no subject":        func() error { _, err := w.AddGroup(t.Context(), api.SandboxNewGroup{Creator: bob}); return err },
		"no such phone": func() error {
			_, err := w.AddGroup(t.Context(), api.SandboxNewGroup{Subject: "a", Creator: "49666666"})
			return err
		},
		"no action": func() error {
			_, err := w.ChangeMembers(t.Context(), g.String(), api.SandboxMembersChange{Action: "x", Phones: []string{carol}})
			return err
		},
	} {
		if try() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestGroupReceipts looks at who hears that a message in a group arrived and was read, and that somebody types.
func TestGroupReceipts(t *testing.T) {
	w := newWorld(t)
	c, d := w.linkedTo(alice), w.linkedTo(bob)
	w.phone(carol)
	g := w.group(alice, bob, carol)
	id := c.says(g, "who reads this?")
	by := map[string]bool{}
	wait(c, func(e *events.Receipt) bool {
		if e.Chat == g && e.MessageIDs[0] == id && !e.IsFromMe {
			by[e.Sender.User] = true
		}
		return by[w.byLIDJID(bob).User] && by[w.byLIDJID(carol).User]
	})
	if err := w.Read(t.Context(), carol, g.String(), nil); err != nil {
		t.Fatal(err)
	}
	wait(c, func(e *events.Receipt) bool {
		return e.Type == types.ReceiptTypeRead && e.Chat == g && e.Sender == w.byLIDJID(carol) && e.MessageIDs[0] == id
	})
	m := d.hears("who reads this?")
	if err := d.MarkRead(t.Context(), []string{m.Info.ID}, m.Info.Timestamp, g, m.Info.Sender); err != nil {
		t.Fatal(err)
	}
	wait(c, func(e *events.Receipt) bool {
		return e.Type == types.ReceiptTypeRead && e.Sender.User == w.byLIDJID(bob).User
	})
	w.inbox(alice, func(r api.SandboxReceived) bool { return r.ID == id && r.Status == "read" })

	if err := w.Typing(t.Context(), carol, g.String(), "composing"); err != nil {
		t.Fatal(err)
	}
	wait(c, func(e *events.ChatPresence) bool { return e.Chat == g && e.Sender == w.byLIDJID(carol) })
	if err := c.SendChatPresence(t.Context(), g, types.ChatPresenceComposing, types.ChatPresenceMediaAudio); err != nil {
		t.Fatal(err)
	}
	wait(d, func(e *events.ChatPresence) bool { return e.Chat == g && e.Media == types.ChatPresenceMediaAudio })
	w.until("empty queues", func() bool { return w.device(alice).Queued == 0 && w.device(bob).Queued == 0 })
	w.clean()
}

// TestGroupRetries lets each side lose what it needs to read the other: what it asks for comes again.
func TestGroupRetries(t *testing.T) {
	w := newWorld(t)
	c, d := w.linkedTo(alice), w.linkedTo(bob)
	w.phone(carol)
	g := w.group(alice, bob, carol)
	w.send(carol, g.String(), "first")
	c.hears("first")
	d.says(g, "first of d")
	c.hears("first of d")

	// The client forgets the sender keys: the phone sends again, and hands its key out anew.
	if _, err := c.db.Exec(`DELETE FROM whatsmeow_sender_keys`); err != nil {
		t.Fatal(err)
	}
	w.send(carol, g.String(), "without a key")
	c.hears("without a key")
	w.send(carol, g.String(), "with a key again")
	c.hears("with a key again")

	// The phone forgets its sessions with the client: the key that comes with the message cannot be read, nor can the message.
	w.mu.Lock()
	ph, err := w.phoneOf(w.byNumber[carol])
	if err == nil {
		for id := range w.byNumber[bob].devices {
			ph.DropSession(w.byNumber[bob].jid(id, true))
		}
	}
	w.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	d.says(g, "unreadable at first")
	w.inbox(carol, withText("unreadable at first"))

	// One client forgets its sessions, another one sends.
	if _, err := c.db.Exec(`DELETE FROM whatsmeow_sessions`); err != nil {
		t.Fatal(err)
	}
	c.Disconnect()
	c.open() // the library keeps sessions in memory
	c.connect()
	wait[*events.Connected](c, nil)
	d.says(g, "from client to client")
	c.hears("from client to client")
}

// TestGroupAbout sends what speaks of a message in a group.
func TestGroupAbout(t *testing.T) {
	w := newWorld(t)
	c := w.linkedTo(alice)
	w.phone(bob)
	w.phone(carol)
	g := w.group(bob, alice, carol)
	first := w.send(carol, g.String(), "first")
	c.hears("first")
	theirs := w.byLIDJID(carol)
	for _, m := range []api.SandboxMessage{
		{Type: "reaction", Text: "👍", Target: first}, {Type: "reply", Text: "indeed", Target: first}, {Type: "revoke", Target: first},
	} {
		m.To = g.String()
		sent, err := w.Send(t.Context(), bob, m)
		if err != nil {
			t.Fatalf("%s: %v", m.Type, err)
		}
		e := wait(c, func(e *events.Message) bool {
			return e.Info.ID == sent.ID && e.Message.SenderKeyDistributionMessage == nil
		})
		switch m.Type {
		case "reaction":
			if key := e.Message.GetReactionMessage().GetKey(); key.GetID() != first || key.GetParticipant() != theirs.String() || key.GetRemoteJID() != g.String() {
				t.Errorf("the reaction is about %v", key)
			}
		case "reply":
			if about := e.Message.GetExtendedTextMessage().GetContextInfo(); about.GetParticipant() != theirs.String() || about.GetQuotedMessage().GetConversation() != "first" {
				t.Errorf("the reply is to %v", about)
			}
		case "revoke":
			if e.Info.Edit != types.EditAttributeAdminRevoke {
				t.Errorf("an admin's revoke comes as edit %q", e.Info.Edit)
			}
		}
	}
	if _, err := w.Send(t.Context(), bob, api.SandboxMessage{To: g.String(), Type: "reaction", Text: "x", Target: "unknown"}); err == nil {
		t.Error("a reaction to an unknown message in a group")
	}
	if sent, err := w.SendBulk(t.Context(), carol, api.SandboxMessage{To: g.String(), Type: "image", Data: []byte("a picture"), Mimetype: "image/png", Caption: "many"}, 20); err != nil || len(sent) != 20 {
		t.Errorf("%d were sent: %v", len(sent), err)
	}
	for range 20 {
		wait(c, func(e *events.Message) bool { return e.Message.GetImageMessage().GetCaption() == "many" })
	}
	w.clean()
}
