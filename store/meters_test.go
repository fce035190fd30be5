package store

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

// TestMeters counts what was committed, whatever failed beside it in the same commit.
func TestMeters(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "wamux.db"))
	ctx := context.Background()
	if _, _, err := db.AddSession(ctx, "shop", 0); err != nil {
		t.Fatal(err)
	}
	m := db.Meters()
	before := m.Commits.Read().Counts
	in := Entry{Message: &Message{Session: "shop", Chat: "1@s.whatsapp.net", Sender: "1@s.whatsapp.net", ID: "IN1", Phone: "1", Text: "hi", Type: "text", Timestamp: db.time()}}
	past, own := in, in
	past.Past, past.Message = true, copyOf(in.Message, "PAST", false)
	own.Message = copyOf(in.Message, "OWN", true)
	for range 2 { // a repeat counts nothing
		if _, err := db.Record(ctx, "shop", in, past, own); err != nil {
			t.Fatal(err)
		}
	}
	spoiled := errors.New("no")
	held := make(chan struct{})
	go db.Update(ctx, func(*Tx) error { <-held; return nil }) // the next two share a commit behind it
	done := make(chan error, 2)
	go func() {
		done <- db.Update(ctx, func(tx *Tx) error {
			e := in
			e.Message = copyOf(in.Message, "GONE", false)
			if _, err := tx.Record("shop", e); err != nil {
				return err
			}
			return spoiled
		})
	}()
	go func() {
		_, err := db.Record(ctx, "shop", Entry{Receipt: &Receipt{Chat: "1@s.whatsapp.net", MessageIDs: []string{"OWN", "X"}, Status: "read", At: db.time()}})
		done <- err
	}()
	close(held)
	if err := errors.Join(<-done, <-done); !errors.Is(err, spoiled) {
		t.Errorf("got %v", err)
	}
	job, _, err := db.AddJob(ctx, &Job{Session: "shop", MessageID: "J1", To: "1@s.whatsapp.net", Content: Content{Type: "text", Text: "x"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if l, err := db.Load(ctx); err != nil || l.OpenJobs != 1 || time.Since(l.OldestJob) > time.Hour || l.FileBytes == 0 || l.NothingGoes {
		t.Errorf("got %+v %v with one job", l, err)
	}
	job.State = JobFailed
	if err := db.FinishJob(ctx, job); err != nil {
		t.Fatal(err)
	}
	if got, want := [4]int64{m.Received.Load(), m.Sent.Load(), m.Failed.Load(), m.Read.Load()}, [4]int64{1, 0, 1, 2}; got != want {
		t.Errorf("got received, sent, failed, read %v, want %v", got, want)
	}
	if now := m.Commits.Read().Counts; now[len(now)-1] < before[len(before)-1]+4 {
		t.Errorf("got %v commits, then %v", before, now)
	}
}

func copyOf(m *Message, id string, outgoing bool) *Message {
	c := *m
	c.ID, c.Outgoing = id, outgoing
	return &c
}

// TestReady writes where nothing was written for long, and not where it was.
func TestReady(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "wamux.db"))
	if _, _, err := db.AddSession(t.Context(), "shop", 0); err != nil {
		t.Fatal(err)
	}
	commits := func() int64 { c := db.Meters().Commits.Read().Counts; return c[len(c)-1] }
	before := commits()
	for range 10 {
		if e := db.Ready(t.Context()); e != nil {
			t.Fatal(e)
		}
	}
	if got := commits(); got != before {
		t.Errorf("%d writes to ask a database that was just written", got-before)
	}
	db.meters.last.Add(-int64(time.Minute))
	if db.meters.base == db.meters.base.Round(0) {
		t.Error("time is taken from a clock that may be set back, after which nothing is tried")
	}
	for range 10 {
		if e := db.Ready(t.Context()); e != nil {
			t.Fatal(e)
		}
	}
	if got := commits(); got != before+1 {
		t.Errorf("%d writes to ask one that was not written for a minute, want 1", got-before)
	}
}
