package svc_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sqlite runs one query with the sqlite3 shell, as people do beside the
// running service.
func sqlite(t testing.TB, file, query string) string {
	t.Helper()
	out, err := exec.Command("sqlite3", "-readonly", file, query).CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3: %v: %s (the shell must be installed)", err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestMonitoringQueries runs, word for word, the two queries that users of the
// old service have, on the live file.
func TestMonitoringQueries(t *testing.T) {
	g := sandboxed(t)
	g.pair("shop", ours)
	file := filepath.Join(g.dir, "wamux-sandbox.db")
	keys := sqlite(t, file, `SELECT ws.sessionId, ws.status, COUNT(ad.id) AS auth_keys_count
FROM whatsapp_sessions ws LEFT JOIN auth_data ad ON ws.sessionId = ad.sessionId
GROUP BY ws.sessionId, ws.status;`)
	var count int
	if n, err := fmt.Sscanf(keys, "shop|connected|%d", &count); n != 1 || err != nil || count < 800 {
		t.Errorf("got %q, want shop, connected and its keys (812 pre-keys and more)", keys)
	}
	sizes := sqlite(t, file, `SELECT sessionId, key, LENGTH(value) AS data_size FROM auth_data ORDER BY data_size DESC;`)
	if !strings.Contains(sizes, "shop|creds|") || !strings.Contains(sizes, "shop|pre-key-") {
		t.Errorf("got %s, want creds and pre-keys", tail(sizes, 500))
	}
}

// TestDeleteLeavesNothing deletes one of two sessions and looks at every table
// that knows sessions.
func TestDeleteLeavesNothing(t *testing.T) {
	g := sandboxed(t)
	g.pair("shop", ours)
	g.pair("other", theirs)
	must[object](g, 200, "POST", "/shop/messages/send", text(theirs, "hello"))
	must[object](g, 200, "POST", "/other/messages/send", text(ours, "hello back"))
	eventually(t, "both know each other", func() bool { return len(g.history("shop")) >= 2 && len(g.history("other")) >= 2 })
	file := filepath.Join(g.dir, "wamux-sandbox.db")
	before := perTable(t, file, "shop")
	if len(before) < 4 {
		t.Fatalf("got rows of shop in %v only", before)
	}
	must[object](g, 200, "DELETE", "/sessions/shop", nil)
	if left := perTable(t, file, "shop"); len(left) != 0 {
		t.Errorf("got rows left in %v", left)
	}
	if kept := perTable(t, file, "other"); len(kept) < 4 {
		t.Errorf("got rows of the other session in %v only", kept)
	}
	g.online("other")
	eventually(t, "the phone has no linked device", func() bool {
		return len(must[struct{ Devices []any }](g, 200, "GET", "/v1/sandbox/phones/"+ours, nil).Devices) == 0
	})
}

// perTable counts the rows of a session in every table that has a sessionId.
func perTable(t testing.TB, file, session string) map[string]string {
	t.Helper()
	counts := map[string]string{}
	tables := sqlite(t, file, `SELECT m.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type='table' AND c.name='sessionId';`)
	for _, table := range strings.Fields(tables) {
		if n := sqlite(t, file, fmt.Sprintf(`SELECT COUNT(*) FROM "%s" WHERE sessionId='%s';`, table, session)); n != "0" {
			counts[table] = n
		}
	}
	return counts
}

// TestBareCopyPutBack puts an older copy of the .db over a newer one, as people
// do with backups. No message may go out with a counter that was used before;
// everybody talks again. The sandbox's phones check the counters.
func TestBareCopyPutBack(t *testing.T) {
	world := start(t, t.TempDir(), nil, "sandbox")
	g := start(t, t.TempDir(), pointedAt(world), "run")
	g.pairOn(world, "shop", ours)
	world.phone(theirs)
	g.talk(world, "before")
	g.stop()
	file := filepath.Join(g.dir, "wamux.db")
	backup, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	g.begin()
	g.online("shop")
	for i := range 20 {
		g.talk(world, fmt.Sprintf("meanwhile %d", i))
	}
	g.stop()
	if err := os.WriteFile(file, backup, 0o600); err != nil {
		t.Fatal(err)
	}
	g.begin()
	g.online("shop")
	for i := range 5 {
		g.talk(world, fmt.Sprintf("after %d", i))
	}
	p := must[struct{ ReusedCounters int }](world, 200, "GET", "/v1/sandbox/phones/"+theirs, nil)
	if p.ReusedCounters != 0 {
		t.Errorf("got %d reused counters, want none", p.ReusedCounters)
	}
}

// talk sends one text each way and waits for both.
func (g *gateway) talk(world *gateway, words string) {
	g.t.Helper()
	must[object](g, 200, "POST", "/shop/messages/send", text(theirs, words+" out"))
	must[object](world, 200, "POST", "/v1/sandbox/phones/"+theirs+"/messages", object{"to": ours, "type": "text", "text": words + " in"})
	eventually(g.t, words+" at the phone", func() bool { return world.texts(theirs)[words+" out"] == 1 })
	eventually(g.t, words+" in history", func() bool { return g.texts("shop", "incoming")[words+" in"] == 1 })
}

// TestFileModes looks at what lies on disk while it runs: nobody else reads it.
func TestFileModes(t *testing.T) {
	g := sandboxed(t)
	g.pair("shop", ours)
	files, err := os.ReadDir(g.dir)
	if err != nil || len(files) < 4 {
		t.Fatalf("got %d files, %v", len(files), err)
	}
	for _, f := range files {
		if info, err := f.Info(); err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, want no access for others", f.Name(), info.Mode().Perm())
		}
	}
}

// TestSecondInstance starts wamux twice on one file.
func TestSecondInstance(t *testing.T) {
	g := sandboxed(t)
	self, _ := os.Executable()
	second := exec.Command(self, "run", "--sandbox")
	second.Dir, second.Env = g.dir, append(os.Environ(), "WAMUX_TEST_MAIN=1", "PORT=0")
	out, err := second.CombinedOutput()
	if second.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "error: ") {
		t.Errorf("got %v %s, want exit 1 and a sentence", err, out)
	}
	must[object](g, 200, "GET", "/status", nil)
}
