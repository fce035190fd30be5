//go:build unix

package svc_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestLooseUmask runs everything that makes files in an environment that would let
// all users read them.
func TestLooseUmask(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	dir := t.TempDir()
	ok(t, dir, nil, "key", "new", "-o", "age.key")
	g := start(t, dir, []string{"AGE_IDENTITY_FILE=age.key", "LOG_FILE=wamux.log"}, "run", "--sandbox")
	must[object](g, 200, "POST", "/sessions/add", object{"sessionId": "shop"})
	g.sealed()
	ok(t, dir, []string{"AGE_IDENTITY_FILE=age.key", "DATABASE_URL=file:wamux-sandbox.db"}, "key", "rotate")
	closedToOthers(t, dir, "-wal", ".key", ".epoch", ".lock", ".log")
	g.stop()
	if err := os.Chmod(filepath.Join(dir, "wamux-sandbox.db"), 0o644); err != nil { // as a copy that was put back may be
		t.Fatal(err)
	}
	ok(t, dir, []string{"AGE_IDENTITY_FILE=age.key", "DATABASE_URL=file:wamux-sandbox.db"}, "key", "rotate")
	closedToOthers(t, dir, ".key", ".db")
}

// closedToOthers looks at the modes of all files; files with these endings must be
// among them.
func closedToOthers(t *testing.T, dir string, ends ...string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, %v, want no access for others", f.Name(), info.Mode().Perm(), err)
		}
		names = append(names, f.Name())
	}
	all := strings.Join(names, "\n") + "\n"
	for _, end := range ends {
		if !strings.Contains(all, end+"\n") {
			t.Errorf("there is no %s among %q", end, names)
		}
	}
}
