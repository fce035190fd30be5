package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"log/slog"
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

// TestMakingCutOff cuts the power while a file is made: its first page is torn, and the
// journal tells that there was nothing before. A start makes it anew; without such a
// journal, and in another program's name, the file stays as it is.
func TestMakingCutOff(t *testing.T) {
	torn := append(make([]byte, 512), bytes.Repeat([]byte{0xa5}, pageBytes-512)...)
	journal := make([]byte, 512) // as SQLite writes it: magic, no pages, a nonce, nothing before, sizes of sector and page
	copy(journal, "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7")
	binary.BigEndian.PutUint32(journal[20:], 512)
	binary.BigEndian.PutUint32(journal[24:], pageBytes)
	for name, c := range map[string]struct {
		journal []byte
		whole   bool
	}{"Journal": {journal, true}, "None": {nil, false}, "Foreign": {[]byte("a journal of another kind"), false}} {
		t.Run(name, func(t *testing.T) {
			path := freshPath(t)
			if err := errors.Join(os.WriteFile(path, torn, 0o600), os.WriteFile(path+"-journal", c.journal, 0o600)); err != nil {
				t.Fatal(err)
			}
			db, err := Open(t.Context(), Options{Path: path, Log: slog.New(slog.DiscardHandler)})
			if c.whole {
				if err != nil {
					t.Fatal(err)
				}
				closeDB(t, db)
				return
			}
			wantError(t, err, CodeInvalid, "is not a SQLite database")
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, torn) {
				t.Errorf("the file was changed: %v", err)
			}
		})
	}
}
