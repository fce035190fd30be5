package svc_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sqlite runs one query with the sqlite3 shell, as people do beside the
// running service.
func sqlite(t testing.TB, file, query string) string {
	t.Helper()
	needs(t, "sqlite3")
	out, err := exec.Command("sqlite3", "-readonly", file, query).CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3: %v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// needs skips a test on a machine that lacks one of these programs. CI installs
// them, and a test that is skipped there is one that nobody runs.
func needs(t testing.TB, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err == nil {
			continue
		} else if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed, which CI must have", program)
		}
		t.Skipf("this test needs %s, which is not installed here", program)
	}
}

// TestMonitoringQueries runs, word for word, the two queries that users of the
// old service have, on the live file.
func TestMonitoringQueries(t *testing.T) {
	t.Parallel()
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

// TestDeleteLeavesNothing deletes one of two sessions, which don't know each
// other, and looks in every row of every table for anything of it.
func TestDeleteLeavesNothing(t *testing.T) {
	t.Parallel()
	const friend = "6281000000077"
	g := sandboxed(t)
	g.phone(friend)
	g.pair("shop", ours)
	g.pair("other", theirs)
	for session, account := range map[string]string{"shop": ours, "other": theirs} {
		must[object](g, 200, "POST", "/"+session+"/messages/send", text(friend, "hello from "+session))
		must[object](g, 200, "POST", "/v1/sandbox/phones/"+friend+"/messages", object{"to": account, "type": "text", "text": "hello " + session})
		eventually(t, "talk of "+session, func() bool { return len(g.history(session)) >= 2 })
	}
	me := must[struct {
		Me struct{ JID, LID, Phone string }
	}](g, 200, "GET", "/v1/sessions/shop", nil).Me
	lid, _, _ := strings.Cut(me.LID, "@")
	traces := []string{"shop", ours, lid, "Phone " + ours}
	if before := traced(contentOf(t, g.files()[0]), traces); len(before) < 10 || lid == "" {
		t.Fatalf("got traces of %q in %v only", traces, before)
	}
	kept := len(traced(contentOf(t, g.files()[0]), []string{"other"}))
	must[object](g, 200, "DELETE", "/sessions/shop", nil)
	for _, row := range traced(contentOf(t, g.files()[0]), traces) {
		if !strings.HasPrefix(row, "events: ") || !strings.Contains(row, `type=session.deleted`) {
			t.Errorf("got left: %s", cut(row, 300))
		}
	}
	if now := len(traced(contentOf(t, g.files()[0]), []string{"other"})); now < kept || kept < 800 {
		t.Errorf("got %d rows of the other session, of %d", now, kept)
	}
	g.online("other")
	eventually(t, "the phone has no linked device", func() bool {
		return len(must[struct{ Devices []any }](g, 200, "GET", "/v1/sandbox/phones/"+ours, nil).Devices) == 0
	})
}

// traced are the rows, with their tables, in which one of the words stands.
func traced(c content, words []string) (rows []string) {
	for table, all := range c {
		for _, row := range all {
			if slices.ContainsFunc(words, func(word string) bool { return strings.Contains(row, word) }) {
				rows = append(rows, table+": "+row)
			}
		}
	}
	return rows
}

// TestBareCopyPutBack puts an older copy of the .db over a newer one, as people
// do with backups. No message may go out with a counter that was used before;
// everybody talks again. The sandbox's phones check the counters, and that they can
// read everything.
func TestBareCopyPutBack(t *testing.T) {
	t.Parallel()
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
	world.healthy(ours, theirs)
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
	t.Parallel()
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
	t.Parallel()
	g := sandboxed(t)
	second := exec.Command(program(t), "run", "--sandbox")
	second.Dir, second.Env = g.dir, append(os.Environ(), "WAMUX_TEST_MAIN=1", "PORT=0")
	out, err := second.CombinedOutput()
	if second.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "error: ") {
		t.Errorf("got %v %s, want exit 1 and a sentence", err, out)
	}
	must[object](g, 200, "GET", "/status", nil)
}
