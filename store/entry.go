package store

import (
	"time"
)

// Entry is what one WhatsApp event leaves behind. All of it is written in one
// transaction, or nothing. Any field may be nil.
type Entry struct {
	Message *Message
	Receipt *Receipt
	Edit    *Edit
	Revoke  *Revoke
	Contact *Contact
	Events  []Event
}

// Receipt tells how far our own messages have come with one recipient.
type Receipt struct {
	Chat       string // JID as the receipt names the chat
	AltChat    string // the other identity (phone or LID) of Chat; may be empty
	MessageIDs []string
	Status     string // server, delivered, read or played
	By         string // JID of the recipient; empty for the server
	At         time.Time
}

// Edit replaces the text of an earlier message. The old text is kept in
// metadata.previous. A target that is not in the history is no error.
type Edit struct {
	Chat, ID, Text string
	Raw            []byte // protobuf of the new content; nil keeps the old
	At             time.Time
}

// Revoke marks an earlier message as taken back. A target that is not in the
// history is no error.
type Revoke struct {
	Chat, ID, By string
	At           time.Time
}
