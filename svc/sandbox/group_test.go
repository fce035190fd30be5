package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"wamux/api"
)

const carol, dave = "4933333333", "4944444444"

// linkedTo is a client linked to a phone that is made for it.
func (w *world) linkedTo(number string) *client {
	w.t.Helper()
	w.phone(number)
	c := w.client()
	c.pair(number)
	return c
}

// group makes a group by the control API.
func (w *world) group(creator string, members ...string) types.JID {
	w.t.Helper()
	g, err := w.AddGroup(w.t.Context(), api.SandboxNewGroup{Subject: "Team", Creator: creator, Members: members})
	if err != nil {
		w.t.Fatal(err)
	}
	jid, err := types.ParseJID(g.JID)
	if err != nil {
		w.t.Fatal(err)
	}
	return jid
}

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

// restartWith restarts the server and waits until the clients are back.
func (w *world) restartWith(clients ...*client) {
	w.t.Helper()
	w.restart()
	for _, c := range clients {
		wait[*events.Disconnected](c, nil)
		wait[*events.Connected](c, nil)
	}
}

// says sends a text to a group and returns its id.
func (c *client) says(g types.JID, text string) string {
	c.t.Helper()
	r, err := c.SendMessage(c.t.Context(), g, &waE2E.Message{Conversation: proto.String(text)})
	if err != nil {
		c.t.Fatal(err)
	}
	return r.ID
}

