// Package store is what the gateway remembers: sessions, messages, events,
// jobs and keys in one SQLite file.
//
// All writing goes through one goroutine, the writer. Callers hand in finished
// work with [DB.Update]; the writer runs whatever waits in one transaction and
// answers after the commit, so that many sessions share one fsync. Reading goes
// over a small pool of connections and waits for nobody.
//
// The live file must never be opened by other means within the process: closing
// a descriptor drops the locks that SQLite holds on it.
package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"

	"wamux/store/seal"
)

// Options says how to open a database.
type Options struct {
	Path    string           // of the .db file; it and its folder are made when missing
	Log     *slog.Logger     // nil means slog.Default
	Now     func() time.Time // nil means time.Now
	Readers int              // connections for reading; 0 means 4, or 2 when Small
	Small   bool             // keep little of the file in memory: slower, for machines that have little
	Keys    *seal.Keys       // to seal secret values with; nil means that they are kept in clear
	// Unlock, if it is not nil, is asked for Keys once no other process can have the file open.
	Unlock  func() (*seal.Keys, error)
	Still   bool    // values keep the form they have: Open begins no change of it
	History History // how much of messages is kept; "" means HistoryFull
	// Fault is nil but in tests, which break the disk with it: it is asked before
	// each statement, by any goroutine, and what it returns is the statement's error.
	// Inside of the function of a transaction it may panic, too.
	Fault func(query string) error
}

// DB is the open database. All methods may be called from any goroutine. The
// one who opened it closes it.
type DB struct {
	path     string
	fault    func(query string) error // of the options
	log      *slog.Logger
	now      func() time.Time
	lock     *os.File
	pool     *sql.DB // the writer's one connection
	readPool *sql.DB
	writer   *writer
	readers  chan *conn
	size     int // how many readers there are
	small    bool
	epoch    *epoch
	// needsConfirm is true from an opening that found a restore to its confirmation.
	needsConfirm atomic.Bool
	keys         keyring
	vault        vault
	history      History
	waiters      waiters
	meters       *Meters
	space        space
	heir         *heir
	condemned    atomic.Pointer[Error] // why nothing may be written any more; nil when it may
	suspicion    chan struct{}         // one slot
	unclean      bool                  // the run before did not end by Close
	unsaved      unsaved
	rows         sessionRows
	secretsSeen  atomic.Int64    // how far secrets without a message were looked for
	copying      chan struct{}   // holds one entry while somebody copies or rewrites the whole file
	checking     chan struct{}   // holds one entry while somebody checks the file, or lets nobody do so
	giveWay      chan struct{}   // who checks breaks off when it gets this
	stopping     context.Context // ends when Close begins
	stop         context.CancelFunc
	free         func(folder string) (int64, error)
	closing      sync.Once
	closeErr     error
}

// Open opens the database at o.Path, or makes it, and brings it to the schema
// of this program. It fails with a sentence for people when another process
// uses the file, when a newer wamux or another program made it, or when the
// file system does not give SQLite what durability needs.
func Open(ctx context.Context, o Options) (_ *DB, err error) {
	db, err := newDB(o)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			db.release()
		}
	}()
	db.heir = heirOf(db.path)
	if db.lock, err = lockFile(db.path + ".lock"); err != nil {
		return nil, err
	}
	if o.Unlock != nil {
		if o.Keys, err = o.Unlock(); err != nil {
			return nil, err
		}
	}
	if err = db.prepareFile(ctx, o.Keys); err != nil {
		return nil, wrap(err)
	}
	if err = db.connect(ctx); err != nil {
		return nil, wrap(err)
	}
	if err = db.boot(ctx); err != nil {
		return nil, wrap(err)
	}
	if err = db.openVault(ctx, o.Keys, o.Still); err != nil {
		return nil, wrap(err)
	}
	return db, nil
}

// newDB fills in the defaults.
func newDB(o Options) (*DB, error) {
	if o.Path == "" {
		return nil, Errorf(CodeInvalid, "database_path_missing", "No database file is named, set DATABASE_URL to file:./wamux.db for example")
	}
	path, err := realPath(o.Path)
	if err != nil {
		return nil, err
	}
	db := &DB{path: path, log: o.Log, now: o.Now, size: o.Readers, small: o.Small, history: o.History, fault: o.Fault, suspicion: make(chan struct{}, 1),
		meters: newMeters(), copying: make(chan struct{}, 1), checking: make(chan struct{}, 1), giveWay: make(chan struct{}), free: freeSpace}
	db.space.path = path + ".reserve"
	db.stopping, db.stop = context.WithCancel(context.Background())
	if db.log == nil {
		db.log = slog.Default()
	}
	if db.now == nil {
		db.now = time.Now
	}
	switch {
	case db.size > 0:
	case o.Small:
		db.size = 2
	default:
		db.size = 4
	}
	return db, nil
}

