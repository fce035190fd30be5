package store

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
)

// open opens a database at path and closes it with the test.
func open(tb testing.TB, path string) *DB {
	tb.Helper()
	db, err := Open(context.Background(), Options{Path: path, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatalf("open: %v", err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	return db
}

func fresh(tb testing.TB) *DB {
	tb.Helper()
	return open(tb, filepath.Join(tb.TempDir(), "wamux.db"))
}

func TestSession(t *testing.T) {
	ctx := context.Background()
	db := fresh(t)
	s, created, err := db.AddSession(ctx, "user001", 0)
	if err != nil || !created {
		t.Fatal(err)
	}
	if err := db.SetState(ctx, s.ID, StateChange{State: StateOnline}); err != nil {
		t.Fatal(err)
	}
	ev, err := db.Events(ctx, 0, 10)
	if err != nil || len(ev) != 1 {
		t.Fatal(ev, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
