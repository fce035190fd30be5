package phone

import (
	"bytes"
	"encoding/json"
	"strings"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Content is a message as a person sees it.
type Content struct {
	// Type is one of the Draft types but raw and reply, or list, buttons, template, interactive,
	// list_response, buttons_response, template_response, interactive_response, group_invite, product, order,
	// album, call, pin, keep, poll_result, protocol (what only machines read), or unknown.
	Type string
	Text string // text, caption, emoji, question, new text of an edit
	// Media is nil when the message has no file. Its Mimetype and FileName are set.
	Media *Media
	// Target is the id of the message it is about: reaction, edit, revoke, vote, or the quoted one.
	Target       string
	TargetFromMe bool // from the sender's point of view; never set for quotes
	// SentTo is the JID another own device sent it to, "" when it came from somebody else.
	SentTo   string
	ViewOnce bool
	// ExpiresIn is the life of a disappearing message in seconds, 0 when it stays.
	ExpiresIn uint32
	// Inner is the message without its envelopes (device sent, ephemeral, view once, edited…).
	Inner *waE2E.Message
	// JSON is protojson of the message as it came, envelopes included.
	JSON json.RawMessage
}

// Parse reads a decrypted plaintext. ErrMalformed when it is no message.
func Parse(plaintext []byte) (*waE2E.Message, error) {
	var msg waE2E.Message
	if err := proto.Unmarshal(plaintext, &msg); err != nil {
		return nil, ErrMalformed
	}
	return &msg, nil
}

// Read tells what is in a message. It never fails: what it does not know has type unknown and its JSON.
func Read(msg *waE2E.Message) Content {
	bare := unwrap(msg)
	c := Content{Type: "unknown", SentTo: bare.sentTo, ViewOnce: bare.viewOnce, Inner: bare.inner, JSON: asJSON(msg)}
	part := bare.part()
	if part == nil {
		if bare.inner.Conversation != nil {
			c.Type, c.Text = "text", bare.inner.GetConversation()
		}
		return c
	}
	c.describe(part)
	if with, ok := part.(interface{ GetContextInfo() *waE2E.ContextInfo }); ok {
		c.context(with.GetContextInfo())
	}
	if once, ok := part.(interface{ GetViewOnce() bool }); ok && once.GetViewOnce() {
		c.ViewOnce = true
	}
	return c
}

func (c *Content) context(context *waE2E.ContextInfo) {
	c.ExpiresIn = context.GetExpiration()
	if c.Target == "" {
		c.Target = context.GetStanzaID()
	}
}

// bare is a message without its envelopes, and what they said.
type bare struct {
	inner    *waE2E.Message
	sentTo   string
	viewOnce bool
}

// envelopes is how deep envelopes may be nested. The deepest real ones are four.
const envelopes = 8

func unwrap(msg *waE2E.Message) bare {
	b := bare{inner: msg}
	for range envelopes {
		next, name := wrapped(b.inner)
		if next == nil {
			break
		}
		if sent := b.inner.GetDeviceSentMessage(); sent != nil {
			b.sentTo = sent.GetDestinationJID()
		}
		b.viewOnce = b.viewOnce || strings.HasPrefix(string(name), "viewOnce")
		b.inner = next
	}
	if b.inner == nil {
		b.inner = &waE2E.Message{}
	}
	return b
}

// wrapped returns what is in the envelope that msg is, and the envelope's name; nil when msg is none.
func wrapped(msg *waE2E.Message) (inside *waE2E.Message, name protoreflect.Name) {
	msg.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if field.Kind() != protoreflect.MessageKind {
			return true
		}
		switch part := value.Message().Interface().(type) {
		case *waE2E.FutureProofMessage:
			inside = part.GetMessage()
		case *waE2E.DeviceSentMessage:
			inside = part.GetMessage()
		}
		name = field.Name()
		return inside == nil
	})
	return inside, name
}

// part is the one field of the message that is its content, nil for a short text and for nothing.
func (b bare) part() (part proto.Message) {
	b.inner.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if field.Kind() != protoreflect.MessageKind {
			return true
		}
		switch value.Message().Interface().(type) {
		case *waE2E.MessageContextInfo, *waE2E.SenderKeyDistributionMessage:
			return true
		}
		part = value.Message().Interface()
		return false
	})
	return part
}

// asJSON is always JSON: a message with bytes where text belongs is shown as its protobuf.
func asJSON(msg *waE2E.Message) json.RawMessage {
	text, err := protojson.Marshal(msg)
	var compact bytes.Buffer // protojson puts in spaces at random
	if err == nil && json.Compact(&compact, text) == nil {
		return compact.Bytes()
	}
	wire, _ := proto.MarshalOptions{AllowPartial: true}.Marshal(msg)
	text, _ = json.Marshal(map[string][]byte{"protobuf": wire})
	return text
}
