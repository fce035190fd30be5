package signal

import (
	"context"
	"sync"

	"wamux/store"
)

// late holds what may wait for the next commit of the session: what a
// decryption wrote, and what whatsmeow writes while it handles the message, its
// secret and the sender key it carried. All readers see it. It is lost in a
// crash, as a whole: then the message was never decrypted, nobody acked it, and
// it comes again.
type late struct {
	mu      sync.Mutex        // held across the commit that takes the batch along
	waiting map[[32]byte]bool // events decrypted and not yet handled
	handled *[32]byte         // the event whose Clear was done by Handled, and is still to come; or nil
	*batch
}

func newLate() late { return late{batch: newBatch(), waiting: make(map[[32]byte]bool)} }

// hold keeps the writes of a decryption that ended well.
func (l *late) hold(b *batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for hash := range b.events {
		l.waiting[hash] = true
	}
	l.batch.mu.Lock()
	defer l.batch.mu.Unlock()
	b.copyTo(l.batch)
}

// begin says that an event from the buffer is being handled from now on.
func (l *late) begin(hash [32]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting[hash] = true
}

// add stages fn's writes; false means that no message is being handled, so that
// no commit is bound to come.
func (l *late) add(fn func(*batch)) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		return false
	}
	l.batch.mu.Lock()
	defer l.batch.mu.Unlock()
	fn(l.batch)
	return true
}

// changeLate is change for what may wait for the end of the message being handled.
func (s *stores) changeLate(ctx context.Context, fn func(*batch)) error {
	if s.work(ctx) == nil && s.late.add(fn) {
		return nil
	}
	return s.change(ctx, fn)
}

// flush commits what is late, for those who read by a query what it may hold.
func (s *stores) flush(ctx context.Context) error { return s.commit(ctx, newBatch()) }

// Handled hands in what a decrypted message left behind: fn's writes, the ratchet
// that decrypted it, and that it was handled, all for one commit. It does not wait
// for the disk: [Device.Mark] does. Call it from the handler of that message, and
// only there.
func (d *Device) Handled(ctx context.Context, fn func(*store.Tx) error) error {
	return d.stores.markHandled(ctx, fn)
}

// markHandled finds the message being handled. When there are several, which
// happens when a handler takes so long that whatsmeow goes on without it,
// nobody knows which it is: then its own Clear tells later.
func (s *stores) markHandled(ctx context.Context, fn func(*store.Tx) error) (err error) {
	defer s.guard(ctx, &err)
	s.late.mu.Lock()
	defer s.late.mu.Unlock()
	b := newBatch()
	b.run(fn)
	if len(s.late.waiting) != 1 {
		return s.commitLocked(ctx, b)
	}
	for hash := range s.late.waiting {
		s.forget(b, hash)
		if err = s.pushLocked(b, 0); err == nil {
			s.late.handled = &hash
			clear(s.late.waiting)
		}
	}
	return err
}

// forget adds to b that an event was handled. Its hash stays, so that it is
// recognised when it comes again. late.mu is held.
func (s *stores) forget(b *batch, hash [32]byte) {
	s.late.batch.mu.Lock()
	e, pending := s.late.events[hash]
	s.late.batch.mu.Unlock()
	if pending {
		b.events[hash] = incoming{serverTime: e.serverTime}
		return
	}
	b.run(func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE event_buffer SET plaintext = NULL WHERE sessionId = ? AND hash = ?`, s.session, hash[:])
		return err
	})
}

// settleEvent is the Clear of an event. After Handled it has nothing to do.
func (s *stores) settleEvent(ctx context.Context, hash [32]byte) error {
	s.late.mu.Lock()
	defer s.late.mu.Unlock()
	b := newBatch()
	if s.late.handled == nil || *s.late.handled != hash {
		s.forget(b, hash)
	}
	if err := s.commitLocked(ctx, b); err != nil {
		return err
	}
	delete(s.late.waiting, hash)
	s.late.handled = nil
	return nil
}
