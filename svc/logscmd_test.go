package svc_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestLogsCommand shows the end of the log, also where that is in the older of the
// two files, and follows it over to the next one.
func TestLogsCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	env := []string{"LOG_FILE=wamux.log"}
	refuses(t, 1, "error: wamux.log cannot be read", dir, env, "logs")
	log := filepath.Join(dir, "wamux.log")
	writeFile(t, log+".1", "one\ntwo\n", 0o600)
	writeFile(t, log, "three\nfour\n", 0o600)
	for lines, want := range map[string]string{"1": "four\n", "2": "three\nfour\n", "3": "two\nthree\nfour\n", "4": "one\ntwo\nthree\nfour\n", "5": "one\ntwo\nthree\nfour\n", "0": "one\ntwo\nthree\nfour\n"} {
		if got := ok(t, dir, env, "logs", "--lines", lines); got != want {
			t.Errorf("%s lines: got %q, want %q", lines, got, want)
		}
	}
	refuses(t, 2, "must be a whole number", dir, env, "logs", "--lines", "few")
	refuses(t, 2, "takes no words", dir, env, "logs", "10")
	refuses(t, 1, "no LOG_FILE is set", dir, nil, "logs")

	cmd := command(t, dir, env, "logs", "--lines", "1", "--follow")
	var out syncBuffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	reads := func(want string) {
		t.Helper()
		eventually(t, fmt.Sprintf("%q", want), func() bool { return out.String() == want })
	}
	reads("four\n")
	file, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fmt.Fprintln(file, "five")
	reads("four\nfive\n")
	if err := os.Rename(log, log+".1"); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(file, "six") // the last of the old one
	writeFile(t, log, "seven\n", 0o600)
	reads("four\nfive\nsix\nseven\n")
	_ = cmd.Process.Signal(syscall.SIGINT)
	if err := cmd.Wait(); err != nil {
		t.Errorf("interrupted: got %v", err)
	}
}

// TestCompletion asks bash what it would offer, and looks whether the others know
// all commands.
func TestCompletion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		script := ok(t, dir, nil, "completion", shell)
		for _, word := range []string{"sessions", "undelete", "doctor", "age-identity-file", "scopes"} {
			if !strings.Contains(script, word) {
				t.Errorf("%s does not know %s", shell, word)
			}
		}
		if path, err := exec.LookPath(shell); err == nil { // the script must be one
			check := exec.Command(path, "-n")
			check.Stdin = strings.NewReader(script)
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("%s: %v %s", shell, err, out)
			}
		}
	}
	refuses(t, 2, "needs one shell of bash, fish, powershell, zsh", dir, nil, "completion", "csh")
	needs(t, "bash")
	for line, want := range map[string]string{
		"se": "sessions send", "key r": "recipient rotate", "sessions add --s": "--scan --sandbox-listen --sandbox-time-scale --sandbox", "help doc": "doctor",
		"logs ": "", "completion z": "zsh", "send --f": "--file",
	} {
		words := strings.Split(line, " ")
		script := ok(t, dir, nil, "completion", "bash") + fmt.Sprintf("COMP_WORDS=(wamux %s); COMP_CWORD=%d; [ %q = ' ' ] && COMP_WORDS+=(''); _wamux; echo \"${COMPREPLY[*]}\"\n",
			line, len(words), line[len(line)-1:])
		out, err := exec.Command("bash", "-c", script).CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("%q: got %v %q, want %q", line, err, strings.TrimSpace(string(out)), want)
		}
	}
}
