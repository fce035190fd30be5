package api

import (
	"cmp"
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strconv"
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
	again   map[string]bool          // sessions whose goroutine is there; true: it shall look once more
	waiting map[string]chan struct{} // the caller who waits, by batch
}

func newBatches(a *api) *batches {
	b := &batches{a: a, again: map[string]bool{}, waiting: map[string]chan struct{}{}}
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
	return true
}

// add returns a channel that is closed when the batch has ended. remove must follow.
func (b *batches) add(batch string) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	ch := make(chan struct{})
	b.waiting[batch] = ch
	return ch
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
	if ch := b.waiting[batch]; ch != nil {
		close(ch)
		delete(b.waiting, batch)
	}
}

// run sends what there is, item by item.
func (b *batches) run(session string) {
	for {
		item, err := b.a.DB.NextBatchItem(b.ctx, session)
		switch {
		case b.ctx.Err() != nil:
			b.idle(session)
			return
		case err != nil:
			b.a.Log.Error("a batch cannot be read", "session", session, "err", err)
			b.sleep(storePause)
		case item == nil:
			if b.idle(session) {
				return
			}
		default:
			b.bring(session, item)
		}
	}
}

// bring sends one item after its pause, and notes how that ended.
func (b *batches) bring(session string, item *store.NextItem) {
	var in rootSend
	err := readItem(item.Body, &in)
	if err == nil && !b.pause(session, item, in.Delay) {
		return
	}
	var job *store.Job
	if err == nil {
		job, err = b.send(session, item, &in)
	}
	if b.ctx.Err() != nil && (job == nil || !ended(job)) {
		return // it goes on when wamux runs again
	}
	if job == nil && passes(err) {
		b.sleep(storePause)
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
func (b *batches) pause(session string, item *store.NextItem, asked float64) bool {
	if item.SentAt.IsZero() {
		return true
	}
	if !b.sleep(b.a.scaled(b.a.pace(asked)) - time.Since(item.SentAt)) {
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

func (b *batches) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-b.ctx.Done():
		return false
	}
}

// send makes the item's job, unless it was made before a crash, and waits until that is over.
func (b *batches) send(session string, item *store.NextItem, in *rootSend) (*store.Job, error) {
	key := "batch/" + item.Batch + "/" + strconv.Itoa(item.Index)
	job, err := b.a.DB.JobByKey(b.ctx, session, key)
	if err == nil && job == nil {
		job, err = b.accept(session, key, item, in)
	}
	if err != nil {
		return nil, err
	}
	if job, err = b.deliver(job); err != nil {
		return job, err
	}
	return job, jobError(job)
}

func (b *batches) accept(session, key string, item *store.NextItem, in *rootSend) (*store.Job, error) {
	if in.JID == "" || in.Message == nil {
		return nil, invalid("", "JID and message are required")
	}
	if err := b.awaitLink(session); err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(b.ctx, http.MethodPost, "/", nil)
	if err != nil {
		return nil, err
	}
	in.Options.MessageID = cmp.Or(in.Options.MessageID, item.MessageID)
	job, media, err := b.a.rootJob(&request{Request: r, id: session}, in)
	if err != nil {
		return nil, err
	}
	job.Key, job.Fingerprint, job.Deadline = key, item.Batch, time.Time{} // it has all the time it needs
	job, _, err = b.a.DB.AddJob(b.ctx, job, media)
	return job, err
}

// awaitLink gives a session that is being restarted the time to come back.
func (b *batches) awaitLink(session string) error {
	for end := time.Now().Add(b.a.scaled(linkWait)); ; {
		s, err := b.a.DB.Session(b.ctx, session)
		if err == nil && linked(s) {
			return nil
		}
		if err != nil || time.Now().After(end) || !b.sleep(b.a.scaled(storePause)) {
			return invalid("", "Session not found or not authenticated")
		}
	}
}

// deliver waits for the end of the job as long as the session has an account; without one the job is taken back.
func (b *batches) deliver(job *store.Job) (*store.Job, error) {
	for {
		ctx, cancel := context.WithTimeout(b.ctx, b.a.scaled(linkWait))
		now, err := b.a.Sessions.Deliver(ctx, job)
		cancel()
		if err == nil || b.ctx.Err() != nil {
			return now, err
		}
		if err := b.awaitLink(job.Session); err == nil {
			continue
		}
		if cancelled, err := b.a.Sessions.Cancel(b.ctx, job.Session, job.ID); err != nil || cancelled {
			return now, invalid("", "Session not found or not authenticated")
		}
	}
}

// ended tells whether a job is over.
func ended(j *store.Job) bool {
	return j.State == store.JobSent || j.State == store.JobFailed || j.State == store.JobCancelled
}

// note writes down how an item ended. Until that is on disk the item is open, and its job is found again by its key.
func (b *batches) note(session string, item *store.NextItem, job *store.Job, err error) {
	end := store.BatchItem{Index: item.Index, State: store.ItemSent}
	if err != nil {
		end.State, end.Error = store.ItemFailed, problemOf(err).Detail
	}
	if job != nil {
		end.JobID = job.ID
	}
	for {
		_, err := b.a.DB.EndBatchItem(context.WithoutCancel(b.ctx), item.Batch, end)
		if err == nil {
			break
		}
		b.a.Log.Error("the outcome of a batch's message cannot be noted", "session", session, "err", err)
		if !b.sleep(storePause) {
			return
		}
	}
	if batch, err := b.a.DB.Batch(context.WithoutCancel(b.ctx), session, item.Batch); err != nil || batch.State != store.BatchRunning {
		b.done(item.Batch)
	}
}
