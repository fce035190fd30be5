package store

import (
	"slices"
	"testing"
)

// all tries every value, page by page.
func (v *vaultTest) all(db *DB) (sum SealCheck) {
	v.Helper()
	for at := ""; ; {
		c, err := db.CheckSealed(v.Context(), at)
		if err != nil {
			v.Fatal(err)
		}
		sum.Opened, sum.Clear, sum.Refused = sum.Opened+c.Opened, sum.Clear+c.Clear, append(sum.Refused, c.Refused...)
		if at = c.Next; at == "" {
			return sum
		}
	}
}

// TestCheckSealed tries values in clear, sealed, and meddled with.
func TestCheckSealed(t *testing.T) {
	v, line := newVaultTest(t), newIdentity(t)
	db, err := v.open()
	if err != nil {
		t.Fatal(err)
	}
	if c := v.all(db); c.Clear != len(v.secrets) || c.Opened != 0 || len(c.Refused) != 0 {
		t.Errorf("got %+v, want %d in clear", c, len(v.secrets))
	}
	v.shut(db)
	v.converted(SealOn, line)
	if db, err = v.open(line); err != nil {
		t.Fatal(err)
	}
	defer v.shut(db)
	if c := v.all(db); c.Opened != len(v.secrets) || c.Clear != 0 || len(c.Refused) != 0 {
		t.Errorf("got %+v, want %d sealed", c, len(v.secrets))
	}
	err = db.Update(t.Context(), func(tx *Tx) error {
		for _, q := range []string{
			`UPDATE auth_data SET value = (SELECT value FROM auth_data WHERE key = 'pre-key-2') WHERE key = 'pre-key-1'`,
			`UPDATE jobs SET sent = substr(sent, 1, length(sent) - 1) WHERE id = 'job_3'`,
			`UPDATE message_secrets SET secret = x'00' WHERE messageId = 'M4'`,
		} {
			if _, err := tx.Exec(q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []Refusal{{"shop", ClassAuth, "pre-key-1", "moved"}, {"shop", ClassSecret, "M4|chat|sender", "in_clear"}, {"shop", classSent, "job_3", "damaged"}}
	if c := v.all(db); !slices.Equal(c.Refused, want) || c.Opened != len(v.secrets)-3 {
		t.Errorf("got %d open, refused %+v, want %+v", c.Opened, c.Refused, want)
	}
	for _, wrong := range []string{"x", "1", "1.", "-1.0", "1.2.3", "01.2"} {
		if _, err := db.CheckSealed(t.Context(), wrong); ErrorCode(err) != CodeInvalid {
			t.Errorf("cursor %q: got %v", wrong, err)
		}
	}
}

// TestStill opens without beginning anything.
func TestStill(t *testing.T) {
	v, line := newVaultTest(t), newIdentity(t)
	db, err := Open(t.Context(), Options{Path: v.path, Keys: keysOf(t, line), Still: true})
	if err != nil {
		t.Fatal(err)
	}
	if state, _, pending := db.SealState(); state != SealNone || pending {
		t.Errorf("got %q, %v, want that nothing was begun", state, pending)
	}
	v.shut(db)
}
