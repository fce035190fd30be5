package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// setMeta is a batch that writes one row.
func setMeta(key, value string) func(*Tx) error {
	return func(tx *Tx) error {
		_, err := tx.Exec("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value)
		return err
	}
}

func wantMeta(t *testing.T, db *DB, key, want string) {
	t.Helper()
	if got, err := db.Meta(t.Context(), key); got != want || err != nil {
		t.Errorf("%s is %q, %v, want %q", key, got, err, want)
	}
}

// together runs the batches in one group: the writer is held until all wait.
func together(t *testing.T, db *DB, batches []func(*Tx) error) []error {
	t.Helper()
	free := hold(t, db)
	errs := make([]error, len(batches))
	var wg sync.WaitGroup
	for i, fn := range batches {
		wg.Go(func() { errs[i] = db.Update(context.Background(), fn) })
	}
	waitForQueue(t, db, len(batches))
	free()
	wg.Wait()
	return errs
}

// hold keeps the writer busy until the returned function is called.
func hold(t *testing.T, db *DB) func() {
	t.Helper()
	held, release, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- db.writer.alone(context.Background(), func(*conn) error {
			close(held)
			<-release
			return nil
		})
	}()
	<-held
	return func() {
		close(release)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// waitForQueue waits until n batches wait for the writer.
func waitForQueue(t *testing.T, db *DB, n int) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		db.writer.mu.Lock()
		waiting := len(db.writer.queue)
		db.writer.mu.Unlock()
		if waiting == n {
			return
		}
		if t.Context().Err() != nil {
			t.Fatal("the batches never waited")
		}
	}
}

func TestUpdate(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		db := fresh(t)
		var now time.Time
		err := db.Update(t.Context(), func(tx *Tx) error {
			now = tx.Now
			return setMeta("a", "1")(tx)
		})
		if err != nil || now.Location() != time.UTC || now.Nanosecond()%1e6 != 0 {
			t.Errorf("got %v at %v", err, now)
		}
		wantMeta(t, db, "a", "1")
	})

	t.Run("ErrRollsBack", func(t *testing.T) {
		db := fresh(t)
		mine := errors.New("mine")
		err := db.Update(t.Context(), func(tx *Tx) error { return errors.Join(setMeta("a", "1")(tx), mine) })
		if !errors.Is(err, mine) {
			t.Errorf("got %v, want my own error", err)
		}
		wantMeta(t, db, "a", "")
	})

	t.Run("ErrPanic", func(t *testing.T) {
		db := fresh(t)
		err := db.Update(t.Context(), func(tx *Tx) error {
			_ = setMeta("a", "1")(tx)
			panic("boom")
		})
		wantError(t, err, CodeInternal, "Something went wrong inside wamux")
		if !strings.Contains(err.Error(), "boom") {
			t.Errorf("the log would not have the cause: %v", err)
		}
		wantMeta(t, db, "a", "")
		if err := db.Update(t.Context(), setMeta("a", "2")); err != nil {
			t.Error("the writer is dead", err)
		}
	})

	t.Run("ErrCancelledBefore", func(t *testing.T) {
		db := fresh(t)
		free := hold(t, db)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- db.Update(ctx, setMeta("a", "1")) }()
		waitForQueue(t, db, 1)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context canceled", err)
		}
		free()
		if err := db.SetMeta(t.Context(), "b", "1"); err != nil {
			t.Fatal(err)
		}
		wantMeta(t, db, "a", "")
	})

	t.Run("CancelledAfterStart", func(t *testing.T) {
		db := fresh(t)
		ctx, cancel := context.WithCancel(t.Context())
		err := db.Update(ctx, func(tx *Tx) error {
			cancel()
			return setMeta("a", "1")(tx)
		})
		if err != nil {
			t.Errorf("got %v, want the outcome", err)
		}
		wantMeta(t, db, "a", "1")
	})

	t.Run("CloseFinishesWhatWaits", func(t *testing.T) {
		db := fresh(t)
		free := hold(t, db)
		done := make(chan error, 1)
		go func() { done <- db.Update(context.Background(), setMeta("a", "1")) }()
		waitForQueue(t, db, 1)
		closed := make(chan error, 1)
		go func() { closed <- db.Close() }()
		free()
		if err := errors.Join(<-done, <-closed); err != nil {
			t.Error(err)
		}
		wantMeta(t, open(t, db.Path()), "a", "1")
	})
}

