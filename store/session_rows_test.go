package store

import (
	"fmt"
	"testing"
)

// TestSessionIsReadAfresh: whoever changed a session reads the change, also when the row was read before.
func TestSessionIsReadAfresh(t *testing.T) {
	db := fresh(t)
	if _, _, err := db.AddSession(t.Context(), "shop", 0); err != nil {
		t.Fatal(err)
	}
	read := func() *Session {
		s, err := db.Session(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for i := range 20 {
		reason := fmt.Sprint("reason ", i)
		if err := db.SetState(t.Context(), "shop", StateChange{State: StateOnline, Reason: reason}); err != nil {
			t.Fatal(err)
		}
		if s := read(); s.Reason != reason {
			t.Fatalf("reason is %q, want %q", s.Reason, reason)
		}
		read().Reason = "the caller's own"
		if s := read(); s.Reason != reason {
			t.Fatalf("reason is %q, want %q: rows are shared", s.Reason, reason)
		}
	}
	if err := db.SetWanted(t.Context(), "shop", WantStopped); err != nil {
		t.Fatal(err)
	}
	if s := read(); s.Wanted != WantStopped {
		t.Errorf("wanted is %s", s.Wanted)
	}
	if err := db.DeleteSession(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Session(t.Context(), "shop"); ErrorCode(err) != CodeNotFound {
		t.Errorf("a deleted session is read: %v", err)
	}
}
