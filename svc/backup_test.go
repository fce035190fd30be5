package svc_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wamux/store/seal"
)

// wamux makes a call of wamux in the folder of the gateway, with its settings.
func (g *gateway) wamux(args ...string) *exec.Cmd {
	g.t.Helper()
	if slices.Contains(g.args, "--sandbox") {
		args = append(args, "--sandbox")
	}
	cmd := exec.Command(program(g.t), args...)
	cmd.Dir, cmd.Env = g.dir, append(append(os.Environ(), "WAMUX_TEST_MAIN=1"), g.env...)
	return cmd
}

// answers runs a call of wamux and fails unless it ends with this code and says this.
func (g *gateway) answers(code int, want string, args ...string) string {
	g.t.Helper()
	cmd := g.wamux(args...)
	out, _ := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != code || !strings.Contains(string(out), want) {
		g.t.Fatalf("wamux %v: got %d %s, want %d and %q", args, cmd.ProcessState.ExitCode(), out, code, want)
	}
	return string(out)
}

// TestBackupsUnderLoad makes backups while two sessions write to each other. Each is
// whole without any other file, and holds what was acknowledged before it began.
func TestBackupsUnderLoad(t *testing.T) {
	t.Parallel()
	g := sandboxed(t)
	g.pair("left", ours)
	g.pair("right", theirs)
	load := g.keepBusy(map[string]string{"left": theirs, "right": ours})
	defer load.end()
	live := filepath.Join(g.dir, "wamux-sandbox.db")
	eventually(t, "traffic", func() bool { return len(load.accepted()) > 10 })
	for round := range rounds(t, 10) {
		accepted := load.accepted()
		before := strings.Split(sqlite(t, live, allMessages), "\n")
		file := filepath.Join(t.TempDir(), fmt.Sprintf("backup %d.db", round))
		if round%2 == 0 {
			g.answers(0, "backup: "+file, "backup", file)
		} else {
			g.download("/v1/backup", file)
		}
		g.isWhole(file)
		has := map[string]int{}
		for _, line := range strings.Split(sqlite(t, file, allMessages), "\n") {
			has[line]++
		}
		if lost := missing(before, has); len(lost) > 0 {
			t.Errorf("round %d: %d of %d rows are not in the backup, the first is %q", round, len(lost), len(before), lost[0])
		}
		for _, words := range accepted {
			if has["outgoing|"+words] == 0 {
				t.Errorf("round %d: %q was accepted and is not in the backup", round, words)
			}
		}
	}
	load.end()
	t.Logf("%d texts were accepted meanwhile", len(load.accepted()))
	g.healthy(ours, theirs)
}

const allMessages = `SELECT direction || '|' || message FROM chat_history ORDER BY id`

// busy is traffic that goes on until it is told to end.
type busy struct {
	mu    sync.Mutex
	texts []string
	end   func()
}

// accepted are the texts for which the API answered 200 so far.
func (l *busy) accepted() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.texts)
}

// keepBusy lets each session write to a number, without a pause, until the end.
func (g *gateway) keepBusy(to map[string]string) *busy {
	l, over, wait := &busy{}, make(chan struct{}), &sync.WaitGroup{}
	l.end = sync.OnceFunc(func() { close(over); wait.Wait() })
	for session, number := range to {
		wait.Go(func() {
			for n := 0; g.sendsOne(l, session, number, n); n++ {
				select {
				case <-over:
					return
				default:
				}
			}
		})
	}
	return l
}

