package convert

import (
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"go.mau.fi/whatsmeow/proto/waE2E"

	"wamux/store"
)

// sendForward passes a message on: its content without what it quotes and
// without its secrets, marked as forwarded unless we wrote it. Media is not
// uploaded again; its keys travel along, as WhatsApp does it.
func sendForward(c store.Content, around *waE2E.ContextInfo) (*waE2E.Message, error) {
	given, err := given(c.Forward)
	if err != nil {
		return nil, err
	}
	inner, covers := unwrap(given)
	if slices.ContainsFunc(covers, func(name string) bool { return coverNames[name] == "viewOnce" }) || onceOnly(inner) {
		return nil, invalid("A message that can be viewed once cannot be forwarded")
	}
	said := describe(inner)
	msg := quotable(inner)
	if msg.Conversation != nil {
		msg = &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: msg.Conversation}}
	}
	if !setContext(msg, forwarding(c.Forward, said.Context, around)) || lasting[said.Type] {
		return nil, invalid("A message of this kind cannot be forwarded")
	}
	if msg.GetDocumentMessage().GetCaption() != "" {
		return &waE2E.Message{DocumentWithCaptionMessage: &waE2E.FutureProofMessage{Message: msg}}, nil
	}
	return msg, nil
}

// lasting are the kinds that have a context and still belong to their chat.
var lasting = map[string]bool{"call": true, "liveLocation": true, "comment": true, "eventInvite": true, "pollResult": true}

func given(f *store.Forward) (*waE2E.Message, error) {
	switch {
	case f == nil || len(f.Raw) == 0 && len(f.Message) == 0:
		return nil, invalid("To forward needs the message that is forwarded")
	case len(f.Raw) == 0:
		return FromJSON(f.Message)
	}
	msg := new(waE2E.Message)
	if err := proto.Unmarshal(f.Raw, msg); err != nil {
		return nil, &store.Error{Code: store.CodeInvalid, Name: "content_invalid", Message: "The message to forward cannot be read", Err: err}
	}
	return msg, nil
}

func onceOnly(m *waE2E.Message) bool {
	return m.GetImageMessage().GetViewOnce() || m.GetVideoMessage().GetViewOnce() || m.GetAudioMessage().GetViewOnce() || m.GetPtvMessage().GetViewOnce()
}

// forwarding is the context of a forwarded message: how often it was passed on,
// and whom its text names.
func forwarding(f *store.Forward, before, around *waE2E.ContextInfo) *waE2E.ContextInfo {
	out := around
	if out == nil {
		out = &waE2E.ContextInfo{}
	}
	if len(out.MentionedJID) == 0 {
		out.MentionedJID = before.GetMentionedJID()
	}
	score := before.GetForwardingScore()
	if !f.Own {
		score++
	}
	if score > 0 {
		out.ForwardingScore, out.IsForwarded = &score, proto.Bool(true)
	}
	return out
}

// setContext puts the context into the one part of msg that takes one, and
// tells whether there is such a part.
func setContext(msg *waE2E.Message, c *waE2E.ContextInfo) (set bool) {
	msg.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.Message() == nil || f.IsList() || baggage(f) {
			return true
		}
		if x := f.Message().Fields().ByName("contextInfo"); x != nil {
			v.Message().Set(x, protoreflect.ValueOfMessage(c.ProtoReflect()))
			set = true
		}
		return !set
	})
	return set
}
