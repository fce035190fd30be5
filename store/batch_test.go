package store

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// TestBatches walks two batches of one session from the first item to the last.
func TestBatches(t *testing.T) {
	db := withSession(t)
	ctx := t.Context()
	add := func(words ...string) *Batch {
		var items []BatchItem
		for i, w := range words {
			items = append(items, BatchItem{Index: i, MessageID: "M" + w, Body: json.RawMessage(`"` + w + `"`)})
		}
		b, err := db.AddBatch(ctx, "user001", items)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	first, second := add("a", "b"), add("c", "d")
	next := func(want string) *NextItem {
		t.Helper()
		n, err := db.NextBatchItem(ctx, "user001")
		if err != nil || n == nil || string(n.Body) != `"`+want+`"` || n.MessageID != "M"+want {
			t.Fatalf("got %+v, %v, want %s", n, err, want)
		}
		return n
	}
	end := func(n *NextItem, i BatchItem) {
		t.Helper()
		i.Index = n.Index
		if noted, err := db.EndBatchItem(ctx, n.Batch, i); err != nil || !noted {
			t.Fatal(noted, err)
		}
	}
	if n := next("a"); !n.SentAt.IsZero() {
		t.Errorf("something was sent at %v", n.SentAt)
	}
	end(next("a"), BatchItem{State: ItemFailed, Error: "no"})
	if n := next("b"); !n.SentAt.IsZero() {
		t.Error("an item that never reached WhatsApp makes the next one wait")
	}
	end(next("b"), BatchItem{State: ItemSent, JobID: "job_1"})
	if n := next("c"); n.SentAt.IsZero() || time.Since(n.SentAt) > time.Hour*24*365*10 {
		t.Errorf("the next batch does not wait for the one before: %v", n.SentAt)
	}
	if got, err := db.Batch(ctx, "user001", first.ID); err != nil || got.State != BatchDone || fmt.Sprint(got.Items) != fmt.Sprint([]BatchItem{
		{Index: 0, MessageID: "Ma", State: ItemFailed, Error: "no"}, {Index: 1, MessageID: "Mb", State: ItemSent, JobID: "job_1"}}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if ids, err := db.SessionsWithBatches(ctx); err != nil || fmt.Sprint(ids) != "[user001]" {
		t.Errorf("got %v, %v", ids, err)
	}
	taken := next("c")
	if cancelled, err := db.CancelBatch(ctx, "user001", second.ID); err != nil || !cancelled {
		t.Fatal(cancelled, err)
	}
	if noted, err := db.EndBatchItem(ctx, taken.Batch, BatchItem{Index: 0, State: ItemFailed}); err != nil || noted {
		t.Errorf("an item of a cancelled batch was ended: %v, %v", noted, err)
	}
	if noted, err := db.EndBatchItem(ctx, taken.Batch, BatchItem{Index: 0, State: ItemSent, JobID: "job_2"}); err != nil || !noted {
		t.Errorf("an item that was on the wire when its batch was cancelled is not noted: %v, %v", noted, err)
	}
	if got, err := db.Batch(ctx, "user001", second.ID); err != nil || got.State != BatchCancelled || got.Items[0].State != ItemSent || got.Items[0].Error != "" || got.Items[1].State != ItemCancelled {
		t.Errorf("got %+v, %v", got, err)
	}
	if n, err := db.NextBatchItem(ctx, "user001"); err != nil || n != nil {
		t.Errorf("got %+v, %v after the last", n, err)
	}
	if cancelled, err := db.CancelBatch(ctx, "user001", first.ID); err != nil || cancelled {
		t.Errorf("a batch that is done was cancelled: %v, %v", cancelled, err)
	}
}

func TestBatchesOfOthers(t *testing.T) {
	db := withSession(t)
	if _, err := db.AddBatch(t.Context(), "nobody", []BatchItem{{}}); ErrorCode(err) != CodeNotFound {
		t.Errorf("got %v", err)
	}
	wrong, err := db.AddBatch(t.Context(), "user001", []BatchItem{{State: ItemFailed, Error: "no"}})
	if err != nil || wrong.State != BatchDone || wrong.Items[0].Error != "no" {
		t.Errorf("a batch with nothing to send is %+v, %v", wrong, err)
	}
	b, err := db.AddBatch(t.Context(), "user001", nil)
	if err != nil || b.State != BatchDone {
		t.Errorf("an empty batch is %+v, %v", b, err)
	}
	if _, err := db.Batch(t.Context(), "nobody", b.ID); ErrorCode(err) != CodeNotFound {
		t.Errorf("got %v", err)
	}
}