// prepareFile refuses files that are not ours before SQLite changes a byte of
// them, and gives ours their modes.
func (db *DB) prepareFile(ctx context.Context, keys *seal.Keys) error {
	if _, err := sqlite.OFDLocking(true); err != nil && !errors.Is(err, sqlite.ErrOFDLockingUnavailable) {
		db.log.Debug("locks of open file descriptions are not in use", "cause", err)
	}
	for _, end := range []string{backupEnd, restoreEnd} {
		if err := removePartials(db.path + end); err != nil {
			return err
		}
	}
	side, err := readSidecar(db.path + ".epoch")
	if err != nil {
		return err
	}
	db.takeBack(ctx)
	f, err := examine(ctx, db.path, side, keys)
	if err != nil {
		return err
	}
	if f.strayLog(side) {
		if err := db.setStaleWALAside(); err != nil {
			return err
		}
	}
	db.epoch = &epoch{path: db.path + ".epoch", side: side, log: db.log}
	db.space.free() // what a start has to write comes first
	db.unclean = hasLog(db.path)
	return ownFile(db.path)
}

// connect opens the connections, verifies them and migrates the schema.
func (db *DB) connect(ctx context.Context) error {
	var err error
	if db.pool, err = sql.Open("sqlite", writerDSN(db.path)); err != nil {
		return err
	}
	w, err := openConn(ctx, db.pool, writerPragmas)
	if err != nil {
		return err
	}
	if err := errors.Join(boundLog(ctx, w), db.shrink(ctx, w, smallWriter)); err != nil {
		w.close()
		return err
	}
	if err := migrate(ctx, w, db.path, db.now()); err != nil {
		w.close()
		return err
	}
	if err := glance(ctx, w); err != nil {
		w.close()
		return err
	}
	w.fault = db.fault
	db.writer = startWriter(w, db)
	if db.readPool, err = sql.Open("sqlite", readerDSN(db.path)); err != nil {
		return err
	}
	db.readers = make(chan *conn, db.size)
	for range db.size {
		r, err := openConn(ctx, db.readPool, readerPragmas)
		if err != nil {
			return err
		}
		r.fault = db.fault
		db.readers <- r
		if err := db.shrink(ctx, r, smallReader); err != nil {
			return err
		}
	}
	return nil
}

// boot compares the epochs and, unless the file was put back, begins a new one.
func (db *DB) boot(ctx context.Context) error {
	if err := db.compareEpochs(ctx); err != nil {
		return err
	}
	if !db.Restored() {
		if err := db.beginEpoch(ctx); err != nil {
			return err
		}
	}
	if db.unclean {
		if err := db.forgetCheck(ctx); err != nil {
			return err
		}
	}
	if !db.space.keep() {
		db.log.Warn("the disk is almost full: there is no room for the reserve", "file", db.space.path)
	}
	return db.settleSessions(ctx)
}

// Close lets the writer finish what was handed in, folds the log into the .db
// file, which is complete by itself afterwards, and frees the lock. Calling it
// again returns the same error.
func (db *DB) Close() error {
	db.closing.Do(func() { db.closeErr = wrap(db.close()) })
	return db.closeErr
}

func (db *DB) close() error {
	db.stop()
	db.vault.work.Lock() // what changes the form of values ends first
	defer db.vault.work.Unlock()
	db.copying <- struct{}{} // and a backup, which was just told to
	defer func() { <-db.copying }()
	w := db.writer.stop()
	for range db.size {
		(<-db.readers).close()
	}
	close(db.readers)
	db.space.free()
	err := errors.Join(db.finish(w), db.epoch.sync())
	db.release()
	return err
}

// finish leaves the file complete by itself; a damaged one is not changed more
// than that takes.
func (db *DB) finish(w *conn) error {
	if db.condemned.Load() != nil {
		_, err := checkpoint(context.Background(), w)
		return err
	}
	return fold(w)
}

// fold gives back free pages and moves the write-ahead log into the .db file. It
// takes no statistics (PRAGMA optimize): those of a small file make SQLite read
// whole tables when it has grown, until the next ones are taken.
func fold(w *conn) error {
	ctx := context.Background()
	_, vacuum := vacuumSome(ctx, w, 4096)
	_, moved := checkpoint(ctx, w)
	return errors.Join(vacuum, moved)
}

// release gives back what an open or half-open database holds.
func (db *DB) release() {
	db.stop()
	if db.writer != nil {
		db.writer.stop().close()
	}
	for range len(db.readers) { // when it was never fully open
		(<-db.readers).close()
	}
	for _, pool := range []*sql.DB{db.readPool, db.pool} {
		if pool != nil {
			_ = pool.Close()
		}
	}
	if db.epoch != nil {
		db.epoch.close()
	}
	if db.lock != nil {
		if err := db.heir.takeAll(db.path); err != nil {
			db.log.Warn("a file cannot be given to the owner of the database", "cause", err)
		}
		unlockFile(db.lock)
	}
}

// Path returns the absolute path of the .db file.
func (db *DB) Path() string { return db.path }

// time returns the clock as rows keep it: UTC, in milliseconds.
func (db *DB) time() time.Time { return db.now().UTC().Truncate(time.Millisecond) }
