package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestOpen(t *testing.T) {
	ctx := context.Background()

	t.Run("ForOwnerOnly", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "state")
		db := open(t, filepath.Join(dir, "wamux.db"))
		if err := db.SetMeta(ctx, "a", "b"); err != nil {
			t.Fatal(err)
		}
		wantMode(t, dir, 0o700)
		for _, end := range []string{"", "-wal", "-shm", ".lock", ".epoch"} {
			wantMode(t, db.Path()+end, 0o600)
		}
	})

	t.Run("TakesRightsAway", func(t *testing.T) {
		path := freshPath(t)
		closeDB(t, open(t, path))
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		open(t, path)
		wantMode(t, path, 0o600)
	})

	t.Run("StrangePath", func(t *testing.T) {
		name := "a b%20#?ä.db"
		if runtime.GOOS == "windows" {
			name = "a b%20#ä.db"
		}
		db := open(t, filepath.Join(t.TempDir(), name))
		if _, err := os.Stat(db.Path()); err != nil {
			t.Errorf("the database is somewhere else: %v", err)
		}
	})

	t.Run("ErrNoPath", func(t *testing.T) {
		_, err := Open(ctx, Options{})
		wantError(t, err, CodeInvalid, "No database file is named")
	})

	t.Run("ErrNoFile", func(t *testing.T) {
		_, err := Open(ctx, Options{Path: t.TempDir()})
		wantError(t, err, CodeInvalid, "is not a file")
	})

	t.Run("ErrFolder", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(ctx, Options{Path: filepath.Join(file, "sub", "wamux.db")})
		wantError(t, err, CodeReadOnly, "cannot be made")
	})

	t.Run("ErrInUse", func(t *testing.T) {
		db := fresh(t)
		_, err := Open(ctx, Options{Path: db.Path()})
		wantError(t, err, CodeLocked, fmt.Sprintf("Another wamux (process %d) already uses %s", os.Getpid(), db.Path()))
		if got := Announced(db.Path()); got != "" {
			t.Errorf("got %q before anything was announced", got)
		}
		const url = "http://127.0.0.1:3000"
		if err := db.Announce(url); err != nil || Announced(db.Path()) != url {
			t.Errorf("got %q, %v, want %s", Announced(db.Path()), err, url)
		}
		if got, held := Holder(db.Path()); !held || got != url {
			t.Errorf("got %q, %v, want it held by %s", got, held, url)
		}
		_, err = Open(t.Context(), Options{Path: db.Path()})
		wantError(t, err, CodeLocked, fmt.Sprintf("Another wamux (process %d) already uses %s", os.Getpid(), db.Path()))
		out, err := childCommand(t, "open", db.Path()).CombinedOutput()
		if err == nil || !strings.HasPrefix(string(out), "error: locked Another wamux (process") {
			t.Errorf("a second process got %q, %v", out, err)
		}
	})

	t.Run("Holder", func(t *testing.T) {
		path := freshPath(t)
		if url, held := Holder(path); held || url != "" {
			t.Errorf("nothing there: got %q, %v", url, held)
		}
		if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) > 0 {
			t.Errorf("got %v, %v, want nothing made", files, err)
		}
		db, err := Open(ctx, Options{Path: path})
		if err == nil {
			err = errors.Join(db.Announce("http://127.0.0.1:3000"), db.Close())
		}
		if url, held := Holder(path); err != nil || held || url != "" {
			t.Errorf("after its end: got %q, %v, %v", url, held, err)
		}
		if db, err = Open(ctx, Options{Path: path}); err != nil { // who asked must not have kept the lock
			t.Fatal(err)
		}
		defer db.Close()
		if url, held := Holder(path); !held || url != "" {
			t.Errorf("nothing announced: got %q, %v, want it held", url, held)
		}
	})

	t.Run("ErrInUseByLink", func(t *testing.T) {
		db, link := fresh(t), freshPath(t)
		if err := os.Symlink(db.Path(), link); err != nil {
			if runtime.GOOS == "windows" {
				return // takes a privilege there
			}
			t.Fatal(err)
		}
		_, err := Open(ctx, Options{Path: link})
		wantError(t, err, CodeLocked, db.Path())
	})

	t.Run("FreesTheLock", func(t *testing.T) {
		path := freshPath(t)
		closeDB(t, open(t, path))
		closeDB(t, open(t, path))
		dieWriting(t, path)
		open(t, path)
	})
}

func wantMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Error(err)
	} else if got := info.Mode().Perm(); got != want && runtime.GOOS != "windows" {
		t.Errorf("%s has mode %o, want %o", filepath.Base(path), got, want)
	}
}

// raw runs SQL on a file as any other program would.
func raw(tb testing.TB, path string, queries ...string) {
	tb.Helper()
	pool, err := sql.Open("sqlite", fileURI(path))
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = pool.Close() }()
	for _, q := range queries {
		if _, err := pool.Exec(q); err != nil {
			tb.Fatal(err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	refused := func(t *testing.T, path string, code Code, message string) {
		t.Helper()
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Open(context.Background(), Options{Path: path})
		wantError(t, err, code, message)
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
			t.Errorf("the refused file was changed (%v)", err)
		}
		if e := (*Error)(nil); !errors.As(err, &e) || e.Hint == "" {
			t.Errorf("%v has no hint", err)
		}
	}

	t.Run("ErrNewer", func(t *testing.T) {
		path := freshPath(t)
		closeDB(t, open(t, path))
		raw(t, path, "PRAGMA user_version = 999")
		refused(t, path, CodeConflict, "made by a newer wamux (schema 999")
	})

	t.Run("ErrPrisma", func(t *testing.T) {
		path := freshPath(t)
		raw(t, path, "CREATE TABLE _prisma_migrations (id TEXT PRIMARY KEY)",
			"CREATE TABLE whatsapp_sessions (id INTEGER PRIMARY KEY, sessionId TEXT UNIQUE, status TEXT)")
		refused(t, path, CodeConflict, "belongs to another program")
	})

	t.Run("ErrSameTables", func(t *testing.T) {
		path := freshPath(t)
		raw(t, path, "CREATE TABLE auth_data (id INTEGER PRIMARY KEY)", "PRAGMA journal_mode = WAL")
		refused(t, path, CodeConflict, "belongs to another program")
	})

	t.Run("ErrForeignWAL", func(t *testing.T) {
		path := freshPath(t)
		pool, err := sql.Open("sqlite", fileURI(path)+"?_pragma=journal_mode(WAL)&_pragma=wal_autocheckpoint(0)")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = pool.Close() }()
		if _, err := pool.Exec("CREATE TABLE auth_data (id INTEGER PRIMARY KEY)"); err != nil {
			t.Fatal(err)
		}
		_, err = Open(t.Context(), Options{Path: path})
		wantError(t, err, CodeConflict, "belongs to another program")
	})

	t.Run("HintsAtImport", func(t *testing.T) {
		path := freshPath(t)
		raw(t, path, "CREATE TABLE t (id INTEGER)")
		_, err := Open(t.Context(), Options{Path: path})
		e := (*Error)(nil)
		if !errors.As(err, &e) || !strings.Contains(e.Hint, "wamux import") {
			t.Errorf("got %v, want a hint at wamux import", err)
		}
	})

	t.Run("ErrNoDatabase", func(t *testing.T) {
		path := freshPath(t)
		if err := os.WriteFile(path, bytes.Repeat([]byte("no database\n"), 1000), 0o600); err != nil {
			t.Fatal(err)
		}
		refused(t, path, CodeInvalid, "is not a SQLite database")
	})
}

