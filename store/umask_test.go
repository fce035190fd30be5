//go:build unix

package store

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestLooseUmask: the files are closed to others also when the process would let
// everybody read what it makes.
func TestLooseUmask(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	dir := filepath.Join(t.TempDir(), "new")
	db := open(t, filepath.Join(dir, "wamux.db"))
	if err := db.SetMeta(t.Context(), "a", "b"); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v, %v", info.Mode().Perm(), err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 5 { // .db, -wal, -shm, .lock, .epoch
		t.Fatalf("got %v, %v", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v, want 0600", f.Name(), info.Mode().Perm(), err)
		}
	}
}

// TestLooseStaleLog: a log that came with a file that was put back by hand, readable
// for all, is closed to others, also when a wamux of before has set it aside so.
func TestLooseStaleLog(t *testing.T) {
	path := staleLog(t, 0o644)
	closed := func() {
		t.Helper()
		if info, err := os.Stat(path + "-wal.stale"); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("got %v, %v, want a log that was set aside with mode 0600", info, err)
		}
	}
	db := open(t, path)
	closed()
	closeDB(t, db)
	if err := os.Chmod(path+"-wal.stale", 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, path)
	closed()
}
