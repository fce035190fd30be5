package signal

import (
	"context"
	"sync"
	"time"
)

// leaseTime bounds how long a reader that whatsmeow gave up on may hold up the
// others. It is a matter of speed only: see follows.
const leaseTime = 2 * time.Second

// ratchet is the lock of all Signal sessions of one account: whoever holds it
// may move them. See the package comment for who that is and why.
type ratchet struct {
	gate  chan struct{} // holds one token while the lock is taken
	lease time.Duration

	mu     sync.Mutex
	lent   *lease
	handed map[string]bool // addresses whose record a bare reader got
}

// lease is the lock in the hands of a bare GetSession until its PutSession.
type lease struct {
	address string
	timer   *time.Timer
}

func newRatchet() *ratchet {
	return &ratchet{gate: make(chan struct{}, 1), lease: leaseTime, handed: make(map[string]bool)}
}

// lock waits for the lock, or for the end of ctx, whose error it then returns.
func (r *ratchet) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil { // before the lock, which may be free
		return err
	}
	select {
	case r.gate <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *ratchet) unlock() { <-r.gate }

// lend turns the lock just taken into a lease on one address. It ends with
// claim, or by itself.
func (r *ratchet) lend(address string, found bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := &lease{address: address}
	l.timer = time.AfterFunc(r.lease, func() { r.end(l) })
	r.lent = l
	if found {
		r.handed[address] = true
	} else {
		delete(r.handed, address)
	}
}

// end gives back the lock of a lease that nobody claimed.
func (r *ratchet) end(l *lease) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lent == l {
		r.lent = nil
		r.unlock()
	}
}

// claim turns the lease on an address back into the lock. Without such a lease
// it waits for the lock.
func (r *ratchet) claim(ctx context.Context, address string) error {
	r.mu.Lock()
	if l := r.lent; l != nil && l.address == address {
		l.timer.Stop()
		r.lent = nil
		r.mu.Unlock()
		return nil
	}
	r.mu.Unlock()
	return r.lock(ctx)
}

// wasHanded tells, once, whether a bare reader got a record of this address
// since the last bare write.
func (r *ratchet) wasHanded(address string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.handed[address]
	delete(r.handed, address)
	return was
}
