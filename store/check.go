package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Keys of table meta about the state of the file.
const (
	metaChecked = "checked" // when the whole file was looked through last and was sound
	metaDamaged = "damaged" // when damage was found
)

// fullCheckEvery is how long a sound file counts as sound.
const fullCheckEvery = 7 * 24 * time.Hour

// CheckDepth is how closely [DB.Check] looks.
type CheckDepth int

// The depths of a check.
const (
	CheckQuick CheckDepth = iota // the pages; table by table, so that the log can be folded in between
	CheckFull                    // also that indexes and tables agree, and that no page is lost
)

func errDamaged(cause error) *Error {
	return &Error{Code: CodeStorage, Name: "database_damaged", Message: "The database file is damaged",
		Hint: "Stop wamux, then save what can be read with `wamux recover`, or put back a backup.", Err: cause}
}

// IsDamage tells whether err says that the database file is damaged.
func IsDamage(err error) bool {
	e := (*Error)(nil)
	return errors.As(wrap(err), &e) && e.Name == "database_damaged"
}

// glance looks at the beginning of every table and index: what it costs does not
// grow with the file.
func glance(ctx context.Context, c *conn) error {
	rows, err := c.sql.QueryContext(ctx, "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")
	tables, err := collect(rows, err, func(row scanner) (name string, err error) { return name, row.Scan(&name) })
	for _, table := range tables {
		var one int
		err := c.sql.QueryRowContext(ctx, fmt.Sprintf(`SELECT 1 FROM "%s" LIMIT 1`, table)).Scan(&one)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	return err
}

// sound runs one of SQLite's own checks; what it finds is the cause of the error.
func sound(ctx context.Context, c *conn, check string) error {
	rows, err := c.sql.QueryContext(ctx, "PRAGMA "+check)
	found, err := collect(rows, err, func(row scanner) (s string, err error) { return s, row.Scan(&s) })
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return err
	case len(found) == 1 && found[0] == "ok":
		return nil
	}
	return errDamaged(errors.New(strings.Join(found[:min(len(found), 5)], "; ")))
}

// Check looks for damage, over a connection of its own, beside all other work,
// and ends early with ctx. It returns nil, an error for which [IsDamage] is true,
// or why it could not look. A full check of a sound file is remembered. It gives way
// to a change in the form of secret values, and begins anew then.
func (db *DB) Check(ctx context.Context, depth CheckDepth) error {
	for {
		err := db.checkUndisturbed(ctx, depth)
		if !errors.Is(err, errGaveWay) {
			return wrap(err)
		}
	}
}

var errGaveWay = errors.New("the check gave way")

// checkUndisturbed is Check up to the moment when it is to give way.
func (db *DB) checkUndisturbed(ctx context.Context, depth CheckDepth) error {
	select {
	case db.checking <- struct{}{}:
		defer func() { <-db.checking }()
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-db.giveWay:
			cancel(errGaveWay)
		case <-ctx.Done():
		}
	}()
	err := db.look(ctx, depth)
	if err != nil && errors.Is(context.Cause(ctx), errGaveWay) {
		return errGaveWay
	}
	return err
}

// look is what a check does.
func (db *DB) look(ctx context.Context, depth CheckDepth) error {
	pool, err := sql.Open("sqlite", readerDSN(db.path))
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }()
	c, err := openConn(ctx, pool, readerPragmas)
	if err != nil {
		return err
	}
	defer c.close()
	if depth == CheckQuick {
		return checkTables(ctx, c)
	}
	if err := sound(ctx, c, "integrity_check"); err != nil {
		return err
	}
	return db.SetMeta(ctx, metaChecked, formatTime(db.time()))
}

// checkTables looks at one table after the other, with rests as long as the work,
// so that half of the disk is left to others.
func checkTables(ctx context.Context, c *conn) error {
	rows, err := c.sql.QueryContext(ctx, "SELECT 'sqlite_schema' UNION ALL SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")
	tables, err := collect(rows, err, func(row scanner) (name string, err error) { return name, row.Scan(&name) })
	for _, table := range tables {
		began := time.Now()
		if err := sound(ctx, c, fmt.Sprintf("quick_check('%s')", table)); err != nil {
			return err
		}
		if err := rest(ctx, min(time.Since(began), time.Second)); err != nil {
			return err
		}
	}
	return err
}

// rest waits, or returns ctx's error.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// FullCheckDue tells whether the last full check is more than a week ago, or was
// before a run that did not end cleanly.
func (db *DB) FullCheckDue(ctx context.Context) (bool, error) {
	last, err := db.Meta(ctx, metaChecked)
	return last == "" || db.time().Sub(parseTime(last)) > fullCheckEvery, err
}

// forgetCheck makes a full check due: what was sound may not be so any more.
func (db *DB) forgetCheck(ctx context.Context) error {
	return db.Update(ctx, func(tx *Tx) error {
		_, err := tx.Exec("DELETE FROM meta WHERE key = ?", metaChecked)
		return err
	})
}

// Suspicion gets a value when SQLite met damage while it did something else.
func (db *DB) Suspicion() <-chan struct{} { return db.suspicion }

// suspect raises suspicion when err is about damage.
func (db *DB) suspect(err error) error {
	if err != nil && IsDamage(err) {
		select {
		case db.suspicion <- struct{}{}:
		default:
		}
	}
	return err
}

// Condemn notes that damage was found, for the next start, and lets nothing be
// written any more: writing to a damaged file makes it worse. Reading goes on.
func (db *DB) Condemn(ctx context.Context, why error) {
	if err := db.SetMeta(ctx, metaDamaged, formatTime(db.time())); err != nil {
		db.log.Warn("the damage could not be noted in the database", "cause", err)
	}
	db.condemned.Store(errDamaged(why))
}

// Trouble says why nothing can be written now: the file is damaged, or the disk is
// full or read-only, which it tries when the last write found it so. It is nil when
// all is well, as far as is known.
func (db *DB) Trouble(ctx context.Context) *Error {
	if e := db.condemned.Load(); e != nil {
		return e
	}
	if !db.space.isFull() && !db.space.short.Load() {
		return nil
	}
	if err := db.Probe(ctx); takesNothing(err) {
		return asError(err)
	}
	return nil
}

// FoundDamaged tells whether damage was found in this file before, and that it is
// sound was not seen since.
func (db *DB) FoundDamaged(ctx context.Context) (bool, error) {
	when, err := db.Meta(ctx, metaDamaged)
	return when != "", err
}

// Acquit forgets that damage was found, after a full check that found none.
func (db *DB) Acquit(ctx context.Context) error {
	return db.Update(ctx, func(tx *Tx) error {
		_, err := tx.Exec("DELETE FROM meta WHERE key = ?", metaDamaged)
		return err
	})
}
