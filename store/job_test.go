package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"
)

func textJob(key, print string) *Job {
	return &Job{Session: "user001", Key: key, Fingerprint: print, MessageID: "A1", To: peer, Content: Content{Type: "text", Text: "hello"}}
}

func mustAddJob(tb testing.TB, db *DB, j *Job, media []byte) *Job {
	tb.Helper()
	stored, existed, err := db.AddJob(tb.Context(), j, media)
	if err != nil || existed {
		tb.Fatalf("add job: %v %v", existed, err)
	}
	return stored
}

func TestAddJob(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		db := withSession(t)
		want := textJob("key", "print")
		want.Deadline = noon
		want.Content = Content{Type: "document", Text: "caption", Media: &Media{Mimetype: "application/pdf", FileName: "a.pdf", Thumbnail: []byte{1}, Size: 3},
			Location: &Location{Latitude: 1.5, Name: "x"}, Contacts: &Contacts{VCards: []string{"BEGIN:VCARD"}}, Key: &MessageKey{RemoteJID: peer, ID: "B1"},
			Reply: &Reply{Key: MessageKey{ID: "B2", FromMe: true}, Raw: []byte{2}}, Mentions: []string{peer}, ExpiresIn: 7}
		stored := mustAddJob(t, db, want, []byte("pdf"))
		got, err := db.Job(t.Context(), "user001", stored.ID)
		if err != nil || !reflect.DeepEqual(got, stored) {
			t.Errorf("got %+v, %v, want %+v", got, err, stored)
		}
		if got.State != JobQueued || got.CreatedAt.IsZero() || !got.Deadline.Equal(noon) || !reflect.DeepEqual(got.Content, want.Content) {
			t.Errorf("got %+v", got)
		}
		if data, err := db.JobMedia(t.Context(), got.ID); err != nil || string(data) != "pdf" {
			t.Errorf("the media is %q, %v", data, err)
		}
		if want.ID != "" || want.State != "" {
			t.Errorf("the caller's job was changed: %+v", want)
		}
	})

	t.Run("SameKey", func(t *testing.T) {
		db := withSession(t)
		first := mustAddJob(t, db, textJob("key", "print"), nil)
		other := textJob("key", "print")
		other.MessageID = "A2"
		again, existed, err := db.AddJob(t.Context(), other, nil)
		if err != nil || !existed || again.ID != first.ID || again.MessageID != "A1" {
			t.Errorf("got %+v, %v, %v", again, existed, err)
		}
	})

	t.Run("NoKey", func(t *testing.T) {
		db := withSession(t)
		mustAddJob(t, db, textJob("", ""), nil)
		mustAddJob(t, db, textJob("", ""), nil)
	})

	t.Run("ErrOtherRequest", func(t *testing.T) {
		db := withSession(t)
		mustAddJob(t, db, textJob("key", "print"), nil)
		_, _, err := db.AddJob(t.Context(), textJob("key", "other"), nil)
		wantError(t, err, CodeConflict, "This Idempotency-Key was used for another request")
		if e := (*Error)(nil); !errors.As(err, &e) || e.Name != "idempotency_conflict" {
			t.Errorf("got %+v", e)
		}
	})

	t.Run("ErrNoSession", func(t *testing.T) {
		_, _, err := fresh(t).AddJob(t.Context(), textJob("", ""), nil)
		wantError(t, err, CodeNotFound, "Session not found")
	})
}

func TestJob(t *testing.T) {
	db := withSession(t)
	addTestSession(t, db, "user002")
	j := mustAddJob(t, db, textJob("", ""), nil)
	_, err := db.Job(t.Context(), "user002", j.ID)
	wantError(t, err, CodeNotFound, "Job not found")
	if data, err := db.JobMedia(t.Context(), j.ID); data != nil || err != nil {
		t.Errorf("got media %v, %v", data, err)
	}
}

