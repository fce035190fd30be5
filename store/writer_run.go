package store

// How the writer runs what it took: ahead of a commit, together under one, or each by itself.

import (
	"fmt"
	"runtime/debug"
	"time"
)

// runAhead runs batches that may wait, so that the commit which takes them along has nothing
// left to do for them. None of them runs alone.
func (w *writer) runAhead(group []*batch) {
	if group = w.admit(taken(group)); len(group) == 0 {
		return
	}
	if w.tx == nil {
		if w.conn.begin("BEGIN IMMEDIATE") != nil {
			w.run(group)
			return
		}
		w.tx = w.begin()
	}
	ok := w.callAll(w.tx, group)
	w.held = append(w.held, group...)
	if !ok {
		w.rollback()
		group, w.tx, w.held = w.held, nil, nil
		w.runEach(group)
	}
}

// taken drops what nobody waits for any more.
func taken(group []*batch) []*batch {
	live := make([]*batch, 0, len(group))
	for _, b := range group {
		if b.state.CompareAndSwap(batchWaiting, batchTaken) {
			live = append(live, b)
		}
	}
	return live
}

// split runs what shares a commit together and what runs alone in between.
func (w *writer) split(group []*batch) {
	live := make([]*batch, 0, len(group))
	for _, b := range group {
		switch {
		case !b.state.CompareAndSwap(batchWaiting, batchTaken):
			w.leave(b)
		case b.alone == nil:
			live = append(live, b)
		default:
			w.run(live)
			live = live[:0]
			w.lengthy.Store(true)
			w.answer(b, wrap(b.alone(w.conn)))
			w.lengthy.Store(false)
		}
	}
	w.run(live)
}

// run commits the group, with what ran ahead, and answers. When one of its batches fails, which
// is rare, all run again, each under a savepoint. When the group as a whole fails, its
// batches run again one by one, so that each gets its own answer: a savepoint does
// not isolate a full disk.
func (w *writer) run(group []*batch) {
	group = w.admit(group)
	tx, held := w.tx, w.held
	w.tx, w.held = nil, nil
	all := append(held, group...)
	if tx == nil && len(all) > 1 && w.conn.begin("BEGIN IMMEDIATE") == nil {
		tx = w.begin()
	}
	if tx != nil && w.runTogether(tx, group, all) {
		return
	}
	w.runEach(all)
}

// runEach is run for batches of which each is to have its own answer.
func (w *writer) runEach(group []*batch) {
	if len(group) == 0 {
		return
	}
	if err := w.conn.begin("BEGIN IMMEDIATE"); err != nil {
		for _, b := range group {
			w.answer(b, wrap(err))
		}
		return
	}
	errs, err := w.commit(group)
	if w.again(group, errs, err) {
		for i := range group {
			w.run(group[i : i+1])
		}
		return
	}
	for i, b := range group {
		if err != nil {
			errs[i] = err
		}
		w.answer(b, wrap(errs[i]))
	}
	if err == nil {
		w.db.waiters.wake()
	}
}

// runTogether commits the open transaction with the group, and answers all that are in it, if
// nothing fails, and tells whether that is so; if not, nothing was changed.
func (w *writer) runTogether(tx *Tx, group, all []*batch) bool {
	if !w.callAll(tx, group) {
		w.rollback()
		return false
	}
	if w.finish(tx, len(all)) != nil {
		return false
	}
	for _, b := range all {
		w.answer(b, nil)
	}
	w.db.waiters.wake()
	return true
}

// callAll tells whether all of the group ran well.
func (w *writer) callAll(tx *Tx, group []*batch) bool {
	tx.Now = w.db.time()
	for _, b := range group {
		if call(tx, b.fn) != nil || tx.fatal != nil {
			return false
		}
	}
	return true
}

// commit runs the group in the open transaction and ends it. The first result
// has the answer of each batch, the second tells that the group failed as a
// whole.
func (w *writer) commit(group []*batch) ([]error, error) {
	errs := make([]error, len(group))
	tx := w.begin()
	for i, b := range group {
		failed, err := w.isolate(tx, b, len(group) > 1)
		if err != nil {
			w.rollback()
			return errs, err
		}
		errs[i] = failed
	}
	if len(group) == 1 && errs[0] != nil {
		w.rollback()
		return errs, nil
	}
	return errs, w.finish(tx, len(group))
}

// finish ends the transaction, of so many batches, with its number, and tells the sidecar of it.
func (w *writer) finish(tx *Tx, batches int) error {
	n := w.db.epoch.next()
	if tx.dirty {
		if _, err := w.conn.exec("UPDATE epoch SET commits = ? WHERE id = 1", n); err != nil {
			w.rollback()
			return err
		}
	}
	began := time.Now()
	err := w.conn.end("COMMIT")
	if tx.rows {
		w.db.rows.forget()
	}
	if err != nil {
		w.rollback()
		return err
	}
	if tx.dirty {
		w.db.epoch.committed(n)
		w.db.space.short.Store(false)
		w.db.meters.commit(time.Since(began), batches)
	}
	w.db.meters.add(tx.counts)
	return nil
}

// isolate runs one batch. With others around it does so under a savepoint. The
// second error means that the whole transaction is lost.
func (w *writer) isolate(tx *Tx, b *batch, others bool) (failed, lost error) {
	if !others {
		failed = call(tx, b.fn)
		return failed, tx.fatal
	}
	if _, err := w.conn.exec("SAVEPOINT batch"); err != nil {
		return nil, err
	}
	before := tx.counts
	failed = call(tx, b.fn)
	if tx.fatal != nil {
		return nil, tx.fatal
	}
	if failed != nil {
		tx.counts = before
		if _, err := w.conn.exec("ROLLBACK TO batch"); err != nil {
			return nil, err
		}
	}
	_, err := w.conn.exec("RELEASE batch")
	return failed, err
}

// rollback ends the transaction; SQLite may have done so already.
func (w *writer) rollback() {
	if err := w.conn.end("ROLLBACK"); err != nil {
		w.db.log.Debug("the transaction was gone already", "cause", err)
	}
}

// call runs fn and turns a panic into an error.
func call(tx *Tx, fn func(*Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &Error{Code: CodeInternal, Name: "internal", Message: "Something went wrong inside wamux", Hint: "The log has the cause.",
				Err: fmt.Errorf("panic in a transaction: %v\n%s", p, debug.Stack())}
		}
	}()
	return fn(tx)
}

func errStopping() error {
	return &Error{Code: CodeStorage, Name: "stopping", Message: "wamux is stopping", Hint: "Try again when it runs."}
}

// begin makes the Tx for a transaction that is open.
func (w *writer) begin() *Tx {
	return &Tx{Now: w.db.time(), conn: w.conn, vault: &w.db.vault, history: w.db.history}
}
