package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// backupOf makes a backup beside nothing else and returns its path.
func backupOf(tb testing.TB, db *DB, recipients ...string) string {
	tb.Helper()
	to := filepath.Join(tb.TempDir(), "backup.db")
	if _, err := db.Backup(tb.Context(), to, BackupOptions{Version: "v1", Recipients: recipients}); err != nil {
		tb.Fatal(err)
	}
	onlyFile(tb, to)
	return to
}

// onlyFile fails when anything but the file lies in its folder, or when others may
// read it.
func onlyFile(tb testing.TB, path string) {
	tb.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 || entries[0].Name() != filepath.Base(path) {
		tb.Errorf("got %v, %v, want only %s", entries, err, filepath.Base(path))
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		tb.Errorf("got %v, %v, want mode 0600", info.Mode(), err)
	}
}

func TestBackup(t *testing.T) {
	t.Parallel()
	db := withSession(t)
	if err := db.SetMeta(t.Context(), "mode", "sandbox"); err != nil {
		t.Fatal(err)
	}
	to := backupOf(t, db)
	info, err := checkBackup(t.Context(), to, "it", false)
	if err != nil {
		t.Fatal(err)
	}
	if info.Version != "v1" || info.Schema != len(migrations()) || info.Mode != "sandbox" || info.Sessions != 1 || time.Since(info.CreatedAt) > time.Minute {
		t.Errorf("got %+v", info)
	}
	if log, err := usesLog(to); log || err != nil {
		t.Errorf("it wants a log: %v, %v", log, err)
	}
	noPartials(t, filepath.Dir(db.Path()))

	t.Run("ErrExists", func(t *testing.T) {
		before, _ := os.ReadFile(to)
		_, err := db.Backup(t.Context(), to, BackupOptions{})
		wantError(t, err, CodeConflict, "is there already")
		_, err = db.Backup(t.Context(), to, BackupOptions{Recipients: keysOf(t, newIdentity(t)).Recipients()})
		wantError(t, err, CodeConflict, "is there already")
		if after, _ := os.ReadFile(to); !bytes.Equal(before, after) {
			t.Error("the file was changed")
		}
	})
	t.Run("ErrRecipient", func(t *testing.T) {
		_, err := db.Backup(t.Context(), to+"2", BackupOptions{Recipients: []string{"me"}})
		wantError(t, err, CodeInvalid, "begins with age1")
	})
	t.Run("ErrFolder", func(t *testing.T) {
		_, err := db.Backup(t.Context(), filepath.Join(t.TempDir(), "no", "x.db"), BackupOptions{})
		wantError(t, err, CodeReadOnly, "cannot be made")
	})
	t.Run("ErrNoRoom", func(t *testing.T) {
		defer func() { db.free = freeSpace }()
		db.free = func(string) (int64, error) { return 9 << 20, nil }
		path := filepath.Join(t.TempDir(), "x.db")
		if _, err := db.Backup(t.Context(), path, BackupOptions{}); err != nil {
			t.Errorf("there is room: %v", err)
		}
		db.free = func(string) (int64, error) { return 1 << 20, nil }
		_, err = db.Backup(t.Context(), path+"2", BackupOptions{})
		wantError(t, err, CodeDiskFull, "9 MiB are needed, and 1 MiB are free")
		onlyFile(t, path)
	})
	t.Run("ErrCancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		folder := t.TempDir()
		if _, err := db.Backup(ctx, filepath.Join(folder, "x.db"), BackupOptions{}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if entries, _ := os.ReadDir(folder); len(entries) != 0 {
			t.Errorf("left %v", entries)
		}
	})
}

// TestBackupUnderLoad makes backups while eight goroutines write. Each holds what
// was acknowledged before it began, and can be read without its source.
func TestBackupUnderLoad(t *testing.T) {
	db := fresh(t)
	ctx, cancel := context.WithCancel(t.Context())
	var said [8]atomic.Int64
	var writers sync.WaitGroup
	for i := range said {
		writers.Go(func() {
			for n := int64(1); ctx.Err() == nil; n++ {
				if db.SetMeta(ctx, fmt.Sprint("counter", i), strconv.FormatInt(n, 10)) == nil {
					said[i].Store(n)
				}
			}
		})
	}
	for range 10 {
		var before [8]int64
		for i := range said {
			before[i] = said[i].Load()
		}
		copied := open(t, backupOf(t, db))
		if !copied.Restored() {
			t.Error("the backup does not know that it is one")
		}
		for i, want := range before {
			text, err := copied.Meta(t.Context(), fmt.Sprint("counter", i))
			if got, _ := strconv.ParseInt(text, 10, 64); got < want || err != nil {
				t.Errorf("counter %d is %d, %v in the backup, %d was acknowledged", i, got, err, want)
			}
		}
		closeDB(t, copied)
	}
	cancel()
	writers.Wait()
}

