package seal

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func lines(t *testing.T, identity string) []byte {
	t.Helper()
	text, err := Lines(identity, time.Date(2026, 11, 27, 1, 2, 3, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestReplace walks a rotation as the file sees it.
func TestReplace(t *testing.T) {
	first, _ := Generate(false)
	second, _ := Generate(true)
	before := append([]byte("# of the shop\n"), lines(t, first)...)
	both := Replace(before, lines(t, second))
	k, err := Parse(both, nil)
	if err != nil || len(k.identities) != 2 || !k.Hybrid() || !Replacing(both) || Replacing(before) {
		t.Fatalf("got %q, %v", both, err)
	}
	after := Replaced(both, false)
	if string(after) != string(lines(t, second)) || Replacing(after) {
		t.Errorf("got %q, want the second alone", after)
	}
	kept := Replaced(both, true)
	if k, err := Parse(kept, nil); err != nil || len(k.identities) != 2 || Replacing(kept) || !strings.Contains(string(kept), "# of the shop\n") {
		t.Errorf("got %q, %v, want both and no mark", kept, err)
	}
	if _, err := Lines("nonsense", time.Now()); err == nil {
		t.Error("nonsense was taken for an identity")
	}
}

func TestReadFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "key.txt")
	if _, err := ReadFile(name, true); !errors.Is(err, ErrNotThere) {
		t.Errorf("got %v, want ErrNotThere", err)
	}
	if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		mode    os.FileMode
		private bool
		ok      bool
	}{{0o600, true, true}, {0o400, true, true}, {0o640, true, false}, {0o604, true, false}, {0o620, true, false}, {0o440, false, true}} {
		if err := os.Chmod(name, c.mode); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadFile(name, c.private); (err == nil) != c.ok && runtime.GOOS != "windows" {
			t.Errorf("mode %o, private %v: got %v", c.mode, c.private, err)
		}
	}
	if _, err := ReadFile(filepath.Dir(name), false); err == nil {
		t.Error("a folder was read")
	}
	if err := os.WriteFile(name, make([]byte, maxKeyFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(name, false); err == nil {
		t.Error("an endless file was read")
	}
}
