package svc_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"wamux/store/seal"
)

// identities counts the keys in an identity file.
func identities(t testing.TB, file string) int {
	t.Helper()
	return strings.Count(readFile(t, file), "AGE-SECRET-KEY-1")
}

// TestRotateSteps cuts a rotation off at each of its steps: database and file open
// together, and the same command goes on with the key that was made already.
func TestRotateSteps(t *testing.T) {
	t.Parallel()
	file, env := newKey(t)
	env = append(env, "DATABASE_URL=file:wamux-sandbox.db")
	g := start(t, t.TempDir(), env, "run", "--sandbox")
	must[object](g, 200, "POST", "/sessions/add", object{"sessionId": "shop"}) // its QR code is a secret
	g.sealed()
	made := func() (lines string, recipient string) {
		lines = wamux(t, g.dir, nil, "key", "new").out
		_, recipient, _ = strings.Cut(lines, "# public key: ")
		recipient, _, _ = strings.Cut(recipient, "\n")
		return lines, recipient
	}
	done := func(recipient string) {
		t.Helper()
		if v := g.sealView(); v.Recipients[0] != recipient || v.Pending {
			t.Errorf("got %+v, want it sealed to %s", v, recipient)
		}
		if n := identities(t, file); n != 1 || !strings.Contains(readFile(t, file), recipient) {
			t.Errorf("got %d identities in the file, want the new one alone", n)
		}
		checked(t, g.dir, env, 0)
	}
	t.Run("FileWritten", func(t *testing.T) { // cut off before the database was told
		lines, recipient := made()
		writeFile(t, file, string(seal.Replace([]byte(readFile(t, file)), []byte(lines))), 0o600)
		ok(t, g.dir, env, "key", "rotate")
		done(recipient)
	})
	t.Run("Restarted", func(t *testing.T) { // a start in between does the work
		lines, recipient := made()
		writeFile(t, file, string(seal.Replace([]byte(readFile(t, file)), []byte(lines))), 0o600)
		g.kill()
		g.begin()
		g.sealed()
		if identities(t, file) != 2 {
			t.Error("the gateway changed the identity file")
		}
		ok(t, g.dir, env, "key", "rotate")
		done(recipient)
	})
	t.Run("Keep", func(t *testing.T) {
		ok(t, g.dir, env, "key", "rotate", "--keep")
		if identities(t, file) != 2 || seal.Replacing([]byte(readFile(t, file))) {
			t.Errorf("got %d identities, want both and no mark", identities(t, file))
		}
		ok(t, g.dir, env, "key", "rotate") // begins anew, and then keeps none
		if identities(t, file) != 1 {
			t.Errorf("got %d identities, want one", identities(t, file))
		}
	})
	t.Run("RecoveryOfAnotherKind", func(t *testing.T) {
		before := readFile(t, file)
		_, other := made()
		refuses(t, 1, "cannot share", g.dir, append(env, "AGE_RECIPIENTS="+other), "key", "rotate", "--pq")
		if readFile(t, file) != before {
			t.Error("a refused rotation changed the file")
		}
	})
	t.Run("Unsealed", func(t *testing.T) {
		ok(t, g.dir, env, "key", "seal") // it is
		ok(t, g.dir, env, "key", "unseal")
		ok(t, g.dir, env, "key", "unseal") // it is
		refuses(t, 1, "not sealed", g.dir, env, "key", "rotate")
	})
}

// TestRotateBesideReader: while another program has a snapshot open the old key stays
// in the identity file, and a kill in the meantime locks nobody out.
func TestRotateBesideReader(t *testing.T) {
	t.Parallel()
	file, env := newKey(t)
	env = append(env, "DATABASE_URL=file:wamux-sandbox.db")
	g := start(t, t.TempDir(), env, "run", "--sandbox")
	must[object](g, 200, "POST", "/sessions/add", object{"sessionId": "shop"}) // its QR code is a secret
	g.sealed()
	end := readsLong(t, filepath.Join(g.dir, "wamux-sandbox.db"))
	refuses(t, 1, "in their old form", g.dir, env, "key", "rotate")
	if n := identities(t, file); n != 2 {
		t.Errorf("got %d identities, want the old and the new one", n)
	}
	g.kill()
	end()
	g.begin()
	g.sealed()
	ok(t, g.dir, env, "key", "rotate")
	if n := identities(t, file); n != 1 {
		t.Errorf("got %d identities, want the new one alone", n)
	}
	checked(t, g.dir, env, 0)
}

// readsLong has a snapshot of a database open until end is called.
func readsLong(t testing.TB, file string) (end func()) {
	t.Helper()
	pool, err := sql.Open("sqlite", "file:"+file+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	tx, err := pool.Begin()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := tx.QueryRow("SELECT COUNT(*) FROM auth_data").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return func() { _ = tx.Rollback() }
}

// TestRotateCredential: a gateway that has its key from the service manager sees a
// new one after a restart only. Until then nothing is lost.
func TestRotateCredential(t *testing.T) {
	t.Parallel()
	file, env := newKey(t)
	given := t.TempDir()
	hand := func() { writeFile(t, filepath.Join(given, "age-identity"), readFile(t, file), 0o440) }
	hand()
	env = append(env, "DATABASE_URL=file:wamux-sandbox.db")
	g := start(t, t.TempDir(), []string{"CREDENTIALS_DIRECTORY=" + given}, "run", "--sandbox")
	must[object](g, 200, "POST", "/sessions/add", object{"sessionId": "shop"}) // its QR code is a secret
	g.sealed()
	for range 2 {
		refuses(t, 1, "does not see the new key", g.dir, env, "key", "rotate")
	}
	if identities(t, file) != 2 {
		t.Errorf("got %d identities, want the old and one new", identities(t, file))
	}
	g.stop()
	hand()
	g.begin()
	g.sealed()
	ok(t, g.dir, env, "key", "rotate")
	if identities(t, file) != 1 {
		t.Errorf("got %d identities, want the new one alone", identities(t, file))
	}
	hand()
	g.stop()
	g.begin()
	g.sealed()
}
