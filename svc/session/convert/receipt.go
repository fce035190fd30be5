package convert

import (
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"wamux/store"
)

// receipt tells how far our messages have come, or that one of our own devices
// has read what others wrote.
func (s source) receipt(e *events.Receipt) []store.Entry {
	switch e.Type {
	case types.ReceiptTypeDelivered, types.ReceiptTypeInactive:
		return s.reached(e, store.StatusDelivered)
	case types.ReceiptTypeRead:
		return s.reached(e, store.StatusRead)
	case types.ReceiptTypePlayed:
		return s.reached(e, store.StatusPlayed)
	case types.ReceiptTypeReadSelf:
		return s.readByUs(e, "read")
	case types.ReceiptTypePlayedSelf:
		return s.readByUs(e, "played")
	case types.ReceiptTypeSender, types.ReceiptTypeRetry, types.ReceiptTypeServerError, types.ReceiptTypePeerMsg, types.ReceiptTypeHistorySync:
		return nil // between devices; the client sees to them
	}
	data := meta{"kind": "receipt", "receiptType": clean(string(e.Type)), "chat": s.receiptChat(e), "ids": cleaned(e.MessageIDs)}
	return s.fact("unknown", e.Timestamp, data)
}

// reached is a receipt of a recipient for messages of ours.
func (s source) reached(e *events.Receipt, status string) []store.Entry {
	if e.IsFromMe {
		if status == store.StatusDelivered {
			return nil // another device of ours has got a copy
		}
		return s.readByUs(e, status)
	}
	by := bare(e.Sender)
	if by == "" {
		by = bare(e.Chat)
	}
	entry := store.Entry{Receipt: &store.Receipt{
		Chat: bare(e.Chat), AltChat: bare(chatAlt(s.own, e.MessageSource)), MessageIDs: cleaned(e.MessageIDs),
		Status: status, By: by, At: e.Timestamp.UTC(),
	}}
	for _, id := range e.MessageIDs {
		data := meta{"id": clean(id), "chat": s.receiptChat(e), "status": status, "by": who("", e.Sender, e.SenderAlt)}
		entry.Events = append(entry.Events, s.event("message.status", e.Timestamp, data, bare(e.Chat), by, id, status))
	}
	return []store.Entry{entry}
}

// readByUs tells that another device of ours opened the chat.
func (s source) readByUs(e *events.Receipt, change string) []store.Entry {
	data := meta{"change": change, change: true, "chat": s.receiptChat(e), "ids": cleaned(e.MessageIDs)}
	if !e.MessageSender.IsEmpty() {
		data["sender"] = who("", e.MessageSender, types.JID{})
	}
	out := s.fact("chat.updated", e.Timestamp, data)
	out[0].Chat = &store.ChatChange{ID: bare(e.Chat), Alt: bare(chatAlt(s.own, e.MessageSource)), Read: change == "read"}
	return out
}

func (s source) receiptChat(e *events.Receipt) person {
	return who("", e.Chat, chatAlt(s.own, e.MessageSource))
}