// sendsOne sends one text; false when it was not taken.
func (g *gateway) sendsOne(l *busy, session, number string, n int) bool {
	words := fmt.Sprintf("%s %d", session, n)
	if status, answer, err := g.try("POST", "/"+session+"/messages/send", text(number, words)); err != nil || status != 200 {
		g.t.Errorf("send: got %d %s %v", status, answer, err)
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.texts = append(l.texts, words)
	return true
}

// download saves what a GET answers.
func (g *gateway) download(path, file string) http.Header {
	g.t.Helper()
	a := g.do(g.request("GET", path, nil))
	if a.status != 200 {
		g.t.Fatalf("%s: got %d %s", path, a.status, tail(string(a.body), 300))
	}
	if err := os.WriteFile(file, a.body, 0o600); err != nil {
		g.t.Fatal(err)
	}
	return a.header
}

// isWhole looks at a backup with the sqlite3 shell and with wamux itself.
func (g *gateway) isWhole(file string) {
	g.t.Helper()
	if got := sqlite(g.t, file, "PRAGMA journal_mode; PRAGMA integrity_check; PRAGMA foreign_key_check;"); got != "delete\nok" {
		g.t.Errorf("%s: got %q", file, got)
	}
	g.answers(0, "the backup is good", "restore", file, "--check")
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(entries) != 1 {
		g.t.Errorf("beside the backup: %v, %v", entries, err)
	}
	if info, err := entries[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		g.t.Errorf("got %v, %v, want mode 0600", info, err)
	}
}

// TestBackupCommand goes through the forms of the command, beside a running gateway
// and on a stopped one.
func TestBackupCommand(t *testing.T) {
	t.Parallel()
	g := sandboxed(t)
	must[object](g, 200, "POST", "/sessions/add", object{"sessionId": "shop"})
	line, err := seal.Generate(false)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := seal.Parse([]byte(line), nil)
	if err != nil {
		t.Fatal(err)
	}
	keyFile := filepath.Join(t.TempDir(), "key.txt")
	if err := os.WriteFile(keyFile, []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, running := range []bool{true, false} {
		if !running {
			g.stop()
		}
		dir := t.TempDir()
		clear, locked := filepath.Join(dir, "clear.db"), filepath.Join(dir, "locked.db.age")
		g.answers(0, "1 sessions", "backup", clear)
		g.answers(1, "is there already and was left as it is", "backup", clear)
		g.answers(0, "encrypted to "+keys.Recipients()[0], "backup", locked, "--encrypt", keys.Recipients()[0])
		g.answers(1, "cannot be made", "backup", filepath.Join(dir, "no", "folder.db"))
		g.answers(0, "1 sessions", "restore", locked, "--check", "--identity", keyFile)
		g.answers(1, "no key was given", "restore", locked, "--check")
		g.ageOpens(locked, keyFile)
		out, err := g.wamux("backup", "-").Output()
		if err != nil || !strings.HasPrefix(string(out), "SQLite format 3\x00") {
			t.Errorf("got %.100q, %v", out, err)
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 2 {
			t.Errorf("got %v", entries)
		}
		g.noPartials(g.dir)
	}
	log := g.log.String()
	if strings.Contains(log, g.key) {
		t.Error("the log shows the admin key")
	}
}

// ageOpens decrypts with the stock tool where there is one.
func (g *gateway) ageOpens(file, keyFile string) {
	g.t.Helper()
	if _, err := exec.LookPath("age"); err != nil {
		g.t.Log("there is no age tool here")
		return
	}
	out, err := exec.Command("age", "-d", "-i", keyFile, file).Output()
	if err != nil || !strings.HasPrefix(string(out), "SQLite format 3\x00") {
		g.t.Errorf("age: got %.100q, %v", out, err)
	}
}

// noPartials fails when something unfinished lies in a folder.
func (g *gateway) noPartials(folder string) {
	g.t.Helper()
	if left := partials(g.t, folder); len(left) > 0 {
		g.t.Errorf("left: %v", left)
	}
}

func partials(t testing.TB, folder string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.Contains(e.Name(), ".partial") {
			list = append(list, fmt.Sprintf("%s (%v, %d bytes)", e.Name(), info.Mode(), info.Size()))
		}
	}
	return list
}

// TestBackupKilled kills -9 who makes a backup, in the middle: the command on a
// stopped database, and the gateway under a command that waits for it. Nothing that
// is left looks complete, and the next one cleans up.
func TestBackupKilled(t *testing.T) {
	t.Parallel()
	g := sandboxed(t)
	must[object](g, 200, "GET", "/status", nil) // a stop in the middle of the start is no clean one
	g.stop()
	live := filepath.Join(g.dir, "wamux-sandbox.db")
	if out, err := exec.Command("sqlite3", live, "INSERT INTO meta VALUES ('ballast', hex(randomblob(20000000)))").CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "backup.db")

	alone := g.wamux("backup", file)
	if err := alone.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the backup has begun", func() bool { return len(partials(t, dir)) > 0 })
	alone.Process.Kill()
	alone.Wait()
	for _, left := range partials(t, dir) {
		if !strings.Contains(left, "-rw-------") {
			t.Errorf("others can read %s", left)
		}
	}
	g.isAbsent(file)

	g.begin()
	waits := g.wamux("backup", file)
	if err := waits.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the gateway makes it", func() bool { return len(partials(t, g.dir)) > 0 })
	g.kill()
	if err := waits.Wait(); err == nil || waits.ProcessState.ExitCode() != 1 {
		t.Errorf("the command ended with %v although the gateway was killed", err)
	}
	g.isAbsent(file)
	g.noPartials(dir)

	g.begin()
	g.noPartials(g.dir)
	g.answers(0, "backup: ", "backup", file)
	g.isWhole(file)
}

func (g *gateway) isAbsent(file string) {
	g.t.Helper()
	if _, err := os.Lstat(file); err == nil {
		g.t.Fatalf("%s is there", file)
	}
}

// TestBackupSchedule lets the gateway make backups by itself, in the sandbox's time.
func TestBackupSchedule(t *testing.T) {
	t.Parallel()
	line, err := seal.Generate(false)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := seal.Parse([]byte(line), nil)
	if err != nil {
		t.Fatal(err)
	}
	g := start(t, t.TempDir(), []string{"BACKUP_DIR=copies", "BACKUP_EVERY=1m", "BACKUP_KEEP=2", "SANDBOX_TIME_SCALE=40",
		"BACKUP_RECIPIENTS=" + keys.Recipients()[0]}, "run", "--sandbox")
	dir, keyFile := filepath.Join(g.dir, "copies"), filepath.Join(t.TempDir(), "key.txt")
	if err := os.WriteFile(keyFile, []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	list := func() []os.DirEntry { entries, _ := os.ReadDir(dir); return entries }
	eventually(t, "the first backup", func() bool { return len(list()) > 0 })
	eventually(t, "the third", func() bool { return strings.Count(g.log.String(), "backup made") >= 3 })
	g.stop()
	entries := list()
	if len(entries) != 2 {
		t.Fatalf("got %v, want two", entries)
	}
	for _, e := range entries {
		if at, err := time.Parse("wamux-sandbox-20060102T150405Z.db.age", e.Name()); err != nil || time.Since(at) > time.Minute {
			t.Errorf("%s: %v", e.Name(), err)
		}
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", e.Name(), info.Mode(), err)
		}
		g.answers(0, "the backup is good", "restore", filepath.Join(dir, e.Name()), "--check", "--identity", keyFile)
	}
}
