package store

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func mustAddKey(t *testing.T, db *DB, scopes []Scope, sessions ...string) (*APIKey, string) {
	t.Helper()
	k, secret, err := db.AddAPIKey(t.Context(), "name", scopes, sessions)
	if err != nil {
		t.Fatal(err)
	}
	return k, secret
}

func TestAddAPIKey(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		k, secret := mustAddKey(t, fresh(t), []Scope{ScopeRead, ScopeSend}, "user001")
		if !regexp.MustCompile(`^wk_[a-z2-7]+_[A-Za-z0-9_-]{43}$`).MatchString(secret) || !strings.HasPrefix(secret, k.Prefix+"_") {
			t.Errorf("the secret looks like %q and begins with %q", secret, k.Prefix)
		}
		if k.Name != "name" || !slices.Equal(k.Scopes, []Scope{ScopeRead, ScopeSend}) || !slices.Equal(k.Sessions, []string{"user001"}) || k.CreatedAt.IsZero() {
			t.Errorf("got %+v", k)
		}
	})

	t.Run("ErrScopes", func(t *testing.T) {
		db := fresh(t)
		_, _, err := db.AddAPIKey(t.Context(), "x", nil, nil)
		wantError(t, err, CodeInvalid, "A key needs at least one scope")
		_, _, err = db.AddAPIKey(t.Context(), "x", []Scope{"root"}, nil)
		wantError(t, err, CodeInvalid, `The scope "root" is not one of`)
	})
}

func TestAuthenticate(t *testing.T) {
	db := fresh(t)
	k, secret := mustAddKey(t, db, []Scope{ScopeAdmin})

	t.Run("OK", func(t *testing.T) {
		got, err := db.Authenticate(t.Context(), secret)
		if err != nil || got.ID != k.ID || !slices.Equal(got.Scopes, k.Scopes) {
			t.Errorf("got %+v, %v", got, err)
		}
	})

	t.Run("ErrWrong", func(t *testing.T) {
		for _, wrong := range []string{"", "wk_", "wk__", "x", secret + "x", secret[:len(secret)-1], k.Prefix, k.Prefix + "_", "wk_nobody_" + strings.Repeat("A", 43), strings.ToUpper(secret)} {
			_, err := db.Authenticate(t.Context(), wrong)
			wantError(t, err, CodeUnauthorized, "Invalid API key")
		}
	})

	closeDB(t, db)
	db = open(t, db.Path())
	t.Run("HashOnly", func(t *testing.T) {
		bare := snapshot(t, db)
		data, err := os.ReadFile(bare)
		if err != nil || bytes.Contains(data, []byte(secret[len(k.Prefix)+1:])) {
			t.Errorf("the file holds the secret (%v)", err)
		}
		if _, err := db.Authenticate(t.Context(), secret); err != nil {
			t.Errorf("the key is gone after a restart: %v", err)
		}
	})

	t.Run("ErrRevoked", func(t *testing.T) {
		if err := db.RevokeAPIKey(t.Context(), k.ID); err != nil {
			t.Fatal(err)
		}
		_, err := db.Authenticate(t.Context(), secret)
		wantError(t, err, CodeUnauthorized, "Invalid API key")
		wantError(t, db.RevokeAPIKey(t.Context(), k.ID), CodeNotFound, "API key not found")
	})
}

func TestLastUsed(t *testing.T) {
	now := noon
	db, err := Open(context.Background(), Options{Path: freshPath(t), Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer closeDB(t, db)
	_, secret := mustAddKey(t, db, []Scope{ScopeRead})
	for _, step := range []struct {
		after time.Duration
		want  time.Time
	}{{0, noon}, {59 * time.Second, noon}, {time.Second, noon.Add(time.Minute)}} {
		now = now.Add(step.after)
		if _, err := db.Authenticate(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
		if list, err := db.APIKeys(t.Context()); err != nil || len(list) != 1 || !list[0].LastUsed.Equal(step.want) {
			t.Errorf("got %+v, %v, want %v", list[0], err, step.want)
		}
	}
	var stored int64
	err = db.View(t.Context(), func(tx *Tx) error { return tx.QueryRow("SELECT lastUsed FROM api_keys").Scan(&stored) })
	if err != nil || stored != noon.Add(time.Minute).UnixMilli() {
		t.Errorf("the table has %d, %v", stored, err)
	}
}

func TestAllows(t *testing.T) {
	admin := &APIKey{Scopes: []Scope{ScopeAdmin}, Sessions: []string{"a"}}
	reader := &APIKey{Scopes: []Scope{ScopeRead}}
	bound := &APIKey{Scopes: []Scope{ScopeRead, ScopeSend}, Sessions: []string{"a"}}
	for _, c := range []struct {
		key     *APIKey
		scope   Scope
		session string
		want    bool
	}{
		{admin, ScopeManage, "b", true}, {admin, ScopeAdmin, "", true},
		{reader, ScopeRead, "b", true}, {reader, ScopeRead, "", true}, {reader, ScopeSend, "b", false}, {reader, ScopeAdmin, "", false},
		{bound, ScopeSend, "a", true}, {bound, ScopeSend, "b", false}, {bound, ScopeRead, "", false}, {bound, ScopeManage, "a", false},
	} {
		if got := c.key.Allows(c.scope, c.session); got != c.want {
			t.Errorf("%v on %v: %s %q is %v, want %v", c.key.Scopes, c.key.Sessions, c.scope, c.session, got, c.want)
		}
	}
}

func TestEnsureAdminKey(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		db := fresh(t)
		file := filepath.Join(t.TempDir(), "admin.key")
		if made, err := db.EnsureAdminKey(t.Context(), file); !made || err != nil {
			t.Fatal(made, err)
		}
		wantMode(t, file, 0o600)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		k, err := db.Authenticate(t.Context(), strings.TrimSpace(string(text)))
		if err != nil || !k.Allows(ScopeAdmin, "") {
			t.Errorf("got %+v, %v", k, err)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		if made, err := db.EnsureAdminKey(t.Context(), file); made || err != nil {
			t.Errorf("it was made again: %v", err)
		}
	})

	t.Run("ErrFile", func(t *testing.T) {
		db := fresh(t)
		made, err := db.EnsureAdminKey(t.Context(), filepath.Join(t.TempDir(), "missing", "admin.key"))
		if made {
			t.Error("a key was made that nobody knows")
		}
		wantError(t, err, CodeReadOnly, "The admin key cannot be written")
	})
}
