package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"wamux/store/seal"
)

// SealState is how the database keeps secret values.
type SealState string

// The states. In the last four both forms of a value may be met, or values of
// two keys, until the work that goes on in the background is done.
const (
	SealNone     SealState = ""          // in clear, and never was otherwise
	SealOff      SealState = "off"       // in clear, because somebody wanted it so
	SealOn       SealState = "on"        // every value is sealed
	SealClosing  SealState = "sealing"   // values are being sealed
	SealRotating SealState = "rotating"  // values are being sealed to other keys
	SealOpening  SealState = "unsealing" // values are being put in clear
)

// metaSeal is the key of table meta that holds a vaultRow as JSON.
const metaSeal = "seal"

// convertAnew lets a change in the form of secret values, if one is under way, begin
// anew: values are where it may have been already. Its argument is metaSeal.
const convertAnew = `UPDATE meta SET value = json_set(json_remove(value, '$.column', '$.row'), '$.anew', 1 + COALESCE(value ->> '$.anew', 0))
	WHERE key = ? AND value ->> '$.state' IN ('sealing', 'rotating', 'unsealing')`

// vaultRow is what the database remembers of its sealing.
type vaultRow struct {
	State      SealState `json:"state"`
	Binding    string    `json:"binding,omitempty"`    // see [seal.NewBinding]
	Recipients []string  `json:"recipients,omitempty"` // to whom the values are sealed
	Column     int       `json:"column,omitempty"`     // how far the work has got: which of secretColumns
	Row        int64     `json:"row,omitempty"`        // and the last rowid that is done
	Anew       int       `json:"anew,omitempty"`       // how often it began anew
	Untidy     bool      `json:"untidy,omitempty"`     // what the old form left behind is still in the file
}

// vault keeps secret values. Its lock is held for reading from the sealing of a
// value to the commit of it, and for writing while the state changes.
type vault struct {
	mu   sync.RWMutex
	row  vaultRow
	seal *seal.Seal // nil in clear
	work sync.Mutex // one at a time changes the form of the values
	// rewritten tells whether the file was written anew since the last change; who holds work has it.
	rewritten bool
}

// Sealer seals the values of one write. It is valid inside the function that
// [DB.UpdateSealed] gave it to.
type Sealer struct{ v *vault }

// Seal returns the form in which a secret value is kept: value itself when the
// database keeps them in clear. Key names it within its class and session.
func (s Sealer) Seal(session, class, key string, value []byte) ([]byte, error) {
	if s.v.seal == nil || s.v.row.State == SealOpening || value == nil {
		return value, nil
	}
	sealed, err := s.v.seal.Close(seal.Place{Session: session, Class: class, Key: key}, value)
	if err != nil {
		return nil, &Error{Code: CodeInternal, Name: "not_sealed", Message: "A secret value could not be sealed, nothing was changed", Hint: "The log has the cause.", Err: err}
	}
	return sealed, nil
}

// On tells whether values are sealed, which takes time.
func (s Sealer) On() bool { return s.v.seal != nil && s.v.row.State != SealOpening }

// UpdateSealed is [DB.Update] for writes with secret values: prepare seals them
// outside of the transaction and returns what goes into it. prepare must not
// call the DB.
func (db *DB) UpdateSealed(ctx context.Context, prepare func(Sealer) (func(*Tx) error, error)) error {
	db.vault.mu.RLock()
	defer db.vault.mu.RUnlock()
	fn, err := prepare(Sealer{&db.vault})
	if err != nil {
		return err
	}
	return db.Update(ctx, fn)
}

// ConvertAnew lets a change in the form of secret values, if one is under way, begin
// anew. Who moves such values as they are calls it within the transaction: they may
// come where the change was already.
func (tx *Tx) ConvertAnew() error {
	_, err := tx.Exec(convertAnew, metaSeal)
	return err
}

// Push hands in a write, which begins with sealing, and does not wait: after, which
// must be quick, is called when it is committed, or with the reason why it is not.
// The commit may come up to d later, so that it is shared with one that has to be
// made anyhow. Writes are committed in the order in which they were handed in.
func (db *DB) Push(d time.Duration, prepare func(Sealer) (func(*Tx) error, error), after func(error)) {
	db.laterSealed(d, prepare, after)
}

// laterSealed is [DB.later] for writes with secret values.
func (db *DB) laterSealed(d time.Duration, prepare func(Sealer) (func(*Tx) error, error), after func(error)) {
	db.vault.mu.RLock()
	done := func(err error) { db.vault.mu.RUnlock(); after(err) }
	fn, err := prepare(Sealer{&db.vault})
	if err != nil {
		done(err)
		return
	}
	db.later(d, fn, done)
}

