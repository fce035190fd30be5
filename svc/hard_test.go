package svc_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// runs is a command on the gateway's folder: its exit code and all it said.
func (g *gateway) runs(args ...string) (code int, said string) {
	g.t.Helper()
	cmd := exec.Command(program(g.t), args...)
	cmd.Dir, cmd.Env = g.dir, append(append(os.Environ(), "WAMUX_TEST_MAIN=1", "PORT=0"), g.env...)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		g.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// sessionState is what /v1 says of a session.
type sessionState struct{ State, Code, Reason, Next string }

func (g *gateway) stateOf(session string) (s sessionState) {
	_, answer, err := g.try("GET", "/v1/sessions/"+session, nil)
	if err == nil {
		_ = json.Unmarshal(answer, &s) // an answer without a state is none
	}
	return s
}

// refusesWith wants the same refusal on both faces of the API.
func (g *gateway) refusesWith(status int, code, words string) {
	g.t.Helper()
	rootStatus, root := g.call("POST", "/shop/messages/send", text(theirs, "no"))
	v1Status, v1 := g.call("POST", "/v1/sessions/shop/messages", object{"to": theirs, "type": "text", "text": "no"})
	for face, got := range map[string]answered{"root": {status: rootStatus, body: root}, "v1": {status: v1Status, body: v1}} {
		if got.status != status || !strings.Contains(string(got.body), words) {
			g.t.Errorf("%s: got %d %s, want %d %q", face, got.status, got.body, status, words)
		}
	}
	if !strings.Contains(string(v1), `"code":"`+code+`"`) {
		g.t.Errorf("v1: got %s, want the code %s", v1, code)
	}
}

// TestDamagedFile overwrites a page of the history. The gateway starts, finds that
// out, stops the session and says so; it does not start again with such a file;
// and what `wamux recover` makes of it is a gateway that talks.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	world := start(t, t.TempDir(), nil, "sandbox")
	g := start(t, t.TempDir(), pointedAt(world), "run")
	g.pairOn(world, "shop", ours)
	world.phone(theirs)
	must[object](world, 200, "POST", "/v1/sandbox/phones/"+theirs+"/messages:bulk", object{"to": ours, "type": "text", "text": strings.Repeat("long ", 50), "count": 200})
	eventually(t, "the history", func() bool { return len(g.history("shop")) == 200 })
	g.stop()
	file := filepath.Join(g.dir, "wamux.db")
	page, err := strconv.ParseInt(sqlite(t, file, "SELECT MIN(pageno) FROM dbstat WHERE name = 'chat_history' AND pagetype = 'leaf'"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	spoil(t, file, page)

	g.begin()
	eventually(t, "the damage is found", func() bool { return g.stateOf("shop").State == "storage_error" })
	if s := g.stateOf("shop"); s.Code != "database_damaged" || !strings.Contains(s.Next, "wamux recover") {
		t.Errorf("got %+v, want the damage and the way out", s)
	}
	eventually(t, "nothing is written", func() bool { status, _ := g.call("GET", "/healthz", nil); return status == 503 })
	if _, health := g.call("GET", "/healthz", nil); !strings.Contains(string(health), "database_damaged") {
		t.Errorf("got %s", health)
	}
	g.readySays(t, 503, "database_damaged")
	g.refusesWith(503, "database_damaged", "The database file is damaged")
	if status, answer := g.call("POST", "/v1/sessions/shop/start", nil); status != 503 {
		t.Errorf("start: got %d %s, want a refusal", status, answer)
	}
	must[object](g, 200, "GET", "/status", nil)
	g.stop()

	if code, said := g.runs("run"); code != 1 || !strings.Contains(said, "error: The database file is damaged\nhint: ") {
		t.Errorf("got %d %s, want a refusal to start", code, said)
	}
	code, said := g.runs("recover")
	if code != 0 || !strings.Contains(said, "is whole") || !strings.Contains(said, "chat_history") {
		t.Fatalf("recover: got %d %s", code, said)
	}
	t.Log(said)
	g.begin()
	g.online("shop")
	g.talk(world, "again")
	if rows := len(g.history("shop")); rows < 170 || rows >= 202 {
		t.Errorf("got %d of 200 rows and 2 new ones, want those of one page missing", rows)
	}
	world.healthy(ours, theirs)
}

// spoil overwrites a page with noise.
func spoil(t *testing.T, file string, page int64) {
	t.Helper()
	size, err := strconv.ParseInt(sqlite(t, file, "PRAGMA page_size"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	noise := make([]byte, size)
	_, _ = rand.Read(noise)
	if _, err := f.WriteAt(noise, (page-1)*size); err != nil {
		t.Fatal(err)
	}
}

// small mounts a disk of so many MiB, where that is permitted.
func small(t *testing.T, mebibytes int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm,mode=0700", mebibytes), "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("no small disk can be mounted here: %v %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	})
	return dir
}

// fillDisk writes a file until no byte is left on its disk.
func fillDisk(t *testing.T, file string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		_, err := io.Copy(f, bytes.NewReader(make([]byte, size)))
		switch {
		case errors.Is(err, syscall.ENOSPC):
			size /= 2
		case err != nil:
			t.Fatal(err)
		}
	}
}

// leave cuts so many bytes off a file.
func leave(t *testing.T, file string, bytes int64) {
	t.Helper()
	info, err := os.Stat(file)
	if err == nil {
		err = os.Truncate(file, info.Size()-bytes)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestDiskFull fills the disk while 5,000 messages come in, and keeps it full:
// callers get 507, the session stops and says why, and nothing is acknowledged that
// was not kept. When there is room all goes on by itself.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	world := start(t, t.TempDir(), nil, "sandbox")
	g := start(t, small(t, 64), pointedAt(world), "run")
	g.pairOn(world, "shop", ours)
	world.phone(theirs)
	g.talk(world, "before")
	ballast := filepath.Join(g.dir, "ballast")
	const count = 5000
	bulk := func(n int, text string) {
		t.Helper()
		must[object](world, 200, "POST", "/v1/sandbox/phones/"+theirs+"/messages:bulk", object{"to": ours, "type": "text", "text": text, "count": n})
	}
	fillDisk(t, ballast)
	leave(t, ballast, 5<<20) // less than the messages need
	bulk(count, "while it fills")
	eventually(t, "the session stops", func() bool {
		fillDisk(t, ballast) // what a checkpoint frees is taken, too
		return g.stateOf("shop").State == "storage_error"
	})
	if s := g.stateOf("shop"); s.Code != "disk_full" || !strings.Contains(s.Next, "by itself") {
		t.Errorf("got %+v, want the full disk and that it goes on by itself", s)
	}
	eventually(t, "/healthz says so", func() bool { status, _ := g.call("GET", "/healthz", nil); return status == 507 })
	g.readySays(t, 503, "disk_full")
	g.refusesWith(507, "disk_full", "The disk is full, nothing was changed")
	must[object](g, 200, "GET", "/shop/chats", nil)
	if got := len(g.history("shop")); got >= count {
		t.Fatalf("all %d had come in before the disk was full", got)
	} else {
		t.Logf("%d of %d had come in", got, count)
	}

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	freed := time.Now()
	g.online("shop")
	if took := time.Since(freed); took > 10*time.Second {
		t.Errorf("it took %v to go on, want 10 s at most", took)
	}
	last := fmt.Sprint("while it fills #", count)
	eventually(t, "everything arrived", func() bool {
		return slices.ContainsFunc(g.latest("shop", 1), func(r row) bool { return r.Message == last })
	})
	n := 0
	for _, r := range g.history("shop") {
		if rest, ok := strings.CutPrefix(r.Message, "while it fills #"); ok {
			if n++; rest != strconv.Itoa(n) {
				t.Fatalf("row %d is #%s: lost, doubled or out of order", n, rest)
			}
		}
	}
	if n != count {
		t.Errorf("got %d messages, want %d", n, count)
	}
	g.talk(world, "after")
	world.healthy(ours, theirs)
	g.stop()
	if got := sqlite(t, filepath.Join(g.dir, "wamux.db"), "PRAGMA integrity_check"); got != "ok" {
		t.Errorf("integrity_check: %s", got)
	}
}

// TestReadOnlyDisk starts on a disk that cannot be written: a sentence, no crash.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	g := start(t, small(t, 32), nil, "run", "--sandbox")
	g.stop()
	if out, err := exec.Command("mount", "-o", "remount,ro", g.dir).CombinedOutput(); err != nil {
		t.Fatalf("remount: %v %s", err, out)
	}
	code, said := g.runs("run", "--sandbox")
	if code != 1 || !strings.Contains(said, "cannot be written\nhint: Check the owner and mode") {
		t.Errorf("got %d %s, want a sentence", code, said)
	}
}

// TestBecomesReadOnly takes the right to write away from under a running gateway while messages come in: callers get 507, the
// session stops and says why, nothing is acknowledged that was not kept, and when it is given back all goes on by itself.
func TestBecomesReadOnly(t *testing.T) {
	world := start(t, t.TempDir(), nil, "sandbox")
	g := start(t, t.TempDir(), pointedAt(world), "run")
	g.pairOn(world, "shop", ours)
	world.phone(theirs)
	g.talk(world, "before")
	const count = 300
	thaw := freeze(t, g.dir, "wamux.db", "wamux.db-wal", "wamux.db.epoch")
	must[object](world, 200, "POST", "/v1/sandbox/phones/"+theirs+"/messages:bulk", object{"to": ours, "type": "text", "text": "while it is frozen", "count": count})
	eventually(t, "the session stops", func() bool { return g.stateOf("shop").State == "storage_error" })
	if s := g.stateOf("shop"); s.Code != "read_only" || !strings.Contains(s.Next, "by itself") {
		t.Errorf("got %+v, want the disk that takes nothing and that it goes on by itself", s)
	}
	g.refusesWith(507, "read_only", "The database cannot be written, nothing was changed")
	if status, health := g.call("GET", "/healthz", nil); status != 507 || !strings.Contains(string(health), "read_only") {
		t.Errorf("/healthz: got %d %s, want 507", status, health)
	}
	g.readySays(t, 503, "read_only")
	must[object](g, 200, "GET", "/shop/chats", nil)
	if got := g.texts("shop", "incoming"); len(got) > 1 {
		t.Errorf("%d texts came in", len(got))
	}

	thaw()
	thawed := time.Now()
	g.online("shop")
	if took := time.Since(thawed); took > 10*time.Second {
		t.Errorf("it took %v to go on, want 10 s at most", took)
	}
	last := fmt.Sprint("while it is frozen #", count)
	eventually(t, "everything arrived", func() bool {
		return slices.ContainsFunc(g.latest("shop", 1), func(r row) bool { return r.Message == last })
	})
	texts := g.texts("shop", "incoming")
	for n := 1; n <= count; n++ {
		if got := texts[fmt.Sprint("while it is frozen #", n)]; got != 1 {
			t.Errorf("text %d is there %d times", n, got)
		}
	}
	g.talk(world, "after")
	world.healthy(ours, theirs)
	if texts := world.texts(theirs); texts["no"] != 0 {
		t.Error("what was refused was sent")
	}
}

// freeze lets nobody write these files of a folder, nor make others in it, not even who has them open: as on a disk that the system
// made read-only. A remount does not do that while files are open.
func freeze(t *testing.T, dir string, names ...string) (thaw func()) {
	t.Helper()
	paths := []string{dir}
	for _, name := range names {
		paths = append(paths, filepath.Join(dir, name))
	}
	probe, err := os.OpenFile(filepath.Join(dir, "probe"), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer probe.Close()
	change := func(flag string) error {
		out, err := exec.Command("chattr", append([]string{flag, probe.Name()}, paths...)...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("chattr %s: %w %s", flag, err, out)
		}
		return nil
	}
	thaw = sync.OnceFunc(func() {
		if err := change("-i"); err != nil {
			t.Error(err)
		}
	})
	if err := change("+i"); err != nil {
		_ = change("-i")
		t.Skip("nothing can be frozen here: ", err)
	}
	t.Cleanup(thaw)
	if _, err := probe.WriteString("x"); err == nil {
		thaw()
		t.Skip("what is frozen here can still be written by who has it open")
	}
	return thaw
}

// TestUndelete loses a device by a doubtful word of WhatsApp, and puts it back:
// through the running gateway, and on the file.
func TestUndelete(t *testing.T) {
	t.Parallel()
	world := start(t, t.TempDir(), nil, "sandbox")
	g := start(t, t.TempDir(), pointedAt(world), "run")
	g.pairOn(world, "shop", ours)
	world.phone(theirs)
	g.talk(world, "before")
	deny := func() {
		t.Helper()
		if status, answer := world.call("POST", "/v1/sandbox/faults", object{"kind": "401", "phone": ours}); status/100 != 2 {
			t.Fatalf("fault: got %d %s", status, answer)
		}
		eventually(t, "logged out", func() bool { return g.stateOf("shop").State == "logged_out" })
	}
	if status, answer := g.call("POST", "/v1/sessions/shop/undelete", nil); status != 409 || !strings.Contains(string(answer), "already_linked") {
		t.Errorf("a linked session: got %d %s", status, answer)
	}
	deny()
	must[object](world, 200, "POST", "/v1/sandbox/phones/"+theirs+"/messages", object{"to": ours, "type": "text", "text": "meanwhile"})
	code, said := g.runs("sessions", "undelete", "shop")
	if code != 0 || !strings.Contains(said, "connects now") {
		t.Fatalf("undelete: got %d %s", code, said)
	}
	g.online("shop")
	g.talk(world, "back")
	eventually(t, "what came meanwhile", func() bool { return g.texts("shop", "incoming")["meanwhile"] == 1 })

	deny()
	if code, said := g.runs("sessions"); code != 0 || !strings.Contains(said, "logged_out") || !strings.Contains(said, ours) {
		t.Errorf("sessions: got %d %s", code, said)
	}
	g.stop()
	if code, said := g.runs("sessions", "undelete", "shop"); code != 0 || !strings.Contains(said, "when wamux starts") {
		t.Fatalf("undelete on the file: got %d %s", code, said)
	}
	if code, said := g.runs("sessions", "list"); code != 0 || !strings.Contains(said, "offline") {
		t.Errorf("sessions: got %d %s", code, said)
	}
	if code, said := g.runs("sessions", "undelete", "shop"); code != 1 || !strings.Contains(said, "error: The session is linked") {
		t.Errorf("a second time: got %d %s", code, said)
	}
	g.begin()
	g.online("shop")
	g.talk(world, "back again")
	world.healthy(ours, theirs)
}
