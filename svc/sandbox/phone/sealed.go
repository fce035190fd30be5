package phone

import (
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"
)

// What a message's secret seals. The words are part of the keys.
const (
	sealVote     = "Poll Vote"
	sealReaction = "Enc Reaction"
	sealComment  = "Enc Comment"
	sealResponse = "Event Response"
	sealEdit     = "Message Edit"
	sealEvent    = "Event Edit"
	sealPoll     = "Poll Edit"
)

// seal encrypts what is said about the message t with a key made of its secret.
func (p *Phone) seal(t *Target, purpose string, said proto.Message) (payload, iv []byte, err error) {
	secret := t.Message.GetMessageContextInfo().GetMessageSecret()
	if len(secret) == 0 {
		return nil, nil, missing("it needs the message it is about, with its secret")
	}
	plain, err := proto.Marshal(said)
	if err != nil {
		return nil, nil, missing("its content cannot be written")
	}
	if iv, err = p.bytes(12); err != nil {
		return nil, nil, err
	}
	key, extra := sealKey(secret, t.ID, t.Sender, p.voter(t), purpose)
	gcm, err := newGCM(key)
	if err != nil {
		return nil, nil, err
	}
	return gcm.Seal(nil, iv, plain, extra), iv, nil
}

// sealedReaction is a reaction as announcement groups have it.
func (p *Phone) sealedReaction(d Draft, t *Target, now time.Time) (*waE2E.Message, error) {
	payload, iv, err := p.seal(t, sealReaction, &waE2E.ReactionMessage{Text: proto.String(d.Text), SenderTimestampMS: proto.Int64(now.UnixMilli())})
	return &waE2E.Message{EncReactionMessage: &waE2E.EncReactionMessage{TargetMessageKey: t.key(), EncPayload: payload, EncIV: iv}}, err
}

func (p *Phone) sealedComment(d Draft, t *Target) (*waE2E.Message, error) {
	if d.Text == "" {
		return nil, missing("a comment needs a text")
	}
	payload, iv, err := p.seal(t, sealComment, &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: proto.String(d.Text)}})
	return &waE2E.Message{EncCommentMessage: &waE2E.EncCommentMessage{TargetMessageKey: t.key(), EncPayload: payload, EncIV: iv}}, err
}

// answers are the words of an answer to an event.
var answers = map[string]waE2E.EventResponseMessage_EventResponseType{
	"going": waE2E.EventResponseMessage_GOING, "not_going": waE2E.EventResponseMessage_NOT_GOING, "maybe": waE2E.EventResponseMessage_MAYBE,
}

func (p *Phone) eventResponse(d Draft, t *Target, now time.Time) (*waE2E.Message, error) {
	answer, ok := answers[d.Text]
	if !ok {
		return nil, missing("the text of an event response is going, not_going or maybe")
	}
	said := &waE2E.EventResponseMessage{Response: &answer, TimestampMS: proto.Int64(now.UnixMilli())}
	if d.Guests > 0 {
		said.ExtraGuestCount = proto.Int32(int32(d.Guests))
	}
	payload, iv, err := p.seal(t, sealResponse, said)
	return &waE2E.Message{EncEventResponseMessage: &waE2E.EncEventResponseMessage{EventCreationMessageKey: t.key(), EncPayload: payload, EncIV: iv}}, err
}

// sealedEdit changes a message as communities do: the event's or poll's name, or the text.
func (p *Phone) sealedEdit(d Draft, t *Target, now time.Time) (*waE2E.Message, error) {
	if d.Text == "" {
		return nil, missing("an edit needs the new text")
	}
	kind, purpose, said := waE2E.SecretEncryptedMessage_MESSAGE_EDIT, sealEdit, edit
	old := unwrap(t.Message).inner
	switch {
	case old.GetEventMessage() != nil:
		kind, purpose, said = waE2E.SecretEncryptedMessage_EVENT_EDIT, sealEvent, renamed
	case pollOf(old) != nil:
		kind, purpose, said = waE2E.SecretEncryptedMessage_POLL_EDIT, sealPoll, renamed
	}
	msg, err := said(d, t, now)
	if err != nil {
		return nil, err
	}
	payload, iv, err := p.seal(t, purpose, msg)
	return &waE2E.Message{SecretEncryptedMessage: &waE2E.SecretEncryptedMessage{
		TargetMessageKey: t.key(), EncPayload: payload, EncIV: iv, SecretEncType: &kind,
	}}, err
}

// renamed is an event or a poll with another name.
func renamed(d Draft, t *Target, _ time.Time) (*waE2E.Message, error) {
	msg := proto.CloneOf(unwrap(t.Message).inner)
	msg.MessageContextInfo = nil
	if msg.EventMessage != nil {
		msg.EventMessage.Name = proto.String(d.Text)
	} else {
		pollOf(msg).Name = proto.String(d.Text)
	}
	return msg, nil
}
