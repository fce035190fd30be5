package convert

import (
	"time"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"

	"wamux/store"
)

func (l letter) sender() person {
	alt := l.info.SenderAlt
	if l.info.IsFromMe {
		alt = l.own.other(l.info.Sender)
	}
	return who(firstOf(l.info.PushName, businessName(l.info.VerifiedName)), l.info.Sender, alt)
}

func (l letter) chat() person {
	name := ""
	if !l.info.IsFromMe && !isPlace(l.info.Chat) {
		name = l.info.PushName
	}
	return who(name, l.info.Chat, chatAlt(l.own, l.info.MessageSource))
}

// data is what every event about a message begins with.
func (l letter) data(id string, at time.Time) meta {
	m := meta{"id": clean(id), "chat": l.chat(), "sender": l.sender(), "fromMe": l.info.IsFromMe}
	m.instant("timestamp", at)
	return m
}

// event has an id made of identities exactly as the stanza carried them, so
// that a repeat is the same event.
func (l letter) event(kind, id string, at time.Time, data meta) store.Event {
	return store.Event{
		ID:   store.EventID(l.session, bare(l.info.Chat), bare(l.info.Sender), id, kind),
		Type: kind, Session: l.session, Timestamp: at.UTC(), Data: data.json(),
	}
}

// contact is what the message tells about its sender, nil when that is nothing.
func (l letter) contact() *store.Contact {
	business := businessName(l.info.VerifiedName)
	if l.info.IsFromMe || l.info.PushName == "" && business == "" || isPlace(l.info.Sender) {
		return nil
	}
	c := contactOf(l.session, l.info.Sender, l.info.SenderAlt)
	c.PushName, c.BusinessName, c.UpdatedAt = clean(l.info.PushName), clean(business), l.info.Timestamp.UTC()
	return c
}

// contactOf names a contact by the phone number where it is known, so that a
// person who is seen under both identities stays one contact.
func contactOf(session string, id, alt types.JID) *store.Contact {
	p := who("", id, alt)
	c := &store.Contact{Session: session, ID: p.ID}
	if p.LID != nil {
		c.LID = *p.LID
	}
	if p.Phone != nil {
		c.Phone = *p.Phone
		c.ID = c.Phone + "@" + types.DefaultUserServer
	}
	return c
}

// edited is a new content for an earlier message of the same sender.
func (l letter) edited(id string, msg *waE2E.Message, at time.Time) store.Entry {
	if at.Unix() <= 0 || at.Year() > 9999 {
		at = l.info.Timestamp
	}
	event := l.info.ID
	if !l.editTS.IsZero() { // each edit in a newsletter has the id of the message itself
		event += "@" + stamp(at)
	}
	inner := Unwrap(msg)
	c := describe(inner)
	m := c.Meta
	if m == nil {
		m = meta{}
	}
	surroundings(m, c.Context)
	data := l.data(id, at)
	data["editId"], data["type"], data["text"], data["metadata"] = clean(l.info.ID), c.Type, clean(c.Text), m
	return store.Entry{
		Edit:   &store.Edit{Chat: bare(l.info.Chat), ID: clean(id), Text: clean(c.Text), By: bare(l.info.Sender), Raw: raw(msg), At: at.UTC()},
		Events: []store.Event{l.event("message.edited", event, l.info.Timestamp, data)},
	}
}

// revoked takes an earlier message back: the sender's own, or anybody's when an
// admin of the group does it.
func (l letter) revoked(key *waCommon.MessageKey) store.Entry {
	data := l.data(key.GetID(), l.info.Timestamp)
	data["revokeId"] = clean(l.info.ID)
	data["target"] = l.key(key)
	data["byAdmin"] = l.info.Edit == types.EditAttributeAdminRevoke || !key.GetFromMe() && key.GetParticipant() != ""
	return store.Entry{
		Revoke: &store.Revoke{Chat: bare(l.info.Chat), ID: clean(key.GetID()), By: bare(l.info.Sender),
			ByAdmin: l.info.IsGroup && l.info.Edit == types.EditAttributeAdminRevoke, At: l.info.Timestamp.UTC()},
		Events: []store.Event{l.event("message.revoked", l.info.ID, l.info.Timestamp, data)},
	}
}

// timer is a change of the disappearing messages of a chat.
func (l letter) timer(p *waE2E.ProtocolMessage) store.Entry {
	data := meta{"chat": l.chat(), "change": "expiration", "expiration": p.GetEphemeralExpiration(), "by": l.sender()}
	data.instant("timestamp", l.info.Timestamp)
	return store.Entry{Events: []store.Event{l.event("chat.updated", l.info.ID, l.info.Timestamp, data)}}
}
