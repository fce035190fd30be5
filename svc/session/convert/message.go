package convert

import (
	"encoding/json"
	"time"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"wamux/store"
)

// Decrypted is a message whose content is encrypted once more, with what the
// session opened of it. Give it to [Incoming] in place of the message. One of
// Vote, Response and Content is set.
type Decrypted struct {
	*events.Message
	Vote     *waE2E.PollVoteMessage      // of a PollUpdateMessage
	Options  []string                    // what Vote chose, by the texts of the options that are known
	Response *waE2E.EventResponseMessage // of an EncEventResponseMessage
	Content  *waE2E.Message              // of all other kinds: the reaction, comment or edit that was inside
}

// letter is one message on its way into rows and events.
type letter struct {
	session string
	own     Own
	info    types.MessageInfo
	msg     *waE2E.Message // unwrapped
	raw     *waE2E.Message // as it came
	covers  []string
	status  string     // of an outgoing message
	opened  *Decrypted // what was encrypted inside; nil when nothing was, or it could not be opened
	editTS  time.Time  // of a newsletter message that was edited
}

func newLetter(session string, own Own, evt *events.Message) letter {
	l := letter{session: session, own: own, info: evt.Info, raw: evt.RawMessage, status: store.StatusServer}
	if l.raw == nil {
		l.raw = evt.Message
	}
	l.msg, l.covers = unwrap(l.raw)
	if evt.NewsletterMeta != nil {
		l.editTS = evt.NewsletterMeta.EditTS
	}
	return l
}

func message(session string, own Own, evt *events.Message) []store.Entry {
	return newLetter(session, own, evt).entries()
}

func decrypted(session string, own Own, evt *Decrypted) []store.Entry {
	l := newLetter(session, own, evt.Message)
	l.opened = evt
	if evt.Content == nil {
		return l.entries()
	}
	sealed := l.msg
	if l.msg, _ = unwrap(evt.Content); edits(sealed.GetSecretEncryptedMessage()) && l.msg.ProtocolMessage == nil {
		return l.one(l.edited(target(sealed).GetID(), l.msg, l.info.Timestamp))
	}
	return l.entries()
}

// edits tells what is encrypted because it changes the message it names.
func edits(s *waE2E.SecretEncryptedMessage) bool {
	switch s.GetSecretEncType() {
	case waE2E.SecretEncryptedMessage_EVENT_EDIT, waE2E.SecretEncryptedMessage_MESSAGE_EDIT, waE2E.SecretEncryptedMessage_POLL_EDIT:
		return s.GetTargetMessageKey().GetID() != ""
	}
	return false
}

// entries sorts out what changes an earlier message, what only machines tell
// each other, and what people say.
func (l letter) entries() []store.Entry {
	c := l.describe()
	switch {
	case c.Type == "":
		return nil
	case c.Type == "protocol":
		return l.protocol(c, l.msg.GetProtocolMessage())
	case !l.editTS.IsZero():
		return l.one(l.edited(l.info.ID, l.msg, l.editTS))
	}
	return l.kept(c)
}

func (l letter) protocol(c content, p *waE2E.ProtocolMessage) []store.Entry {
	target := p.GetKey().GetID()
	switch {
	case p.GetType() == waE2E.ProtocolMessage_REVOKE && target != "":
		return l.one(l.revoked(p.GetKey()))
	case p.GetType() == waE2E.ProtocolMessage_MESSAGE_EDIT && target != "" && p.GetEditedMessage() != nil:
		return l.one(l.edited(target, p.GetEditedMessage(), time.UnixMilli(p.GetTimestampMS())))
	case p.GetType() == waE2E.ProtocolMessage_EPHEMERAL_SETTING:
		return l.one(l.timer(p))
	case l.info.IsFromMe && machinery(p):
		return nil
	}
	return l.kept(c)
}

// machinery tells the protocol messages with which our own devices keep each
// other up to date. They hold keys and are none of anybody else's business; the
// client has used them by now.
func machinery(p *waE2E.ProtocolMessage) bool {
	switch p.GetType() {
	case waE2E.ProtocolMessage_HISTORY_SYNC_NOTIFICATION,
		waE2E.ProtocolMessage_APP_STATE_SYNC_KEY_SHARE,
		waE2E.ProtocolMessage_APP_STATE_SYNC_KEY_REQUEST,
		waE2E.ProtocolMessage_APP_STATE_FATAL_EXCEPTION_NOTIFICATION,
		waE2E.ProtocolMessage_INITIAL_SECURITY_NOTIFICATION_SETTING_SYNC,
		waE2E.ProtocolMessage_EPHEMERAL_SYNC_RESPONSE,
		waE2E.ProtocolMessage_MSG_FANOUT_BACKFILL_REQUEST,
		waE2E.ProtocolMessage_PEER_DATA_OPERATION_REQUEST_MESSAGE,
		waE2E.ProtocolMessage_PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE,
		waE2E.ProtocolMessage_LID_MIGRATION_MAPPING_SYNC,
		waE2E.ProtocolMessage_COEX_STATE_SYNC,
		waE2E.ProtocolMessage_SHARED_DEVICE_CONTACT_HASH_KEY_SHARE,
		waE2E.ProtocolMessage_SHARED_DEVICE_CONTACT_HASH_KEY_REQUEST:
		return true
	}
	return false
}

