package svc_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"wamux/store/seal"
)

// terminal opens a pseudo terminal: what a person sees and types, and what the
// program has for its standard input.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

// TestTypedPassphrase asks at the terminal, shows nothing of what is typed, and
// gives up when it is interrupted.
func TestTypedPassphrase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	shut, err := seal.Protect([]byte(wamux(t, dir, nil, "key", "new").out), "canary horse", 10)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "age.key"), string(shut), 0o600)
	for _, interrupted := range []bool{false, true} {
		person, program := terminal(t)
		cmd := command(t, dir, []string{"AGE_IDENTITY_FILE=age.key"}, "key", "recipient")
		var out, log syncBuffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = program, &out, &log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var echo syncBuffer
		go func() { _, _ = io.Copy(&echo, person) }()
		eventually(t, "the question", func() bool { return strings.Contains(log.String(), "Passphrase of age.key: ") && silent(t, program) })
		if interrupted {
			_ = cmd.Process.Signal(syscall.SIGINT)
		} else if _, err := person.WriteString("canary horse\n"); err != nil {
			t.Fatal(err)
		}
		err := cmd.Wait()
		if interrupted && (err == nil || !strings.Contains(log.String(), "error: ")) || !interrupted && (err != nil || !strings.HasPrefix(out.String(), "age1")) {
			t.Errorf("interrupted %v: got %v %s%s", interrupted, err, &out, &log)
		}
		if silent(t, program) {
			t.Error("the terminal still shows nothing")
		}
		if strings.Contains(echo.String()+log.String(), "canary") {
			t.Errorf("the passphrase is shown: %q %q", echo.String(), log.String())
		}
	}
}

// silent tells whether a terminal does not show what is typed.
func silent(t *testing.T, tty *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO == 0
}
