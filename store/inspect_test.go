package store

import (
	"os"
	"path/filepath"
	"testing"
)

// TestLook finds what is wrong without touching anything.
func TestLook(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		path := lived(t)
		t.Chdir(filepath.Dir(path))
		before := listing(t, path)
		for _, name := range []string{path, filepath.Base(path), "none.db"} {
			if err := Look(t.Context(), name, nil); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if after := listing(t, path); after != before {
			t.Errorf("the folder holds %s, was %s", after, before)
		}
	})
	t.Run("ErrDamaged", func(t *testing.T) {
		path := lived(t)
		for _, p := range statPages(t, path) {
			if p.number > 1 {
				overwrite(t, path, p.number, 1)
			}
		}
		if err := Look(t.Context(), path, nil); !IsDamage(err) {
			t.Errorf("got %v, want damage", err)
		}
	})
	t.Run("ErrForeign", func(t *testing.T) {
		path := freshPath(t)
		if err := os.WriteFile(path, make([]byte, 4096), 0o600); err != nil {
			t.Fatal(err)
		}
		wantError(t, Look(t.Context(), path, nil), CodeInvalid, "is not a SQLite database")
	})
}

// listing is what is in the folder of a file, with sizes and times.
func listing(t *testing.T, path string) (text string) {
	t.Helper()
	files, err := os.ReadDir(filepath.Dir(path))
	for _, f := range files {
		info, infoErr := f.Info()
		if infoErr != nil {
			t.Fatal(infoErr)
		}
		text += f.Name() + info.ModTime().String() + info.Mode().String() + " "
	}
	if err != nil {
		t.Fatal(err)
	}
	return text
}
