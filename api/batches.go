package api

import (
	"cmp"
	"context"
	"encoding/json"
	"math/rand/v2"
	"sync"
	"time"

	"wamux/store"
)

const (
	paceFloor  = 5 * time.Second // the least pause between two messages of a batch
	paceMost   = 24 * time.Hour
	linkWait   = time.Minute // how long an item waits for a session that has just lost its account
	storePause = time.Second // before the database is asked again after an error
)

// batches sends what batches hold: one goroutine for each session that has one running, which ends with the last item.
type batches struct {
	a    *api
	ctx  context.Context // ends when wamux stops
	stop context.CancelFunc
	all  sync.WaitGroup

	mu      sync.Mutex
	again   map[string]bool               // sessions whose goroutine is there; true: it shall look once more
	cuts    map[string]context.CancelFunc // by session: what wakes its goroutine from whatever it waits for
	waiting map[string]waiter             // the caller who waits, by batch
}

// waiter is a caller who waits for a batch of the session to end; done is closed then.
type waiter struct {
	session string
	done    chan struct{}
}

func newBatches(a *api) *batches {
	b := &batches{a: a, again: map[string]bool{}, cuts: map[string]context.CancelFunc{}, waiting: map[string]waiter{}}
	b.ctx, b.stop = context.WithCancel(context.Background())
	return b
}

// resume goes on with what a stop or a crash has cut off.
func (b *batches) resume(ctx context.Context) error {
	ids, err := b.a.DB.SessionsWithBatches(ctx)
	for _, id := range ids {
		b.wake(id)
	}
	return err
}

// close stops between two messages and waits for that.
func (b *batches) close() {
	b.mu.Lock()
	b.stop()
	b.mu.Unlock()
	b.all.Wait()
}

// wake makes sure that somebody looks at the session's batches.
func (b *batches) wake(session string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx.Err() != nil {
		return
	}
	if _, there := b.again[session]; there {
		b.again[session] = true
		return
	}
	b.again[session] = false
	b.all.Go(func() { b.run(session) })
}

// idle ends the session's goroutine, unless it shall look once more.
func (b *batches) idle(session string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.again[session] && b.ctx.Err() == nil {
		b.again[session] = false
		return false
	}
	delete(b.again, session)
	if cut := b.cuts[session]; cut != nil {
		cut()
		delete(b.cuts, session)
	}
	return true
}

// watch returns a context for the session's goroutine that ends when [batches.cut] is called, or wamux stops.
func (b *batches) watch(session string) context.Context {
	b.mu.Lock()
	defer b.mu.Unlock()
	if cut := b.cuts[session]; cut != nil {
		cut()
	}
	ctx, cut := context.WithCancel(b.ctx)
	b.cuts[session] = cut
	return ctx
}

// cut makes the session's goroutine look anew at what is to be sent, because something was taken away.
func (b *batches) cut(session string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if cut := b.cuts[session]; cut != nil {
		cut()
	}
}

// add returns a channel that is closed when the batch has ended. remove must follow.
func (b *batches) add(session, batch string) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	done := make(chan struct{})
	b.waiting[batch] = waiter{session, done}
	return done
}

func (b *batches) remove(batch string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.waiting, batch)
}

// done tells who waits that the batch has ended.
func (b *batches) done(batch string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.release(batch)
}

// release is done for who holds b.mu.
func (b *batches) release(batch string) {
	if w, ok := b.waiting[batch]; ok {
		close(w.done)
		delete(b.waiting, batch)
	}
}

// gone notes that a session was deleted, and its batches with it.
func (b *batches) gone(session string) {
	b.cut(session)
	b.mu.Lock()
	defer b.mu.Unlock()
	for batch, w := range b.waiting {
		if w.session == session {
			b.release(batch)
		}
	}
}

// run sends what there is, item by item.
func (b *batches) run(session string) {
	for {
		ctx := b.watch(session) // before the look, so that no change after it is missed
		item, err := b.a.DB.NextBatchItem(b.ctx, session)
		switch {
		case b.ctx.Err() != nil:
			b.idle(session)
			return
		case err != nil:
			b.a.Log.Error("a batch cannot be read", "session", session, "err", err)
			sleep(ctx, storePause)
		case item == nil:
			if b.idle(session) {
				return
			}
		default:
			b.bring(ctx, session, item)
		}
	}
}

// bring sends one item after its pause, and notes how that ended.
func (b *batches) bring(ctx context.Context, session string, item *store.NextItem) {
	var in rootSend
	err := readItem(item.Body, &in)
	if err == nil && !b.pause(ctx, session, item, in.Delay) {
		return
	}
	var job *store.Job
	if err == nil {
		job, err = b.send(ctx, session, item, &in)
	}
	if ctx.Err() != nil && (job == nil || !ended(job)) {
		return // it was taken back, or goes on: now, or when wamux runs again
	}
	if job == nil && passes(err) {
		sleep(ctx, storePause)
		return // it is open still, and tried again
	}
	b.note(session, item, job, err)
}

// passes tells whether an error says nothing about the message, but that the database could not be written just now.
func passes(err error) bool {
	switch store.ErrorCode(err) {
	case store.CodeDiskFull, store.CodeReadOnly, store.CodeLocked, store.CodeStorage:
		return true
	}
	return false
}

func readItem(body json.RawMessage, in *rootSend) error {
	if body[0] != '{' {
		return invalid("", "Each message of a batch must be a JSON object")
	}
	if err := json.Unmarshal(body, in); err != nil {
		return jsonError(err)
	}
	return nil
}

// pause keeps the distance from the message before. false means that the item is not to be sent now: wamux stops, or the item was
// taken back meanwhile.
func (b *batches) pause(ctx context.Context, session string, item *store.NextItem, asked float64) bool {
	if item.SentAt.IsZero() {
		return true
	}
	if !sleep(ctx, b.a.scaled(b.a.pace(asked))-time.Since(item.SentAt)) {
		return false
	}
	now, err := b.a.DB.NextBatchItem(b.ctx, session)
	return err == nil && now != nil && now.Batch == item.Batch && now.Index == item.Index
}

// pace is the pause before the next message: what the item asks for, when that is not too short, else a random one.
func (a *api) pace(asked float64) time.Duration {
	if want := time.Duration(min(asked, float64(paceMost.Milliseconds()))) * time.Millisecond; want >= paceFloor {
		return want
	}
	low, high := a.BulkMinDelay, max(a.BulkMaxDelay, a.BulkMinDelay)
	return low + rand.N(high-low+1)
}

// scaled is a pause as the sandbox's clock has it.
func (a *api) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / cmp.Or(a.Scale, 1))
}

// sleep waits for d; false means that ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
