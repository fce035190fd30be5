package phone

import (
	"encoding/json"

	"go.mau.fi/whatsmeow/proto/waE2E"
)

// Content is a message as a person sees it.
type Content struct {
	// Type is one of the Draft types but raw and reply, or list, buttons, template, interactive,
	// list_response, buttons_response, template_response, interactive_response, group_invite, product, order,
	// call, pin, keep, poll_result, protocol (what only machines read), or unknown.
	Type string
	Text string // text, caption, emoji, question, new text of an edit
	// Media is nil when the message has no file. Its Mimetype and FileName are set.
	Media *Media
	// Target is the id of the message it is about: reaction, edit, revoke, vote, or the quoted one.
	Target       string
	TargetFromMe bool // from the sender's point of view
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
func Parse(plaintext []byte) (*waE2E.Message, error) { return nil, ErrMalformed }

// Read tells what is in a message. It never fails: what it does not know has type unknown and its JSON.
func Read(msg *waE2E.Message) Content { return Content{Type: "unknown"} }