// TestBackupHasWhatWaits hands in a write that may wait for an hour: who made it may
// have told of it already, so it is in the backup.
func TestBackupHasWhatWaits(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	written := make(chan error, 1)
	db.later(time.Hour, func(tx *Tx) error {
		_, err := tx.Exec("INSERT INTO meta (key, value) VALUES ('waits', 'here')")
		return err
	}, func(err error) { written <- err })
	copied := open(t, backupOf(t, db))
	if got, err := copied.Meta(t.Context(), "waits"); got != "here" || err != nil {
		t.Errorf("got %q, %v in the backup", got, err)
	}
	closeDB(t, db) // which does not wait for the hour
	if err := <-written; err != nil {
		t.Error(err)
	}
}

// TestBackupOfFullDisk makes a backup, on another disk, of a database that can no
// longer be written: that is when it is needed.
func TestBackupOfFullDisk(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is broken")
	var breaks atomic.Bool
	db, err := Open(t.Context(), Options{Path: freshPath(t), Log: slog.New(slog.DiscardHandler), Fault: func(string) error {
		if breaks.Load() {
			return broken
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { breaks.Store(false); closeDB(t, db) }()
	if err := db.SetMeta(t.Context(), "word", "kept"); err != nil {
		t.Fatal(err)
	}
	breaks.Store(true)
	db.later(time.Hour, func(*Tx) error { return nil }, func(error) {})
	copied := open(t, backupOf(t, db))
	if got, err := copied.Meta(t.Context(), "word"); got != "kept" || err != nil {
		t.Errorf("got %q, %v in the backup", got, err)
	}
}

// TestBackupOfDamaged makes a backup of a database that is said to be damaged: what
// is in the copy is sound, or there is no copy.
func TestBackupOfDamaged(t *testing.T) {
	t.Parallel()
	db := withSession(t)
	db.Condemn(t.Context(), errors.New("a page"))
	copied := open(t, backupOf(t, db))
	if got, err := copied.Meta(t.Context(), metaDamaged); got != "" || err != nil {
		t.Errorf("the copy is said to be damaged: %q, %v", got, err)
	}
	if due, err := copied.FullCheckDue(t.Context()); !due || err != nil {
		t.Errorf("a full check is due: %v, %v", due, err)
	}
}

// TestBackupStops closes the database while a backup waits for its turn, and while
// one is being made.
func TestBackupStops(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	release, err := db.copyAlone(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	result := make(chan error)
	go func() {
		_, err := db.Snapshot(context.Background(), BackupOptions{})
		result <- err
	}()
	closed := make(chan error)
	go func() { closed <- db.Close() }()
	wantError(t, <-result, CodeStorage, "wamux is stopping")
	release()
	if err := <-closed; err != nil {
		t.Error(err)
	}
	_, err = db.Snapshot(context.Background(), BackupOptions{})
	wantError(t, err, CodeStorage, "wamux is stopping")
	noPartials(t, filepath.Dir(db.Path()))
}

func TestBackupNames(t *testing.T) {
	at := time.Date(2026, 11, 27, 17, 5, 9, 0, time.FixedZone("WIB", 7*3600))
	for _, encrypted := range []bool{false, true} {
		name := BackupName("/var/lib/wamux.db", at, encrypted)
		if got, ok := BackupTime("/var/lib/wamux.db", name); !ok || !got.Equal(at) || !strings.HasPrefix(name, "wamux-20261127T100509Z.db") {
			t.Errorf("%s: got %v, %v", name, got, ok)
		}
		for _, other := range []string{"/var/lib/wamux-sandbox.db", "/x/wam.db"} {
			if _, ok := BackupTime(other, name); ok {
				t.Errorf("%s is taken for one of %s", name, other)
			}
		}
	}
	for _, name := range []string{"wamux.db", "wamux-20261127T100509Z", "wamux-20261127T100509Z.db.123.partial", "wamux-20261327T100509Z.db", "wamux-20261127T100509Z.dbx", "wamux-sandbox-20261127T100509Z.db"} {
		if _, ok := BackupTime("wamux.db", name); ok {
			t.Errorf("%s is taken for a backup", name)
		}
	}
}
