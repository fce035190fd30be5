package phone

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"time"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waHistorySync"
	"go.mau.fi/whatsmeow/proto/waWeb"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// Chat is a conversation as it is told to a new companion.
type Chat struct {
	JID      string
	Name     string
	Unread   uint32
	Messages []PastMessage // newest first
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

// number is the same in the two enumerations that WhatsApp has of it.
func (t HistoryType) number() int32 {
	switch t {
	case HistoryPushNames:
		return int32(waHistorySync.HistorySync_PUSH_NAME)
	case HistoryRecent:
		return int32(waHistorySync.HistorySync_RECENT)
	default:
		return int32(waHistorySync.HistorySync_INITIAL_BOOTSTRAP)
	}
}

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
func (p *Phone) Pack(h History) ([]byte, error) {
	raw, err := proto.Marshal(p.historySync(h))
	if err != nil {
		return nil, fmt.Errorf("pack the history: %w", err)
	}
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	if _, err := w.Write(raw); err != nil {
		return nil, fmt.Errorf("pack the history: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack the history: %w", err)
	}
	return packed.Bytes(), nil
}

func (p *Phone) historySync(h History) *waHistorySync.HistorySync {
	sync := &waHistorySync.HistorySync{
		SyncType:   waHistorySync.HistorySync_HistorySyncType(h.Type.number()).Enum(),
		ChunkOrder: proto.Uint32(h.Chunk),
		Progress:   proto.Uint32(h.Progress),
	}
	for _, chat := range h.Chats {
		sync.Conversations = append(sync.Conversations, conversation(chat))
	}
	for _, c := range h.Contacts {
		number := types.NewJID(c.Number, types.DefaultUserServer).String()
		if h.Type == HistoryPushNames {
			sync.Pushnames = append(sync.Pushnames, &waHistorySync.Pushname{
				ID: proto.String(number), Pushname: proto.String(c.FullName),
			})
		}
		if c.LID != "" {
			sync.PhoneNumberToLidMappings = append(sync.PhoneNumberToLidMappings, &waHistorySync.PhoneNumberToLIDMapping{
				PnJID: proto.String(number), LidJID: proto.String(types.NewJID(c.LID, types.HiddenUserServer).String()),
			})
		}
	}
	return sync
}

func conversation(chat Chat) *waHistorySync.Conversation {
	c := &waHistorySync.Conversation{
		ID: proto.String(chat.JID), UnreadCount: proto.Uint32(chat.Unread),
		EndOfHistoryTransferType: waHistorySync.Conversation_COMPLETE_AND_NO_MORE_MESSAGE_REMAIN_ON_PRIMARY.Enum(),
	}
	if chat.Name != "" {
		c.Name = proto.String(chat.Name)
	}
	for i, past := range chat.Messages {
		c.Messages = append(c.Messages, &waHistorySync.HistorySyncMsg{
			Message: webMessage(chat.JID, past), MsgOrderID: proto.Uint64(uint64(len(chat.Messages) - i)),
		})
	}
	if len(chat.Messages) > 0 {
		c.ConversationTimestamp = proto.Uint64(uint64(chat.Messages[0].At.Unix()))
	}
	return c
}

func webMessage(chat string, past PastMessage) *waWeb.WebMessageInfo {
	info := &waWeb.WebMessageInfo{
		Key: &waCommon.MessageKey{
			RemoteJID: proto.String(chat), FromMe: proto.Bool(past.FromMe), ID: proto.String(past.ID),
		},
		Message:          past.Message,
		MessageTimestamp: proto.Uint64(uint64(past.At.Unix())),
		Status:           waWeb.WebMessageInfo_DELIVERY_ACK.Enum(),
	}
	if past.Sender != "" {
		info.Participant = proto.String(past.Sender)
		info.Key.Participant = proto.String(past.Sender)
	}
	if past.PushName != "" {
		info.PushName = proto.String(past.PushName)
	}
	return info
}

// Notice builds the protocol message that tells a companion where a history sync is: a media
// reference, or, when m is nil, the packed bytes themselves.
func (p *Phone) Notice(h History, m *Media, packed []byte) *waE2E.Message {
	notice := &waE2E.HistorySyncNotification{
		SyncType:   waE2E.HistorySyncType(h.Type.number()).Enum(),
		ChunkOrder: proto.Uint32(h.Chunk),
		Progress:   proto.Uint32(h.Progress),
	}
	if m == nil {
		notice.InitialHistBootstrapInlinePayload = packed
	} else {
		notice.MediaKey, notice.FileSHA256, notice.FileEncSHA256 = m.Key, m.SHA256, m.EncSHA256
		notice.FileLength, notice.DirectPath = proto.Uint64(m.Length), proto.String(m.DirectPath)
	}
	return &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{
		Type:                    waE2E.ProtocolMessage_HISTORY_SYNC_NOTIFICATION.Enum(),
		HistorySyncNotification: notice,
	}}
}
