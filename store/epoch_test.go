package store

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"testing"
	"time"
)

// reopen opens the database and checks whether it knows of a restore.
func reopen(t *testing.T, path string, restored bool) *DB {
	t.Helper()
	db := open(t, path)
	if got := db.Restored(); got != restored {
		t.Errorf("Restored is %v, want %v", got, restored)
	}
	return db
}

// snapshot makes a copy of a live database.
func snapshot(t *testing.T, db *DB) string {
	t.Helper()
	to := freshPath(t)
	if err := vacuumInto(db, to); err != nil {
		t.Fatal(err)
	}
	return to
}

// put replaces the database by a bare file, with nothing else around it but the
// sidecar.
func put(t *testing.T, bare, path string) {
	t.Helper()
	copyFile(t, bare, path)
	for _, end := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

func TestCrashIsNoRestore(t *testing.T) {
	t.Parallel()
	t.Run("NormalRestart", func(t *testing.T) {
		path := freshPath(t)
		for i := range 3 {
			db := reopen(t, path, false)
			if err := db.SetMeta(t.Context(), "round", string(rune('0'+i))); err != nil {
				t.Fatal(err)
			}
			closeDB(t, db)
		}
	})

	t.Run("Killed", func(t *testing.T) {
		path := freshPath(t)
		dieWriting(t, path)
		dieWriting(t, path)
		db := reopen(t, path, false)
		if got, err := db.Meta(t.Context(), "die"); got != "19" || err != nil {
			t.Errorf("got %q, %v, want 19", got, err)
		}
	})

	// The steps of a start, each followed by a kill.
	t.Run("KilledWhileStarting", func(t *testing.T) {
		path := freshPath(t)
		closeDB(t, open(t, path))
		side, err := readSidecar(path + ".epoch")
		if err != nil || !side.found {
			t.Fatal(side, err)
		}
		announced := side
		announced.next = nextBoot(side.boot)
		writeSidecar(t, path, announced)
		db := reopen(t, path, false) // the database still has boot
		closeDB(t, db)

		if side, err = readSidecar(path + ".epoch"); err != nil {
			t.Fatal(err)
		}
		announced = sidecar{boot: "1-older", next: side.boot, commits: side.commits}
		writeSidecar(t, path, announced)
		reopen(t, path, false) // the database already has next
	})

	t.Run("SidecarBehind", func(t *testing.T) { // a power cut, or a kill right after a commit
		path := freshPath(t)
		db := open(t, path)
		for range 5 {
			if err := db.SetMeta(t.Context(), "a", "b"); err != nil {
				t.Fatal(err)
			}
		}
		closeDB(t, db)
		side, err := readSidecar(path + ".epoch")
		if err != nil {
			t.Fatal(err)
		}
		side.commits -= 3
		writeSidecar(t, path, side)
		reopen(t, path, false)
	})

	t.Run("FreshBesideOldSidecar", func(t *testing.T) {
		path := freshPath(t)
		closeDB(t, open(t, path))
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		reopen(t, path, false)
	})
}

func writeSidecar(t *testing.T, path string, s sidecar) {
	t.Helper()
	if err := os.WriteFile(path+".epoch", s.text(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRestoreIsNoCrash(t *testing.T) {
	t.Parallel()
	t.Run("OlderRunPutBack", func(t *testing.T) {
		path, bare := freshPath(t), freshPath(t)
		closeDB(t, open(t, path))
		copyFile(t, path, bare)
		closeDB(t, open(t, path))
		put(t, bare, path)
		reopen(t, path, true)
	})

	t.Run("SameRunPutBack", func(t *testing.T) {
		path := freshPath(t)
		db := open(t, path)
		bare := snapshot(t, db)
		if err := db.SetMeta(t.Context(), "a", "b"); err != nil {
			t.Fatal(err)
		}
		closeDB(t, db)
		put(t, bare, path)
		reopen(t, path, true)
	})

	t.Run("PutBackAfterKill", func(t *testing.T) {
		path := freshPath(t)
		db := open(t, path)
		bare := snapshot(t, db)
		closeDB(t, db)
		dieWriting(t, path)
		put(t, bare, path)
		reopen(t, path, true)
	})

	t.Run("PutBackOverItsLog", func(t *testing.T) {
		path, bare := freshPath(t), freshPath(t)
		db := open(t, path)
		if err := db.SetMeta(t.Context(), "die", "before"); err != nil {
			t.Fatal(err)
		}
		closeDB(t, db)
		copyFile(t, path, bare)
		dieWriting(t, path)
		copyFile(t, bare, path) // the log of the killed process stays
		db = reopen(t, path, true)
		if got, err := db.Meta(t.Context(), "die"); got != "before" || err != nil {
			t.Errorf("got %q, %v: the log of the other file was mixed in", got, err)
		}
		if _, err := os.Stat(path + "-wal.stale"); err != nil {
			t.Errorf("the log was not set aside: %v", err)
		}
	})

	t.Run("CopyOfThisRunPutOverItsLog", func(t *testing.T) {
		path := freshPath(t)
		die(t, "copy", path)
		copyFile(t, path+".copy", path)
		db := reopen(t, path, true)
		if got, err := db.Meta(t.Context(), "die"); got != "before" || err != nil {
			t.Errorf("got %q, %v: the log of the other file was mixed in", got, err)
		}
	})

	t.Run("Moved", func(t *testing.T) {
		path, moved := freshPath(t), freshPath(t)
		closeDB(t, open(t, path))
		if err := os.Rename(path, moved); err != nil {
			t.Fatal(err)
		}
		reopen(t, moved, true)
	})

	t.Run("WentOnElsewhereAndCameBack", func(t *testing.T) {
		path, other := freshPath(t), freshPath(t)
		closeDB(t, open(t, path))
		copyFile(t, path, other)
		db := reopen(t, other, true)
		if err := db.ConfirmRestore(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := db.SetMeta(t.Context(), "a", "b"); err != nil {
			t.Fatal(err)
		}
		closeDB(t, db)
		put(t, other, path)
		reopen(t, path, true)
	})

	t.Run("DamagedSidecar", func(t *testing.T) {
		path := freshPath(t)
		closeDB(t, open(t, path))
		if err := os.WriteFile(path+".epoch", []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		reopen(t, path, true)
	})
}

func TestConfirmRestore(t *testing.T) {
	t.Parallel()
	path, bare := freshPath(t), freshPath(t)
	closeDB(t, open(t, path))
	copyFile(t, path, bare)
	closeDB(t, open(t, path))
	put(t, bare, path)

	db := reopen(t, path, true)
	for range 10 { // more commits than were lost: it must not be forgotten
		if err := db.SetMeta(t.Context(), "a", "b"); err != nil {
			t.Fatal(err)
		}
	}
	closeDB(t, db)
	dieWriting(t, path)
	db = reopen(t, path, true)
	if err := db.ConfirmRestore(t.Context()); err != nil {
		t.Fatal(err)
	}
	if db.Restored() {
		t.Error("it is still restored after the confirmation")
	}
	if err := db.ConfirmRestore(t.Context()); err != nil {
		t.Error("a second confirmation failed", err)
	}
	closeDB(t, db)
	dieWriting(t, path)
	closeDB(t, reopen(t, path, false))
}

// staleLog makes a database that was put back over the log of a killed process.
func staleLog(t *testing.T, mode os.FileMode) (path string) {
	t.Helper()
	path, bare := freshPath(t), freshPath(t)
	closeDB(t, open(t, path))
	copyFile(t, path, bare)
	dieWriting(t, path)
	copyFile(t, bare, path)
	if err := os.Chmod(path+"-wal", mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestStaleLogIsDropped: a log that was set aside is kept for a week, however old it
// was then, and no longer.
func TestStaleLogIsDropped(t *testing.T) {
	t.Parallel()
	path := staleLog(t, 0o600)
	if err := os.Chtimes(path+"-wal", noon, noon); err != nil {
		t.Fatal(err)
	}
	now := noon.AddDate(0, 1, 0)
	db, err := Open(t.Context(), Options{Path: path, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for _, days := range []int{6, 2} {
		now = now.AddDate(0, 0, days)
		if err := db.Upkeep(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, end := range []string{"-wal.stale", "-shm.stale"} {
			if exists(path+end) != (days == 6) {
				t.Errorf("after %d more days %s is there: %v", days, end, exists(path+end))
			}
		}
	}
}
