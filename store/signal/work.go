package signal

import (
	"context"
	"sync"
)

type workKey struct{}

// work is what one decryption or one SendMessage has in hand. It travels in the
// context, so that their reads see their own writes.
type work struct {
	*batch
	owner   *stores
	sending bool

	moved func() // what a send does once its ratchets are handed in; nil for nothing, and when that is done

	mu    sync.Mutex
	holds bool // the ratchet lock; a decryption always does
}

// work returns the work of these stores that ctx carries, or nil.
func (s *stores) work(ctx context.Context) *work {
	if ctx == nil {
		return nil
	}
	w, _ := ctx.Value(workKey{}).(*work)
	if w == nil || w.owner != s {
		return nil
	}
	return w
}

// hold takes the ratchet lock for the work unless it has it. taken tells that
// it was taken just now.
func (w *work) hold(ctx context.Context) (taken bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.holds {
		return false, nil
	}
	if err := w.owner.ratchet.lock(ctx); err != nil {
		return false, err
	}
	w.holds = true
	return true, nil
}

// free gives the ratchet lock back early: a send is done with the ratchets as
// soon as they are on disk, long before the server answers.
func (w *work) free() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.holds && w.sending {
		w.holds = false
		w.owner.ratchet.unlock()
	}
}

// settle hands in what the work has staged, together with fn's writes: it is on
// disk before a byte leaves that was made after it.
func (w *work) settle(fn func(*batch)) error {
	w.stage(fn)
	if err := w.owner.pushLate(w.batch); err != nil {
		return err
	}
	w.reset()
	return nil
}

// tell says, once, that the ratchets are handed in.
func (w *work) tell() {
	if fn := w.moved; fn != nil {
		w.moved = nil
		fn()
	}
}

// stage runs fn on the work's batch.
func (w *work) stage(fn func(*batch)) {
	w.batch.mu.Lock()
	defer w.batch.mu.Unlock()
	fn(w.batch)
}

// sendContext begins a send; see Device.SendContext.
func (s *stores) sendContext(ctx context.Context) (context.Context, func()) {
	w := &work{batch: newBatch(), owner: s, sending: true}
	var once sync.Once
	return context.WithValue(ctx, workKey{}, w), func() { once.Do(func() { s.endSend(ctx, w) }) }
}

// endSend commits what a send left staged, which is nothing that its message
// depended on, and frees the lock.
func (s *stores) endSend(ctx context.Context, w *work) {
	var err error
	ctx = context.WithoutCancel(ctx)
	defer w.free()
	defer s.guard(ctx, &err)
	err = w.settle(func(*batch) {})
}
