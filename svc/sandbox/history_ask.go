package sandbox

import (
	"slices"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"

	"wamux/store"
	"wamux/svc/sandbox/phone"
)

// olderMessages answers a device that asks for messages of one chat before the oldest it has.
func (s *Server) olderMessages(d *device, request string, ask *waE2E.PeerDataOperationRequestMessage_HistorySyncOnDemandRequest) error {
	jid, err := types.ParseJID(ask.GetChatJID())
	if err != nil {
		return store.Errorf(store.CodeInvalid, "chat_invalid", "The chat of a request for history is no JID.")
	}
	f, err := s.past(d.account)
	if err != nil {
		return err
	}
	var parts []part
	if i := slices.IndexFunc(f.chats, func(c *pastChat) bool { return c.jid == s.inboxChat(jid) }); i >= 0 {
		parts = []part{before(f.chats[i], ask)}
	}
	return s.sendHistory(d, []phone.History{{Type: phone.HistoryOnDemand, Chats: f.conversations(d, parts), Request: request}})
}

// before is what a chat has before a message, or before a time when the phone does not know the message.
func before(c *pastChat, ask *waE2E.PeerDataOperationRequestMessage_HistorySyncOnDemandRequest) part {
	start := slices.IndexFunc(c.messages, func(m phone.PastMessage) bool { return m.ID == ask.GetOldestMsgID() }) + 1
	if start == 0 {
		oldest := time.Unix(ask.GetOldestMsgTimestampMS(), 0) // seconds, whatever its name says: so clients fill it
		if start = slices.IndexFunc(c.messages, func(m phone.PastMessage) bool { return m.At.Before(oldest) }); start < 0 {
			start = len(c.messages)
		}
	}
	end := min(start+min(int(ask.GetOnDemandMsgCount()), onDemandMost), len(c.messages))
	return part{c, c.messages[start:max(start, end)], end < len(c.messages)}
}

// wholeHistory answers a device that asks for everything.
func (s *Server) wholeHistory(d *device, ask *waE2E.PeerDataOperationRequestMessage_FullHistorySyncOnDemandRequest) error {
	f, err := s.past(d.account)
	if err != nil {
		return err
	}
	var parts []part
	for _, c := range f.chats {
		parts = append(parts, part{c, c.messages, false})
	}
	syncs := f.chunks(d, phone.HistoryFull, parts)
	for i := range syncs {
		syncs[i].Full = ask.GetRequestMetadata()
	}
	return s.sendHistory(d, syncs)
}
