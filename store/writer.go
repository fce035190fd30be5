package store

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// maxGroup bounds how many batches share one commit.
const maxGroup = 256

// What happens to a batch: it waits until either the writer or the caller's
// context takes it.
const (
	batchWaiting int32 = iota
	batchTaken
	batchCancelled
)

// batch is the work of one caller: fn inside a transaction, or alone without.
type batch struct {
	fn     func(*Tx) error
	alone  func(*conn) error
	due    time.Time   // until when it may wait for others to share a commit with; zero: not at all
	after  func(error) // told of the outcome; may be nil
	urgent bool        // it may use the reserve of a full disk
	state  atomic.Int32
	err    error // valid after done is closed
	done   chan struct{}
}

// writer owns the one connection that writes.
type writer struct {
	conn *conn
	db   *DB

	// Batches that may wait for a commit run ahead of it, while nobody waits for the writer: only
	// its goroutine touches these.
	tx   *Tx      // the open transaction that they ran in; nil for none
	held []*batch // they

	mu      sync.Mutex
	arrived *sync.Cond // something waits, is due, or the end has come
	queue   []*batch
	ahead   bool         // what was taken last may run ahead
	due     time.Time    // when the queue, and what ran ahead, has to be committed; zero: at once
	patient atomic.Int32 // how many batches that may wait are not committed yet
	stopped bool
	ended   chan struct{}

	lengthy atomic.Bool // something runs alone, which may take as long as the file is large
}

func startWriter(c *conn, db *DB) *writer {
	w := &writer{conn: c, db: db, ended: make(chan struct{})}
	w.arrived = sync.NewCond(&w.mu)
	go w.loop()
	return w
}

// answer ends a batch.
func (w *writer) answer(b *batch, err error) {
	err = w.db.refusal(err)
	b.err = w.db.suspect(err)
	if takesNothing(err) {
		w.db.space.short.Store(true)
	}
	close(b.done)
	w.leave(b)
	if b.after != nil {
		b.after(err)
	}
}

// leave notes that a batch is not waited for any more.
func (w *writer) leave(b *batch) {
	if !b.due.IsZero() {
		w.patient.Add(-1)
	}
}

// stop lets the writer finish what waits and returns its connection.
func (w *writer) stop() *conn {
	w.mu.Lock()
	w.stopped = true
	w.mu.Unlock()
	w.arrived.Signal()
	<-w.ended
	return w.conn
}

// Update hands fn to the writer and waits until it is committed and on disk, or
// has failed and changed nothing. fn runs inside a transaction that it may
// share with others. It must only run SQL that is already decided, no crypto
// and no network; it may run twice, so its effects on Go variables must be
// assignments; and it must not call the DB itself. A panic in fn is an error
// for its caller alone. When ctx ends before fn was started fn never runs;
// afterwards Update waits for the outcome.
func (db *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return db.writer.do(ctx, &batch{fn: fn, done: make(chan struct{})})
}

// later is [DB.Update] for who goes on meanwhile: after, which must be quick, is
// called when fn is committed, or with the reason why it is not. The commit may
// come up to d later, so that it is shared with one that has to be made anyhow.
// What is handed in afterwards comes behind it.
func (db *DB) later(d time.Duration, fn func(*Tx) error, after func(error)) {
	b := &batch{fn: fn, after: after, done: make(chan struct{})}
	if d > 0 {
		b.due = time.Now().Add(d)
	}
	if err := db.writer.push(b); err != nil {
		after(err)
	}
}

// CatchUp waits for all that was handed in with [DB.Push] before.
func (db *DB) CatchUp(ctx context.Context) error {
	return db.Update(ctx, func(*Tx) error { return nil })
}

// catchUp waits for what may wait and was handed in before. Queries for what a
// caller may know of already begin with it.
func (db *DB) catchUp(ctx context.Context) error {
	if db.writer.patient.Load() == 0 {
		return nil
	}
	return db.CatchUp(ctx)
}

// Probe writes to the disk without changing anything that anybody reads, to tell
// whether that works.
func (db *DB) Probe(ctx context.Context) error {
	return db.Update(ctx, func(tx *Tx) error {
		tx.dirty = true // which writes the number of the commit
		return nil
	})
}

// AtLength tells whether the writer is at something that may take long by its nature, such as writing the whole file anew,
// and what else waits for it is not stuck.
func (db *DB) AtLength() bool { return db.writer.lengthy.Load() }

// alone runs fn in the writer, outside of any transaction.
func (w *writer) alone(ctx context.Context, fn func(*conn) error) error {
	return w.do(ctx, &batch{alone: fn, done: make(chan struct{})})
}

func (w *writer) do(ctx context.Context, b *batch) error {
	if err := w.push(b); err != nil {
		return err
	}
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
	}
	if b.state.CompareAndSwap(batchWaiting, batchCancelled) {
		return ctx.Err()
	}
	<-b.done
	return b.err
}

func (w *writer) push(b *batch) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return errStopping()
	}
	if e := w.db.condemned.Load(); e != nil {
		return e
	}
	if len(w.queue) == 0 && !w.ahead || b.due.Before(w.due) {
		w.due = b.due
		w.ring(b.due)
	}
	w.queue = append(w.queue, b)
	w.arrived.Signal()
	if !b.due.IsZero() {
		w.patient.Add(1)
	}
	return nil
}

// ring wakes the writer when a batch is due; under mu, because one that has just found
// nothing ripe and does not wait yet would not hear it.
func (w *writer) ring(due time.Time) {
	if due.IsZero() {
		return
	}
	time.AfterFunc(time.Until(due), func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.arrived.Signal()
	})
}

// ripe tells whether there has to be a commit now. mu is held.
func (w *writer) ripe() bool {
	n := len(w.queue) + len(w.held)
	return n > 0 && (w.stopped || w.due.IsZero() || n >= maxGroup || !time.Now().Before(w.due))
}

// take waits for work and returns all of it up to maxGroup, and whether it has to be committed
// now; ok is false at the end.
func (w *writer) take() (group []*batch, now, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.ripe() && len(w.queue) == 0 {
		if w.stopped {
			return nil, false, false
		}
		w.arrived.Wait()
	}
	if now = w.ripe(); now {
		w.due = time.Time{}
	}
	w.ahead = !now
	n := min(len(w.queue), maxGroup)
	group, w.queue = w.queue[:n:n], w.queue[n:]
	if len(w.queue) == 0 {
		w.queue = nil
	}
	return group, now, true
}

func (w *writer) loop() {
	defer close(w.ended)
	for {
		group, now, ok := w.take()
		switch {
		case !ok:
			return
		case now:
			w.split(group)
		default:
			w.runAhead(group)
		}
	}
}
