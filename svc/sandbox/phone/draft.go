package phone

import (
	"errors"
	"fmt"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// Draft is a message a person wants to send. Fields that its Type does not use are ignored.
type Draft struct {
	// Type is one of text, image, video, audio, voice, document, sticker, location, live_location,
	// contact, contacts, poll, vote, reaction, edit, revoke, reply, event, event_response, raw, and what announcement
	// groups and communities have in their place: enc_reaction, comment, enc_edit. "reply" is a text
	// with a quote; every other content type becomes a reply too when there is a target.
	Type string
	// Text of text, reply, comment, edit (the new text); emoji of reaction ("" takes it back); question of poll;
	// going, not_going or maybe of event_response.
	Text string
	// Caption of image, video and document, comment of a live location, description of an event.
	Caption   string
	Media     *Media // of the media types, already uploaded; Mimetype and FileName are used
	PTT       bool   // audio as voice message
	GIF       bool   // video that plays like a GIF
	PTV       bool   // round video message
	ViewOnce  bool   // image, video, audio
	Seconds   uint32 // length of video and audio
	Width     uint32
	Height    uint32
	Thumbnail []byte // JPEG; PNG for stickers
	Waveform  []byte // of voice, 64 values 0…100

	Latitude, Longitude float64
	Name, Address       string // of location; Name of event

	DisplayName string   // of contact and contacts
	VCards      []string // one for contact, any number for contacts

	Options    []string // of poll; of vote: the options chosen, by their texts (none takes the vote back)
	Selectable uint32   // how many options of a poll may be chosen, 0 means any number

	StartsAt  time.Time // of event
	Guests    uint32    // of event_response: how many others come along
	Mentions  []string  // JIDs mentioned in the text
	ExpiresIn uint32    // disappearing messages: seconds, 0 means the message stays
	Raw       []byte    // protobuf of a waE2E.Message that is sent as it is, for type raw: lists, buttons, templates…
}

// Target is the message that a reaction, an edit, a revoke, a vote or a reply is about.
type Target struct {
	Chat    types.JID // the chat as this phone sees it: the other side, or the group
	Sender  types.JID // who sent it
	FromMe  bool
	ID      string
	Message *waE2E.Message // its content, without a DeviceSent envelope; quotes can do without, what is encrypted needs its secret
}

// ErrDraft says that a draft cannot be made into a message. The text says what is missing.
var ErrDraft = errors.New("the message cannot be built")

// Build makes the message of a draft, with the secret in messageContextInfo where the real app
// puts one. Target may be nil for types that need none. Self in votes is the LID when the target's
// sender is a LID, else the number.
func (p *Phone) Build(d Draft, target *Target, now time.Time) (*waE2E.Message, error) {
	switch d.Type {
	case "raw":
		return raw(d)
	case "reaction", "edit", "revoke", "vote", "event_response", "enc_reaction", "comment", "enc_edit":
		return p.about(d, target, now)
	case "reply":
		if target == nil {
			return nil, missing("a reply needs the message it answers")
		}
		d.Type = "text"
	}
	msg, err := content(d, contextOf(d, target), now)
	if err != nil {
		return nil, err
	}
	msg = envelope(d, msg)
	secret, err := p.bytes(32)
	if err != nil {
		return nil, err
	}
	msg.MessageContextInfo = &waE2E.MessageContextInfo{MessageSecret: secret}
	return msg, nil
}

// about builds a message that changes another one. These carry no secret of their own.
func (p *Phone) about(d Draft, target *Target, now time.Time) (*waE2E.Message, error) {
	if target == nil || target.ID == "" {
		return nil, missing("a " + d.Type + " needs the message it is about")
	}
	switch d.Type {
	case "reaction":
		return reaction(d, target, now), nil
	case "edit":
		return edit(d, target, now)
	case "revoke":
		return revoke(target), nil
	case "event_response":
		return p.eventResponse(d, target, now)
	case "enc_reaction":
		return p.sealedReaction(d, target, now)
	case "comment":
		return p.sealedComment(d, target)
	case "enc_edit":
		return p.sealedEdit(d, target, now)
	default:
		return p.vote(d, target, now)
	}
}

func raw(d Draft) (*waE2E.Message, error) {
	var msg waE2E.Message
	if len(d.Raw) == 0 || proto.Unmarshal(d.Raw, &msg) != nil {
		return nil, missing("a raw message needs the protobuf bytes of a message")
	}
	return &msg, nil
}

func missing(what string) error { return fmt.Errorf("%w: %s", ErrDraft, what) }

// envelope wraps a message as phones do: what disappears, what is seen once, a document with text.
func envelope(d Draft, msg *waE2E.Message) *waE2E.Message {
	if d.Type == "document" && d.Caption != "" {
		msg = &waE2E.Message{DocumentWithCaptionMessage: &waE2E.FutureProofMessage{Message: msg}}
	}
	if d.ViewOnce && msg.AudioMessage != nil {
		msg = &waE2E.Message{ViewOnceMessageV2Extension: &waE2E.FutureProofMessage{Message: msg}}
	} else if d.ViewOnce {
		msg = &waE2E.Message{ViewOnceMessageV2: &waE2E.FutureProofMessage{Message: msg}}
	}
	if d.ExpiresIn > 0 {
		msg = &waE2E.Message{EphemeralMessage: &waE2E.FutureProofMessage{Message: msg}}
	}
	return msg
}

// contextOf is nil when there is nothing to say.
func contextOf(d Draft, target *Target) *waE2E.ContextInfo {
	if target == nil && len(d.Mentions) == 0 && d.ExpiresIn == 0 {
		return nil
	}
	context := &waE2E.ContextInfo{MentionedJID: d.Mentions}
	if d.ExpiresIn > 0 {
		context.Expiration = proto.Uint32(d.ExpiresIn)
	}
	if target != nil {
		context.StanzaID = proto.String(target.ID)
		context.Participant = proto.String(target.Sender.ToNonAD().String())
		context.QuotedMessage = quoted(target.Message)
	}
	return context
}

// quoted is a message as it appears in a quote: without its secret and its own quote's envelope.
func quoted(msg *waE2E.Message) *waE2E.Message {
	if msg == nil {
		return &waE2E.Message{Conversation: proto.String("")}
	}
	quote := proto.CloneOf(unwrap(msg).inner)
	quote.MessageContextInfo = nil
	return quote
}

// DeviceSent wraps a message for our own companions, who learn from it what we sent to whom.
func DeviceSent(to types.JID, msg *waE2E.Message) *waE2E.Message {
	return &waE2E.Message{
		DeviceSentMessage:  &waE2E.DeviceSentMessage{DestinationJID: proto.String(to.String()), Message: msg},
		MessageContextInfo: msg.GetMessageContextInfo(),
	}
}

// Marshal gives the plaintext of a message, for Encrypt.
func Marshal(msg *waE2E.Message) ([]byte, error) {
	plaintext, err := proto.Marshal(msg)
	if err != nil {
		return nil, fmt.Errorf("write a message: %w", err)
	}
	return plaintext, nil
}
