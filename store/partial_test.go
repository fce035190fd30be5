package store

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

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
