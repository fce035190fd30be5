package svc_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"wamux/store"
	"wamux/store/seal"
	"wamux/store/signal"
)

// TestUndeleteWhileSealing puts values back that are in clear still to where all are
// sealed already: they are sealed, too, before the file counts as that.
func TestUndeleteWhileSealing(t *testing.T) {
	t.Parallel()
	const keys = 40
	ctx, stuck := t.Context(), true
	o := store.Options{Path: filepath.Join(t.TempDir(), "wamux.db")}
	db := openStore(t, o)
	if _, _, err := db.AddSession(ctx, "shop", 0); err != nil {
		t.Fatal(err)
	}
	check(t, db.Update(ctx, func(tx *store.Tx) error {
		for i := range keys {
			key := fmt.Sprint("pre-key-", i)
			if i == 0 {
				key = "creds"
			}
			if _, err := tx.Exec(`INSERT INTO deleted_auth (sessionId, key, value, deletedAt) VALUES ('shop', ?, '{"private":"in clear"}', ?)`, key, tx.Now.UnixMilli()); err != nil {
				return err
			}
		}
		return nil
	}))
	check(t, db.Close())
	line, err := seal.Generate(false)
	check(t, err)
	o.Keys, err = seal.Parse([]byte(line), nil)
	check(t, err)
	o.Fault = func(query string) error {
		if stuck && strings.Contains(query, "FROM deleted_auth WHERE rowid") {
			return errors.New("the disk fails")
		}
		return nil
	}
	db = openStore(t, o)
	if db.Convert(ctx) == nil {
		t.Fatal("what is kept aside is sealed already")
	}
	auth, err := signal.Open(ctx, db, nil)
	check(t, err)
	check(t, auth.Undelete(ctx, "shop"))
	stuck = false
	check(t, db.Convert(ctx))
	if c, err := db.CheckSealed(ctx, ""); err != nil || c.Opened != keys || c.Clear+len(c.Refused) > 0 {
		t.Errorf("of %d values %d are sealed and %d in clear, and refused are %v, %v", keys, c.Opened, c.Clear, c.Refused, err)
	}
}

func openStore(t testing.TB, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), o)
	check(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
