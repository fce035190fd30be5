package store

import (
	"encoding/json"
	"time"
)

// How far an outgoing message has come. It only moves forward in this order.
const (
	StatusPending   = "pending"
	StatusServer    = "server"
	StatusDelivered = "delivered"
	StatusRead      = "read"
	StatusPlayed    = "played"
)

// Message is a row of chat_history. Chat and Sender are the identities exactly
// as the stanza carried them: a mapping learned later changes no row.
type Message struct {
	Seq       int64 // row id, given by the store
	Session   string
	Chat      string // JID
	Sender    string // JID
	ID        string // WhatsApp's message id
	Part      int    // 0 unless one message makes several rows
	Phone     string // digits of the chat: the phone number where it is known
	Text      string
	Type      string
	Outgoing  bool
	Status    string          // one of the Status words; "" for incoming
	Metadata  json.RawMessage // a JSON object; nil is taken as {}
	Raw       []byte          // protobuf waE2E.Message; may be nil
	Timestamp time.Time
	EditedAt  time.Time // zero when never edited
	RevokedAt time.Time // zero when not revoked
}

// MessageQuery chooses messages of one session, newest first.
type MessageQuery struct {
	Session string
	Phone   string // digits; "" for all
	Chat    string // JID; "" for all
	Before  int64  // only rows with a smaller Seq; 0 for all
	Offset  int
	Limit   int // 0 means 25, at most 1000
}
