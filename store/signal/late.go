package signal

import (
	"context"
	"slices"
	"sync"

	"wamux/store"
)

// late holds what may wait for the next commit of the session: what a
// decryption wrote, and what whatsmeow writes while it handles the message, its
// secret and the sender key it carried. All readers see it. It is lost in a
// crash, as a whole: then the message was never decrypted, nobody acked it, and
// it comes again.
type late struct {
	mu      sync.Mutex  // held across the commit that takes the batch along
	waiting []decrypted // not yet handled, the oldest first; hardly ever more than one
	doubt   bool        // some that waited were given up, and may be handled nevertheless
	handled *[32]byte   // the event whose Clear was done by Handled, and is still to come; or nil
	*batch
}

// decrypted is an event that waits for its handler.
type decrypted struct {
	hash      [32]byte
	plaintext []byte
}

// maxWaiting bounds how many events wait. whatsmeow handles one at a time, but for
// what it goes on without.
const maxWaiting = 8

func newLate() late { return late{batch: newBatch()} }

// hold keeps the writes of a decryption that ended well.
func (l *late) hold(b *batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for hash, e := range b.events {
		l.await(hash, e.plaintext)
	}
	l.batch.mu.Lock()
	defer l.batch.mu.Unlock()
	b.copyTo(l.batch)
}

// begin says that an event from the buffer is being handled from now on.
func (l *late) begin(hash [32]byte, plaintext []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.await(hash, plaintext)
}

// await adds an event to those that wait. mu is held.
func (l *late) await(hash [32]byte, plaintext []byte) {
	l.over(hash)
	l.waiting = append(l.waiting, decrypted{hash, plaintext})
	if more := len(l.waiting) - maxWaiting; more > 0 {
		l.waiting, l.doubt = slices.Delete(l.waiting, 0, more), true
	}
}

// over takes an event from those that wait. mu is held.
func (l *late) over(hash [32]byte) {
	l.waiting = slices.DeleteFunc(l.waiting, func(d decrypted) bool { return d.hash == hash })
}

// take finds the event being handled, whose plaintext is knows, and takes it from
// those that wait, with those before it. They wait in vain: whatsmeow did not tell
// us of them, because it could not read them or broke. Or their handlers outlive a
// connection, or whatsmeow's patience, and are still to come: such a one must not
// take the event of another for its own, so that there is doubt from then on even
// where there is only one. mu is held.
func (l *late) take(is func(plaintext []byte) bool) (hash [32]byte, ok bool) {
	found := -1
	for i, d := range l.waiting {
		if len(l.waiting) == 1 && !l.doubt || is(d.plaintext) {
			if found >= 0 {
				return hash, false
			}
			found, hash = i, d.hash
		}
	}
	l.waiting, l.doubt = slices.Delete(l.waiting, 0, found+1), l.doubt || found > 0
	return hash, found >= 0
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
// for the disk: [Device.Mark] does. is tells whether a plaintext, still padded, is
// that of the message; it is asked where several may be meant. Call Handled from
// the handler of the message, and only there.
func (d *Device) Handled(ctx context.Context, is func(plaintext []byte) bool, fn func(*store.Tx) error) error {
	return d.stores.markHandled(ctx, is, fn)
}

// markHandled finds the message being handled. Where nobody knows which it is its
// own Clear tells later.
func (s *stores) markHandled(ctx context.Context, is func([]byte) bool, fn func(*store.Tx) error) (err error) {
	defer s.guard(ctx, &err)
	s.late.mu.Lock()
	defer s.late.mu.Unlock()
	b := newBatch()
	b.run(fn)
	hash, ok := s.late.take(is)
	if !ok {
		return s.commitLocked(ctx, b)
	}
	s.forget(b, hash)
	if err = s.pushLocked(b, 0); err == nil {
		s.late.handled = &hash
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
	s.late.over(hash)
	s.late.handled = nil
	return nil
}
