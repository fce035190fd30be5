package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestEveryByteCounts changes each byte of a backup, and its length.
func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile(backupOf(t, withSession(t)))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "bent.db")
	refused := func(what string, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := checkBackup(t.Context(), path, "it", false)
		if e := (*Error)(nil); !errors.As(err, &e) || e.Code == CodeInternal || e.Hint == "" {
			t.Errorf("%s: got %v, want a refusal", what, err)
		}
	}
	step := max(1, len(good)/120)
	for i := 0; i < len(good); i += step {
		bent := bytes.Clone(good)
		bent[i] ^= 1 << (i % 8)
		refused(fmt.Sprint("byte ", i), bent)
	}
	for i := 0; i < 100; i += 4 { // every field of the header
		bent := bytes.Clone(good)
		bent[i] ^= 0x11
		refused(fmt.Sprint("byte ", i), bent)
	}
	for _, cut := range []int{0, 1, 99, 100, pageBytes, len(good) / 2, len(good) - pageBytes, len(good) - 1} {
		refused(fmt.Sprint("cut at ", cut), good[:cut])
	}
	refused("longer", append(bytes.Clone(good), make([]byte, pageBytes)...))
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := checkBackup(t.Context(), path, "it", false); err != nil {
		t.Errorf("the good one: %v", err)
	}
}
