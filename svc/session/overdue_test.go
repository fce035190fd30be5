package session_test

import (
	"fmt"
	"testing"
	"time"

	"wamux/store"
)

// TestFailOverdue: jobs of a session that nobody starts end with their deadline as a sender ends them, but for what may be on
// the wire, and what the sender of a running session has is left to it.
func TestFailOverdue(t *testing.T) {
	w := newWorld(t)
	w.phone(bob)
	w.pair("shop", alice)
	w.must(w.m.Stop(t.Context(), "shop"))
	add := func(name string, deadline time.Time) *store.Job {
		j, _, err := w.db.AddJob(t.Context(), &store.Job{ID: name, Session: "shop", MessageID: "ID-" + name, To: bob + "@s.whatsapp.net",
			Content: store.Content{Type: "text", Text: name}, Deadline: deadline}, []byte("media"))
		w.must(err)
		return j
	}
	past := time.Now().Add(-time.Second)
	begun := add("begun", past)
	w.must(w.db.Update(t.Context(), func(tx *store.Tx) error { return tx.StartJob(begun.ID) }))
	add("endless", time.Time{})
	add("in time", time.Now().Add(time.Hour))
	const many = 450 // more than two commits take
	for n := range many {
		add(fmt.Sprint("late ", n), past)
	}
	for _, want := range []int{many, 0} {
		if n, err := w.m.FailOverdue(t.Context()); n != want || err != nil {
			t.Errorf("%d jobs ended, %v, want %d", n, err, want)
		}
	}
	for id, want := range map[string]store.JobState{"begun": store.JobSending, "endless": store.JobQueued, "in time": store.JobQueued, "late 0": store.JobFailed, "late 449": store.JobFailed} {
		j, err := w.db.Job(t.Context(), "shop", id)
		w.must(err)
		code := ""
		if want == store.JobFailed {
			code = "deadline"
		}
		if media, err := w.db.JobMedia(t.Context(), id); j.State != want || j.Code != code || (media == nil) != (code != "") || err != nil {
			t.Errorf("job %q is %s (%s), %d bytes of media, %v; want %s", id, j.State, j.Code, len(media), err, want)
		}
	}
	w.must(w.db.Read(t.Context(), func(tx *store.Tx) error {
		var told int
		err := tx.QueryRow(`SELECT COUNT(DISTINCT data ->> 'jobId') FROM events WHERE type = 'message.failed' AND data ->> 'code' = 'deadline'`).Scan(&told)
		if told != many {
			t.Errorf("%d failures were told, want %d", told, many)
		}
		return err
	}))
	w.must(w.m.Start(t.Context(), "shop"))
	w.got(bob, "begun", "endless", "in time")
}
