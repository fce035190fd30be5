//go:build unix

package store

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// another is a user who is not root.
const another = 12345

// owned gives a folder and all in it to another user.
func owned(t *testing.T, dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, dir) {
		if err := os.Chown(file, another, another); err != nil {
			t.Fatal(err)
		}
	}
}

// stillOwned fails for each file of the folder that another user lost.
func stillOwned(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("got %v, %v", files, err)
	}
	for _, file := range files {
		info, err := os.Lstat(file)
		if err != nil {
			t.Fatal(err)
		}
		if owner := info.Sys().(*syscall.Stat_t); owner.Uid != another || owner.Gid != another {
			t.Errorf("%s belongs to %d:%d", filepath.Base(file), owner.Uid, owner.Gid)
		}
	}
}

// TestRootKeepsOwner: what root does with a database leaves it to its owner, with all that lies beside it.
func TestRootKeepsOwner(t *testing.T) {
	for name, do := range map[string]func(t *testing.T, r *restorable){
		"Open": func(t *testing.T, r *restorable) {
			db := open(t, r.path)
			r.say(db, "newer")
			closeDB(t, db)
		},
		"Key": func(t *testing.T, r *restorable) {
			db := open(t, r.path)
			if _, err := db.EnsureAdminKey(t.Context(), filepath.Join(filepath.Dir(r.path), "admin.key")); err != nil {
				t.Error(err)
			}
			closeDB(t, db)
		},
		"New": func(t *testing.T, r *restorable) { closeDB(t, open(t, r.path+"2")) },
		"Restore": func(t *testing.T, r *restorable) {
			if done, err := Restore(t.Context(), RestoreOptions{Path: r.path, From: r.backup}); err != nil || done.Aside == "" {
				t.Errorf("got %+v, %v", done, err)
			}
		},
		"RestoreNew": func(t *testing.T, r *restorable) {
			if _, err := Restore(t.Context(), RestoreOptions{Path: r.path + "2", From: r.backup}); err != nil {
				t.Error(err)
			}
		},
		"Recover": func(t *testing.T, r *restorable) {
			if _, err := Recover(t.Context(), r.path, ""); err != nil {
				t.Error(err)
			}
		},
		"RecoverTo": func(t *testing.T, r *restorable) {
			if _, err := Recover(t.Context(), r.path, r.path+"2"); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRestorable(t)
			dir := filepath.Dir(r.path)
			owned(t, dir)
			do(t, r)
			stillOwned(t, dir)
		})
	}
}

// TestHeirTakesNoLinks: the owner of the folder gets no file of root's that a link leads to.
func TestHeirTakesNoLinks(t *testing.T) {
	dir, secret := t.TempDir(), filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("of root"), 0o600); err != nil {
		t.Fatal(err)
	}
	owned(t, dir)
	path := filepath.Join(dir, "wamux.db")
	if os.Symlink(secret, path+".epoch") != nil || os.Link(secret, path+".lock") != nil {
		t.Skip("no links here")
	}
	if err := heirOf(path).takeAll(path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(secret); err != nil || info.Sys().(*syscall.Stat_t).Uid != 0 {
		t.Errorf("root lost its file: %v", err)
	}
}
