package store

import (
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
)

// TestTransactionThatCannotEnd breaks the disk from one statement on: once it is
// well again everything works, also where a transaction could not be ended.
func TestTransactionThatCannotEnd(t *testing.T) {
	for _, broken := range []string{"BEGIN", "INSERT", "UPDATE epoch", "COMMIT", "SELECT", "ROLLBACK"} {
		t.Run(broken, func(t *testing.T) {
			var armed, struck atomic.Bool
			db, err := Open(t.Context(), Options{Path: freshPath(t), Log: slog.New(slog.DiscardHandler), Readers: 1, Fault: func(query string) error {
				if struck.Load() || armed.Load() && strings.Contains(query, broken) {
					struck.Store(true)
					return errors.New("on purpose")
				}
				return nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			defer closeDB(t, db)
			armed.Store(true)
			wrote := db.SetMeta(t.Context(), "a", "1")
			_, read := db.Meta(t.Context(), "a")
			seen := db.View(t.Context(), func(tx *Tx) error { return tx.QueryRow("SELECT 1").Scan(new(int)) })
			if wrote == nil && read == nil && seen == nil {
				t.Error("nobody was told of the fault")
			}
			armed.Store(false)
			struck.Store(false)
			if got, err := db.Meta(t.Context(), "a"); (wrote == nil) != (got == "1") || err != nil {
				t.Errorf("the write ended with %v, and there is %q, %v", wrote, got, err)
			}
			if err := db.SetMeta(t.Context(), "a", "2"); err != nil {
				t.Errorf("the next write: %v", err)
			}
			if got, err := db.Meta(t.Context(), "a"); got != "2" || err != nil {
				t.Errorf("who reads sees %q, %v, not what was written", got, err)
			}
			if err := db.View(t.Context(), func(tx *Tx) error { return tx.QueryRow("SELECT 1").Scan(new(int)) }); err != nil {
				t.Errorf("the next read: %v", err)
			}
		})
	}
}

// TestStateThatCannotBeSaved: people see what a session says of itself also when
// the disk does not take it.
func TestStateThatCannotBeSaved(t *testing.T) {
	var full atomic.Bool
	db, err := Open(t.Context(), Options{Path: freshPath(t), Log: slog.New(slog.DiscardHandler), Fault: func(query string) error {
		if full.Load() && strings.HasPrefix(query, "UPDATE") {
			return errors.New("on purpose")
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer closeDB(t, db)
	addTestSession(t, db, "shop")
	says := func(want SessionState, code string) {
		t.Helper()
		one, err := db.Session(t.Context(), "shop")
		all, err2 := db.Sessions(t.Context())
		page, _, err3 := db.SessionsPage(t.Context(), 1, 10)
		if errors.Join(err, err2, err3) != nil {
			t.Fatal(err, err2, err3)
		}
		for _, s := range []*Session{one, all[0], page[0]} {
			if s.State != want || s.Code != code {
				t.Errorf("the session is %s (%s), want %s (%s)", s.State, s.Code, want, code)
			}
		}
	}
	if err := db.SetState(t.Context(), "shop", StateChange{State: StateOnline}); err != nil {
		t.Fatal(err)
	}
	full.Store(true)
	if err := db.SetState(t.Context(), "shop", StateChange{State: StateStorageError, Code: "disk_full"}); err == nil {
		t.Fatal("the state was saved")
	}
	says(StateStorageError, "disk_full")
	full.Store(false)
	if err := db.SetState(t.Context(), "shop", StateChange{State: StateOnline}); err != nil {
		t.Fatal(err)
	}
	says(StateOnline, "")
}
