package store

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

// TestKill kills a process that writes with eight callers, again and again:
// nothing that was acknowledged may be lost, and none of the starts may take the
// crash for a restore.
func TestKill(t *testing.T) {
	t.Parallel()
	path := freshPath(t)
	for round := range 20 {
		said := killAfter(t, path, 1+rand.IntN(200))
		db := open(t, path)
		if db.Restored() {
			t.Fatalf("round %d: the crash was taken for a restore", round)
		}
		for key, want := range said {
			text, err := db.Meta(t.Context(), key)
			if got, _ := strconv.Atoi(text); got < want || err != nil {
				t.Errorf("round %d: %s is %d, %v, but %d was acknowledged", round, key, got, err, want)
			}
		}
		var check string
		err := db.View(t.Context(), func(tx *Tx) error { return tx.QueryRow("PRAGMA quick_check").Scan(&check) })
		if check != "ok" || err != nil {
			t.Fatalf("round %d: the database is %q, %v", round, check, err)
		}
		closeDB(t, db)
	}
}

// TestKillWhileOpening kills a process at any moment of its start.
func TestKillWhileOpening(t *testing.T) {
	t.Parallel()
	path := freshPath(t)
	for round := range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(5+rand.IntN(60))*time.Millisecond)
		cmd := childCommand(t, "write", path)
		killed := exec.CommandContext(ctx, cmd.Path)
		killed.Env = cmd.Env
		if out, err := killed.Output(); err == nil || bytes.Contains(out, []byte("error:")) {
			t.Fatalf("it was not killed: %v %s", err, out)
		}
		cancel()
		if round%3 == 2 { // the others find what the one before left
			closeDB(t, reopen(t, path, false))
		}
	}
}
