package session

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// slowDisk is a ledger that tests move on.
type slowDisk struct {
	mu           sync.Mutex
	moved        *sync.Cond
	pushed, done int64
	err          error
}

func newSlowDisk() *slowDisk {
	d := &slowDisk{}
	d.moved = sync.NewCond(&d.mu)
	return d
}

func (d *slowDisk) Mark() (int64, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pushed, d.err == nil && d.pushed == d.done
}

func (d *slowDisk) Wait(mark int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.err == nil && d.done < mark {
		d.moved.Wait()
	}
	return d.err
}

func (d *slowDisk) change(fn func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fn()
	d.moved.Broadcast()
}

// wire remembers what left.
type wire struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.Write(p)
}

func (w *wire) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

func TestOutbox(t *testing.T) {
	write := func(t *testing.T, o *outbox, text string) {
		t.Helper()
		if n, err := io.WriteString(o, text); n != len(text) || err != nil {
			t.Errorf("write %q: %d, %v", text, n, err)
		}
	}
	wants := func(t *testing.T, w *wire, want string) {
		t.Helper()
		synctest.Wait()
		if got := w.String(); got != want {
			t.Errorf("%q left, want %q", got, want)
		}
	}
	run := func(name string, test func(t *testing.T, o *outbox, d *slowDisk, w *wire)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, w := newSlowDisk(), &wire{}
				test(t, newOutbox(w, d), d, w)
			})
		})
	}
	run("KeepsBackInOrder", func(t *testing.T, o *outbox, d *slowDisk, w *wire) {
		write(t, o, "a")
		wants(t, w, "a")
		d.change(func() { d.pushed = 1 })
		write(t, o, "b")
		d.change(func() { d.pushed = 2 })
		write(t, o, "c")
		wants(t, w, "a")
		d.change(func() { d.done = 1 })
		wants(t, w, "ab")
		write(t, o, "d")
		d.change(func() { d.done = 2 })
		wants(t, w, "abcd")
		write(t, o, "e")
		wants(t, w, "abcde")
	})
	run("NothingAfterAFailure", func(t *testing.T, o *outbox, d *slowDisk, w *wire) {
		d.change(func() { d.pushed = 1 })
		write(t, o, "ack")
		broken := errors.New("disk full")
		d.change(func() { d.err = broken })
		wants(t, w, "")
		if _, err := o.Write([]byte("more")); !errors.Is(err, broken) {
			t.Errorf("got %v, want the disk's error", err)
		}
		wants(t, w, "")
	})
	run("WaitsWhenTooMuchWaits", func(t *testing.T, o *outbox, d *slowDisk, w *wire) {
		d.change(func() { d.pushed = 1 })
		write(t, o, string(make([]byte, maxOutbox+1)))
		write(t, o, "x") // one is being written, so that this one is the first in the queue
		write(t, o, string(make([]byte, maxOutbox+1)))
		done := make(chan struct{})
		go func() { write(t, o, "y"); close(done) }()
		synctest.Wait()
		select {
		case <-done:
			t.Error("it took more than its bound")
		default:
		}
		d.change(func() { d.done = 1 })
		<-done
	})
	run("SettlesOrGivesUp", func(t *testing.T, o *outbox, d *slowDisk, w *wire) {
		d.change(func() { d.pushed = 1 })
		write(t, o, "a")
		began := time.Now()
		o.settle(time.Second)
		if took := time.Since(began); took != time.Second {
			t.Errorf("gave up after %v", took)
		}
		d.change(func() { d.done = 1 })
		o.settle(time.Second)
		wants(t, w, "a")
	})
	run("ClosedDropsWhatWaits", func(t *testing.T, o *outbox, d *slowDisk, w *wire) {
		d.change(func() { d.pushed = 1 })
		write(t, o, "a")
		o.close()
		d.change(func() { d.done = 1 })
		synctest.Wait()
		if _, err := o.Write([]byte("b")); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("got %v, want a closed pipe", err)
		}
	})
}

// TestOutboxOnASlowLine: who waits for the box does not wait for the other side.
func TestOutboxOnASlowLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe() // a write blocks until somebody reads
		defer far.Close()
		o := newOutbox(near, newSlowDisk())
		go o.Write([]byte("nobody reads this"))
		synctest.Wait()
		o.settle(time.Second)
		o.close()
		near.Close()
	})
}
