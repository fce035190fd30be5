package convert

import (
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"

	"wamux/store"
)

// Sent tells what a message that went out leaves behind: its history row and
// the event message.sent, or message.reaction for a reaction. An edit or a
// revoke changes the row of its target instead and gives message.edited or
// message.revoked. j.Chat (or j.To while that is empty) is the chat,
// j.MessageID the id; at is when WhatsApp took it.
func Sent(session string, own Own, j *store.Job, msg *waE2E.Message, at time.Time) store.Entry {
	chat, _ := types.ParseJID(firstOf(j.Chat, j.To))
	info := types.MessageInfo{ID: j.MessageID, Timestamp: at, MessageSource: types.MessageSource{
		Chat: chat, Sender: own.at(chat), IsFromMe: true, IsGroup: isPlace(chat), RecipientAlt: sentTo(j, chat),
	}}
	l := letter{session: session, own: own, info: info, raw: msg, status: store.StatusServer}
	l.msg, l.covers = unwrap(msg)
	entries := l.entries()
	if len(entries) == 0 {
		return store.Entry{}
	}
	return entries[0]
}

// at is the identity under which we appear in a chat.
func (o Own) at(chat types.JID) types.JID {
	if chat.Server == types.HiddenUserServer && !o.LID.IsEmpty() || o.JID.IsEmpty() {
		return o.LID
	}
	return o.JID
}

// sentTo is the other identity of the chat: messages addressed to a phone
// number go out to its LID.
func sentTo(j *store.Job, chat types.JID) types.JID {
	to, err := types.ParseJID(j.To)
	if err != nil || isPlace(to) || to.Server == chat.Server {
		return types.JID{}
	}
	return to
}
