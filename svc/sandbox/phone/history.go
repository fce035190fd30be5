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

// Chat is a conversation as it is told to a companion.
type Chat struct {
	JID         string
	Number, LID string // JIDs of the other side; empty for groups
	Name        string
	Unread      uint32
	State       ChatState
	More        bool          // the phone has older messages
	Messages    []PastMessage // newest first
}

// PastMessage is one message of a Chat. Sender is needed in groups only.
type PastMessage struct {
	ID        string
	FromMe    bool
	Sender    string
	PushName  string
	At        time.Time
	Status    waWeb.WebMessageInfo_Status
	Message   *waE2E.Message // as edited last
	Revoked   bool           // nothing of it is left
	Starred   bool
	Reactions []PastAnswer
	Votes     []PastAnswer
}

// PastAnswer is a reaction to a message or a vote in a poll, itself a message.
type PastAnswer struct {
	ID      string
	FromMe  bool
	Sender  string
	Text    string   // of a reaction
	Options []string // of a vote
	At      time.Time
}

// HistoryType is the kind of a history sync.
type HistoryType string

// What a phone sends after linking, in this order, and what it sends when it is asked.
const (
	HistoryBootstrap HistoryType = "bootstrap" // the newest messages of each chat
	HistoryPushNames HistoryType = "push_names"
	HistoryRecent    HistoryType = "recent" // older ones
	HistoryFull      HistoryType = "full"   // even older ones
	HistoryOnDemand  HistoryType = "on_demand"
)

// number is the same in the two enumerations that WhatsApp has of it.
func (t HistoryType) number() int32 {
	switch t {
	case HistoryPushNames:
		return int32(waHistorySync.HistorySync_PUSH_NAME)
	case HistoryRecent:
		return int32(waHistorySync.HistorySync_RECENT)
	case HistoryFull:
		return int32(waHistorySync.HistorySync_FULL)
	case HistoryOnDemand:
		return int32(waHistorySync.HistorySync_ON_DEMAND)
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
	Request  string    // id of the request that it answers
	Full     *waE2E.FullHistorySyncOnDemandRequestMetadata
	Original string // id of the notice that this one repeats
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
		sync.Conversations = append(sync.Conversations, conversation(chat, h.Type))
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

func conversation(chat Chat, t HistoryType) *waHistorySync.Conversation {
	c := &waHistorySync.Conversation{ID: proto.String(chat.JID), UnreadCount: proto.Uint32(chat.Unread), EndOfHistoryTransferType: chat.end(t)}
	for to, value := range map[**string]string{&c.Name: chat.Name, &c.PnJID: chat.Number, &c.LidJID: chat.LID} {
		if value != "" {
			*to = proto.String(value)
		}
	}
	for i, past := range chat.Messages {
		c.Messages = append(c.Messages, &waHistorySync.HistorySyncMsg{
			Message: webMessage(chat.JID, past), MsgOrderID: proto.Uint64(uint64(len(chat.Messages) - i)),
		})
	}
	if len(chat.Messages) > 0 {
		c.ConversationTimestamp = proto.Uint64(uint64(chat.Messages[0].At.Unix()))
	}
	chat.State.tell(c)
	return c
}

// end says whether this is all that the phone has of a chat.
func (chat Chat) end(t HistoryType) *waHistorySync.Conversation_EndOfHistoryTransferType {
	switch {
	case !chat.More:
		return waHistorySync.Conversation_COMPLETE_AND_NO_MORE_MESSAGE_REMAIN_ON_PRIMARY.Enum()
	case t == HistoryOnDemand:
		return waHistorySync.Conversation_COMPLETE_ON_DEMAND_SYNC_BUT_MORE_MSG_REMAIN_ON_PRIMARY.Enum()
	}
	return waHistorySync.Conversation_COMPLETE_BUT_MORE_MESSAGES_REMAIN_ON_PRIMARY.Enum()
}

// tell puts what the owner has chosen for a chat into its conversation.
func (s ChatState) tell(c *waHistorySync.Conversation) {
	c.Archived, c.MarkedAsUnread = proto.Bool(s.Archived), proto.Bool(s.Unread)
	if s.Pinned {
		c.Pinned = proto.Uint32(uint32(c.GetConversationTimestamp())) // when that was done is not kept
	}
	if s.Muted && !s.Until.IsZero() {
		c.MuteEndTime = proto.Uint64(uint64(s.Until.UnixMilli()))
	}
}

func webMessage(chat string, past PastMessage) *waWeb.WebMessageInfo {
	info := &waWeb.WebMessageInfo{
		Key: messageKey(chat, past.ID, past.FromMe, past.Sender), Message: past.Message,
		MessageTimestamp: proto.Uint64(uint64(past.At.Unix())), Status: past.Status.Enum(),
	}
	if secret := past.Message.GetMessageContextInfo().GetMessageSecret(); len(secret) > 0 {
		info.MessageSecret = secret
	}
	if past.Sender != "" {
		info.Participant = proto.String(past.Sender)
	}
	if past.PushName != "" {
		info.PushName = proto.String(past.PushName)
	}
	if past.Starred {
		info.Starred = proto.Bool(true)
	}
	if past.Revoked {
		info.Message, info.MessageStubType = nil, waWeb.WebMessageInfo_REVOKE.Enum()
	}
	for _, r := range past.Reactions {
		info.Reactions = append(info.Reactions, &waWeb.Reaction{
			Key: messageKey(chat, r.ID, r.FromMe, r.Sender), Text: proto.String(r.Text), SenderTimestampMS: proto.Int64(r.At.UnixMilli()),
		})
	}
	for _, v := range past.Votes {
		info.PollUpdates = append(info.PollUpdates, &waWeb.PollUpdate{
			PollUpdateMessageKey: messageKey(chat, v.ID, v.FromMe, v.Sender), Vote: ballot(v.Options), SenderTimestampMS: proto.Int64(v.At.UnixMilli()),
		})
	}
	return info
}

func messageKey(chat, id string, fromMe bool, sender string) *waCommon.MessageKey {
	key := &waCommon.MessageKey{RemoteJID: proto.String(chat), FromMe: proto.Bool(fromMe), ID: proto.String(id)}
	if sender != "" {
		key.Participant = proto.String(sender)
	}
	return key
}

// Notice builds the protocol message that tells a companion where a history sync is: a media
// reference, or, when m is nil, the packed bytes themselves.
func (p *Phone) Notice(h History, m *Media, packed []byte) *waE2E.Message {
	notice := &waE2E.HistorySyncNotification{
		SyncType:   waE2E.HistorySyncType(h.Type.number()).Enum(),
		ChunkOrder: proto.Uint32(h.Chunk),
		Progress:   proto.Uint32(h.Progress),

		FullHistorySyncOnDemandRequestMetadata: h.Full,
	}
	if h.Request != "" {
		notice.PeerDataRequestSessionID = proto.String(h.Request)
	}
	if h.Original != "" {
		notice.OriginalMessageID = proto.String(h.Original)
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
