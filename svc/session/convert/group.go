package convert

import (
	"time"

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
	if changes := groupChanges(e); len(changes) > 0 || len(out) == 0 {
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

func groupChanges(e *events.GroupInfo) meta {
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
	return groupLinks(m, e)
}

func groupLinks(m meta, e *events.GroupInfo) meta {
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
	for _, n := range e.UnknownChanges {
		if n != nil {
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
