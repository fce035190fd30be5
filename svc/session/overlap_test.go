package session_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types/events"

	"wamux/store"
	"wamux/svc/session"
	"wamux/svc/session/convert"
)

// TestHandlerOutlivesItsLine: the line breaks while a message is being handled, and
// WhatsApp offers it again on the next. When the first handler comes to its end
// at last, another message is under way, and then breaks: it must come again.
func TestHandlerOutlivesItsLine(t *testing.T) {
	var slow, second atomic.Int32
	next := make(chan struct{})
	w := newWorld(t, func(w *world) {
		w.wrap = func(good session.Converter) session.Converter {
			return func(id string, own convert.Own, evt any) []store.Entry {
				m, ok := evt.(*events.Message)
				if !ok {
					return good(id, own, evt)
				}
				switch text := m.Message.GetConversation() + m.Message.GetExtendedTextMessage().GetText(); {
				case text == "text 1" && slow.Add(1) == 1:
					w.fault("drop", alice)
					select {
					case <-next: // the second message is being handled
					case <-time.After(2 * time.Second): // or waits for us
					}
				case text == "text 2" && second.Add(1) == 1:
					close(next)
					<-time.After(200 * time.Millisecond) // for the first to end
					panic("on purpose")
				}
				return good(id, own, evt)
			}
		}
	})
	w.phone(bob)
	w.pair("shop", alice)
	w.texts(bob, alice, "text 1")
	w.until("the first to be handled", func() bool { return slow.Load() > 0 })
	w.texts(bob, alice, "text 2", "text 3")
	w.until("the last", func() bool { return slices.Contains(w.history("shop"), "text 3") })
	w.received("shop", "text 1", "text 2", "text 3")
	w.once()
}
