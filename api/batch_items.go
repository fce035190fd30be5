package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"wamux/store"
)

// send makes the item's job, unless it was made before a crash, and waits until that is over.
func (b *batches) send(ctx context.Context, session string, item *store.NextItem, in *rootSend) (*store.Job, error) {
	key := "batch/" + item.Batch + "/" + strconv.Itoa(item.Index)
	job, err := b.a.DB.JobByKey(ctx, session, key)
	if err == nil && job == nil {
		job, err = b.accept(ctx, session, key, item, in)
	}
	if err != nil {
		return nil, err
	}
	if job, err = b.deliver(ctx, item, job); err != nil {
		return job, err
	}
	return job, jobError(job)
}

func (b *batches) accept(ctx context.Context, session, key string, item *store.NextItem, in *rootSend) (*store.Job, error) {
	if err := b.awaitLink(ctx, session); err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/", nil)
	if err != nil {
		return nil, err
	}
	job, media, err := b.a.rootJob(&request{Request: r, id: session}, in)
	if err != nil {
		return nil, err
	}
	if !job.Chosen {
		job.MessageID = item.MessageID
	}
	job.Key, job.Deadline = key, time.Time{} // it has all the time it needs
	job, _, err = b.a.DB.AddJob(ctx, job, media)
	return job, err
}

// awaitLink gives a session that is being restarted the time to come back.
func (b *batches) awaitLink(ctx context.Context, session string) error {
	for end := time.Now().Add(b.a.scaled(linkWait)); ; {
		s, err := b.a.DB.Session(ctx, session)
		if err == nil && linked(s) {
			return nil
		}
		if err != nil || time.Now().After(end) || !sleep(ctx, b.a.scaled(storePause)) {
			return invalid("", "Session not found or not authenticated")
		}
	}
}

// deliver waits for the end of the job as long as the session has an account and the batch goes on; else the job is taken back,
// unless it is on the wire.
func (b *batches) deliver(ctx context.Context, item *store.NextItem, job *store.Job) (*store.Job, error) {
	for {
		limited, cancel := context.WithTimeout(ctx, b.a.scaled(linkWait))
		now, err := b.a.Sessions.Deliver(limited, job)
		cancel()
		if err == nil || b.ctx.Err() != nil {
			return now, err
		}
		if ctx.Err() != nil {
			ctx = b.watch(job.Session)
		}
		err = b.unwanted(ctx, item, job)
		if err == nil {
			continue
		}
		if cancelled, failed := b.a.Sessions.Cancel(b.ctx, job.Session, job.ID); failed != nil || cancelled {
			return now, err
		}
	}
}

// unwanted tells why an item's job is not to be sent any more.
func (b *batches) unwanted(ctx context.Context, item *store.NextItem, job *store.Job) error {
	batch, err := b.a.DB.Batch(b.ctx, job.Session, item.Batch)
	if err == nil && batch.State != store.BatchRunning {
		return fail(http.StatusConflict, "cancelled", "The batch was cancelled before this message was sent", "")
	}
	if err != nil {
		return err
	}
	return b.awaitLink(ctx, job.Session)
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
		if !sleep(b.ctx, storePause) {
			return
		}
	}
	if batch, err := b.a.DB.Batch(context.WithoutCancel(b.ctx), session, item.Batch); err != nil || batch.State != store.BatchRunning {
		b.done(item.Batch)
	}
}
