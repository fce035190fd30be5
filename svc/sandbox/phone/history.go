package phone

import (
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
)

// Chat is a conversation as it is told to a new companion.
type Chat struct {
	JID      string
	Name     string
	Unread   uint32
	Messages []PastMessage
}

// PastMessage is one message of a Chat. Sender is needed in groups only.
type PastMessage struct {
	ID       string
	FromMe   bool
	Sender   string
	PushName string
	At       time.Time
	Message  *waE2E.Message
}

// HistoryType is the kind of a history sync.
type HistoryType string

// What a phone sends after linking, in this order.
const (
	HistoryBootstrap HistoryType = "bootstrap" // the newest messages of each chat
	HistoryPushNames HistoryType = "push_names"
	HistoryRecent    HistoryType = "recent"
)

// History is one history sync.
type History struct {
	Type     HistoryType
	Chunk    uint32 // counts from 1
	Progress uint32 // 0…100
	Chats    []Chat
	Contacts []Contact // their LIDs become mappings, their FullName the push names
}

// Pack gives the compressed bytes of a history sync, to be encrypted by SealMedia with KindHistory
// and uploaded, or carried inline by Notice when they are small.
func (p *Phone) Pack(h History) ([]byte, error) { return nil, ErrMalformed }

// Notice builds the protocol message that tells a companion where a history sync is: a media
// reference, or, when m is nil, the packed bytes themselves.
func (p *Phone) Notice(h History, m *Media, packed []byte) *waE2E.Message { return nil }
