package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// restorable is a database with a past, and a backup of it.
type restorable struct {
	*testing.T
	path, backup string
	mode         string
}

// newRestorable says "old" in the backup and "new" in the database, which is closed.
func newRestorable(t *testing.T, recipients ...string) *restorable {
	t.Helper()
	r := &restorable{T: t, path: freshPath(t), mode: "live"}
	db := open(t, r.path)
	r.say(db, "old")
	if err := db.SetMeta(t.Context(), "mode", r.mode); err != nil {
		t.Fatal(err)
	}
	r.backup = backupOf(t, db, recipients...)
	r.say(db, "new")
	closeDB(t, db)
	return r
}

func (r *restorable) say(db *DB, word string) {
	r.Helper()
	if err := db.SetMeta(r.Context(), "word", word); err != nil {
		r.Fatal(err)
	}
}

// says opens the database and fails unless it says the word, knows whether it was
// put back, and is no backup any more.
func (r *restorable) says(path, word string, restored bool) {
	r.Helper()
	db := reopen(r.T, path, restored)
	defer closeDB(r, db)
	if got, err := db.Meta(r.Context(), "word"); got != word || err != nil {
		r.Errorf("got %q, %v, want %q", got, err, word)
	}
	for _, key := range []string{metaCreated, metaSum} {
		if got, err := db.Meta(r.Context(), key); got != "" || err != nil {
			r.Errorf("%s is %q, %v", key, got, err)
		}
	}
	if err := db.ConfirmRestore(r.Context()); err != nil {
		r.Error(err)
	}
}

func (r *restorable) options() RestoreOptions { return RestoreOptions{Path: r.path, From: r.backup} }

// unchanged fails when a refused restore left a trace.
func (r *restorable) unchanged() {
	r.Helper()
	entries, err := os.ReadDir(filepath.Dir(r.path))
	if err != nil {
		r.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), "before-restore") || strings.Contains(e.Name(), ".partial") {
			r.Errorf("%s was left", e.Name())
		}
	}
	r.says(r.path, "new", false)
}

func TestRestore(t *testing.T) {
	t.Parallel()
	r := newRestorable(t)
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	for _, aside := range []string{"", "-2"} {
		o := r.options()
		o.Now = func() time.Time { return now }
		done, err := Restore(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if want := r.path + ".before-restore-20261127T120000Z" + aside; done.Aside != want || done.Encrypted || done.Mode != "live" || done.Version != "v1" {
			t.Errorf("got %+v, want %s aside", done, want)
		}
		for _, name := range []string{done.Aside, r.path} {
			if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: got %v, %v", name, info, err)
			}
		}
		noPartials(t, filepath.Dir(r.path))
	}
	r.says(r.path, "old", true)
	r.says(r.path, "old", false)
	r.says(r.path+".before-restore-20261127T120000Z", "new", true)
}

// TestRestoreAfterKill puts a backup over a database whose last commits are in its
// log only, and keeps those too.
func TestRestoreAfterKill(t *testing.T) {
	t.Parallel()
	r := newRestorable(t)
	dieWriting(t, r.path)
	done, err := Restore(t.Context(), r.options())
	if err != nil {
		t.Fatal(err)
	}
	r.says(r.path, "old", true)
	before := reopen(t, done.Aside, true)
	if got, err := before.Meta(t.Context(), "die"); got != "19" || err != nil {
		t.Errorf("the file that was kept lost its log: %q, %v", got, err)
	}
}

