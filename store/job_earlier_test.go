package store

import (
	"errors"
	"strings"
	"testing"
)

// TestMessageIDIsUsed walks what may become of a message under an id that the caller chose and that was used before.
func TestMessageIDIsUsed(t *testing.T) {
	chosen := func(print string) *Job {
		j := textJob("", print)
		j.Chosen = true
		return j
	}
	ends := func(state JobState) func(*testing.T, *DB, *Job) {
		return func(t *testing.T, db *DB, j *Job) {
			j.State = state
			if err := db.FinishJob(t.Context(), j); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tt := range []struct {
		name        string
		first       *Job
		then        func(*testing.T, *DB, *Job)
		same, other string // what becomes of the same message and of another one: earlier, new or used
	}{
		{"Queued", chosen("print"), nil, "earlier", "used"},
		{"Sent", chosen("print"), ends(JobSent), "earlier", "used"},
		{"Failed", chosen("print"), ends(JobFailed), "new", "used"},
		{"Cancelled", chosen("print"), ends(JobCancelled), "new", "new"},
		{"OwnID", textJob("", "print"), ends(JobSent), "earlier", "used"},
		{"WithKey", textJob("key", "print"), ends(JobSent), "earlier", "used"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for print, want := range map[string]string{"print": tt.same, "other": tt.other} {
				db := withSession(t)
				first := mustAddJob(t, db, tt.first, nil)
				if tt.then != nil {
					tt.then(t, db, first)
				}
				if got := outcome(t, db, chosen(print), first); got != want {
					t.Errorf("%s: got %s, want %s", print, got, want)
				}
			}
		})
	}
}

// outcome adds a job and tells what became of it; looking alone must say the same.
func outcome(t *testing.T, db *DB, j, first *Job) string {
	t.Helper()
	known, lookErr := db.EarlierJob(t.Context(), j)
	added, existed, err := db.AddJob(t.Context(), j, nil)
	if ErrorCode(err) != ErrorCode(lookErr) || existed != (known != nil) {
		t.Errorf("looking says %v, %v; adding %v, %v", known, lookErr, existed, err)
	}
	e := (*Error)(nil)
	switch {
	case errors.As(err, &e) && e.Name == "message_id_used" && e.Hint != "":
		return "used"
	case err != nil:
		return err.Error()
	case existed && added.ID == first.ID:
		return "earlier"
	case existed:
		return "another one's"
	}
	return "new"
}

// TestMessageIDIsUsedElsewhere: what another device sent, or a job that is long gone, has used an id too; and other sessions have not.
func TestMessageIDIsUsedElsewhere(t *testing.T) {
	db := withSession(t)
	addTestSession(t, db, "user002")
	mustRecord(t, db, Entry{Message: &Message{Chat: peer, Sender: peer, Outgoing: true, ID: "A1", Type: "text", Text: "from the phone", Timestamp: noon}},
		Entry{Message: &Message{Chat: peer, Sender: peer, ID: "A2", Type: "text", Text: "came in", Timestamp: noon}})
	j := textJob("", "print")
	j.Chosen = true
	_, _, err := db.AddJob(t.Context(), j, nil)
	wantError(t, err, CodeConflict, "Another message was sent under this message id already")
	for session, id := range map[string]string{"user002": "A1", "user001": "A2"} {
		j.Session, j.MessageID = session, id
		if _, existed, err := db.AddJob(t.Context(), j, nil); err != nil || existed {
			t.Errorf("%s in %s: got %v, %v", id, session, existed, err)
		}
	}
}

// TestKeyAndMessageID: one Idempotency-Key with two message ids is two requests.
func TestKeyAndMessageID(t *testing.T) {
	db := withSession(t)
	first, second := textJob("key", "print"), textJob("key", "print")
	first.Chosen, second.Chosen, second.MessageID = true, true, "A2"
	mustAddJob(t, db, first, nil)
	_, _, err := db.AddJob(t.Context(), second, nil)
	wantError(t, err, CodeConflict, "This Idempotency-Key was used for another request")
}

// TestMessageIDIsFound looks at how SQLite finds a used id: by the index, whatever the session has sent.
func TestMessageIDIsFound(t *testing.T) {
	db := withSession(t)
	err := db.Read(t.Context(), func(tx *Tx) error {
		var plan string
		err := tx.QueryRow("EXPLAIN QUERY PLAN SELECT id FROM jobs WHERE sessionId = 'x' AND messageId = 'y'").Scan(new(int), new(int), new(int), &plan)
		if !strings.Contains(plan, "jobs_message (sessionId=? AND messageId=?)") {
			t.Errorf("the plan is %s", plan)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