func TestGroup(t *testing.T) {
	t.Run("ConstraintHitsOnlyItsBatch", func(t *testing.T) {
		db := fresh(t)
		var batches []func(*Tx) error
		for i := range 100 {
			batches = append(batches, func(tx *Tx) error {
				if err := setMeta(fmt.Sprint("key", i), "1")(tx); err != nil || i != 41 {
					return err
				}
				_, err := tx.Exec("INSERT INTO epoch (id, boot, commits) VALUES (1, '', 0)")
				return err
			})
		}
		before := db.epoch.commits
		for i, err := range together(t, db, batches) {
			if (err != nil) != (i == 41) {
				t.Errorf("batch %d got %v", i, err)
			}
			want := "1"
			if i == 41 {
				want = ""
			}
			wantMeta(t, db, fmt.Sprint("key", i), want)
		}
		if n := db.epoch.commits - before; n != 1 {
			t.Errorf("there were %d commits, want 1 for the whole group", n)
		}
	})

	t.Run("PanicHitsOnlyItsBatch", func(t *testing.T) {
		db := fresh(t)
		errs := together(t, db, []func(*Tx) error{
			setMeta("a", "1"),
			func(tx *Tx) error { _ = setMeta("b", "1")(tx); panic("boom") },
			setMeta("c", "1"),
		})
		if errs[0] != nil || errs[2] != nil {
			t.Error(errs)
		}
		wantError(t, errs[1], CodeInternal, "Something went wrong")
		wantMeta(t, db, "a", "1")
		wantMeta(t, db, "b", "")
		wantMeta(t, db, "c", "1")
	})

	// A full disk takes the whole transaction with it. Each batch gets its own
	// answer all the same.
	t.Run("DiskFull", func(t *testing.T) {
		db := fresh(t)
		limitPages(t, db, 4)
		big := strings.Repeat("x", 1<<20)
		errs := together(t, db, []func(*Tx) error{setMeta("a", "1"), setMeta("big", big), setMeta("c", "1")})
		if errs[0] != nil || errs[2] != nil {
			t.Error("the small ones failed:", errs[0], errs[2])
		}
		wantError(t, errs[1], CodeDiskFull, "The disk is full, nothing was changed")
		wantMeta(t, db, "a", "1")
		wantMeta(t, db, "big", "")
		wantMeta(t, db, "c", "1")
		limitPages(t, db, 1<<20)
		if err := db.SetMeta(t.Context(), "big", big); err != nil {
			t.Error("it does not recover:", err)
		}
	})

	// An error that was swallowed must not let the rest run outside of the
	// transaction.
	t.Run("SwallowedDiskFull", func(t *testing.T) {
		db := fresh(t)
		limitPages(t, db, 4)
		err := db.Update(t.Context(), func(tx *Tx) error {
			_ = setMeta("big", strings.Repeat("x", 1<<20))(tx)
			_ = setMeta("a", "1")(tx)
			return nil
		})
		wantError(t, err, CodeDiskFull, "The disk is full")
		wantMeta(t, db, "a", "")
	})

	t.Run("ReadOnly", func(t *testing.T) {
		db := fresh(t)
		runPragma(t, db, "PRAGMA query_only = 1")
		wantError(t, db.SetMeta(t.Context(), "a", "1"), CodeReadOnly, "The database cannot be written")
		runPragma(t, db, "PRAGMA query_only = 0")
		if err := db.SetMeta(t.Context(), "a", "1"); err != nil {
			t.Error("it does not recover:", err)
		}
	})
}

// limitPages lets the database grow by so many pages only.
func limitPages(t *testing.T, db *DB, more int) {
	t.Helper()
	var pages int
	if err := db.View(t.Context(), func(tx *Tx) error { return tx.QueryRow("PRAGMA page_count").Scan(&pages) }); err != nil {
		t.Fatal(err)
	}
	runPragma(t, db, fmt.Sprintf("PRAGMA max_page_count = %d", pages+more))
}