// changed waits for a change of a group that fits.
func changed(c *client, fits func(*events.GroupInfo) bool) *events.GroupInfo {
	c.t.Helper()
	return wait(c, fits)
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

func TestGroupLife(t *testing.T) {
	w := newWorld(t)
	c, d := w.linkedTo(alice), w.linkedTo(bob)
	w.phone(carol)
	made, err := c.CreateGroup(t.Context(), whatsmeow.ReqCreateGroup{
		Name: "Friends", Participants: []types.JID{user(bob), user(carol), user("4955555555")},
		GroupEphemeral: types.GroupEphemeral{IsEphemeral: true, DisappearingTimer: 86400},
	})
	if err != nil {
		t.Fatal(err)
	}
	joined := wait(d, func(e *events.JoinedGroup) bool { return e.JID == made.JID })
	if joined.Type != "new" || joined.Name != "Friends" || joined.Sender.User != w.byLIDJID(alice).User || joined.SenderPN.User != alice {
		t.Errorf("the new member hears %+v", joined)
	}
	info, err := d.GetGroupInfo(t.Context(), made.JID)
	if err != nil {
		t.Fatal(err)
	}
	if info.AddressingMode != types.AddressingModeLID || info.OwnerJID != w.byLIDJID(alice) || info.OwnerPN != user(alice) || info.ParticipantCount != 3 ||
		!info.IsEphemeral || info.DisappearingTimer != 86400 || info.IsAnnounce || info.IsLocked || info.MemberAddMode != types.GroupMemberAddModeAllMember ||
		info.GroupCreated.IsZero() || info.NameSetAt.IsZero() || info.NameSetBy != w.byLIDJID(alice) {
		t.Errorf("the group is %+v", info)
	}
	first, second := info.Participants[0], info.Participants[1]
	if !first.IsSuperAdmin || !first.IsAdmin || first.LID != w.byLIDJID(alice) || first.PhoneNumber != user(alice) || second.IsAdmin {
		t.Errorf("its members are %+v", info.Participants)
	}
	all, err := c.GetJoinedGroups(t.Context())
	if err != nil || len(all) != 1 || all[0].JID != made.JID || len(all[0].Participants) != 3 {
		t.Errorf("the groups of the creator: %+v, %v", all, err)
	}
	w.settings(c, d, made.JID)
	w.ranks(c, d, made.JID)
	w.restartWith(c, d)
	if err := d.LeaveGroup(t.Context(), made.JID); err != nil {
		t.Fatal(err)
	}
	changed(c, func(e *events.GroupInfo) bool { return slices.Contains(e.Leave, w.byLIDJID(bob)) })
	if _, err := d.GetGroupInfo(t.Context(), made.JID); !errors.Is(err, whatsmeow.ErrNotInGroup) {
		t.Errorf("who left sees the group: %v", err)
	}
	if _, err := d.GetGroupInfo(t.Context(), types.NewJID("1203", types.GroupServer)); !errors.Is(err, whatsmeow.ErrGroupNotFound) {
		t.Errorf("a group that is not there: %v", err)
	}
}

// settings changes everything that can be set, as c, and looks at what d hears.
func (w *world) settings(c, d *client, g types.JID) {
	w.t.Helper()
	ctx := w.t.Context()
	for name, set := range map[string]struct {
		do   func() error
		fits func(*events.GroupInfo) bool
	}{
		"name": {func() error { return c.SetGroupName(ctx, g, "Enemies") },
			func(e *events.GroupInfo) bool { return e.Name != nil && e.Name.Name == "Enemies" }},
		"topic": {func() error { return c.SetGroupTopic(ctx, g, "", "", "about") },
			func(e *events.GroupInfo) bool { return e.Topic != nil && e.Topic.Topic == "about" }},
		"locked":      {func() error { return c.SetGroupLocked(ctx, g, true) }, func(e *events.GroupInfo) bool { return e.Locked != nil && e.Locked.IsLocked }},
		"announce":    {func() error { return c.SetGroupAnnounce(ctx, g, true) }, func(e *events.GroupInfo) bool { return e.Announce != nil && e.Announce.IsAnnounce }},
		"expiration":  {func() error { return c.SetDisappearingTimer(ctx, g, 0, time.Time{}) }, func(e *events.GroupInfo) bool { return e.Ephemeral != nil && !e.Ephemeral.IsEphemeral }},
		"approval":    {func() error { return c.SetGroupJoinApprovalMode(ctx, g, true) }, func(e *events.GroupInfo) bool { return e.MembershipApprovalMode != nil }},
		"member mode": {func() error { return c.SetGroupMemberAddMode(ctx, g, types.GroupMemberAddModeAdmin) }, func(e *events.GroupInfo) bool { return len(e.UnknownChanges) == 1 }},
	} {
		if err := set.do(); err != nil {
			w.t.Fatalf("%s: %v", name, err)
		}
		changed(d, func(e *events.GroupInfo) bool { return e.JID == g && e.Sender != nil && set.fits(e) })
	}
	info, err := d.GetGroupInfo(ctx, g)
	if err != nil || info.Name != "Enemies" || info.Topic != "about" || !info.IsLocked || !info.IsAnnounce || info.IsEphemeral || !info.IsJoinApprovalRequired ||
		info.MemberAddMode != types.GroupMemberAddModeAdmin || info.TopicSetBy != w.byLIDJID(alice) {
		w.t.Errorf("the group is %+v, %v", info, err)
	}
	for name, err := range map[string]error{
		"name": d.SetGroupName(ctx, g, "x"), "announce": d.SetGroupAnnounce(ctx, g, false), "long": c.SetGroupName(ctx, g, string(make([]rune, 200))),
	} {
		if err == nil {
			w.t.Errorf("%s could be changed", name)
		}
	}
	if err := c.SetGroupTopic(ctx, g, "", "", ""); err != nil {
		w.t.Error(err)
	}
	changed(d, func(e *events.GroupInfo) bool { return e.Topic != nil && e.Topic.TopicDeleted })
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

func TestGroupInvites(t *testing.T) {
	w := newWorld(t)
	c, d := w.linkedTo(alice), w.linkedTo(bob)
	ctx, g := t.Context(), w.group(alice)
	link, err := c.GetGroupInviteLink(ctx, g, false)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := d.GetGroupInfoFromLink(ctx, link); err != nil || info.JID != g || info.Name != "Team" || len(info.Participants) != 0 {
		t.Errorf("the link shows %+v, %v", info, err)
	}
	if got, err := d.JoinGroupWithLink(ctx, link); err != nil || got != g {
		t.Errorf("joined %s, %v", got, err)
	}
	changed(c, func(e *events.GroupInfo) bool {
		return e.JoinReason == "invite" && slices.Contains(e.Join, w.byLIDJID(bob))
	})
	wait(d, func(e *events.JoinedGroup) bool { return e.JID == g && e.Reason == "invite" })
	if _, err := d.GetGroupInviteLink(ctx, g, false); !errors.Is(err, whatsmeow.ErrGroupInviteLinkUnauthorized) {
		t.Errorf("a member sees the link: %v", err)
	}

	fresh, err := c.GetGroupInviteLink(ctx, g, true)
	if err != nil || fresh == link {
		t.Fatalf("the new link is %s, %v", fresh, err)
	}
	changed(d, func(e *events.GroupInfo) bool { return e.NewInviteLink != nil && *e.NewInviteLink == fresh })
	w.members(g, "remove", bob)
	w.restartWith(c, d)
	if _, err := d.JoinGroupWithLink(ctx, link); !errors.Is(err, whatsmeow.ErrInviteLinkRevoked) {
		t.Errorf("a revoked link: %v", err)
	}
	if _, err := d.JoinGroupWithLink(ctx, "nonsense"); !errors.Is(err, whatsmeow.ErrInviteLinkInvalid) {
		t.Errorf("a wrong link: %v", err)
	}

	if err := c.SetGroupJoinApprovalMode(ctx, g, true); err != nil {
		t.Fatal(err)
	}
	if got, err := d.JoinGroupWithLink(ctx, fresh); err != nil || got != g || w.rank(g, bob) != "none" {
		t.Errorf("asked to join %s, %v", got, err)
	}
	asked := changed(c, func(e *events.GroupInfo) bool {
		return len(e.UnknownChanges) == 1 && e.UnknownChanges[0].Tag == "created_membership_requests"
	})
	if asked.Sender.User != w.byLIDJID(bob).User {
		t.Errorf("%s asked", asked.Sender)
	}
	waiting, err := c.GetGroupRequestParticipants(ctx, g)
	if err != nil || len(waiting) != 1 || waiting[0].JID != w.byLIDJID(bob) || waiting[0].RequestedAt.IsZero() {
		t.Errorf("%+v wait, %v", waiting, err)
	}
	let, err := c.UpdateGroupRequestParticipants(ctx, g, []types.JID{waiting[0].JID}, whatsmeow.ParticipantChangeApprove)
	if err != nil || len(let) != 1 || let[0].Error != 0 || w.rank(g, bob) != "member" {
		t.Errorf("let in %+v, %v", let, err)
	}
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
