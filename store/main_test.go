package store

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"wamux/store/seal"
)

// The test binary runs itself as a second process that can be killed.
const (
	childEnv  = "WAMUX_STORE_TEST_CHILD" // what to do: write, die, copy, open, convert, backup, commit-full or commit-normal
	childPath = "WAMUX_STORE_TEST_PATH"
	childTo   = "WAMUX_STORE_TEST_TO"   // where a backup goes
	childFrom = "WAMUX_STORE_TEST_FROM" // the one that is restored
)

func TestMain(m *testing.M) {
	if mode := os.Getenv(childEnv); mode != "" {
		os.Exit(child(mode, os.Getenv(childPath), os.Stdout))
	}
	goleak.VerifyTestMain(m)
}

// child opens the database and writes for ever ("write"), writes a little and
// kills itself ("die"), makes a copy before that ("copy"), or just opens it
// ("open").
func child(mode, path string, out io.Writer) int {
	if strings.HasPrefix(mode, "commit-") {
		return commitChild(mode, path, out)
	}
	ctx := context.Background()
	if mode == "restore" {
		if _, err := Restore(ctx, RestoreOptions{Path: path, From: os.Getenv(childFrom)}); err != nil {
			fmt.Fprintln(out, "error:", ErrorMessage(err))
			return 1
		}
		return 0
	}
	db, err := Open(ctx, Options{Path: path, Log: slog.New(slog.DiscardHandler), Keys: childKeys()})
	if err != nil {
		fmt.Fprintln(out, "error:", ErrorCode(err), ErrorMessage(err))
		return 1
	}
	switch mode {
	case "convert":
		return convertAndDie(ctx, db)
	case "open":
		return 0
	case "backup", "backup encrypted":
		return backUp(ctx, db, mode == "backup encrypted")
	case "copy", "die":
		if mode == "copy" && (db.SetMeta(ctx, "die", "before") != nil || vacuumInto(db, path+".copy") != nil) {
			return 1
		}
		for i := range 20 {
			if err := db.SetMeta(ctx, "die", strconv.Itoa(i)); err != nil {
				return 1
			}
		}
		kill()
	}
	for i := range 8 {
		go count(db, fmt.Sprint("counter", i), out)
	}
	select {}
}

// backUp makes a backup where the environment says.
func backUp(ctx context.Context, db *DB, encrypted bool) int {
	var o BackupOptions
	if encrypted {
		line, _ := seal.Generate(false)
		keys, _ := seal.Parse([]byte(line), nil)
		o.Recipients = keys.Recipients()
	}
	if _, err := db.Backup(ctx, os.Getenv(childTo), o); err != nil {
		return 1
	}
	return 0
}

func vacuumInto(db *DB, to string) error {
	return db.writer.alone(context.Background(), func(c *conn) error {
		_, err := c.sql.ExecContext(context.Background(), "VACUUM INTO ?", to)
		return err
	})
}

// count writes growing numbers and says each one after it was acknowledged.
func count(db *DB, key string, out io.Writer) {
	ctx := context.Background()
	text, err := db.Meta(ctx, key)
	if err != nil {
		os.Exit(1)
	}
	n, _ := strconv.Atoi(text) // "" for the first
	for {
		n++
		if err := db.SetMeta(ctx, key, strconv.Itoa(n)); err != nil {
			os.Exit(1)
		}
		fmt.Fprintln(out, key, n)
	}
}

// kill ends this process as kill -9 does.
func kill() {
	if p, err := os.FindProcess(os.Getpid()); err == nil {
		_ = p.Kill()
	}
	select {}
}

func childCommand(tb testing.TB, mode, path string) *exec.Cmd {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.CommandContext(tb.Context(), self)
	cmd.Env = append(os.Environ(), childEnv+"="+mode, childPath+"="+path)
	return cmd
}

// dieWriting lets a second process write 20 commits to the database and be
// killed.
func dieWriting(tb testing.TB, path string) {
	tb.Helper()
	die(tb, "die", path)
}

func die(tb testing.TB, mode, path string) {
	tb.Helper()
	if out, err := childCommand(tb, mode, path).CombinedOutput(); err == nil || len(out) != 0 {
		tb.Fatalf("the second process should have been killed: %v %s", err, out)
	}
}

// killAfter runs the writing process until it has said lines lines, kills it,
// and returns the last number of each counter.
func killAfter(tb testing.TB, path string, lines int) map[string]int {
	tb.Helper()
	cmd := childCommand(tb, "write", path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	said := map[string]int{}
	for scan := bufio.NewScanner(out); scan.Scan(); lines-- {
		if key, n, ok := strings.Cut(scan.Text(), " "); ok {
			said[key], _ = strconv.Atoi(n)
		}
		if lines == 0 {
			_ = cmd.Process.Kill()
		}
	}
	_ = cmd.Wait() // it was killed
	return said
}

// open opens a database at path and closes it with the test.
func open(tb testing.TB, path string) *DB {
	tb.Helper()
	db, err := Open(context.Background(), Options{Path: path, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatalf("open: %v", err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	return db
}

func fresh(tb testing.TB) *DB {
	tb.Helper()
	return open(tb, freshPath(tb))
}

func freshPath(tb testing.TB) string { return filepath.Join(tb.TempDir(), "wamux.db") }

func closeDB(tb testing.TB, db *DB) {
	tb.Helper()
	if err := db.Close(); err != nil {
		tb.Fatalf("close: %v", err)
	}
}

// addTestSession makes a session.
func addTestSession(tb testing.TB, db *DB, id string) *Session {
	tb.Helper()
	s, _, err := db.AddSession(tb.Context(), id, 0)
	if err != nil {
		tb.Fatalf("add session: %v", err)
	}
	return s
}

// wantError checks code and sentence of an error.
func wantError(tb testing.TB, err error, code Code, message string) {
	tb.Helper()
	if ErrorCode(err) != code || !strings.Contains(ErrorMessage(err), message) {
		tb.Errorf("got error %q %q (%v), want %q with %q", ErrorCode(err), ErrorMessage(err), err, code, message)
	}
}

func copyFile(tb testing.TB, from, to string) {
	tb.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o644); err != nil {
		tb.Fatal(err)
	}
}

// needs returns the path of a program, and skips a test on a machine that lacks
// it. CI installs it: a test that is skipped there is one that nobody runs.
func needs(tb testing.TB, program string) string {
	tb.Helper()
	path, err := exec.LookPath(program)
	if err != nil && os.Getenv("CI") == "true" {
		tb.Fatalf("%s is not installed, which CI must have", program)
	} else if err != nil {
		tb.Skipf("this test needs %s, which is not installed here", program)
	}
	return path
}
