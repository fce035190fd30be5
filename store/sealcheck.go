package store

import (
	"context"
	"errors"
	"fmt"

	"wamux/store/seal"
)

// maxCheck bounds how many values one call of [DB.CheckSealed] tries: some second.
const maxCheck = 2000

// SealCheck is what became of trying values.
type SealCheck struct {
	Opened  int       // how many sealed values opened
	Clear   int       // how many are in clear and may be
	Refused []Refusal // what did not open, or is in clear and must not be
	Next    string    // where to go on; "" when all were tried
}

// Refusal is a secret value that is not taken. It never holds the value.
type Refusal struct {
	Session, Class, Key string
	Reason              string // wrong_key, damaged, moved or in_clear
}

// CheckSealed tries the secret values behind a place that an earlier call returned
// as Next, "" for the first, and tells which are refused.
func (db *DB) CheckSealed(ctx context.Context, after string) (SealCheck, error) {
	db.vault.mu.RLock() // the rules stay the same in between
	defer db.vault.mu.RUnlock()
	var c SealCheck
	at, row, err := checkPlace(after)
	if err != nil {
		return c, err
	}
	for all := secretColumns(); at < len(all) && c.tried() < maxCheck; {
		rows, err := db.secrets(ctx, all[at], row)
		if err != nil {
			return c, err
		}
		c.try(&db.vault, rows)
		if len(rows) < convertRows {
			at, row = at+1, 0
		} else {
			row = rows[len(rows)-1].id
		}
	}
	if at < len(secretColumns()) {
		c.Next = fmt.Sprintf("%d.%d", at, row)
	}
	return c, nil
}

func checkPlace(after string) (column int, row int64, err error) {
	if after == "" {
		return 0, 0, nil
	}
	if n, err := fmt.Sscanf(after, "%d.%d", &column, &row); n != 2 || err != nil || column < 0 || fmt.Sprintf("%d.%d", column, row) != after {
		return 0, 0, Errorf(CodeInvalid, "cursor_invalid", "The cursor must be one that an earlier answer gave")
	}
	return column, row, nil
}

// secrets reads the next values of a column.
func (db *DB) secrets(ctx context.Context, c secretColumn, after int64) (rows []secretRow, err error) {
	err = db.View(ctx, func(tx *Tx) error {
		rows, err = c.read(tx, after)
		return err
	})
	return rows, err
}

func (c *SealCheck) tried() int { return c.Opened + c.Clear + len(c.Refused) }

func (c *SealCheck) try(v *vault, rows []secretRow) {
	for _, r := range rows {
		switch reason := v.refusal(r); {
		case reason != "":
			c.Refused = append(c.Refused, Refusal{r.place.Session, r.place.Class, r.place.Key, reason})
		case v.seal != nil && seal.Sealed(r.value):
			c.Opened++
		default:
			c.Clear++
		}
	}
}

// refusal says in a word why a value is not taken; "" when it is.
func (v *vault) refusal(r secretRow) string {
	if v.seal == nil {
		return ""
	}
	_, err := v.open(r.place, r.value)
	switch {
	case err == nil:
		return ""
	case errors.Is(err, seal.ErrWrongKey):
		return "wrong_key"
	case errors.Is(err, seal.ErrMoved):
		return "moved"
	case errors.Is(err, seal.ErrDamaged):
		return "damaged"
	}
	return "in_clear"
}

// SealProgress is how much of a change of the values is done, from 0 to 1; 1 when
// there is none. It is an estimate: columns differ in size.
func (db *DB) SealProgress(ctx context.Context) (done float64, err error) {
	db.vault.mu.RLock()
	row := db.vault.row
	db.vault.mu.RUnlock()
	columns := secretColumns()
	switch {
	case row.State != SealClosing && row.State != SealRotating && row.State != SealOpening:
		return 1, nil
	case row.Column >= len(columns):
		return 0.99, nil // the file is written anew
	}
	var last int64
	err = db.Read(ctx, func(tx *Tx) error {
		return tx.QueryRow("SELECT COALESCE(MAX(rowid), 0) FROM " + columns[row.Column].table).Scan(&last)
	})
	part := 0.0
	if last > 0 {
		part = min(float64(row.Row)/float64(last), 1)
	}
	return (float64(row.Column) + part) / float64(len(columns)), err
}

// Word is the state as people and programs are told of it.
func (s SealState) Word() string {
	switch s {
	case SealOn:
		return "sealed"
	case SealNone, SealOff:
		return "clear"
	}
	return string(s)
}
