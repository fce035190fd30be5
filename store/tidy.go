package store

import (
	"context"
	"errors"
	"time"
)

// foldPatience is how long the end of a change waits for the readers of other programs.
const foldPatience = 10 * time.Second

// tidy rewrites the file, so that no page, free or not, and no log holds a value
// in its old form. It is done when that is in the main file, and not before: the
// key of before may be thrown away then.
func (db *DB) tidy(ctx context.Context) error {
	v := &db.vault
	if !v.row.Untidy {
		return nil
	}
	release, err := db.foldAlone(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := db.rewrite(ctx); err != nil {
		return err
	}
	for _, end := range []string{"-wal", "-shm"} {
		if err := remove(db.path + end + staleEnd); err != nil {
			return err
		}
	}
	row := v.row // only those who hold work change it
	row.Untidy = false
	if err := db.Update(ctx, row.write); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.row = row
	return nil
}

// rewrite writes the database anew, and folds what it wrote. Each writing makes the
// log longer by the whole database while somebody keeps it from being folded, so
// it is done when nobody does, and once.
func (db *DB) rewrite(ctx context.Context) error {
	v := &db.vault
	if !v.rewritten {
		if err := db.emptyLog(ctx); err != nil {
			return err
		}
		if err := db.writer.alone(ctx, func(c *conn) error { return vacuum(ctx, c) }); err != nil {
			return err
		}
		v.rewritten = true
	}
	return db.emptyLog(ctx)
}

// vacuum writes the database anew. It is made beside in full first, for which
// memory may be too small.
func vacuum(ctx context.Context, c *conn) error {
	if _, err := c.sql.ExecContext(ctx, "PRAGMA temp_store = FILE"); err != nil {
		return err
	}
	_, err := c.sql.ExecContext(ctx, "VACUUM")
	_, back := c.sql.ExecContext(context.WithoutCancel(ctx), "PRAGMA temp_store = MEMORY")
	return errors.Join(err, back)
}

// emptyLog folds the log, or fails with a sentence.
func (db *DB) emptyLog(ctx context.Context) error {
	folded, err := db.foldWithin(ctx, foldPatience)
	if err == nil && !folded {
		err = &Error{Code: CodeLocked, Name: "database_locked", Message: "Another program reads the database, which still has values in their old form",
			Hint: "Close other programs that use the database file. A running wamux goes on by itself then; else call this again."}
	}
	return err
}

// foldAlone is [DB.copyAlone] for who wants the log folded. A check, which keeps it
// from that for long, is broken off and begins anew after release.
func (db *DB) foldAlone(ctx context.Context) (release func(), err error) {
	copied, err := db.copyAlone(ctx)
	if err != nil {
		return nil, err
	}
	for {
		select {
		case db.checking <- struct{}{}:
			return func() { <-db.checking; copied() }, nil
		case db.giveWay <- struct{}{}:
		case <-ctx.Done():
			copied()
			return nil, ctx.Err()
		}
	}
}