// Unseal returns a secret value as it was before it was sealed; nil stays nil.
// A value that was put here from elsewhere, forged or cut, is refused.
func (tx *Tx) Unseal(session, class, key string, value []byte) ([]byte, error) {
	v := tx.vault
	if v == nil || v.seal == nil || value == nil {
		return value, nil
	}
	plain, err := v.open(seal.Place{Session: session, Class: class, Key: key}, value)
	if err != nil {
		return nil, errRefusedValue(session, class, key, err)
	}
	return plain, nil
}

// open returns a value as it was before it was sealed. While values begin or cease
// to be sealed one that does not open is in clear, whatever it looks like.
func (v *vault) open(p seal.Place, value []byte) ([]byte, error) {
	mixed := v.row.State == SealClosing || v.row.State == SealOpening
	if !seal.Sealed(value) && !mixed {
		return nil, errors.New("the value is not sealed")
	}
	if !seal.Sealed(value) {
		return value, nil
	}
	plain, err := v.seal.Open(p, value)
	if err != nil && mixed {
		return value, nil
	}
	return plain, err
}

func errRefusedValue(session, class, key string, cause error) error {
	return &Error{Code: CodeStorage, Name: "value_refused",
		Message: "A secret value in the database is damaged, or was changed by somebody else",
		Hint:    "Stop wamux and put back a backup; `wamux key check` tells which values are affected.",
		Err:     fmt.Errorf("%s %q of session %q: %w", class, key, session, cause)}
}

// readVault reads the row over any connection; a database of before has none.
func readVault(ctx context.Context, q interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}) (vaultRow, error) {
	var row vaultRow
	var text string
	err := q.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = ?", metaSeal).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return row, nil
	}
	if err != nil {
		return row, err
	}
	if err := json.Unmarshal([]byte(text), &row); err != nil {
		return row, &Error{Code: CodeStorage, Name: "database_damaged", Message: "The database says in a damaged way how it is sealed", Hint: "Stop wamux and put back a backup.", Err: err}
	}
	return row, nil
}

// unlock returns the seal that the row asks for, nil for none, or the reason
// why keys do not fit.
func (r vaultRow) unlock(keys *seal.Keys) (*seal.Seal, error) {
	if r.Binding == "" {
		return nil, nil
	}
	if keys == nil {
		return nil, &Error{Code: CodeConflict, Name: "key_missing", Message: "The database is sealed, and no key was given",
			Hint: "Set AGE_IDENTITY_FILE to the identity file that it was sealed with."}
	}
	s, err := seal.WithBinding(keys, r.Binding)
	if errors.Is(err, seal.ErrWrongKey) {
		return nil, &Error{Code: CodeConflict, Name: "key_wrong", Message: "The database is sealed with another key than the one given",
			Hint: "Set AGE_IDENTITY_FILE to the identity file that it was sealed with.", Err: err}
	}
	if err != nil {
		return nil, &Error{Code: CodeStorage, Name: "database_damaged", Message: "The key that binds the sealed values is damaged", Hint: "Stop wamux and put back a backup.", Err: err}
	}
	return s, nil
}

// openVault takes the keys into use. A database in clear begins to be sealed,
// unless it was unsealed on purpose; other recipients than those of before begin
// a rotation, but not when it is to be still. The work itself is [DB.Convert]'s.
func (db *DB) openVault(ctx context.Context, keys *seal.Keys, still bool) error {
	v := &db.vault
	var err error
	if v.row, err = readVault(ctx, db.writer.conn.sql); err != nil {
		return err
	}
	if v.seal, err = v.row.unlock(keys); err != nil {
		return err
	}
	switch {
	case keys == nil || still:
	case v.row.State == SealNone:
		return db.BeginSeal(ctx, keys)
	case v.row.State == SealOff:
		db.log.Warn("a key is given, but the database was unsealed on purpose and stays in clear: `wamux key seal` seals it again")
	case v.row.State == SealOn && !slices.Equal(v.row.Recipients, keys.Recipients()):
		return db.BeginRotate(ctx, keys)
	}
	return nil
}