func TestJobLife(t *testing.T) {
	db := withSession(t)
	if list, err := db.OpenJobs(t.Context(), "user001", 1); len(list) != 0 || err != nil {
		t.Fatalf("got %+v, %v, want nothing", list, err)
	}
	first := mustAddJob(t, db, textJob("", ""), []byte("x"))
	second := mustAddJob(t, db, textJob("", ""), []byte("y"))
	third := mustAddJob(t, db, textJob("", ""), nil)
	wantNext(t, db, first.ID)
	if list, err := db.OpenJobs(t.Context(), "user001", 2); err != nil || len(list) != 2 || list[0].ID != first.ID || list[1].ID != second.ID {
		t.Errorf("the open jobs are %v, %v", list, err)
	}
	for attempt := 1; attempt <= 2; attempt++ { // again after a crash
		startJob(t, db, first.ID)
		if j := wantNext(t, db, first.ID); j.State != JobSending || j.Attempts != attempt {
			t.Errorf("got %+v", j)
		}
	}
	wantCancelled(t, db, first.ID, false)
	wantCancelled(t, db, second.ID, true)
	wantCancelled(t, db, second.ID, false)
	startJob(t, db, second.ID)
	if j, err := db.Job(t.Context(), "user001", second.ID); err != nil || j.State != JobCancelled || j.Attempts != 0 {
		t.Errorf("a cancelled job was started: %+v, %v", j, err)
	}
	if data, err := db.JobMedia(t.Context(), second.ID); data != nil || err != nil {
		t.Errorf("the cancelled job keeps its media: %v", err)
	}
	finish(t, db, first)
	wantNext(t, db, third.ID)
	if ids, err := db.SessionsWithJobs(t.Context()); err != nil || !slices.Equal(ids, []string{"user001"}) {
		t.Errorf("got %v, %v", ids, err)
	}
	third.State, third.Code, third.Error = JobFailed, "not_on_whatsapp", "No"
	if err := db.FinishJob(t.Context(), third); err != nil {
		t.Fatal(err)
	}
	if ids, err := db.SessionsWithJobs(t.Context()); err != nil || len(ids) != 0 {
		t.Errorf("got %v, %v", ids, err)
	}
}

func wantNext(t *testing.T, db *DB, id string) *Job {
	t.Helper()
	list, err := db.OpenJobs(t.Context(), "user001", 1)
	if err != nil || len(list) != 1 || list[0].ID != id {
		t.Fatalf("next is %+v, %v, want %s", list, err, id)
	}
	return list[0]
}

func startJob(t *testing.T, db *DB, id string) {
	t.Helper()
	if err := db.Update(t.Context(), func(tx *Tx) error { return tx.StartJob(id) }); err != nil {
		t.Fatal(err)
	}
}

func wantCancelled(t *testing.T, db *DB, id string, want bool) {
	t.Helper()
	if got, err := db.CancelJob(t.Context(), id); got != want || err != nil {
		t.Errorf("cancelled is %v, %v, want %v", got, err, want)
	}
}

// finish ends the job as sent, with its row and event.
func finish(t *testing.T, db *DB, j *Job) {
	t.Helper()
	done := *j
	done.State, done.Chat, done.SentAt, done.Sent = JobSent, peerLID, noon, json.RawMessage(`{"conversation":"hello"}`)
	if err := db.FinishJob(t.Context(), &done, Entry{Message: out(peer, "A1", "hello"), Events: []Event{{Type: "message.sent"}}}); err != nil {
		t.Fatal(err)
	}
	got, err := db.Job(t.Context(), "user001", j.ID)
	if err != nil || got.State != JobSent || got.Chat != peerLID || !got.SentAt.Equal(noon) || !bytes.Equal(got.Sent, done.Sent) {
		t.Errorf("got %+v, %v", got, err)
	}
	if data, err := db.JobMedia(t.Context(), j.ID); data != nil || err != nil {
		t.Errorf("the done job keeps its media: %v", err)
	}
	wantStatus(t, db, "A1", StatusServer)
}

func TestFinishJob(t *testing.T) {
	t.Run("ErrNotFound", func(t *testing.T) {
		db := withSession(t)
		err := db.FinishJob(t.Context(), &Job{ID: "job_x", Session: "user001"}, Entry{Message: out(peer, "A1", "x")})
		wantError(t, err, CodeNotFound, "Job not found")
		_, err = db.Message(t.Context(), "user001", "A1")
		wantError(t, err, CodeNotFound, "Message not found")
	})

	t.Run("ErrAllOrNothing", func(t *testing.T) {
		db := withSession(t)
		j := mustAddJob(t, db, textJob("", ""), nil)
		j.State = JobSent
		err := db.FinishJob(t.Context(), j, Entry{Events: []Event{{Session: "nobody", Timestamp: time.Now()}}})
		wantError(t, err, CodeNotFound, "Session not found")
		wantNext(t, db, j.ID)
	})
}
