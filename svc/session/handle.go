package session

import (
	"fmt"
	"runtime/debug"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"wamux/store"
	"wamux/svc/session/convert"
)

// receiptWithin is how long a receipt may wait for a commit to share: nobody waits
// for it.
const receiptWithin = 10 * time.Millisecond

// handle is the client's event handler. true lets WhatsApp forget the event: what
// it leaves behind is on its way to the disk, and the ack that follows waits for
// that. Anything else stops the run, so
// that no later event overtakes this one; WhatsApp offers all of them again.
func (s *session) handle(r *run, evt any) (done bool) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("event handler broke", "event", fmt.Sprintf("%T", evt), "panic", redact(p), "stack", string(debug.Stack()))
			if done = s.setAside(r, evt); !done {
				s.fail(r, panicked(), nil)
			}
		}
	}()
	switch evt.(type) {
	case *events.Disconnected:
		r.gone()
	case *events.PairSuccess, *events.Connected:
		r.learn()
	}
	if _, ok := diagnose(evt); ok {
		s.box.post(happened{r, evt})
		return true
	}
	if !r.handling.enter() {
		return false
	}
	defer r.handling.leave()
	if _, ok := evt.(*events.Message); ok {
		r.turn.Lock()
		defer r.turn.Unlock()
	}
	return s.keep(r, evt)
}

// keep writes down what evt leaves behind, and tells whether that could be done.
func (s *session) keep(r *run, evt any) bool {
	if r.ctx.Err() != nil {
		return false
	}
	switch e := evt.(type) {
	case *events.Receipt:
		s.sent.settle(r.ctx, e.MessageIDs)
	case *events.AppStateSyncError:
		s.tear(e.Name)
	}
	if err := s.noteHistory(r, evt); err != nil {
		s.fail(r, storeFault(err), err)
		return false
	}
	entries := s.m.convert(s.id, r.own(), s.reveal(r, acquainted(r, evt)))
	if len(entries) == 0 {
		return true
	}
	if err := s.record(r, evt, entries); err != nil {
		s.fail(r, storeFault(err), err)
		return false
	}
	return true
}

// acquainted adds the other identity of whom an event of the app state is about,
// where this device knows it.
func acquainted(r *run, evt any) any {
	jid := convert.About(evt)
	if jid.IsEmpty() {
		return evt
	}
	alt, err := r.device.GetAltJID(r.ctx, jid.ToNonAD())
	if err != nil || alt.IsEmpty() {
		return evt
	}
	return &convert.Known{Event: evt, JID: jid, Alt: alt.ToNonAD()}
}

// record hands entries to the disk; those of a message together with the ratchet
// that decrypted it. The line keeps the ack back until they are there.
func (s *session) record(r *run, evt any, entries []store.Entry) error {
	write := func(tx *store.Tx) error {
		_, err := tx.Record(s.id, entries...)
		return err
	}
	if m, ok := evt.(*events.Message); ok && buffered(m) {
		return r.device.Handled(r.ctx, func(plaintext []byte) bool { return wasReadFrom(m, plaintext) }, write)
	}
	within := time.Duration(0)
	if _, ok := evt.(*events.Receipt); ok {
		within = receiptWithin
	}
	return r.device.Record(r.ctx, within, write)
}

// buffered tells whether the library surely keeps what it decrypted until m is handled. It
// does not for newsletters, which come in clear, and some answers of bots: their handlers
// must not take the message of another, whose handler outlives its line, for theirs.
func buffered(m *events.Message) bool {
	return m.Info.Sender.Server != types.NewsletterServer && !m.Info.Sender.IsBot()
}

// wasReadFrom tells whether the library read m from a plaintext, which ends in as many
// bytes of padding as its last one says. The library writes into what it unwraps.
func wasReadFrom(m *events.Message, plaintext []byte) bool {
	n := len(plaintext)
	if n == 0 || int(plaintext[n-1]) > n {
		return false
	}
	raw := new(waE2E.Message)
	if proto.Unmarshal(plaintext[:n-int(plaintext[n-1])], raw) != nil {
		return false
	}
	return proto.Equal((&events.Message{RawMessage: raw}).UnwrapRaw().RawMessage, m.RawMessage)
}

// fail stops the run at once: nothing is acknowledged any more, and the owner
// takes it down. It may be called from any goroutine, also by the stores.
func (s *session) fail(r *run, d diagnosis, err error) {
	ended := r.ctx.Err() != nil
	r.stop()
	if ended || r.broken.Swap(true) {
		return
	}
	if err != nil {
		s.log.Error("session stops because something could not be saved or read", "error", err)
	}
	s.box.post(broke{r, d})
}
