package convert

import (
	"cmp"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"wamux/store"
)

// groupInfo is a change in a group: of its members, of its settings, or of both.
func (s source) groupInfo(e *events.GroupInfo) []store.Entry {
	var out []store.Entry
	for _, c := range []struct {
		action string
		who    []types.JID
	}{{"joined", e.Join}, {"left", e.Leave}, {"promoted", e.Promote}, {"demoted", e.Demote}} {
		if len(c.who) == 0 {
			continue
		}
		data := s.groupData(e)
		data["action"], data["participants"] = c.action, people(c.who)
		put(data, "reason", e.JoinReason)
		out = append(out, s.fact("group.participants", e.Timestamp, data)...)
	}
	requests, rest := s.groupRequests(e)
	out = append(out, requests...)
	if changes := groupChanges(e, rest); len(changes) > 0 || len(out) == 0 {
		data := s.groupData(e)
		data["changes"] = changes
		out = append(out, s.fact("group.updated", e.Timestamp, data)...)
	}
	return out
}

func (s source) groupData(e *events.GroupInfo) meta {
	m := meta{"group": who("", e.JID, types.JID{})}
	if e.Sender != nil {
		m["by"] = who("", *e.Sender, pick(e.SenderPN))
	}
	put(m, "participantVersion", e.ParticipantVersionID)
	return m
}

func pick(j *types.JID) types.JID {
	if j == nil {
		return types.JID{}
	}
	return *j
}

func people(jids []types.JID) []person {
	out := make([]person, len(jids))
	for i, j := range jids {
		out[i] = who("", j, types.JID{})
	}
	return out
}

// groupRequests are people who ask to join, or do not any more. The library does not know these changes, so they come as
// nodes; what is in them is known from the source of Baileys. The others are given back.
func (s source) groupRequests(e *events.GroupInfo) (out []store.Entry, rest []*waBinary.Node) {
	for _, n := range e.UnknownChanges {
		action := requestAction(n, pick(e.Sender))
		if action == "" {
			rest = append(rest, n)
			continue
		}
		data := s.groupData(e)
		data["action"], data["participants"] = action, requesters(n, e)
		put(data, "method", n.AttrGetter().OptionalString("request_method"))
		out = append(out, s.fact("group.request", e.Timestamp, data)...)
	}
	return out, rest
}

// requestAction is "" for a change that is about nothing of the kind. Who takes back their own request revokes it; who ends
// somebody else's rejects it.
func requestAction(n *waBinary.Node, by types.JID) string {
	switch {
	case n == nil:
		return ""
	case n.Tag == "created_membership_requests":
		return "created"
	case n.Tag != "revoked_membership_requests":
		return ""
	}
	for _, c := range n.GetChildren() {
		if j := c.AttrGetter().OptionalJIDOrEmpty("jid"); !j.IsEmpty() && !same(j, by) {
			return "rejected"
		}
	}
	return "revoked"
}

// requesters are the people in a change, else who made it.
func requesters(n *waBinary.Node, e *events.GroupInfo) []person {
	out := []person{}
	for _, c := range n.GetChildren() {
		ag := c.AttrGetter()
		if j := ag.OptionalJIDOrEmpty("jid"); !j.IsEmpty() {
			out = append(out, who("", j, ag.OptionalJIDOrEmpty("phone_number")))
		}
	}
	if len(out) == 0 && e.Sender != nil {
		out = append(out, who("", *e.Sender, pick(e.SenderPN)))
	}
	return out
}

func groupChanges(e *events.GroupInfo, others []*waBinary.Node) meta {
	m := meta{}
	if e.Name != nil {
		m["name"] = clean(e.Name.Name)
	}
	if e.Topic != nil {
		m["description"] = clean(e.Topic.Topic)
	}
	if e.Locked != nil {
		m["locked"] = e.Locked.IsLocked
	}
	if e.Announce != nil {
		m["announce"] = e.Announce.IsAnnounce
	}
	if e.Ephemeral != nil {
		m["expiration"] = e.Ephemeral.DisappearingTimer
	}
	if e.MembershipApprovalMode != nil {
		m["joinApproval"] = e.MembershipApprovalMode.IsJoinApprovalRequired
	}
	if e.Delete != nil {
		m["deleted"] = e.Delete.Deleted
		put(m, "deleteReason", e.Delete.DeleteReason)
	}
	return groupLinks(m, e, others)
}

