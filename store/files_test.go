package store

import (
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// TestPatientLock outlasts somebody who only asks who has the database, and gives
// up before one who has it.
func TestPatientLock(t *testing.T) {
	path := freshPath(t) + ".lock"
	for _, held := range []time.Duration{0, 12 * time.Millisecond, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			first, second := lockable(t, path), lockable(t, path)
			if err := tryLock(first); err != nil {
				t.Fatal(err)
			}
			go func() {
				time.Sleep(held)
				unlockFile(first)
			}()
			if err := patientLock(second); (err == nil) != (held < time.Second) {
				t.Errorf("a lock that is held for %v: got %v", held, err)
			}
			time.Sleep(2 * held)
			unlockFile(second)
		})
	}
}

// lockable opens a lock file, as a process of its own would.
func lockable(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
