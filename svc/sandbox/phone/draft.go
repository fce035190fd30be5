package phone

import (
	"errors"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
)

// Draft is a message a person wants to send. Fields that its Type does not use are ignored.
type Draft struct {
	// Type is one of text, image, video, audio, voice, document, sticker, location, live_location,
	// contact, contacts, poll, vote, reaction, edit, revoke, reply, event, raw. "reply" is a text
	// with a quote; every other content type becomes a reply too when there is a target.
	Type string
	Text string // text of text, reply, edit (the new text); emoji of reaction ("" takes it back); question of poll
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
	Thumbnail []byte // JPEG
	Waveform  []byte // of voice, 64 values 0…100

	Latitude, Longitude float64
	Name, Address       string // of location; Name of event

	DisplayName string   // of contact and contacts
	VCards      []string // one for contact, any number for contacts

	Options    []string // of poll; of vote: the options chosen, by their texts (none takes the vote back)
	Selectable uint32   // how many options of a poll may be chosen, 0 means any number

	StartsAt  time.Time // of event
	Mentions  []string  // JIDs mentioned in the text
	ExpiresIn uint32    // disappearing messages: seconds, 0 means the message stays
	Raw       []byte    // protobuf of a waE2E.Message that is sent as it is, for type raw: lists, buttons, templates…
}

// Target is the message that a reaction, an edit, a revoke, a vote or a reply is about.
type Target struct {
	Chat    types.JID // the chat it is in, as its other side sees it in keys
	Sender  types.JID // who sent it
	FromMe  bool
	ID      string
	Message *waE2E.Message // its content; needed for quotes (may be nil) and for votes (its secret)
}

// ErrDraft says that a draft cannot be made into a message. The text says what is missing.
var ErrDraft = errors.New("the message cannot be built")

// Build makes the message of a draft, with the secret in messageContextInfo where the real app
// puts one. Target may be nil for types that need none. Self in votes is the LID when the target's
// sender is a LID, else the number.
func (p *Phone) Build(d Draft, target *Target, now time.Time) (*waE2E.Message, error) {
	return nil, ErrDraft
}

// DeviceSent wraps a message for our own companions, who learn from it what we sent to whom.
func DeviceSent(to types.JID, msg *waE2E.Message) *waE2E.Message { return nil }

// Marshal gives the plaintext of a message, for Encrypt.
func Marshal(msg *waE2E.Message) ([]byte, error) { return nil, ErrDraft }