func (l letter) one(e store.Entry) []store.Entry {
	e.Contact = l.contact()
	return []store.Entry{e}
}

// kept is a message with its row and its event.
func (l letter) kept(c content) []store.Entry {
	row := l.row(c)
	kind := "message.received"
	switch {
	case c.Type == "reaction":
		kind = "message.reaction"
	case c.Type == "pollVote":
		kind = "message.pollVote"
	case l.info.IsFromMe:
		kind = "message.sent"
	}
	data := l.data(l.info.ID, l.info.Timestamp)
	data["type"], data["text"], data["metadata"] = row.Type, row.Text, row.Metadata
	return l.one(store.Entry{Message: row, Events: []store.Event{l.event(kind, l.info.ID, l.info.Timestamp, data)}})
}

func (l letter) row(c content) *store.Message {
	row := &store.Message{
		Session: l.session, Chat: bare(l.info.Chat), Sender: bare(l.info.Sender), ID: clean(l.info.ID),
		Phone: chatPhone(l.own, l.info.MessageSource), Text: clean(c.Text), Type: c.Type,
		Outgoing: l.info.IsFromMe, Metadata: l.metadata(c), Raw: raw(l.raw), Timestamp: l.info.Timestamp.UTC(),
	}
	if row.Outgoing {
		row.Status = l.status
	}
	return row
}

func (l letter) metadata(c content) json.RawMessage {
	m := c.Meta
	if m == nil {
		m = meta{}
	}
	surroundings(m, c.Context)
	association(m, l.msg.GetMessageContextInfo())
	l.envelope(m)
	if key := l.target(); key != nil {
		m["target"] = l.key(key)
	}
	return m.json()
}

// target is the message that this one is about; what was encrypted may name it
// on the outside only.
func (l letter) target() *waCommon.MessageKey {
	if key := target(l.msg); key != nil {
		return key
	}
	return target(Unwrap(l.raw))
}

// envelope keeps what came with a message of any kind.
func (l letter) envelope(m meta) {
	key := meta{"remoteJid": bare(l.info.Chat), "fromMe": l.info.IsFromMe, "id": clean(l.info.ID)}
	if isPlace(l.info.Chat) {
		key["participant"] = bare(l.info.Sender)
		m["sender"] = l.sender()
	}
	m["key"] = key
	m["messageId"] = clean(l.info.ID)
	put(m, "pushName", l.info.PushName)
	put(m, "verifiedName", businessName(l.info.VerifiedName))
	put(m, "serverId", int(l.info.ServerID))
	put(m, "broadcast", l.info.IsIncomingBroadcast())
	for _, c := range l.covers {
		if name, ok := coverNames[c]; ok {
			m[name] = true
		}
	}
	list(m, "covers", l.covers)
}

// coverNames are the covers that mean something to people.
var coverNames = map[string]string{
	"ephemeralMessage":           "ephemeral",
	"viewOnceMessage":            "viewOnce",
	"viewOnceMessageV2":          "viewOnce",
	"viewOnceMessageV2Extension": "viewOnce",
	"spoilerMessage":             "spoiler",
	"botInvokeMessage":           "botInvoke",
}

// target is the earlier message that this one is about, nil when it is about none.
func target(m *waE2E.Message) *waCommon.MessageKey {
	for _, k := range []*waCommon.MessageKey{
		m.GetReactionMessage().GetKey(), m.GetEncReactionMessage().GetTargetMessageKey(),
		m.GetPollUpdateMessage().GetPollCreationMessageKey(), m.GetPollAddOptionMessage().GetPollCreationMessageKey(),
		m.GetPinInChatMessage().GetKey(), m.GetKeepInChatMessage().GetKey(), m.GetEncEventResponseMessage().GetEventCreationMessageKey(),
		m.GetCommentMessage().GetTargetMessageKey(), m.GetEncCommentMessage().GetTargetMessageKey(),
		m.GetSecretEncryptedMessage().GetTargetMessageKey(), m.GetScheduledCallEditMessage().GetKey(),
		m.GetSendPaymentMessage().GetRequestMessageKey(), m.GetDeclinePaymentRequestMessage().GetKey(), m.GetCancelPaymentRequestMessage().GetKey(),
		m.GetProtocolMessage().GetKey(),
	} {
		if k.GetID() != "" {
			return k
		}
	}
	return nil
}

// key turns a key as its sender sees it into one as we see it: what is from me
// to them is not from me to us.
func (l letter) key(k *waCommon.MessageKey) meta {
	out := meta{"remoteJid": bare(l.info.Chat), "id": clean(k.GetID())}
	author, _ := types.ParseJID(k.GetParticipant())
	fromMe := k.GetFromMe()
	if !l.info.IsFromMe {
		switch {
		case fromMe:
			author, fromMe = l.info.Sender, false
		case author.IsEmpty() && !isPlace(l.info.Chat):
			fromMe = true // in a direct chat it is either theirs or ours
		default:
			fromMe = l.own.Is(author)
		}
	}
	out["fromMe"] = fromMe
	if isPlace(l.info.Chat) && !author.IsEmpty() {
		out["participant"] = bare(author)
	}
	return out
}
