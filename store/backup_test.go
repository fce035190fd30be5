package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wamux/store/seal"
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

// noPartials fails when something unfinished lies in a folder.
func noPartials(tb testing.TB, folder string) {
	tb.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		tb.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), ".partial") {
			tb.Errorf("%s was left", e.Name())
		}
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

// TestEveryByteCounts changes each byte of a backup, and its length.
func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile(backupOf(t, withSession(t)))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "bent.db")
	refused := func(what string, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := checkBackup(t.Context(), path, "it", false)
		if e := (*Error)(nil); !errors.As(err, &e) || e.Code == CodeInternal || e.Hint == "" {
			t.Errorf("%s: got %v, want a refusal", what, err)
		}
	}
	step := max(1, len(good)/120)
	for i := 0; i < len(good); i += step {
		bent := bytes.Clone(good)
		bent[i] ^= 1 << (i % 8)
		refused(fmt.Sprint("byte ", i), bent)
	}
	for i := 0; i < 100; i += 4 { // every field of the header
		bent := bytes.Clone(good)
		bent[i] ^= 0x11
		refused(fmt.Sprint("byte ", i), bent)
	}
	for _, cut := range []int{0, 1, 99, 100, 4096, len(good) / 2, len(good) - 4096, len(good) - 1} {
		refused(fmt.Sprint("cut at ", cut), good[:cut])
	}
	refused("longer", append(bytes.Clone(good), make([]byte, 4096)...))
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := checkBackup(t.Context(), path, "it", false); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

// TestBackupSealed backs up a sealed database, also in the middle of its sealing:
// the values in it open with the key and not without it.
func TestBackupSealed(t *testing.T) {
	t.Parallel()
	v, line := newVaultTest(t), newIdentity(t)
	db, err := v.open(line) // sealing has begun
	if err != nil {
		t.Fatal(err)
	}
	if err := db.convertSome(t.Context(), db.vault.row); err != nil {
		t.Fatal(err)
	}
	half := backupOf(t, db)
	if err := db.Convert(t.Context()); err != nil {
		t.Fatal(err)
	}
	whole := backupOf(t, db)
	v.shut(db)
	if data, err := os.ReadFile(whole); err != nil || bytes.Contains(data, []byte("planted-")) {
		t.Errorf("the backup shows a secret, or %v", err)
	}
	for _, path := range []string{half, whole} {
		info, err := checkBackup(t.Context(), path, "it", false)
		if err != nil || len(info.Sealed) != 1 {
			t.Errorf("got %+v, %v", info, err)
		}
		b := *v
		b.path = path
		_, err = b.open()
		wantError(t, err, CodeConflict, "no key was given")
		_, err = b.open(newIdentity(t))
		wantError(t, err, CodeConflict, "another key")
		b.converted(SealOn, line)
	}
}

