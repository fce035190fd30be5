package store

import (
	"errors"
	"fmt"
	"testing"
)

// convertTo does the next pieces of a change until it got to a column and row.
func (v *vaultTest) convertTo(db *DB, column int, row int64) {
	v.Helper()
	for db.vault.row.Column != column || db.vault.row.Row != row {
		if db.vault.row.Column > column {
			v.Fatalf("the change is at column %d, want %d", db.vault.row.Column, column)
		}
		if err := db.convertSome(v.Context(), db.vault.row); err != nil {
			v.Fatal(err)
		}
	}
}

// TestRecoverWhileSealing saves a file while its values are being sealed: their
// rows have other numbers then, and each is sealed in the end.
func TestRecoverWhileSealing(t *testing.T) {
	v, line := newVaultTest(t), newIdentity(t)
	db, err := v.open(line)
	if err != nil {
		t.Fatal(err)
	}
	v.convertTo(db, 1, convertRows)
	err = db.Update(t.Context(), func(tx *Tx) error { // so that the rest moves up
		_, err := tx.Exec("DELETE FROM deleted_auth WHERE rowid < ?", convertRows)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range convertRows - 1 {
		delete(v.secrets, fmt.Sprintf("%s gone-%d", ClassAuth, i))
	}
	v.shut(db)
	if _, err := Recover(t.Context(), v.path, ""); err != nil {
		t.Fatal(err)
	}
	v.converted(SealOn, line)
	if seen := v.scan(); len(seen) > 0 {
		t.Errorf("%d secrets lie in clear, such as %s", len(seen), seen[0])
	}
}

// TestMovedWhileChanging moves values, as they are, to where a change of their form
// was already: it begins anew, also when it was cut off then.
func TestMovedWhileChanging(t *testing.T) {
	for _, cut := range []bool{false, true} {
		v, first, second := newVaultTest(t), newIdentity(t), newIdentity(t)
		v.converted(SealOn, first)
		db, err := v.open(second, first)
		if err != nil {
			t.Fatal(err)
		}
		v.convertTo(db, 1, 0)
		before := db.vault.row
		if err = db.Update(t.Context(), moveBack); err != nil {
			t.Fatal(err)
		}
		if !cut {
			err = errors.Join(db.convertSome(t.Context(), before), // which was under way just then
				db.Convert(t.Context()))
		}
		if err != nil {
			t.Fatal(err)
		}
		v.shut(db)
		if cut {
			v.converted(SealOn, second, first)
		}
		v.converted(SealOn, second) // all open without the key of before
	}
}

// moveBack moves what is kept aside, as putting it back does.
func moveBack(tx *Tx) error {
	for _, query := range []string{
		"INSERT INTO auth_data (sessionId, key, value, createdAt, updatedAt) SELECT sessionId, key, value, '', '' FROM deleted_auth",
		"DELETE FROM deleted_auth",
	} {
		if _, err := tx.Exec(query); err != nil {
			return err
		}
	}
	return tx.ConvertAnew()
}
