package sandbox

import (
	"errors"
	"slices"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

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

// restartWith restarts the server and waits until the clients are back.
func (w *world) restartWith(clients ...*client) {
	w.t.Helper()
	w.restart()
	for _, c := range clients {
		wait[*events.Disconnected](c, nil)
		wait[*events.Connected](c, nil)
	}
}

// changed waits for a change of a group that fits.
func changed(c *client, fits func(*events.GroupInfo) bool) *events.GroupInfo {
	c.t.Helper()
	return wait(c, fits)
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