func groupLinks(m meta, e *events.GroupInfo, unknown []*waBinary.Node) meta {
	if e.Link != nil {
		m["linked"] = who(e.Link.Group.Name, e.Link.Group.JID, types.JID{})
	}
	if e.Unlink != nil {
		m["unlinked"] = who(e.Unlink.Group.Name, e.Unlink.Group.JID, types.JID{})
	}
	if e.NewInviteLink != nil {
		m["inviteLink"] = clean(*e.NewInviteLink)
	}
	put(m, "suspended", e.Suspended)
	put(m, "unsuspended", e.Unsuspended)
	var others []string
	for _, n := range unknown {
		switch {
		case n == nil:
		case n.Tag == "member_add_mode":
			mode, _ := n.Content.([]byte)
			m["memberAddMode"] = clean(string(mode))
		default:
			others = append(others, clean(n.Tag))
		}
	}
	list(m, "others", others)
	return m
}

// joinedGroup tells that we are in a group from now on.
func (s source) joinedGroup(e *events.JoinedGroup) []store.Entry {
	data := meta{"group": who(e.Name, e.JID, types.JID{}), "participants": len(e.Participants)}
	put(data, "reason", e.Reason)
	put(data, "kind", e.Type)
	put(data, "description", e.Topic)
	data.instant("createdAt", e.GroupCreated)
	if !e.OwnerJID.IsEmpty() {
		data["owner"] = who("", e.OwnerJID, e.OwnerPN)
	}
	if e.Sender != nil {
		data["by"] = who(e.Notify, *e.Sender, pick(e.SenderPN))
	}
	return s.fact("group.joined", time.Time{}, data, bare(e.JID), e.ParticipantVersionID, e.CreateKey)
}

// Group is a group as its member own sees it.
func Group(own Own, info *types.GroupInfo) store.Group {
	pn, lid := owner(info)
	g := store.Group{
		JID: info.JID.String(), Name: clean(info.Name), Description: clean(info.Topic), Owner: pn, OwnerLID: lid,
		Members: max(len(info.Participants), info.ParticipantCount), CreatedAt: info.GroupCreated,
	}
	for _, p := range info.Participants {
		g.Admin = g.Admin || p.IsAdmin && (own.Is(p.JID) || own.Is(p.PhoneNumber) || own.Is(p.LID))
	}
	return g
}

// owner is who made a group. In groups that go by LIDs the number may stand beside, or only with the member.
func owner(info *types.GroupInfo) (either, lid string) {
	made, number := info.OwnerJID.ToNonAD(), info.OwnerPN.ToNonAD()
	for _, p := range info.Participants {
		switch {
		case made.IsEmpty():
		case same(p.LID, made) && number.IsEmpty():
			number = p.PhoneNumber
		case same(p.PhoneNumber, made):
			number, made = made, p.LID
		}
	}
	if made.Server == types.HiddenUserServer {
		lid = made.String()
	} else if number.IsEmpty() {
		number = made
	}
	return cmp.Or(number.String(), lid), lid
}

func (s source) newsletter(kind string, jid types.JID, at time.Time, data meta) []store.Entry {
	data["newsletter"] = who("", jid, types.JID{})
	return s.fact(kind, at, data)
}

func (s source) newsletterJoin(e *events.NewsletterJoin) []store.Entry {
	name := e.ThreadMeta.Name.Text
	data := meta{"newsletter": who(name, e.ID, types.JID{}), "description": clean(e.ThreadMeta.Description.Text), "subscribers": e.ThreadMeta.SubscriberCount}
	return s.fact("newsletter.joined", e.Mex.Timestamp, data)
}

// newsletterUpdate tells how often messages were seen and reacted to.
func (s source) newsletterUpdate(e *events.NewsletterLiveUpdate) []store.Entry {
	messages := []meta{}
	for _, n := range e.Messages {
		if n != nil {
			messages = append(messages, meta{"id": clean(n.MessageID), "serverId": n.MessageServerID, "views": n.ViewsCount, "reactions": n.ReactionCounts})
		}
	}
	return s.newsletter("newsletter.updated", e.JID, e.Time, meta{"messages": messages})
}
