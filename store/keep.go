package store

import (
	"encoding/json"
	"slices"
	"strings"
)

// History says how much of messages is kept. It holds for what is written from
// now on; rows of before stay as they are.
type History string

// The three ways. Under the last two no text, no content and no name of a file is
// kept: not in chat_history, not in the data of events, and not in jobs that are
// over. Who wrote to whom, when and what kind stays, as do receipts.
const (
	HistoryFull     History = "full"     // everything; "" means the same
	HistoryMetadata History = "metadata" // rows and events without what was said
	HistoryOff      History = "off"      // no rows of chat_history at all; events without what was said
)

// whole tells whether content is kept.
func (h History) whole() bool { return h == "" || h == HistoryFull }

// trim takes from an entry what is not to be kept. Everything that WhatsApp tells
// comes through here on its way into the database.
func (h History) trim(e Entry) Entry {
	if h.whole() {
		return e
	}
	e.Message, e.Edit = trimMessage(e.Message), trimEdit(e.Edit)
	e.Events = slices.Clone(e.Events)
	for i := range e.Events {
		if tellsContent(e.Events[i].Type) {
			e.Events[i].Data = trimObject(e.Events[i].Data)
		}
	}
	return e
}

func trimMessage(m *Message) *Message {
	if m == nil {
		return nil
	}
	bare := *m
	bare.Text, bare.Raw, bare.Metadata = "", nil, trimObject(m.Metadata)
	return &bare
}

func trimEdit(e *Edit) *Edit {
	if e == nil {
		return nil
	}
	bare := *e
	bare.Text, bare.Raw = "", nil
	return &bare
}

// tellsContent names the events that say what was said.
func tellsContent(kind string) bool {
	return kind == "unknown" || strings.HasPrefix(kind, "message.") && kind != "message.status" && kind != "message.failed"
}

// plainFields are the fields of metadata and of events that tell nothing of what
// was said. What is not listed is not kept: a new kind of content leaks nothing.
func plainFields() []string {
	return []string{
		"id", "messageId", "remoteJid", "participant", "jid", "lid", "phone", "chat", "sender", "by", "key", "fromMe", "timestamp", "type", "kind", "code",
		"target", "byAdmin", "editId", "revokeId", "status", "quoted", "mentionAll", "forwarded", "forwardingScore", "expiration",
		"association", "parentId", "index", "serverId", "broadcast", "covers", "ephemeral", "viewOnce", "spoiler", "botInvoke", "encrypted",
		"reason", "unavailable", "receiptType", "ids",
	}
}

// trimObject keeps the plain fields of an object, at every depth.
func trimObject(data json.RawMessage) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil {
		return nil // becomes {}
	}
	plain := plainFields()
	for name, value := range fields {
		switch {
		case name == "metadata" || slices.Contains(plain, name) && len(value) > 0 && value[0] == '{':
			fields[name] = trimObject(value)
		case !slices.Contains(plain, name):
			delete(fields, name)
		}
		if fields[name] == nil {
			delete(fields, name)
		}
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return nil
	}
	return text
}

// rest is what a job that is over keeps of its content.
func (h History) rest(c Content) ([]byte, error) {
	if h.whole() {
		return nil, nil
	}
	return json.Marshal(Content{Type: c.Type})
}
