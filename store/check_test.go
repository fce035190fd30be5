package store

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestCheck finds a page that is damaged deep in the file, which a start does not
// look at, and lets nothing be written from then on.
func TestCheck(t *testing.T) {
	path := lived(t)
	pages := statPages(t, path)
	db := open(t, path)
	for _, depth := range []CheckDepth{CheckQuick, CheckFull} {
		if err := db.Check(t.Context(), depth); err != nil {
			t.Errorf("a sound file: %v", err)
		}
	}
	closeDB(t, db)
	var leaf statPage
	for _, p := range pages {
		if p.table == "chat_history" && p.kind == "leaf" {
			leaf = p
		}
	}
	overwrite(t, path, leaf.number, 1)
	db = open(t, path)
	for _, depth := range []CheckDepth{CheckQuick, CheckFull} {
		if err := db.Check(t.Context(), depth); !IsDamage(err) {
			t.Errorf("depth %d: got %v, want damage", depth, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Check(ended, CheckFull); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want it to end with its context", err)
	}
	db.Condemn(t.Context(), errors.New("seen"))
	wantError(t, db.SetMeta(t.Context(), "a", "1"), CodeStorage, "damaged")
	if _, err := db.Session(t.Context(), "shop"); err != nil {
		t.Error("reading ended, too:", err)
	}
	closeDB(t, db)
	db = open(t, path)
	if found, err := db.FoundDamaged(t.Context()); !found || err != nil {
		t.Errorf("the damage is forgotten: %v", err)
	}
	if err := db.Acquit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found, _ := db.FoundDamaged(t.Context()); found {
		t.Error("the damage is remembered for ever")
	}
}

// TestSuspicion tells of damage that somebody meets who looks for something else.
func TestSuspicion(t *testing.T) {
	path := lived(t)
	for _, p := range statPages(t, path) {
		if p.table == "contacts" && p.kind == "leaf" {
			overwrite(t, path, p.number, 1)
		}
	}
	db := open(t, path)
	_, err := db.Contacts(t.Context(), ContactQuery{Session: "shop"})
	if !IsDamage(err) {
		t.Fatalf("got %v, want damage", err)
	}
	select {
	case <-db.Suspicion():
	default:
		t.Error("nobody was told")
	}
}

// TestFullCheckDue remembers when the whole file was looked through, until a week
// has passed or a run did not end in order.
func TestFullCheckDue(t *testing.T) {
	path := freshPath(t)
	now := noon
	begin := func() *DB {
		db, err := Open(t.Context(), Options{Path: path, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	due := func(db *DB, want bool) {
		t.Helper()
		if got, err := db.FullCheckDue(t.Context()); got != want || err != nil {
			t.Errorf("due is %v, %v, want %v", got, err, want)
		}
	}
	db := begin()
	due(db, true)
	if err := db.Check(t.Context(), CheckFull); err != nil {
		t.Fatal(err)
	}
	due(db, false)
	now = now.Add(6 * 24 * time.Hour)
	due(db, false)
	now = now.Add(25 * time.Hour)
	due(db, true)
	if err := db.Check(t.Context(), CheckFull); err != nil {
		t.Fatal(err)
	}
	closeDB(t, db)
	db = begin()
	due(db, false)
	closeDB(t, db)
	dieWriting(t, path)
	due(begin(), true)
}

// TestUpkeep gives free pages back and folds the log.
func TestUpkeep(t *testing.T) {
	path := lived(t)
	db := open(t, path)
	if err := db.DeleteSession(t.Context(), "home"); err != nil {
		t.Fatal(err)
	}
	size := func() (pages, free int) {
		err := db.View(t.Context(), func(tx *Tx) error {
			if err := tx.QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
				return err
			}
			return tx.QueryRow("PRAGMA freelist_count").Scan(&free)
		})
		if err != nil {
			t.Fatal(err)
		}
		return pages, free
	}
	before, free := size()
	if free < 100 {
		t.Fatalf("only %d pages are free", free)
	}
	if err := db.Upkeep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after, left := size(); left != 0 || after > before-free {
		t.Errorf("%d of %d pages are left, %d of them free; there were %d free ones", after, before, left, free)
	}
	if hasLog(path) {
		t.Error("the log was not folded")
	}
	if err := db.Check(t.Context(), CheckFull); err != nil {
		t.Error(err)
	}
}
