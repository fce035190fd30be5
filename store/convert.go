package store

import (
	"context"

	"wamux/store/seal"
)

// convertRows is how many values change their form in one commit.
const convertRows = 32

// secretColumn is a column whose values are sealed. session and key are SQL for
// the parts of a value's place; where leaves out what is no secret.
type secretColumn struct {
	table, column, class, session, key, where string
	text                                      bool // in clear it is TEXT
}

// Classes of secret values, which are part of the place they are sealed to.
const (
	ClassAuth     = "auth_data"
	ClassSecret   = "message_secret"
	ClassIncoming = "incoming"
	ClassOutgoing = "outgoing"
	classContent  = "job"
	classSent     = "job_sent"
	classMedia    = "job_media"
	classItem     = "batch_item"
	classNotice   = "history_notice"
	classEvent    = "event"
)

// ClearKeys begins the keys of auth_data whose values are never sealed: they are
// no secret, and many.
const ClearKeys = "app-state-sync-version-"

// secretColumns lists every value that is sealed. Its order is kept in the
// database while values change their form: only append.
func secretColumns() []secretColumn {
	return []secretColumn{
		{"auth_data", "value", ClassAuth, "sessionId", "key", "key NOT LIKE '" + ClearKeys + "%'", true},
		{"deleted_auth", "value", ClassAuth, "sessionId", "key", "key NOT LIKE '" + ClearKeys + "%'", true},
		{"message_secrets", "secret", ClassSecret, "sessionId", "messageId || '|' || chat || '|' || sender", "1", false},
		{"event_buffer", "plaintext", ClassIncoming, "sessionId", "lower(hex(hash))", "plaintext IS NOT NULL", false},
		{"outgoing_events", "plaintext", ClassOutgoing, "sessionId", "messageId || '|' || chat", "1", false},
		{"jobs", "content", classContent, "sessionId", "id", "1", true},
		{"jobs", "sent", classSent, "sessionId", "id", "sent IS NOT NULL", true},
		{"job_media", "data", classMedia, "''", "jobId", "1", false},
		{"batch_items", "body", classItem, "''", "batchId || '|' || idx", "body IS NOT NULL", false},
		{"history_notices", "notice", classNotice, "sessionId", "messageId", "1", false},
		{"events", "data", classEvent, "COALESCE(sessionId, '')", "id", "type = '" + secretEvent + "'", true},
	}
}

// secretRow is one value where it lies.
type secretRow struct {
	id    int64
	place seal.Place
	value []byte
	fresh []byte // its new form
}

// read returns the next values behind a row.
func (c secretColumn) read(tx *Tx, after int64) ([]secretRow, error) {
	rows, err := tx.Query("SELECT rowid, "+c.session+", "+c.key+", "+c.column+" FROM "+c.table+
		" WHERE rowid > ? AND "+c.where+" ORDER BY rowid LIMIT ?", after, convertRows)
	return collect(rows, err, func(row scanner) (r secretRow, err error) {
		r.place.Class = c.class
		return r, row.Scan(&r.id, &r.place.Session, &r.place.Key, &r.value)
	})
}

// write replaces a value, unless somebody else did so meanwhile, in the new form.
func (c secretColumn) write(tx *Tx, r secretRow) error {
	_, err := tx.Exec("UPDATE "+c.table+" SET "+c.column+" = ? WHERE rowid = ? AND CAST("+c.column+" AS BLOB) = ?",
		c.bind(r.fresh), r.id, r.value)
	return err
}

// bind gives a value the type of its column: sealed ones are BLOBs everywhere.
func (c secretColumn) bind(value []byte) any {
	if c.text {
		return SecretText(value)
	}
	return value
}

// SecretText binds a value that is TEXT in clear and a BLOB when it is sealed; nil
// is NULL.
func SecretText(value []byte) any {
	switch {
	case value == nil:
		return nil
	case seal.Sealed(value):
		return value
	}
	return string(value)
}

// Convert does the work that BeginSeal, BeginRotate or BeginUnseal left: it gives
// every value its new form, a few at a time and beside all other work, and then
// removes what the old form left behind in the file. Cut off, it goes on where it
// was. It returns at once when there is nothing to do.
func (db *DB) Convert(ctx context.Context) error {
	db.vault.work.Lock()
	defer db.vault.work.Unlock()
	for {
		row := db.vault.row // only those who hold work change it
		switch row.State {
		case SealClosing, SealRotating, SealOpening:
		default:
			return db.tidy(ctx)
		}
		if row.Column >= len(secretColumns()) {
			if err := db.settleVault(ctx); err != nil {
				return err
			}
			continue
		}
		if err := db.convertSome(ctx, row); err != nil {
			return err
		}
	}
}

// convertSome changes the next values of a column and notes how far it got.
func (db *DB) convertSome(ctx context.Context, row vaultRow) error {
	column := secretColumns()[row.Column]
	var values []secretRow
	err := db.View(ctx, func(tx *Tx) (err error) {
		values, err = column.read(tx, row.Row)
		return err
	})
	if err != nil {
		return err
	}
	for i := range values {
		if err := db.vault.reform(&values[i], row.State); err != nil {
			return err
		}
	}
	var next vaultRow
	err = db.Update(ctx, func(tx *Tx) error {
		anew, err := tx.beganAnew()
		if err != nil || anew != row.Anew {
			next = vaultRow{Anew: anew} // nothing of what was read counts
			return err
		}
		next = row.behind(values)
		for _, r := range values {
			if err := column.write(tx, r); err != nil {
				return err
			}
		}
		return next.write(tx)
	})
	if err == nil {
		db.progress(next)
	}
	return err
}

// behind is the row when these values, which were next, are done.
func (r vaultRow) behind(values []secretRow) vaultRow {
	if len(values) < convertRows {
		r.Column, r.Row = r.Column+1, 0
	} else {
		r.Row = values[len(values)-1].id
	}
	return r
}

// beganAnew is how often the change under way began anew.
func (tx *Tx) beganAnew() (times int, err error) {
	err = tx.QueryRow("SELECT COALESCE(value ->> '$.anew', 0) FROM meta WHERE key = ?", metaSeal).Scan(&times)
	return times, err
}

// progress notes how far the work got; the state itself stays.
func (db *DB) progress(row vaultRow) {
	db.vault.mu.Lock()
	defer db.vault.mu.Unlock()
	db.vault.row.Column, db.vault.row.Row, db.vault.row.Anew = row.Column, row.Row, row.Anew
}

// reform makes the new form of a value.
func (v *vault) reform(r *secretRow, state SealState) error {
	plain, err := v.open(r.place, r.value)
	if err != nil {
		return errRefusedValue(r.place.Session, r.place.Class, r.place.Key, err)
	}
	if r.fresh = plain; state != SealOpening {
		r.fresh, err = v.seal.Close(r.place, plain)
	}
	return err
}

// settleVault ends a change: all values have their new form. That it was to begin anew
// just now is of no account: what was moved, had it, too.
func (db *DB) settleVault(ctx context.Context) error {
	v := &db.vault
	release, err := db.foldAlone(ctx)
	if err != nil {
		return err
	}
	defer release()
	v.mu.Lock()
	defer v.mu.Unlock()
	row, s := v.row, v.seal
	row.Column, row.Row, row.Anew, row.Untidy = 0, 0, 0, true
	if row.State == SealOpening {
		row, s = vaultRow{State: SealOff, Untidy: true}, nil
	} else {
		row.State = SealOn
	}
	v.rewritten = false
	return db.enter(ctx, row, s)
}
