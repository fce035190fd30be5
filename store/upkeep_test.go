package store

import (
	"errors"
	"testing"
)

// TestSealBesideForeignReader begins to seal while another program reads: the log cannot be folded then, but writing goes on. Nor
// is the sealing said to be complete before the log is gone.
func TestSealBesideForeignReader(t *testing.T) {
	t.Parallel()
	v, line := newVaultTest(t), newIdentity(t)
	db, err := v.open()
	if err != nil {
		t.Fatal(err)
	}
	defer v.shut(db)
	c, done, err := openBeside(t.Context(), db.Path(), "", readerPragmas)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	read := func(query string) {
		t.Helper()
		if _, err := c.sql.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	read("BEGIN")
	read("SELECT count(*) FROM meta")
	began := make(chan error, 1)
	go func() { began <- errors.Join(db.BeginSeal(t.Context(), keysOf(t, line)), db.Convert(t.Context())) }()
	for written := range 20 {
		if err := db.SetMeta(t.Context(), "word", "written"); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-began:
			t.Fatalf("it took the reader's place in %d writes, %v", written, err)
		default:
		}
	}
	read("COMMIT")
	if err := <-began; err != nil {
		t.Fatal(err)
	}
}
