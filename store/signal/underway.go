package signal

import (
	"context"
	"sync"
	"time"

	"wamux/store"
)

// maxPending bounds how many writes of a session may be on their way to the disk.
const maxPending = 256

// underway is the order in which writes reach the disk that nobody waits for. All
// readers of the session see them at once. What depends on them, which is every
// byte to WhatsApp, waits for its [Mark]; when one fails none after it is written,
// and nothing that waits ever leaves.
type underway struct {
	mu     sync.Mutex
	moved  *sync.Cond // done or err changed
	pushed int64      // how many were handed in
	done   int64      // how many of them are on disk
	err    error      // why one is not; it stays

	rows   map[string]pending[[]byte]
	events map[[32]byte]pending[incoming]
}

// pending is a value that is on its way to the disk with write n.
type pending[T any] struct {
	value T
	n     int64
}

func newUnderway() *underway {
	c := &underway{rows: make(map[string]pending[[]byte]), events: make(map[[32]byte]pending[incoming])}
	c.moved = sync.NewCond(&c.mu)
	return c
}

// begin takes a batch in and returns its number; it waits when there are too many
// before it.
func (c *underway) begin(b *batch) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.err == nil && c.pushed-c.done >= maxPending {
		c.moved.Wait()
	}
	if c.err != nil {
		return 0, c.err
	}
	c.pushed++
	for key, value := range b.rows {
		c.rows[key] = pending[[]byte]{value, c.pushed}
	}
	for hash, e := range b.events {
		c.events[hash] = pending[incoming]{e, c.pushed}
	}
	return c.pushed, nil
}

// end notes the outcome of write n, in order.
func (c *underway) end(n int64, b *batch, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.moved.Broadcast()
	if err != nil {
		c.fail(err)
		return
	}
	c.done = n
	for key := range b.rows {
		if c.rows[key].n == n {
			delete(c.rows, key)
		}
	}
	for hash := range b.events {
		if c.events[hash].n == n {
			delete(c.events, hash)
		}
	}
}

// fail keeps the first error. mu is held.
func (c *underway) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// guarded runs a write of the session inside a transaction, unless one before it
// failed; later ones do not run when this one fails.
func (c *underway) guarded(tx *store.Tx, write func(*store.Tx) error) (err error) {
	c.mu.Lock()
	err = c.err
	c.mu.Unlock()
	if err == nil {
		err = write(tx)
	}
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.fail(err)
	}
	return err
}

// broken tells why a write is not on disk. Inside a transaction it speaks of all
// that were handed in before.
func (c *underway) broken() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// row returns what is on its way to a row.
func (c *underway) row(key string) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.rows[key]
	return p.value, ok
}

// event returns what is on its way of an event.
func (c *underway) event(hash [32]byte) (incoming, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.events[hash]
	return p.value, ok
}

// mark names all that was handed in until now; on tells that it is on disk.
func (c *underway) mark() (n int64, on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pushed, c.err == nil && c.done == c.pushed
}

// wait returns when all up to n is on disk, or why it will not be.
func (c *underway) wait(n int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.err == nil && c.done < n {
		c.moved.Wait()
	}
	return c.err
}

// push hands in a batch that nobody changes any more, and does not wait. Its commit
// may come some time later.
func (s *stores) push(b *batch, within time.Duration) error {
	s.fence.RLock()
	if err := s.usable(); err != nil {
		s.fence.RUnlock()
		return err
	}
	n, err := s.underway.begin(b)
	if err != nil {
		s.fence.RUnlock()
		return err
	}
	s.db.Push(within, func(sealer store.Sealer) (func(*store.Tx) error, error) {
		sealed, err := b.sealed(sealer, s.session)
		return func(tx *store.Tx) error {
			return s.underway.guarded(tx, func(tx *store.Tx) error { return sealed.write(tx, s.session) })
		}, err
	}, func(err error) { s.pushed(n, b, err) })
	return nil
}

// pushed is told of the outcome, in the database's writer.
func (s *stores) pushed(n int64, b *batch, err error) {
	if err == nil {
		s.fillCache(b)
	}
	s.underway.end(n, b, err)
	s.fence.RUnlock()
	if err != nil {
		go s.trip(err) // the listener takes its time
	}
}

// pushLate hands in b with what is late.
func (s *stores) pushLate(b *batch) error {
	s.late.mu.Lock()
	defer s.late.mu.Unlock()
	return s.pushLocked(b, 0)
}

// pushLocked is pushLate for those who hold late.mu. The commit may come some time
// later.
func (s *stores) pushLocked(b *batch, within time.Duration) error {
	b = b.snapshot(s.late.batch)
	if b.empty() {
		return nil
	}
	if err := s.push(b, within); err != nil {
		return err
	}
	s.late.reset()
	return nil
}

// Record hands in writes that belong to the session and does not wait for the
// disk: [Device.Mark] does. fn may run more than once. When it fails, the run is at
// its end. The commit may come up to within later, and what is sent meanwhile waits
// for it, unless it makes a commit of its own.
func (d *Device) Record(ctx context.Context, within time.Duration, fn func(*store.Tx) error) (err error) {
	defer d.stores.guard(ctx, &err)
	b := newBatch()
	b.run(fn)
	d.stores.late.mu.Lock()
	defer d.stores.late.mu.Unlock()
	return d.stores.pushLocked(b, within)
}

// Mark names all that the session has handed to the disk until now; on tells that
// it is there.
func (d *Device) Mark() (mark int64, on bool) { return d.stores.underway.mark() }

// Wait returns nil when all up to mark is on disk, and an error when it will not
// be: nothing that was made since may leave then.
func (d *Device) Wait(mark int64) error { return d.stores.underway.wait(mark) }
