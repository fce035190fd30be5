package signal

import (
	"context"
	"sync"
)

// late holds what whatsmeow writes while it handles a decrypted message: its
// message secret and the sender key it carried. Until ClearBufferedEventPlaintext
// the message's plaintext is on disk, so a crash repeats these writes, and they
// may ride on the Clear's commit instead of having one each.
type late struct {
	mu   sync.Mutex // held across the commit that takes the batch along
	open bool       // a Clear is going to come
	*batch
}

// begin says that a message is being handled from now on.
func (l *late) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = true
}

// add stages fn's writes; false means that no Clear is to be expected.
func (l *late) add(fn func(*batch)) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.open {
		return false
	}
	l.batch.mu.Lock()
	defer l.batch.mu.Unlock()
	fn(l.batch)
	return true
}

// changeLate is change for what may wait for the Clear of the message being handled.
func (s *stores) changeLate(ctx context.Context, fn func(*batch)) error {
	if s.work(ctx) == nil && s.late.add(fn) {
		return nil
	}
	return s.change(ctx, fn)
}

// commitLate commits b together with what is late, and says whether a message
// is being handled afterwards.
func (s *stores) commitLate(ctx context.Context, b *batch, open bool) error {
	s.late.mu.Lock()
	defer s.late.mu.Unlock()
	if err := s.commit(ctx, b.snapshot(s.late.batch)); err != nil {
		return err
	}
	s.late.reset()
	s.late.open = open
	return nil
}
