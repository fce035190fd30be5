package sandbox

import (
	"slices"
	"strings"
	"testing"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"wamux/api"
)

// members changes who is in a group and expects it to work for everybody.
func (w *world) members(g types.JID, action string, phones ...string) {
	w.t.Helper()
	results, err := w.ChangeMembers(w.t.Context(), g.String(), api.SandboxMembersChange{Action: action, Phones: phones})
	for _, r := range results {
		if r.Error != 0 {
			w.t.Fatalf("%s %s: %d", action, r.Phone, r.Error)
		}
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// rank tells the rank of a phone in a group.
func (w *world) rank(g types.JID, number string) string {
	w.t.Helper()
	found, err := w.Group(w.t.Context(), g.String())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range found.Members {
		if m.Phone == number {
			return m.Rank + "member"
		}
	}
	return "none"
}

// ranks changes members as c, with d as one of them.
func (w *world) ranks(c, d *client, g types.JID) {
	w.t.Helper()
	w.phone(dave)
	codes := func(who []types.GroupParticipant, err error) []int {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
		var list []int
		for _, p := range who {
			list = append(list, p.Error)
		}
		return list
	}
	change := func(c *client, action whatsmeow.ParticipantChange, who ...string) []int {
		w.t.Helper()
		var jids []types.JID
		for _, number := range who {
			jids = append(jids, user(number))
		}
		return codes(c.UpdateGroupParticipants(w.t.Context(), g, jids, action))
	}
	for _, step := range []struct {
		action whatsmeow.ParticipantChange
		who    string
		code   int
	}{
		{whatsmeow.ParticipantChangeAdd, dave, 0}, {whatsmeow.ParticipantChangeAdd, dave, 409}, {whatsmeow.ParticipantChangeAdd, "4955555555", 404},
		{whatsmeow.ParticipantChangePromote, dave, 0}, {whatsmeow.ParticipantChangeDemote, dave, 0}, {whatsmeow.ParticipantChangeDemote, alice, 406},
		{whatsmeow.ParticipantChangeRemove, dave, 0}, {whatsmeow.ParticipantChangeRemove, dave, 404}, {whatsmeow.ParticipantChangePromote, bob, 0},
	} {
		if got := change(c, step.action, step.who); !slices.Equal(got, []int{step.code}) {
			w.t.Errorf("%s %s: %v, want %d", step.action, step.who, got, step.code)
		}
	}
	changed(d, func(e *events.GroupInfo) bool { return slices.Contains(e.Join, w.byLIDJID(dave)) })
	changed(d, func(e *events.GroupInfo) bool { return slices.Contains(e.Promote, w.byLIDJID(dave)) })
	changed(d, func(e *events.GroupInfo) bool { return slices.Contains(e.Demote, w.byLIDJID(dave)) })
	changed(d, func(e *events.GroupInfo) bool { return slices.Contains(e.Leave, w.byLIDJID(dave)) })
	changed(d, func(e *events.GroupInfo) bool { return slices.Contains(e.Promote, w.byLIDJID(bob)) })
	if got := change(d, whatsmeow.ParticipantChangeRemove, carol); !slices.Equal(got, []int{0}) || w.rank(g, carol) != "none" {
		w.t.Errorf("the new admin removes somebody: %v", got)
	}
}

// TestGroupComesAndGoes lets members and devices come and go between messages: each reads from then on, and only until then.
func TestGroupComesAndGoes(t *testing.T) {
	w := newWorld(t)
	c := w.linkedTo(alice)
	d := w.linkedTo(dave)
	w.phone(bob)
	w.phone(carol)
	g := w.group(alice, bob)
	w.send(bob, g.String(), "before")
	c.hears("before")

	w.members(g, "add", carol, dave)
	wait(d, func(e *events.JoinedGroup) bool { return e.JID == g })
	changed(c, func(e *events.GroupInfo) bool { return len(e.Join) == 2 })
	w.send(bob, g.String(), "from bob to all")
	c.says(g, "from c to all")
	d.says(g, "from d to all")
	d.hears("from bob to all")
	d.hears("from c to all")
	w.inbox(carol, withText("from d to all"))
	c.hears("from d to all")

	second := w.client() // another device of alice
	second.pair(alice)
	w.send(bob, g.String(), "to the second too")
	second.hears("to the second too")
	// whatsmeow passes over news of a device when it knows its owner by LID only, as in groups: the second one has to ask again.
	d.says(g, "d to the second too")
	second.hears("d to the second too")
	second.says(g, "from the second")
	c.hears("from the second")
	d.hears("from the second")

	w.members(g, "remove", dave)
	changed(d, func(e *events.GroupInfo) bool { return slices.Contains(e.Leave, w.byLIDJID(dave)) })
	changed(c, func(e *events.GroupInfo) bool { return slices.Contains(e.Leave, w.byLIDJID(dave)) })
	w.send(bob, g.String(), "without dave")
	c.says(g, "c without dave")
	c.hears("without dave")
	w.inbox(carol, withText("c without dave"))
	if _, err := d.SendMessage(t.Context(), g, &waE2E.Message{Conversation: proto.String("still here?")}); err == nil {
		t.Error("who was removed could write")
	}
	w.send(bob, dave, "in private")
	wait(d, func(m *events.Message) bool {
		if m.Info.IsGroup {
			t.Errorf("who was removed reads %q", textOf(m.Message))
		}
		return textOf(m.Message) == "in private"
	})
	if rows, err := w.Inbox(t.Context(), dave, 0, 0); err != nil || slices.ContainsFunc(rows, withText("without dave")) {
		t.Errorf("the phone that was removed has %+v, %v", rows, err)
	}
	phones, err := w.Phones(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range phones {
		if asked := map[string]int{alice: 1}[p.Phone]; p.Undecryptable != asked || p.ReusedCounters != 0 {
			t.Errorf("phone %s: %d undecryptable, %d reused counters", p.Phone, p.Undecryptable, p.ReusedCounters)
		}
	}
}

// TestGroupKeyIsRenewed looks at what a phone encrypts: whoever was removed could not read on, even if it got it.
func TestGroupKeyIsRenewed(t *testing.T) {
	w := newWorld(t)
	c, d := w.linkedTo(alice), w.linkedTo(dave)
	w.phone(bob)
	g := w.group(bob, alice, dave)
	w.send(bob, g.String(), "to both")
	d.hears("to both")
	w.members(g, "remove", dave)
	w.send(bob, g.String(), "to one")
	m := c.hears("to one")
	var stanza string
	traffic, err := w.Traffic(t.Context(), alice, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range traffic {
		if s.Direction == "out" && strings.HasPrefix(s.XML, "<message ") && strings.Contains(s.XML, m.Info.ID) {
			stanza = s.XML
		}
	}
	if n := strings.Count(stanza, "<enc "); n != 2 {
		t.Errorf("no new key came with the message, which has %d parts: %s", n, stanza)
	}
}
