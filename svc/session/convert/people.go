package convert

import (
	"time"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"wamux/store"
)

// undecryptable tells that a message came that this device could not read. No
// row is kept for it: when the sender sends it again, it is the same message.
func (s source) undecryptable(e *events.UndecryptableMessage) []store.Entry {
	l := letter{session: s.session, own: s.own, info: e.Info}
	data := l.data(e.Info.ID, e.Info.Timestamp)
	data["unavailable"] = e.IsUnavailable
	put(data, "reason", string(e.UnavailableType))
	put(data, "hidden", e.DecryptFailMode == events.DecryptFailHide)
	return []store.Entry{{Events: []store.Event{l.event("message.undecryptable", e.Info.ID, e.Info.Timestamp, data)}}}
}

// messenger is a message from Facebook or Instagram, which this gateway does
// not speak.
func (s source) messenger(e *events.FBMessage) []store.Entry {
	l := letter{session: s.session, own: s.own, info: e.Info}
	data := l.data(e.Info.ID, e.Info.Timestamp)
	data["kind"] = "messenger"
	if e.FBApplication != nil {
		data["content"] = remains(e.FBApplication)
	}
	return []store.Entry{{Events: []store.Event{l.event("unknown", e.Info.ID, e.Info.Timestamp, data)}}}
}

func (s source) presence(e *events.Presence) []store.Entry {
	data := meta{"contact": who("", e.From, s.alt(e.From)), "online": !e.Unavailable}
	data.instant("lastSeen", e.LastSeen)
	return s.moment("presence.updated", data)
}

func (s source) typing(e *events.ChatPresence) []store.Entry {
	state := string(e.State)
	if e.State == types.ChatPresenceComposing && e.Media == types.ChatPresenceMediaAudio {
		state = "recording"
	}
	data := meta{"chat": who("", e.Chat, chatAlt(s.own, e.MessageSource)), "contact": who("", e.Sender, e.SenderAlt), "state": clean(state)}
	return s.moment("chat.typing", data)
}

// person is a change of what is known about somebody.
func (s source) person(jid, alt types.JID, name string, at time.Time, data meta) []store.Entry {
	data["contact"] = who(name, jid, alt)
	return s.fact("contact.updated", at, data)
}

// contact is a change in the phone's address book.
func (s source) contact(e *events.Contact) []store.Entry {
	alt, _ := types.ParseJID(e.Action.GetLidJID())
	if lidOf(e.JID) != "" {
		alt, _ = types.ParseJID(e.Action.GetPnJID())
	}
	name := firstOf(e.Action.GetFullName(), e.Action.GetFirstName())
	out := s.person(e.JID, alt, name, e.Timestamp, meta{"change": "name", "firstName": clean(e.Action.GetFirstName())})
	c := contactOf(s.session, e.JID, alt)
	c.Name, c.UpdatedAt = clean(name), e.Timestamp.UTC()
	out[0].Contact = c
	return out
}

func (s source) pushName(e *events.PushName) []store.Entry {
	at := seen(e.Message)
	out := s.person(e.JID, e.JIDAlt, e.NewPushName, at, meta{"change": "pushName", "previous": clean(e.OldPushName)})
	c := contactOf(s.session, e.JID, e.JIDAlt)
	c.PushName, c.UpdatedAt = clean(e.NewPushName), at.UTC()
	out[0].Contact = c
	return out
}

func (s source) businessName(e *events.BusinessName) []store.Entry {
	at := seen(e.Message)
	out := s.person(e.JID, types.JID{}, e.NewBusinessName, at, meta{"change": "businessName", "previous": clean(e.OldBusinessName)})
	c := contactOf(s.session, e.JID, types.JID{})
	c.BusinessName, c.UpdatedAt = clean(e.NewBusinessName), at.UTC()
	out[0].Contact = c
	return out
}

func seen(m *types.MessageInfo) time.Time {
	if m == nil {
		return time.Time{}
	}
	return m.Timestamp
}

func (s source) about(e *events.UserAbout) []store.Entry {
	return s.person(e.JID, s.alt(e.JID), "", e.Timestamp, meta{"change": "about", "about": clean(e.Status)})
}

// identityChange tells that somebody has a new phone, so that their keys are new.
func (s source) identityChange(e *events.IdentityChange) []store.Entry {
	return s.person(e.JID, types.JID{}, "", e.Timestamp, meta{"change": "identity", "implicit": e.Implicit})
}

func (s source) statusMute(e *events.UserStatusMute) []store.Entry {
	return s.person(e.JID, s.alt(e.JID), "", e.Timestamp, meta{"change": "statusMuted", "statusMuted": e.Action.GetMuted()})
}

func (s source) blocklist(e *events.Blocklist) []store.Entry {
	if len(e.Changes) == 0 {
		return s.moment("contact.updated", meta{"change": "blocklist"})
	}
	var out []store.Entry
	for _, c := range e.Changes {
		data := meta{"change": "blocked", "blocked": c.Action == events.BlocklistChangeActionBlock, "contact": who("", c.JID, types.JID{})}
		out = append(out, s.moment("contact.updated", data)...)
	}
	return out
}

// picture is a new picture of a person or a group.
func (s source) picture(e *events.Picture) []store.Entry {
	data := meta{"change": "picture", "removed": e.Remove}
	put(data, "pictureId", e.PictureID)
	if !e.Author.IsEmpty() {
		data["by"] = who("", e.Author, s.alt(e.Author))
	}
	if isPlace(e.JID) {
		data["group"] = who("", e.JID, types.JID{})
		return s.fact("group.updated", e.Timestamp, data)
	}
	return s.person(e.JID, s.alt(e.JID), "", e.Timestamp, data)
}
