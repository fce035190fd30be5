package store

import (
	"context"
	"sync"
)

// waiters wakes everybody who waits for the next commit.
type waiters struct {
	mu sync.Mutex
	ch chan struct{} // nil when nobody waits
}

// Wrote returns a channel that is closed after the next commit. Ask for it
// before looking at the data, and anew after each wake-up.
func (db *DB) Wrote() <-chan struct{} {
	db.waiters.mu.Lock()
	defer db.waiters.mu.Unlock()
	if db.waiters.ch == nil {
		db.waiters.ch = make(chan struct{})
	}
	return db.waiters.ch
}

func (w *waiters) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ch != nil {
		close(w.ch)
		w.ch = nil
	}
}

// View runs fn on one snapshot of the database. fn must not write and must not
// call View itself: the readers are few.
func (db *DB) View(ctx context.Context, fn func(*Tx) error) error {
	return db.Read(ctx, func(tx *Tx) error {
		if err := tx.conn.begin("BEGIN"); err != nil {
			return err
		}
		err := call(tx, fn)
		if end := tx.conn.end("ROLLBACK"); err == nil {
			err = end
		}
		return err
	})
}

// viewLatest is View for what tells of writes that may wait: it sees those that
// were handed in before.
func (db *DB) viewLatest(ctx context.Context, fn func(*Tx) error) error {
	if err := db.catchUp(ctx); err != nil {
		return err
	}
	return db.View(ctx, fn)
}

// readLatest is Read as viewLatest is View.
func (db *DB) readLatest(ctx context.Context, fn func(*Tx) error) error {
	if err := db.catchUp(ctx); err != nil {
		return err
	}
	return db.Read(ctx, fn)
}

// Read runs fn on a reader without a transaction, which costs a third less
// than [DB.View]. One query is a snapshot by itself; two may see different states.
func (db *DB) Read(ctx context.Context, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case c, ok := <-db.readers:
		if !ok {
			return errStopping()
		}
		defer func() { db.readers <- c }()
		if err := c.settle(); err != nil {
			return db.suspect(wrap(err))
		}
		return db.suspect(wrap(call(&Tx{Now: db.time(), conn: c, vault: &db.vault}, fn)))
	case <-ctx.Done():
		return ctx.Err()
	}
}
