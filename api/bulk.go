package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"wamux/store"
)

// bulkLimit is how many messages one batch may have.
const bulkLimit = 10_000

// sendBulk answers POST /:sessionId/messages/send/bulk. The answer comes after the last message, which may take hours; who does
// not want to wait says Prefer: respond-async. The batch goes on whether somebody waits or not.
func (a *api) sendBulk(w http.ResponseWriter, r *request) error {
	if r.session == nil || !linked(r.session) {
		return invalid("", "Session not found or not authenticated")
	}
	items, err := a.bulkItems(w, r)
	if err != nil {
		return err
	}
	batch, err := a.DB.AddBatch(r.Context(), r.id, items)
	if err != nil {
		return err
	}
	done := a.batches.add(r.id, batch.ID)
	defer a.batches.remove(batch.ID)
	a.batches.wake(r.id)
	if asynchronous(r) {
		w.Header().Set("Location", "/v1/sessions/"+r.id+"/batches/"+batch.ID)
		return reply(w, http.StatusAccepted, object{"success": true, "message": "The batch is accepted", "data": batchBody(batch)})
	}
	return a.awaitBatch(w, r, batch.ID, done)
}

// asynchronous tells whether the caller asked not to wait.
func asynchronous(r *request) bool {
	return strings.Contains(strings.ToLower(r.Header.Get("Prefer")), "respond-async")
}

// bulkItems reads the array. What is wrong inside an item is that item's error: it does not have to wait for its turn to hear it.
func (a *api) bulkItems(w http.ResponseWriter, r *request) ([]store.BatchItem, error) {
	var body json.RawMessage
	if err := a.decode(w, r, &body); err != nil {
		return nil, err
	}
	if body = bytes.TrimSpace(body); len(body) == 0 || body[0] != '[' {
		return nil, invalid("", "Request body must be an array of messages")
	}
	var bodies []json.RawMessage
	if err := parse(body, &bodies, false); err != nil {
		return nil, err
	}
	if len(bodies) > bulkLimit {
		return nil, invalid("", fmt.Sprintf("A batch has at most %d messages", bulkLimit))
	}
	items := make([]store.BatchItem, len(bodies))
	for i, body := range bodies {
		items[i] = store.BatchItem{Index: i, MessageID: a.Sessions.NewMessageID(r.id), Body: body}
		if err := a.checkItem(r, body); err != nil {
			items[i].State, items[i].Error, items[i].Body = store.ItemFailed, problemOf(err).Detail, nil
		}
	}
	return items, nil
}

// checkItem finds what can be seen to be wrong with an item without asking anybody.
func (a *api) checkItem(r *request, body json.RawMessage) error {
	var in rootSend
	if err := readItem(body, &in); err != nil {
		return err
	}
	if in.JID == "" || in.Message == nil {
		return invalid("", "JID and message are required")
	}
	_, _, err := a.rootAsked(r, &in)
	return err
}

// awaitBatch waits without limit, and answers with what became of each message.
func (a *api) awaitBatch(w http.ResponseWriter, r *request, id string, done <-chan struct{}) error {
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{}) // or the server would take the caller for gone
	_ = rc.SetWriteDeadline(time.Time{})
	now, err := a.DB.Batch(r.Context(), r.id, id) // it may have been quick
	if err != nil {
		return err
	}
	if now.State == store.BatchRunning {
		select {
		case <-done:
		case <-r.Context().Done():
			return r.Context().Err()
		case <-a.batches.ctx.Done():
			return fail(http.StatusServiceUnavailable, "stopping", "wamux is stopping; the batch goes on when it runs again", "")
		}
	}
	_ = rc.SetWriteDeadline(time.Now().Add(a.longest()))
	return a.replyBatch(w, r, id)
}

func (a *api) replyBatch(w http.ResponseWriter, r *request, id string) error {
	ctx := context.WithoutCancel(r.Context())
	batch, err := a.DB.Batch(ctx, r.id, id)
	if err != nil {
		return err
	}
	results, failures, err := a.outcomes(ctx, batch)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, object{"success": true, "results": results, "errors": failures})
}

// outcomes lists what was sent and what failed; an item that is still open is in neither list.
func (a *api) outcomes(ctx context.Context, batch *store.Batch) (results, failures []object, err error) {
	results, failures = []object{}, []object{}
	for _, i := range batch.Items {
		switch i.State {
		case store.ItemSent:
			job, err := a.DB.Job(ctx, batch.Session, i.JobID)
			if err != nil {
				return nil, nil, err
			}
			results = append(results, object{"index": i.Index, "result": webMessage(job)})
		case store.ItemFailed, store.ItemCancelled:
			failures = append(failures, object{"index": i.Index, "error": i.Error})
		}
	}
	return results, failures, nil
}

// batchBody is a batch without its outcomes.
func batchBody(b *store.Batch) object {
	open := 0
	for _, i := range b.Items {
		if i.State == store.ItemOpen {
			open++
		}
	}
	return object{"id": b.ID, "state": b.State, "total": len(b.Items), "open": open, "createdAt": stamp(b.CreatedAt), "updatedAt": stamp(b.UpdatedAt)}
}

// v1Batch answers GET /v1/sessions/:s/batches/:b with the progress of a batch and what became of its messages so far.
func (a *api) v1Batch(w http.ResponseWriter, r *request) error {
	batch, err := a.DB.Batch(r.Context(), r.id, r.params.ByName("b"))
	if err != nil {
		return err
	}
	body := batchBody(batch)
	if body["results"], body["errors"], err = a.outcomes(r.Context(), batch); err != nil {
		return err
	}
	return reply(w, http.StatusOK, body)
}

// v1BatchCancel answers DELETE /v1/sessions/:s/batches/:b: what has not gone out stays here.
func (a *api) v1BatchCancel(w http.ResponseWriter, r *request) error {
	batch, err := a.DB.Batch(r.Context(), r.id, r.params.ByName("b"))
	if err != nil {
		return err
	}
	cancelled, err := a.DB.CancelBatch(r.Context(), r.id, batch.ID)
	if err != nil {
		return err
	}
	if !cancelled {
		return fail(http.StatusConflict, "batch_not_running", "The batch is "+string(batch.State)+" and cannot be cancelled any more", "")
	}
	a.batches.done(batch.ID)
	a.batches.cut(r.id)
	return nothing(w)
}
