package convert

import (
	"strings"

	"go.mau.fi/whatsmeow/types"
)

// person is a person or a chat as every answer and event shows one: both
// identities, null where they are not known.
type person struct {
	ID    string  `json:"id"`    // JID as WhatsApp named it here
	Phone *string `json:"phone"` // digits
	LID   *string `json:"lid"`   // JID
	Name  *string `json:"name"`
}

// who makes a person of a JID and, where it is known, its other identity.
func who(name string, id, alt types.JID) person {
	p := person{ID: bare(id)}
	for _, j := range []types.JID{id, alt} {
		if s := phoneOf(j); s != "" && p.Phone == nil {
			p.Phone = &s
		}
		if s := lidOf(j); s != "" && p.LID == nil {
			p.LID = &s
		}
	}
	if name = clean(name); name != "" {
		p.Name = &name
	}
	return p
}

func bare(j types.JID) string {
	if j.IsEmpty() {
		return ""
	}
	return clean(j.ToNonAD().String())
}

// phoneOf is the phone number in a JID, "" when it has none.
func phoneOf(j types.JID) string {
	switch j.Server {
	case types.DefaultUserServer, types.LegacyUserServer, types.HostedServer:
		return digits(j.User)
	}
	return ""
}

// lidOf is the hidden identity in a JID, "" when it is none.
func lidOf(j types.JID) string {
	switch j.Server {
	case types.HiddenUserServer, types.HostedLIDServer:
		return clean(j.User) + "@" + types.HiddenUserServer
	}
	return ""
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// chatPhone is what chat_history.phoneNumber holds: the phone number where it
// is known, else the digits of the LID or of the group. A message that came by
// a broadcast list shows up in the chat with its sender; the list of all
// statuses keeps its name.
func chatPhone(own Own, src types.MessageSource) string {
	other, otherAlt := src.Chat, src.RecipientAlt
	if !src.IsFromMe && !src.IsGroup {
		otherAlt = src.SenderAlt
	}
	if src.IsIncomingBroadcast() {
		other, otherAlt = src.Sender, src.SenderAlt
	}
	if own.Is(other) {
		otherAlt = own.JID
	}
	for _, s := range []string{phoneOf(other), phoneOf(otherAlt), digits(other.User)} {
		if s != "" {
			return s
		}
	}
	return clean(other.User)
}

// chatAlt is the other identity of a direct chat, where the stanza tells it.
func chatAlt(own Own, src types.MessageSource) types.JID {
	switch {
	case own.Is(src.Chat) && same(src.Chat, own.JID):
		return own.LID
	case own.Is(src.Chat):
		return own.JID
	case src.IsGroup || isPlace(src.Chat):
		return types.JID{}
	case src.IsFromMe:
		return src.RecipientAlt
	}
	return src.SenderAlt
}

// isPlace tells chats that are no person.
func isPlace(j types.JID) bool {
	return j.Server == types.GroupServer || j.Server == types.BroadcastServer || j.Server == types.NewsletterServer
}

func businessName(v *types.VerifiedName) string {
	if v == nil {
		return ""
	}
	return v.Details.GetVerifiedName()
}