// TestBackupBesideSealing lets a backup and what rewrites the file wait for each
// other.
func TestBackupBesideSealing(t *testing.T) {
	t.Parallel()
	v, line := newVaultTest(t), newIdentity(t)
	db, err := v.open(line)
	if err != nil {
		t.Fatal(err)
	}
	defer v.shut(db)
	release, err := db.copyAlone(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- db.Convert(ctx) }()
	for column := 0; column < len(secretColumns()); { // until only the end is left, which waits
		<-time.After(time.Millisecond)
		db.vault.mu.RLock()
		column = db.vault.row.Column
		db.vault.mu.RUnlock()
	}
	if state, _, _ := db.SealState(); state != SealClosing {
		t.Errorf("the state is %q while a backup is made", state)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	release()
	if err := db.Convert(t.Context()); err != nil {
		t.Fatal(err)
	}
	backupOf(t, db)
}

// TestBackupEncrypted encrypts the whole file, and leaves nothing in clear.
func TestBackupEncrypted(t *testing.T) {
	t.Parallel()
	db, key, spare := withSession(t), newIdentity(t), newIdentity(t)
	to := backupOf(t, db, append(keysOf(t, key).Recipients(), keysOf(t, spare).Recipients()...)...)
	noPartials(t, filepath.Dir(db.Path()))
	data, err := os.ReadFile(to)
	if err != nil || !seal.Sealed(data) || bytes.Contains(data, []byte("SQLite")) {
		t.Fatalf("it is no age file: %.40q, %v", data, err)
	}
	for _, line := range []string{key, spare} {
		plain, err := seal.DecryptFrom(bytes.NewReader(data), keysOf(t, line))
		if err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(plain)
		path := filepath.Join(t.TempDir(), "plain.db")
		if err := errors.Join(err, os.WriteFile(path, all, 0o600)); err != nil {
			t.Fatal(err)
		}
		if _, err := checkBackup(t.Context(), path, "it", false); err != nil {
			t.Error(err)
		}
	}
}

// TestSnapshotIsNowhere looks for the file of a backup on its way.
func TestSnapshotIsNowhere(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	s, err := db.Snapshot(t.Context(), BackupOptions{Version: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	noPartials(t, filepath.Dir(db.Path()))
	var out bytes.Buffer
	if err := s.Send(t.Context(), &out); err != nil || int64(out.Len()) != s.Size || !strings.HasPrefix(out.String(), "SQLite format 3") {
		t.Errorf("got %d bytes, %v, want %d", out.Len(), err, s.Size)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestKilledBackup kills a process in the middle of a backup: what it leaves does
// not look complete, and the next one cleans it up.
func TestKilledBackup(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("it has no umask")
	}
	path, folder := freshPath(t), t.TempDir()
	backup := filepath.Join(folder, "backup.db")
	for _, encrypted := range []bool{false, true} {
		db := open(t, path)
		if err := db.SetMeta(t.Context(), "ballast", strings.Repeat("ballast ", 1<<21)); err != nil {
			t.Fatal(err)
		}
		closeDB(t, db)
		mode, in := "backup", folder
		if encrypted {
			mode, in = "backup encrypted", filepath.Dir(path)
		}
		killInBackup(t, mode, path, backup, in)
		if exists(backup) {
			t.Fatal("there is a file that looks complete")
		}
	}
	db := open(t, path)
	noPartials(t, filepath.Dir(path))
	if _, err := db.Backup(t.Context(), backup, BackupOptions{}); err != nil {
		t.Fatal(err)
	}
	onlyFile(t, backup)
}

// killInBackup kills the second process, whose umask takes nothing from anybody, as
// soon as something unfinished is in the folder, and looks who may read that.
func killInBackup(t *testing.T, mode, path, to, folder string) {
	t.Helper()
	cmd := childCommand(t, mode, path)
	cmd.Env = append(cmd.Env, childTo+"="+to)
	cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", `umask 0; exec "$0"`, cmd.Path}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for seen := false; !seen; <-time.After(time.Millisecond) {
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			info, err := e.Info()
			seen = seen || err == nil && strings.Contains(e.Name(), ".partial") && info.Size() > 1<<20
		}
		select {
		case <-ended:
			t.Fatal("it was not killed in time")
		default:
		}
	}
	_ = cmd.Process.Kill()
	<-ended
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.Contains(e.Name(), ".partial") && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode().Perm())
		}
	}
}

// TestBackupLooseUmask makes backups, and restores one, while the umask takes nothing
// from anybody.
func TestBackupLooseUmask(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the folder's rights decide there")
	}
	for _, mode := range []string{"backup", "backup encrypted", "restore"} {
		path, folder := freshPath(t), t.TempDir()
		db := open(t, path)
		from := backupOf(t, db)
		closeDB(t, db)
		cmd := childCommand(t, mode, path)
		cmd.Env = append(cmd.Env, childTo+"="+filepath.Join(folder, "backup.db"), childFrom+"="+from)
		cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", `umask 0; exec "$0"`, cmd.Path}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v %s", mode, err, out)
		}
		if mode != "restore" {
			onlyFile(t, filepath.Join(folder, "backup.db"))
		}
		entries, err := os.ReadDir(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %s has mode %v, %v", mode, e.Name(), info.Mode().Perm(), err)
			}
		}
	}
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

func TestIsPartial(t *testing.T) {
	for name, want := range map[string]bool{
		"x.db.123.partial": true, "x.db.1.partial-journal": true, "x.db.1.partial-wal": true, "x.db": false, "x.db.partial": false,
		"x.db.a1.partial": false, "x.db.1.partials": false, "y.db.1.partial": false, "x.db.1.2.partial": false, "x.db.old.partial": false,
	} {
		if got := isPartial(name, "x.db"); got != want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
