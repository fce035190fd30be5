package store

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// reserveSize is how much of the disk is kept back. It holds the states of some
// hundred sessions, and the log that they are written to.
const reserveSize = 2 << 20

// space keeps a part of the disk in reserve, in a file beside the database. When
// what must be written (in what state sessions are) finds no room, that file goes,
// and everything else is refused until there is room for it again. Without it the
// state of sessions that had stopped could not be saved, so they still said that
// they were online. Only the writer uses it, but for full and short.
type space struct {
	path  string
	full  atomic.Bool
	short atomic.Bool // the last write found no room, or a disk that takes nothing
	once  sync.Mutex  // against a full disk noticed twice
	next  time.Time   // when to look again whether there is room
}

func errDiskFull(cause error) *Error {
	return &Error{Code: CodeDiskFull, Name: "disk_full", Message: "The disk is full, nothing was changed", Hint: "Free some space; wamux goes on by itself.", Err: cause}
}

func errReadOnly(cause error) *Error {
	return &Error{Code: CodeReadOnly, Name: "read_only", Message: "The database cannot be written, nothing was changed", Hint: "Check the owner and mode of the database file and its folder, and that the disk is not mounted read-only.", Err: cause}
}

// refusal tells a disk that lets nothing be written any more from one that is broken:
// while a file is open SQLite has the same words for both.
func (db *DB) refusal(err error) error {
	if err != nil && asError(err).Name == "storage" && !(writable(db.path) && writable(db.path+"-wal")) {
		return errReadOnly(err)
	}
	return err
}

// takesNothing tells whether err says that the disk is full or read-only.
func takesNothing(err error) bool { return isDiskFull(err) || ErrorCode(err) == CodeReadOnly }

func (s *space) isFull() bool { return s.full.Load() }

// keep sets the reserve aside and tells whether there was room for it.
func (s *space) keep() bool {
	f, err := os.OpenFile(s.path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return false
	}
	noise := make([]byte, 32<<10) // zeros would take no room on some disks
	for n := 0; n < reserveSize && err == nil; n += len(noise) {
		_, _ = rand.Read(noise) // never fails
		_, err = f.Write(noise)
	}
	if errors.Join(err, f.Sync(), f.Close()) != nil {
		s.free()
		return false
	}
	return true
}

// free gives the reserve back.
func (s *space) free() { _ = os.Remove(s.path) }

// spend frees the reserve because the disk is full; false when that was known.
func (s *space) spend() bool {
	s.once.Lock()
	defer s.once.Unlock()
	if s.full.Swap(true) {
		return false
	}
	s.free()
	s.next = time.Now().Add(time.Second)
	return true
}

// recovered looks, once a second, whether there is room again.
func (s *space) recovered() bool {
	s.once.Lock()
	defer s.once.Unlock()
	if !s.full.Load() {
		return true
	}
	now := time.Now()
	if now.Before(s.next) {
		return false
	}
	s.next = now.Add(time.Second)
	if !s.keep() {
		return false
	}
	s.full.Store(false)
	return true
}

// isDiskFull tells whether err says so.
func isDiskFull(err error) bool { return ErrorCode(err) == CodeDiskFull }

// updateUrgently is [DB.Update] for the little that is written while the disk is
// full.
func (db *DB) updateUrgently(ctx context.Context, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return db.writer.do(ctx, &batch{fn: fn, urgent: true, done: make(chan struct{})})
}

// again tells whether the batches run again one by one: the group failed as a
// whole, or what has to be written found no room, and there is a reserve for it.
func (w *writer) again(group []*batch, errs []error, lost error) bool {
	if len(group) > 1 {
		return lost != nil
	}
	full := isDiskFull(lost) || isDiskFull(errs[0])
	if !full || !group[0].urgent || !w.db.space.spend() {
		return false
	}
	w.db.log.Error("the disk is full: nothing is taken until there is room, then all goes on by itself")
	return true
}

// admit answers those that have to wait for room on the disk.
func (w *writer) admit(group []*batch) []*batch {
	if !w.db.space.isFull() {
		return group
	}
	if w.db.space.recovered() {
		w.db.log.Info("there is room on the disk again")
		return group
	}
	var urgent []*batch
	for _, b := range group {
		if b.urgent {
			urgent = append(urgent, b)
		} else {
			w.answer(b, errDiskFull(nil))
		}
	}
	return urgent
}