// TestRestoreCutOff repeats what is on disk when the process ends after each step
// of a restore over a database with a log.
func TestRestoreCutOff(t *testing.T) {
	t.Parallel()
	for steps, want := range []string{"new", "new", "old", "old"} {
		r := newRestorable(t)
		dieWriting(t, r.path)
		o := r.options()
		o.Now = time.Now
		partial, err := makePartial(r.path + restoreEnd)
		if err != nil {
			t.Fatal(err)
		}
		copyFile(t, r.backup, partial)
		if err := unmark(t.Context(), partial); err != nil {
			t.Fatal(err)
		}
		for i, step := range []func() error{
			func() error { _, err := o.keepAside(); return err },
			func() error { return remove(r.path + ".epoch") },
			func() error { return os.Rename(partial, r.path) },
			func() error { return remove(r.path + "-wal") },
		} {
			if i <= steps {
				if err := step(); err != nil {
					t.Fatal(err)
				}
			}
		}
		r.says(r.path, want, steps > 0)
		noPartials(t, filepath.Dir(r.path))
	}
}

func TestRestoreNew(t *testing.T) {
	t.Parallel()
	r := newRestorable(t)
	o := r.options()
	o.Path = filepath.Join(t.TempDir(), "new", "wamux.db")
	done, err := Restore(t.Context(), o)
	if err != nil || done.Aside != "" {
		t.Fatalf("got %+v, %v", done, err)
	}
	r.says(o.Path, "old", true)
}

func TestRestoreEncrypted(t *testing.T) {
	t.Parallel()
	line := newIdentity(t)
	r := newRestorable(t, keysOf(t, line).Recipients()...)
	o := r.options()
	_, err := Restore(t.Context(), o)
	wantError(t, err, CodeConflict, "no key was given")
	o.Keys = keysOf(t, newIdentity(t))
	_, err = Restore(t.Context(), o)
	wantError(t, err, CodeConflict, "another key")
	r.unchanged()
	o.Keys = keysOf(t, newIdentity(t), line)
	done, err := Restore(t.Context(), o)
	if err != nil || !done.Encrypted {
		t.Fatalf("got %+v, %v", done, err)
	}
	r.says(r.path, "old", true)
}

// TestRestoreRefuses names what must not be put in place; the database stays as it
// was.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	line := newIdentity(t)
	r, encrypted := newRestorable(t), newRestorable(t, keysOf(t, line).Recipients()...)
	good, err := os.ReadFile(r.backup)
	age, err2 := os.ReadFile(encrypted.backup)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	file := func(data []byte) string {
		path := filepath.Join(t.TempDir(), "given.db")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	bent := func(data []byte, at int) []byte {
		data = bytes.Clone(data)
		data[at] ^= 0x40
		return data
	}
	foreign, newer, sandbox, bare := filepath.Join(t.TempDir(), "x.db"), file(good), file(good), freshPath(t)
	raw(t, foreign, "CREATE TABLE auth_data (id INTEGER)")
	raw(t, newer, "PRAGMA user_version = 9999")
	remark(t, sandbox, "UPDATE meta SET value = 'sandbox' WHERE key = 'mode'")
	closeDB(t, open(t, bare))
	for _, c := range []struct {
		name, from string
		code       Code
		want       string
	}{
		{"Missing", filepath.Join(t.TempDir(), "none"), CodeNotFound, "cannot be read"},
		{"Folder", t.TempDir(), CodeInvalid, "is not a file"},
		{"Empty", file(nil), CodeInvalid, "is not a backup of wamux"},
		{"NoDatabase", file([]byte(strings.Repeat("hello ", 1000))), CodeInvalid, "is not a backup of wamux"},
		{"Foreign", foreign, CodeInvalid, "is not a backup of wamux"},
		{"Newer", newer, CodeConflict, "newer wamux"},
		{"Sandbox", sandbox, CodeConflict, "holds sandbox accounts"},
		{"Bare", bare, CodeInvalid, "holds no checksum"},
		{"Itself", r.path, CodeInvalid, "the database itself"},
		{"Bent", file(bent(good, len(good)-300)), CodeStorage, "is damaged"},
		{"BentText", file(bytes.Replace(good, []byte("wordold"), []byte("wordolt"), 1)), CodeStorage, "is damaged"},
		{"Cut", file(good[:len(good)/2]), CodeStorage, "is damaged"},
		{"CutPage", file(good[:len(good)-pageBytes]), CodeStorage, "is damaged"},
		{"BentEncrypted", file(bent(age, len(age)/2)), CodeStorage, "is damaged"},
		{"CutEncrypted", file(age[:len(age)/2]), CodeStorage, "is damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := r.options()
			o.From, o.Keys = c.from, keysOf(t, line)
			_, err := Restore(t.Context(), o)
			wantError(t, err, c.code, c.want)
			if e := (*Error)(nil); !errors.As(err, &e) || e.Hint == "" {
				t.Errorf("%v has no hint", err)
			}
		})
	}
	t.Run("Running", func(t *testing.T) {
		db := open(t, r.path)
		defer closeDB(t, db)
		_, err := Restore(t.Context(), r.options())
		wantError(t, err, CodeLocked, "already uses")
		o := r.options()
		o.Check = true
		if done, err := Restore(t.Context(), o); err != nil || done.Version != "v1" {
			t.Errorf("to look is no harm: %+v, %v", done, err)
		}
	})
	t.Run("NoRoom", func(t *testing.T) {
		o := r.options()
		o.free = func(string) (int64, error) { return 0, nil }
		_, err := Restore(t.Context(), o)
		wantError(t, err, CodeDiskFull, "too little room")
	})
	t.Run("ForeignDatabase", func(t *testing.T) {
		o := r.options()
		o.Path = foreign
		_, err := Restore(t.Context(), o)
		wantError(t, err, CodeConflict, "belongs to another program")
	})
	r.unchanged()
}

