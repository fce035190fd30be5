package svc_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wamux/store"
)

// readyWithin is how soon after its start a gateway of 20 sessions has all of
// them online again.
const readyWithin = 3 * time.Second

// TestKillMany is TestKill with 20 sessions at once. Beside the messages it
// counts the keys after every kill, and times how soon all sessions are back.
func TestKillMany(t *testing.T) {
	world := start(t, t.TempDir(), nil, "sandbox")
	g := start(t, t.TempDir(), pointedAt(world), "run")
	all := g.talks(world, 20, 1, 4)
	var keys map[string]string
	var took []time.Duration
	for round := range rounds(t, 40) {
		g.killInTraffic(world, all, round)
		keys = g.keepsKeys(keys, round%10 == 0)
		began := time.Now()
		g.begin()
		g.allOnline(len(all))
		took = append(took, time.Since(began))
		if (round+1)%20 == 0 {
			g.settle(world, all)
		}
	}
	g.settle(world, all)
	slices.Sort(took)
	t.Logf("all online again after %v, at most %v; %d keys", took[len(took)/2], took[len(took)-1], len(keys))
	if want := 20 * 4; len(keys) < want {
		t.Errorf("only %d keys were looked after, want %d at least", len(keys), want)
	}
	if late := took[len(took)*9/10]; late > readyWithin {
		t.Errorf("of ten starts one takes %v or more until all are online, want %v", late, readyWithin)
	}
}

// allOnline waits until so many sessions are online.
func (g *gateway) allOnline(n int) {
	g.t.Helper()
	eventually(g.t, "all online", func() bool {
		status, answer, err := g.try("GET", "/sessions", nil)
		return err == nil && status == 200 && strings.Count(string(answer), `"AUTHENTICATED"`) == n
	})
}

// keepsKeys looks into a copy of a dead gateway's database: it opens, does not
// take the kill for a restore, and no key is missing that was there before.
func (g *gateway) keepsKeys(before map[string]string, whole bool) (now map[string]string) {
	g.t.Helper()
	dir := g.t.TempDir()
	defer func() { _ = os.RemoveAll(dir) }()
	for _, name := range []string{"wamux.db", "wamux.db-wal", "wamux.db.epoch"} {
		data, err := os.ReadFile(filepath.Join(g.dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
		}
		if err != nil && !os.IsNotExist(err) {
			g.t.Fatal(err)
		}
	}
	db, err := store.Open(g.t.Context(), store.Options{Path: filepath.Join(dir, "wamux.db")})
	if err != nil {
		g.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if db.Restored() {
		g.t.Error("the kill was taken for a restore")
	}
	now = g.keysIn(db, whole)
	for key, value := range before {
		if got, ok := now[key]; !ok || got != value {
			g.t.Errorf("%s was lost or changed", key)
		}
	}
	return now
}

// keysIn reads the keys that no traffic takes away, by ranges of their index; the value of those that never change, too.
func (g *gateway) keysIn(db *store.DB, whole bool) map[string]string {
	g.t.Helper()
	keys := map[string]string{}
	check := "ok"
	err := db.View(g.t.Context(), func(tx *store.Tx) error {
		for begins, fixed := range map[string]bool{"creds": false, "session-": false, "sender-key-": false, "identity-key-": true, "app-state-sync-key-": true} {
			if err := keysLike(tx, begins, fixed, keys); err != nil {
				return err
			}
		}
		if !whole {
			return nil
		}
		return tx.QueryRow("PRAGMA integrity_check").Scan(&check)
	})
	if err != nil || check != "ok" {
		g.t.Errorf("the database is %q, %v", check, err)
	}
	return keys
}

// keysLike adds the keys of all sessions that begin with a word, with their values if those are fixed.
func keysLike(tx *store.Tx, begins string, fixed bool, keys map[string]string) error {
	rows, err := tx.Query(`SELECT s.sessionId || ' ' || key, CASE WHEN ?1 THEN value ELSE '' END
		FROM whatsapp_sessions AS s CROSS JOIN auth_data AS a ON a.sessionId = s.sessionId AND a.key >= ?2 AND a.key < ?2 || 'zzz'`, fixed, begins)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			return err
		}
		keys[key] = value
	}
	return rows.Err()
}