func runPragma(t *testing.T, db *DB, query string) {
	t.Helper()
	err := db.writer.alone(t.Context(), func(c *conn) error {
		_, err := c.sql.ExecContext(context.Background(), query)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWrote(t *testing.T) {
	db := fresh(t)
	wrote := db.Wrote()
	select {
	case <-wrote:
		t.Fatal("it woke before anything was written")
	default:
	}
	if err := db.SetMeta(t.Context(), "a", "1"); err != nil {
		t.Fatal(err)
	}
	<-wrote
}

func TestView(t *testing.T) {
	t.Run("OneSnapshot", func(t *testing.T) {
		db := fresh(t)
		err := db.View(t.Context(), func(tx *Tx) error {
			for range 2 {
				var n int
				if err := tx.QueryRow("SELECT COUNT(*) FROM meta WHERE key = 'a'").Scan(&n); err != nil || n != 0 {
					return errors.Join(err, fmt.Errorf("sees %d rows", n))
				}
				if err := db.SetMeta(t.Context(), "a", "1"); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})

	t.Run("ErrWrites", func(t *testing.T) {
		wantError(t, fresh(t).View(t.Context(), setMeta("a", "1")), CodeReadOnly, "cannot be written")
	})

	t.Run("ErrPanic", func(t *testing.T) {
		db := fresh(t)
		for range 10 { // more than there are readers
			wantError(t, db.View(t.Context(), func(*Tx) error { panic("boom") }), CodeInternal, "Something went wrong")
		}
		wantMeta(t, db, "a", "")
	})

	t.Run("ErrCancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := fresh(t).View(ctx, func(*Tx) error { return nil })
		wantError(t, err, CodeTimeout, "The request ended")
	})
}

// TestStatements makes more kinds of queries than a connection remembers.
func TestStatements(t *testing.T) {
	db := fresh(t)
	err := db.View(t.Context(), func(tx *Tx) error {
		for i := range maxStatements + 10 {
			var n int
			if err := tx.QueryRow(fmt.Sprintf("SELECT %d", i)).Scan(&n); err != nil || n != i {
				return errors.Join(err, fmt.Errorf("got %d, want %d", n, i))
			}
		}
		if n := len(tx.conn.stmts); n > maxStatements {
			return fmt.Errorf("%d statements are kept", n)
		}
		return tx.QueryRow("SELEKT").Scan()
	})
	wantError(t, err, CodeInternal, "Something went wrong")
}

// TestLaterRunsAhead: what may wait runs at once, is seen and told of when it is committed, which is with what does
// not wait; one that fails spoils none of the others.
func TestLaterRunsAhead(t *testing.T) {
	db := fresh(t)
	put := func(key string) func(*Tx) error {
		return func(tx *Tx) error {
			_, err := tx.Exec("INSERT INTO meta (key, value) VALUES (?, '')", key)
			return err
		}
	}
	count := func() (n int) {
		t.Helper()
		if err := db.Read(t.Context(), func(tx *Tx) error {
			return tx.QueryRow("SELECT COUNT(*) FROM meta WHERE key LIKE 'ahead%'").Scan(&n)
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	ran, told := make(chan struct{}, 9), make(chan error, 9)
	db.later(time.Hour, func(tx *Tx) error {
		defer func() { ran <- struct{}{} }()
		return put("ahead 1")(tx)
	}, func(err error) { told <- err })
	<-ran
	if n := count(); n != 0 || len(told) > 0 {
		t.Errorf("%d rows are seen and %d outcomes told before the commit", n, len(told))
	}
	if err := db.Update(t.Context(), put("ahead 2")); err != nil {
		t.Fatal(err)
	}
	if err := <-told; err != nil || count() != 2 || len(ran) != 0 {
		t.Errorf("after the commit: %v, %d rows, ran %d times more", err, count(), len(ran))
	}
	for _, key := range []string{"ahead 3", "ahead 1", "ahead 4"} {
		db.later(time.Hour, put(key), func(err error) { told <- err })
	}
	if err := db.Update(t.Context(), put("ahead 5")); err != nil {
		t.Fatal(err)
	}
	for i, wrong := range []bool{false, true, false} {
		if err := <-told; (err != nil) != wrong {
			t.Errorf("outcome %d: %v", i+1, err)
		}
	}
	if n := count(); n != 5 {
		t.Errorf("%d rows, want 5", n)
	}
	db.later(time.Hour, put("ahead 6"), func(err error) { told <- err })
	if err := db.writer.alone(t.Context(), func(c *conn) error { _, err := checkpoint(t.Context(), c); return err }); err != nil {
		t.Errorf("what runs alone finds a transaction open: %v", err)
	}
	if err := <-told; err != nil || count() != 6 {
		t.Errorf("before what runs alone: %v, %d rows", err, count())
	}
}

// TestAtLength: what runs alone, and so may take long, is told from a writer that hangs.
func TestAtLength(t *testing.T) {
	db := fresh(t)
	begun, end, done := make(chan struct{}), make(chan struct{}), make(chan error)
	if db.AtLength() {
		t.Error("nothing runs, but is said to")
	}
	go func() {
		done <- db.writer.alone(context.Background(), func(*conn) error {
			close(begun)
			<-end
			return nil
		})
	}()
	<-begun
	if !db.AtLength() {
		t.Error("what runs is not said to")
	}
	close(end)
	if err := errors.Join(<-done, db.CatchUp(t.Context())); err != nil || db.AtLength() {
		t.Errorf("got %v, and that it still runs: %v", err, db.AtLength())
	}
}