// remark changes a backup and gives it the sum of what it is then.
func remark(t *testing.T, path, query string) {
	t.Helper()
	raw(t, path, query)
	if err := mark(t.Context(), path, time.Now(), "v1"); err != nil {
		t.Fatal(err)
	}
}

// TestRestoreBare puts back copies that people made by hand: of a stopped database,
// and of a killed one with its log.
func TestRestoreBare(t *testing.T) {
	t.Parallel()
	r := newRestorable(t)
	dieWriting(t, r.path)
	copied := filepath.Join(t.TempDir(), "copy.db")
	copyFile(t, r.path, copied)
	copyFile(t, r.path+"-wal", copied+"-wal")
	o := RestoreOptions{Path: freshPath(t), From: copied, Bare: true}
	done, err := Restore(t.Context(), o)
	if err != nil || !done.CreatedAt.IsZero() || done.Mode != "live" {
		t.Fatalf("got %+v, %v", done, err)
	}
	db := reopen(t, o.Path, true)
	if got, err := db.Meta(t.Context(), "die"); got != "19" || err != nil {
		t.Errorf("got %q, %v, want what was in the log", got, err)
	}
	if _, err := os.Stat(copied + "-wal"); err != nil {
		t.Error("the copy was changed:", err)
	}
}

// TestRestoreOverDamaged replaces what is no database any more.
func TestRestoreOverDamaged(t *testing.T) {
	t.Parallel()
	r := newRestorable(t)
	if err := os.WriteFile(r.path, []byte(strings.Repeat("gone", 5000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), r.options()); err != nil {
		t.Fatal(err)
	}
	r.says(r.path, "old", true)
}

// TestBackupByHand copies a backup over the database: that is seen, too.
func TestBackupByHand(t *testing.T) {
	t.Parallel()
	r := newRestorable(t)
	copyFile(t, r.backup, r.path)
	db := reopen(t, r.path, true)
	if got, err := db.Meta(t.Context(), "word"); got != "old" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if err := db.ConfirmRestore(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := backupOf(t, db) // of a database that was a backup
	closeDB(t, db)
	if _, err := checkBackup(t.Context(), again, "it", false); err != nil {
		t.Error(err)
	}
	bare := filepath.Join(t.TempDir(), "bare.db")
	copyFile(t, r.path, bare)
	if _, err := Restore(t.Context(), RestoreOptions{Path: freshPath(t), From: bare, Bare: true}); err != nil {
		t.Error("a bare copy of what was a backup once:", err)
	}
}
