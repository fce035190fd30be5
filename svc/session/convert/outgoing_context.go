package convert

import (
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"

	"wamux/store"
)

// outgoingContext is what goes with a content of any kind; nil when nothing does.
func outgoingContext(c store.Content) (*waE2E.ContextInfo, error) {
	if c.Reply == nil && len(c.Mentions) == 0 && c.ExpiresIn == 0 && !c.MentionAll {
		return nil, nil
	}
	out := &waE2E.ContextInfo{Expiration: some(c.ExpiresIn)}
	if c.MentionAll {
		out.NonJIDMentions = proto.Uint32(1)
	}
	for _, m := range c.Mentions {
		jid, err := mention(m)
		if err != nil {
			return nil, err
		}
		out.MentionedJID = append(out.MentionedJID, jid)
	}
	if c.Reply == nil {
		return out, nil
	}
	return out, quote(out, c.Reply)
}

func mention(m string) (string, error) {
	if strings.Contains(m, "@") {
		jid, err := types.ParseJID(m)
		if err == nil && jid.User != "" {
			return jid.ToNonAD().String(), nil
		}
	} else if d := digits(m); d != "" {
		return d + "@" + types.DefaultUserServer, nil
	}
	return "", invalid("A mention must be a phone number or a JID")
}

// quote puts the message that is answered into the context. Its author is left
// open when it is ourselves: [Stamp] knows who that is.
func quote(out *waE2E.ContextInfo, r *store.Reply) error {
	if r.Key.ID == "" {
		return invalid("A reply needs the id of the message it answers")
	}
	out.StanzaID = proto.String(r.Key.ID)
	switch {
	case r.Key.Participant != "":
		out.Participant = proto.String(r.Key.Participant)
	case !r.Key.FromMe:
		out.Participant = some(r.Key.RemoteJID)
	}
	quoted, err := quotedMessage(r)
	out.QuotedMessage = quoted
	return err
}

// quotedMessage is what a reply shows of the message it answers.
func quotedMessage(r *store.Reply) (*waE2E.Message, error) {
	switch {
	case len(r.Raw) > 0:
		quoted := new(waE2E.Message)
		if err := proto.Unmarshal(r.Raw, quoted); err != nil {
			return nil, &store.Error{Code: store.CodeInvalid, Name: "content_invalid", Message: "The quoted message cannot be read", Err: err}
		}
		return quotable(Unwrap(quoted)), nil
	case len(r.Message) > 0:
		if quoted, err := FromJSON(r.Message); err == nil && proto.Size(quoted) > 0 {
			return quotable(Unwrap(quoted)), nil
		}
	}
	return &waE2E.Message{Conversation: proto.String(r.Text)}, nil
}

// quotable is a message without what it quotes itself and without the secrets
// that go with it, as WhatsApp quotes.
func quotable(msg *waE2E.Message) *waE2E.Message {
	msg = proto.CloneOf(msg)
	msg.MessageContextInfo, msg.SenderKeyDistributionMessage, msg.FastRatchetKeySenderKeyDistributionMessage = nil, nil, nil
	msg.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.Message() == nil || f.IsList() {
			return true
		}
		if x := f.Message().Fields().ByName("contextInfo"); x != nil {
			v.Message().Clear(x)
		}
		return true
	})
	return msg
}

// Stamp puts in what depends on who sends a message and when: the time of
// reactions, pins, edits and live locations, by which phones tell the newer one, and the author of a
// quoted message of our own. Give it a time that is fixed for the job, so that
// a repeat after a crash is the same message.
func Stamp(msg *waE2E.Message, own Own, at time.Time) {
	inner := Unwrap(msg)
	if r := inner.GetReactionMessage(); r != nil && r.SenderTimestampMS == nil {
		r.SenderTimestampMS = proto.Int64(at.UnixMilli())
	}
	if p := inner.GetPinInChatMessage(); p != nil && p.SenderTimestampMS == nil {
		p.SenderTimestampMS = proto.Int64(at.UnixMilli())
	}
	if l := inner.GetLiveLocationMessage(); l != nil && l.SequenceNumber == nil {
		l.SequenceNumber = proto.Int64(at.UnixMicro())
	}
	p := inner.GetProtocolMessage()
	if p.GetType() == waE2E.ProtocolMessage_MESSAGE_EDIT && p.TimestampMS == nil {
		p.TimestampMS = proto.Int64(at.UnixMilli())
	}
	if p.GetEditedMessage() != nil {
		inner = Unwrap(p.GetEditedMessage())
	}
	if c := describe(inner).Context; c != nil && c.StanzaID != nil && c.Participant == nil && !own.JID.IsEmpty() {
		c.Participant = proto.String(bare(own.JID))
	}
}

// Secret gives a message the secret from which the keys of all that answers it
// encrypted are made: votes, answers to an event, reactions in announcement
// groups. What is about another message has none; then, and when it has one
// already, nothing changes. Give a repeat of a message the same secret.
func Secret(msg *waE2E.Message, secret []byte) {
	inner := Unwrap(msg)
	if inner.ReactionMessage != nil || inner.PinInChatMessage != nil || inner.ProtocolMessage != nil || msg.GetMessageContextInfo().GetMessageSecret() != nil {
		return
	}
	if msg.MessageContextInfo == nil {
		msg.MessageContextInfo = &waE2E.MessageContextInfo{}
	}
	msg.MessageContextInfo.MessageSecret = secret
}
