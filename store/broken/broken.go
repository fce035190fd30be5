// Package broken is a disk that breaks when it is told to. Only tests use it.
package broken

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Kind is a way to break.
type Kind struct {
	Name string
	fail func() error
}

// Panic is the kind that panics instead of returning an error.
const Panic = "panic"

// Kinds lists all ways to break.
func Kinds() []Kind {
	code := func(name string, rc int) Kind { return Kind{name, func() error { return failure(rc, name) }} }
	return []Kind{
		code("busy", sqlite3.SQLITE_BUSY),
		code("full", sqlite3.SQLITE_FULL),
		code("io", sqlite3.SQLITE_IOERR_WRITE),
		code("corrupt", sqlite3.SQLITE_CORRUPT),
		{"cancelled", func() error { return context.Canceled }},
		{Panic, func() error { panic("broken on purpose") }},
	}
}

// failure makes an error as the driver does, which lets nobody else make one.
func failure(rc int, text string) error {
	e := &sqlite.Error{}
	v := reflect.ValueOf(e).Elem()
	*(*int)(unsafe.Pointer(v.FieldByName("code").UnsafeAddr())) = rc
	*(*string)(unsafe.Pointer(v.FieldByName("msg").UnsafeAddr())) = text + " on purpose"
	return e
}

// Disk counts statements and breaks at one of them. The zero Disk is well. Its
// methods may be called from any goroutine.
type Disk struct {
	mu      sync.Mutex
	kind    Kind
	left    int // statements until it breaks; 0: it is well
	lasting bool
	writes  bool // only these fail
	most    int  // statements of a run that may fail; 0: all
	run     int  // statements up to now that each were like the one two before
	last    [2]string
	seen    int
	struck  int
}

// Break lets statement number n from now fail, and if lasting all after it.
func (d *Disk) Break(n int, kind Kind, lasting bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kind, d.left, d.lasting, d.struck = kind, n, lasting, 0
}

// OnlyWrites lets reading go on while the disk is broken, as on a full one.
func (d *Disk) OnlyWrites(only bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writes = only
}

// Heal makes the disk well and tells how many statements failed since Break.
func (d *Disk) Heal() (struck int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left = 0
	return d.struck
}

// PassOver lets no more than the first n fail, and counts no others, where statements
// are each like the one two before: two that are written for each of many rows.
func (d *Disk) PassOver(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.most = n
}

// Seen counts all statements that there were.
func (d *Disk) Seen() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.seen
}

// Struck tells how many statements failed since Break.
func (d *Disk) Struck() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.struck
}

// Fault is for the options of the store.
func (d *Disk) Fault(query string) error {
	if fail := d.next(query); fail != nil {
		return fail()
	}
	return nil
}

// next counts a statement, and returns how it fails if it does.
func (d *Disk) next(query string) func() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen++
	if d.run++; query != d.last[0] {
		d.run = 0
	}
	d.last = [2]string{d.last[1], query}
	if d.left == 0 || d.most > 0 && d.run > d.most || d.kind.Name == Panic && begins(query, frames) || d.writes && !begins(query, changes) {
		return nil
	}
	if d.left > 1 {
		d.left--
		return nil
	}
	if d.struck++; !d.lasting {
		d.left = 0
	}
	return d.kind.fail
}

// frames begin the statements of the store's own, around the function of a
// transaction: SQLite does not panic, and functions do not run there. changes begin
// those that write.
var (
	frames  = []string{"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "UPDATE epoch"}
	changes = []string{"INSERT", "UPDATE", "DELETE", "COMMIT"}
)

func begins(query string, with []string) bool {
	return slices.ContainsFunc(with, func(word string) bool { return strings.HasPrefix(query, word) })
}
