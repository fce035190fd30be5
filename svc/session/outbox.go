package session

import (
	"io"
	"sync"
	"time"
)

// maxOutbox bounds how many bytes may wait in an outbox.
const maxOutbox = 1 << 20

// ledger tells what of a session is on disk.
type ledger interface {
	// Mark names all that was handed to the disk until now; on tells that it is there.
	Mark() (mark int64, on bool)
	// Wait returns nil when all up to mark is on disk, and an error when it will not be.
	Wait(mark int64) error
}

// outbox is the way out of a connection. It keeps every byte back until all that
// was handed to the disk before it is there: an ack, or a message under a ratchet,
// can so be made while the commit that it stands on is still under way, and many
// share one. What stands on a commit that failed never leaves.
type outbox struct {
	to     io.Writer
	ledger ledger

	mu      sync.Mutex
	changed *sync.Cond
	queue   []bytesOut
	size    int  // bytes in queue
	busy    bool // a goroutine is writing the queue
	err     error
}

// bytesOut may leave when all up to mark is on disk.
type bytesOut struct {
	data []byte
	mark int64
}

func newOutbox(to io.Writer, l ledger) *outbox {
	o := &outbox{to: to, ledger: l}
	o.changed = sync.NewCond(&o.mu)
	return o
}

// Write sends p, or takes a copy that is sent in its turn. An error may be that of
// an earlier one.
func (o *outbox) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.err == nil && o.size > maxOutbox {
		o.changed.Wait()
	}
	if o.err != nil {
		return 0, o.err
	}
	mark, on := o.ledger.Mark()
	if on && !o.busy {
		return o.writeNow(p)
	}
	o.queue = append(o.queue, bytesOut{append([]byte(nil), p...), mark})
	o.size += len(p)
	if !o.busy {
		o.busy = true
		go o.work()
	}
	return len(p), nil
}

// writeNow sends p before all others. mu is held, but not while the other side
// takes its time.
func (o *outbox) writeNow(p []byte) (int, error) {
	o.busy = true
	o.mu.Unlock()
	n, err := o.to.Write(p)
	o.mu.Lock()
	if o.err == nil && err == nil && len(o.queue) > 0 {
		go o.work()
		return n, nil
	}
	o.end(err)
	return n, err
}

// work sends what waits, and ends when nothing does.
func (o *outbox) work() {
	for next, ok := o.next(nil); ok; {
		err := o.ledger.Wait(next.mark)
		if err == nil {
			_, err = o.to.Write(next.data)
		}
		next, ok = o.next(err)
	}
}

// next notes how the last one went and takes another.
func (o *outbox) next(err error) (b bytesOut, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil || err != nil || len(o.queue) == 0 {
		o.end(err)
		return b, false
	}
	b, o.queue = o.queue[0], o.queue[1:]
	o.size -= len(b.data)
	o.changed.Broadcast()
	return b, true
}

// end notes that nobody writes any more. After an error nothing leaves. mu is held.
func (o *outbox) end(err error) {
	if o.err == nil {
		o.err = err
	}
	o.queue, o.size, o.busy = nil, 0, false
	o.changed.Broadcast()
}

// settle waits until nothing waits any more, for at most d.
func (o *outbox) settle(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	end := time.Now().Add(d)
	timer := time.AfterFunc(d, o.changed.Broadcast)
	defer timer.Stop()
	for o.busy && time.Now().Before(end) {
		o.changed.Wait()
	}
}

// close drops what waits.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.changed.Broadcast()
	if o.err == nil {
		o.err = io.ErrClosedPipe
	}
}
