package svc_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// watched are the tests whose wamux runs under the race detector when they do themselves. Every part of the program is at work
// in one of them; in the others, where it is started often or has much to do, it runs as people run it, which costs a fifth.
var watched = []string{"TestBackupsUnderLoad", "TestBulk", "TestExamples", "TestGroup", "TestPairingCode", "TestPast", "TestSealOnOff", "TestSettings",
	"TestUndelete"}

// program is the wamux that a test starts as a process, so that it can be killed: the test binary itself, which TestMain lets be
// wamux, or one that is built without the race detector.
func program(t testing.TB) string {
	t.Helper()
	name, _, _ := strings.Cut(t.Name(), "/")
	if raced && !slices.Contains(watched, name) {
		path, err := plain.build()
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return self
}

// plain is built when a test asks for it, once.
var plain built

// built is a program in a folder of its own.
type built struct {
	once sync.Once
	dir  string
	err  error
}

func (b *built) build() (path string, err error) {
	b.once.Do(func() {
		if b.dir, b.err = os.MkdirTemp("", "wamux-test-"); b.err != nil {
			return
		}
		cmd := exec.Command("go", "build", "-buildvcs=false", "-o", b.dir, "..")
		cmd.Stderr = os.Stderr
		b.err = cmd.Run()
	})
	return filepath.Join(b.dir, "wamux"), b.err
}

// remove deletes what was built.
func (b *built) remove() {
	if b.dir != "" {
		_ = os.RemoveAll(b.dir)
	}
}