func TestPragmas(t *testing.T) {
	db := fresh(t)
	var vacuum int
	err := db.Update(t.Context(), func(tx *Tx) error { return tx.QueryRow("PRAGMA auto_vacuum").Scan(&vacuum) })
	if err != nil || vacuum != 2 {
		t.Errorf("auto_vacuum is %d, %v, want 2", vacuum, err)
	}
	_, err = openConn(t.Context(), db.readPool, []pragma{{"synchronous", "FULL", "0"}})
	wantError(t, err, CodeStorage, "its setting synchronous is 2 and should be 0")
}

func TestClose(t *testing.T) {
	db := fresh(t)
	if err := db.SetMeta(t.Context(), "key", "value"); err != nil {
		t.Fatal(err)
	}
	closeDB(t, db)
	closeDB(t, db)
	for _, end := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(db.Path() + end); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there (%v)", end, err)
		}
	}
	wantError(t, db.SetMeta(t.Context(), "key", "value"), CodeStorage, "wamux is stopping")
	_, err := db.Meta(t.Context(), "key")
	wantError(t, err, CodeStorage, "wamux is stopping")

	bare := freshPath(t)
	copyFile(t, db.Path(), bare)
	if got, err := open(t, bare).Meta(t.Context(), "key"); got != "value" || err != nil {
		t.Errorf("the bare file has %q, %v", got, err)
	}
}

// TestMonitoring runs the queries that people have, on the live file.
func TestMonitoring(t *testing.T) {
	db := fresh(t)
	addTestSession(t, db, "user001")
	err := db.Update(t.Context(), func(tx *Tx) error {
		_, err := tx.Exec("INSERT INTO auth_data (sessionId, key, value, createdAt, updatedAt) VALUES ('user001', 'creds', '{\"a\":1}', ?1, ?1)", formatTime(tx.Now))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	queries := map[string]string{
		`SELECT ws.sessionId, ws.status, COUNT(ad.id) AS auth_keys_count
			FROM whatsapp_sessions ws LEFT JOIN auth_data ad ON ws.sessionId = ad.sessionId
			GROUP BY ws.sessionId, ws.status;`: "user001|disconnected|1\n",
		`SELECT sessionId, key, LENGTH(value) AS data_size FROM auth_data ORDER BY data_size DESC;`: "user001|creds|7\n",
	}
	for query, want := range queries {
		var a, b, c string
		err := db.View(t.Context(), func(tx *Tx) error { return tx.QueryRow(query).Scan(&a, &b, &c) })
		if got := a + "|" + b + "|" + c + "\n"; got != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
		t.Run("Shell", func(t *testing.T) {
			needs(t, "sqlite3")
			if out, err := exec.CommandContext(t.Context(), "sqlite3", db.Path(), query).CombinedOutput(); err != nil || string(out) != want {
				t.Errorf("sqlite3 said %q, %v, want %q", out, err, want)
			}
		})
	}
}

// TestDamaged opens files of which a crash or a bad disk took a part.
func TestDamaged(t *testing.T) {
	path := freshPath(t)
	closeDB(t, open(t, path))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := pageBytes; i < len(data); i++ {
		data[i] = 0xff
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), Options{Path: path})
	wantError(t, err, CodeStorage, "The database file is damaged")
}

// TestPages: a new file has the pages that it should have, an old one keeps its own, and the log of both is as long.
func TestPages(t *testing.T) {
	made, old := freshPath(t), freshPath(t)
	raw(t, old, "PRAGMA page_size = 4096; CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID; DROP TABLE meta;")
	for path, want := range map[string]int{made: pageBytes, old: 4096} {
		db := open(t, path)
		var size, log int
		for name, value := range map[string]*int{"page_size": &size, "wal_autocheckpoint": &log} {
			if err := db.writer.conn.sql.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(value); err != nil {
				t.Fatal(err)
			}
		}
		if size != want || log*(size+24) > logBytes || log*(size+24) < logBytes/2 {
			t.Errorf("pages of %d bytes, want %d; the log may have %d", size, want, log)
		}
		closeDB(t, db)
	}
}