// SealState tells how secret values are kept, to whom they are sealed, and
// whether work on that is left for [DB.Convert].
func (db *DB) SealState() (state SealState, recipients []string, pending bool) {
	db.vault.mu.RLock()
	defer db.vault.mu.RUnlock()
	row := db.vault.row
	busy := row.State == SealClosing || row.State == SealRotating || row.State == SealOpening
	return row.State, slices.Clone(row.Recipients), busy || row.Untidy
}

// BeginSeal makes the database seal what is written from now on; [DB.Convert]
// seals the rest.
func (db *DB) BeginSeal(ctx context.Context, keys *seal.Keys) error {
	return db.turn(ctx, func(row vaultRow, _ *seal.Seal) (vaultRow, *seal.Seal, error) {
		if row.State == SealOpening || row.Untidy {
			return row, nil, errSealBusy(row.State)
		}
		if row.State != SealNone && row.State != SealOff {
			return row, nil, Errorf(CodeConflict, "sealed_already", "The database is sealed already")
		}
		s, binding, err := seal.NewBinding(keys)
		return vaultRow{State: SealClosing, Binding: binding, Recipients: keys.Recipients()}, s, err
	})
}

// BeginRotate makes the database seal to the recipients of keys, which must also
// hold the identity of before; [DB.Convert] does so with the values there are.
func (db *DB) BeginRotate(ctx context.Context, keys *seal.Keys) error {
	return db.turn(ctx, func(row vaultRow, old *seal.Seal) (vaultRow, *seal.Seal, error) {
		if row.State != SealOn || row.Untidy {
			return row, nil, errSealBusy(row.State)
		}
		if slices.Equal(row.Recipients, keys.Recipients()) {
			return row, nil, &Error{Code: CodeConflict, Name: "no_new_key", Message: "The values are sealed to these keys already", Hint: "`wamux key rotate` makes a new key and puts it into the identity file."}
		}
		if _, err := row.unlock(keys); err != nil {
			return row, nil, err
		}
		s := old.With(keys)
		binding, err := s.Binding()
		return vaultRow{State: SealRotating, Binding: binding, Recipients: keys.Recipients()}, s, err
	})
}

// BeginUnseal makes the database keep what is written from now on in clear;
// [DB.Convert] opens the rest.
func (db *DB) BeginUnseal(ctx context.Context) error {
	return db.turn(ctx, func(row vaultRow, s *seal.Seal) (vaultRow, *seal.Seal, error) {
		if row.State != SealOn || row.Untidy {
			return row, nil, errSealBusy(row.State)
		}
		row.State, row.Column, row.Row = SealOpening, 0, 0
		return row, s, nil
	})
}

func errSealBusy(state SealState) error {
	if state == SealNone || state == SealOff {
		return &Error{Code: CodeConflict, Name: "not_sealed", Message: "The database is not sealed", Hint: "`wamux key seal` seals it."}
	}
	return &Error{Code: CodeConflict, Name: "sealing", Message: "The values of the database are being changed already", Hint: "Wait until that is done."}
}

// turn changes the state, in the database first. Nothing is sealed or written in
// between.
func (db *DB) turn(ctx context.Context, change func(vaultRow, *seal.Seal) (vaultRow, *seal.Seal, error)) error {
	v := &db.vault
	if !v.work.TryLock() {
		return errSealBusy(SealClosing)
	}
	defer v.work.Unlock()
	release, err := db.foldAlone(ctx)
	if err != nil {
		return err
	}
	defer release()
	v.mu.Lock()
	defer v.mu.Unlock()
	row, s, err := change(v.row, v.seal)
	if err != nil {
		return err
	}
	return db.enter(ctx, row, s)
}

// enter writes a new state and goes by it from then on. mu is held. Readers are
// kept off, since a snapshot from before would meet rules from after. The state is
// in the main file afterwards, unless another program has a snapshot open: all work
// waits, so that is not waited for. A start looks into the log, too, and [DB.tidy]
// does not end a change before.
func (db *DB) enter(ctx context.Context, row vaultRow, s *seal.Seal) error {
	if err := db.Update(ctx, row.write); err != nil {
		return err
	}
	held := make([]*conn, 0, db.size)
	for range db.size {
		held = append(held, <-db.readers)
	}
	defer func() {
		for _, c := range held {
			db.readers <- c
		}
	}()
	ctx = context.WithoutCancel(ctx)
	return db.writer.alone(ctx, func(c *conn) error {
		db.vault.row, db.vault.seal = row, s
		_, err := foldBriefly(ctx, c)
		return err
	})
}

func (r vaultRow) write(tx *Tx) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = tx.Exec("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", metaSeal, string(text))
	return err
}
