package svc

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestLogFile appends, rotates at the size and keeps one old file.
func TestLogFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "wamux.log")
	if err := os.WriteFile(name, []byte("before\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	log, err := openLogFile(name, 30)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"the first line\n", "the second line\n", "the third line\n", strings.Repeat("long ", 10) + "\n", "last\n"} {
		if n, err := log.Write([]byte(line)); n != len(line) || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	wantText(t, name, "last\n")
	wantText(t, name+".1", strings.Repeat("long ", 10)+"\n")
	if files, _ := filepath.Glob(name + "*"); len(files) != 2 {
		t.Errorf("got %v, want the log and one old file", files)
	}
	again, err := openLogFile(name, 30)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	again.Write([]byte("appended\n"))
	wantText(t, name, "last\nappended\n")
}

// TestLogFileIsPrivate looks at the modes of a new file, of one that was open to all, and after a rotation.
func TestLogFileIsPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no modes; the folder's rights are inherited")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "open.log"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"new.log", "open.log"} {
		log, err := openLogFile(filepath.Join(dir, name), 10)
		if err != nil {
			t.Fatal(err)
		}
		log.Write([]byte("0123456789"))
		log.Write([]byte("0123456789"))
		log.Close()
		for _, file := range []string{name, name + ".1"} {
			if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: got %v %v, want mode 0600", file, info.Mode(), err)
			}
		}
	}
}

// TestLogFileCannotRotate goes on in the same file when the old one's name is taken by a folder.
func TestLogFileCannotRotate(t *testing.T) {
	name := filepath.Join(t.TempDir(), "wamux.log")
	if err := os.MkdirAll(filepath.Join(name+".1", "taken"), 0o700); err != nil {
		t.Fatal(err)
	}
	log, err := openLogFile(name, 10)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for _, line := range []string{"one line\n", "two lines\n", "three\n"} {
		log.Write([]byte(line))
	}
	wantText(t, name, "one line\ntwo lines\nthree\n")
}

func TestLogFileErrors(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]string{dir: "no ordinary file", filepath.Join(dir, "none", "x.log"): "can't be written"} {
		if log, err := openLogFile(name, 10); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v %v, want an error with %q", name, log, err, want)
		}
	}
}

// TestBoth writes to each side though the other is broken.
func TestBoth(t *testing.T) {
	var left, right bytes.Buffer
	for _, w := range []both{{&left, broken{}}, {broken{}, &right}} {
		if n, err := w.Write([]byte("line\n")); n != 5 || err == nil {
			t.Errorf("got %d %v, want 5 and the error", n, err)
		}
	}
	if left.String() != "line\n" || right.String() != "line\n" {
		t.Errorf("got %q and %q", left.String(), right.String())
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("closed") }

func wantText(t *testing.T, name, want string) {
	t.Helper()
	if got, err := os.ReadFile(name); err != nil || string(got) != want {
		t.Errorf("%s: got %q %v, want %q", filepath.Base(name), got, err, want)
	}
}
