package svc_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestReadme runs the commands of README.md in order: the blocks marked sh.
// `make run` is the gateway this test starts, in the way the Makefile does, which
// TestMakeRun holds; the port is the one it got. CI does all of it from a clone
// (.ci/smoke).
func TestReadme(t *testing.T) {
	needs(t, "bash", "curl")
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := shellBlocks(string(readme))
	if len(blocks) < 2 || strings.TrimSpace(blocks[0]) != "make run" {
		t.Fatalf("got blocks %q, want `make run` first", blocks)
	}
	g := sandboxed(t)
	script := strings.ReplaceAll(strings.Join(blocks[1:], "\n"), "localhost:3000", strings.TrimPrefix(g.url, "http://"))
	// Without pipefail: in `until … | grep -q …` grep may be gone before the last newline is written.
	shell := exec.Command("bash", "-eu", "-c", script)
	shell.Dir = g.dir
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{`"success":true`, "Hello Sari", "Are you open", `"direction":"incoming"`} {
		if !strings.Contains(strings.ReplaceAll(string(out), " ", ""), strings.ReplaceAll(want, " ", "")) {
			t.Errorf("got\n%s\nwant %s in it", out, want)
		}
	}
	if strings.Contains(string(out), `"success":false`) || strings.Contains(string(out), "problem") {
		t.Errorf("a command failed:\n%s", out)
	}
}

// TestMakeRun asks make what it would do: build the module's root, and start
// what was built with the sandbox.
func TestMakeRun(t *testing.T) {
	needs(t, "make")
	dry := exec.Command("make", "-C", "..", "-n", "--no-print-directory", "run", "GO=go", "BIN=wamux")
	for _, pair := range os.Environ() { // the flags of a make around the test are not ours
		if !strings.HasPrefix(pair, "MAKE") && !strings.HasPrefix(pair, "MFLAGS=") {
			dry.Env = append(dry.Env, pair)
		}
	}
	out, err := dry.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := "CGO_ENABLED=0 go build -trimpath -o wamux .\n./wamux run --sandbox"
	if got := strings.TrimSpace(string(out)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// shellBlocks returns the fenced blocks marked sh.
func shellBlocks(markdown string) []string {
	var blocks []string
	for _, part := range strings.Split(markdown, "\n```sh\n")[1:] {
		block, _, _ := strings.Cut(part, "\n```")
		blocks = append(blocks, block)
	}
	return blocks
}
