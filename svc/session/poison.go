package session

import (
	"encoding/json"
	"sync"

	"go.mau.fi/whatsmeow/types/events"

	"wamux/store"
	"wamux/svc/session/convert"
)

// poisonLimit is how often a message may break its handler. WhatsApp offers it
// again each time, so without an end it would hold up the session for ever.
const poisonLimit = 5

// poison counts the messages that broke their handler.
type poison struct {
	mu     sync.Mutex
	counts map[string]int
}

// deadly notes that the handler broke, and tells whether it did so too often.
func (p *poison) deadly(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.counts == nil {
		p.counts = map[string]int{}
	}
	p.counts[id]++
	if p.counts[id] < poisonLimit {
		return false
	}
	delete(p.counts, id)
	return true
}

// setAside keeps a message that cannot be handled as an event "unknown" with
// all its content, so that the messages behind it get through. It tells
// whether that is on disk.
func (s *session) setAside(r *run, evt any) (kept bool) {
	m, ok := evt.(*events.Message)
	if !ok || !s.poison.deadly(m.Info.ID) {
		return false
	}
	defer func() {
		if recover() != nil {
			kept = false
		}
	}()
	data, err := json.Marshal(map[string]any{"chat": m.Info.Chat.String(), "sender": m.Info.Sender.String(), "messageId": m.Info.ID,
		"timestamp": m.Info.Timestamp.UTC(), "code": "handler_failed", "content": convert.JSON(convert.Harmless(m.RawMessage))})
	if err != nil {
		return false
	}
	entry := store.Entry{Events: []store.Event{{ID: store.EventID("unknown", s.id, m.Info.Chat.String(), m.Info.Sender.String(), m.Info.ID), Type: "unknown", Data: data}}}
	_, err = s.m.db.Record(r.ctx, s.id, entry)
	return err == nil
}
