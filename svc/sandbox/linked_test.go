package sandbox

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.mau.fi/whatsmeow/types/events"
)

// pattern is a folder with the files of a server and of a client that has just been linked. Linking makes 812 keys, which is
// slow with the race detector, so most tests start from copies.
var pattern = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "sandbox-test-") })

// linked is a world with two phones and a client on the first.
func linked(t testing.TB) (*world, *client) {
	t.Helper()
	dir, err := pattern()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "client.db")); err != nil {
		return linkFirst(t, dir)
	}
	here := t.TempDir()
	if err := os.CopyFS(here, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	w := openWorld(t, filepath.Join(here, "sandbox.db"))
	c := w.clientAt(filepath.Join(here, "client.db"))
	c.connect()
	wait[*events.Connected](c, nil)
	return w, c
}

// linkFirst links a client and keeps the files for the tests that follow.
func linkFirst(t testing.TB, dir string) (*world, *client) {
	t.Helper()
	w := newWorld(t)
	w.phone(alice)
	w.phone(bob)
	path := filepath.Join(t.TempDir(), "client.db")
	c := w.clientAt(path)
	c.pair(alice)
	w.until("an empty queue", func() bool { return w.device(alice).Queued == 0 })
	c.Disconnect()
	w.until("the client offline", func() bool { return !w.device(alice).Online })
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.db.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{w.path: "sandbox.db", path: "client.db"} {
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, to), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	w.start()
	c.connect()
	wait[*events.Connected](c, nil)
	return w, c
}
