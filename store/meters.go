package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"sync/atomic"
	"time"

	"wamux/store/tally"
)

// Meters count what was committed since Open. What failed or was rolled back is not in them.
type Meters struct {
	Commits  *tally.Histogram // how long each commit that wrote something took, in seconds
	Together *tally.Histogram // how many batches shared it

	Received  atomic.Int64 // messages of others, each once; not what a phone had before it was linked
	Sent      atomic.Int64 // messages of ours that WhatsApp took
	Failed    atomic.Int64 // messages of ours that are over without that
	Delivered atomic.Int64 // receipts of these kinds, one for each message and recipient
	Read      atomic.Int64
	Played    atomic.Int64

	base time.Time    // when counting began, which keeps the clock that nobody sets
	last atomic.Int64 // when the last commit wrote, in nanoseconds since base
}

func newMeters() *Meters {
	m := &Meters{
		base:     time.Now(),
		Commits:  tally.New(.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5),
		Together: tally.New(1, 2, 4, 8, 16, 32, 64, 128, maxGroup),
	}
	m.last.Store(-int64(provenFor)) // nothing is proven
	return m
}

// Meters returns the counters of this database; they go on counting.
func (db *DB) Meters() *Meters { return db.meters }

// counts is what a transaction will have done when it is committed.
type counts struct {
	received, sent, failed  int64
	delivered, read, played int64
}

// add takes in a transaction that was committed.
func (m *Meters) add(c counts) {
	m.Received.Add(c.received)
	m.Sent.Add(c.sent)
	m.Failed.Add(c.failed)
	m.Delivered.Add(c.delivered)
	m.Read.Add(c.read)
	m.Played.Add(c.played)
}

// commit takes in one commit, of so many batches.
func (m *Meters) commit(took time.Duration, batches int) {
	m.Commits.Add(took.Seconds())
	m.Together.Add(float64(batches))
	m.last.Store(int64(time.Since(m.base)))
}

// quiet is how long ago the last commit wrote; long before any. Whoever sets the clock of the machine does not change it.
func (m *Meters) quiet() time.Duration { return time.Since(m.base) - time.Duration(m.last.Load()) }

// receipt counts what a receipt tells.
func (c *counts) receipt(r *Receipt) {
	n := int64(len(r.MessageIDs))
	switch r.Status {
	case "delivered":
		c.delivered += n
	case "read":
		c.read += n
	case "played":
		c.played += n
	}
}

// job counts how a job ended.
func (c *counts) job(state JobState) {
	switch state {
	case JobSent:
		c.sent++
	case JobFailed:
		c.failed++
	}
}

// Load is how much there is in the database, and waits in it, at one moment.
type Load struct {
	OpenJobs    int64     // messages that are to go out, or are on their way
	OldestJob   time.Time // when the one that was accepted first was; zero without any
	FirstEvent  int64     // the numbers of the oldest and newest event; 0 without any
	LastEvent   int64
	FileBytes   int64 // of the .db file
	LogBytes    int64 // of the write-ahead log beside it
	NothingGoes bool  // nothing can be written, as far as is known
}

// Load looks how much there is. It costs the same whatever the history and the event log hold.
func (db *DB) Load(ctx context.Context) (l Load, err error) {
	err = db.View(ctx, func(tx *Tx) error {
		var first sql.NullInt64
		err := tx.QueryRow("SELECT COUNT(*), MIN(seq) FROM jobs INDEXED BY jobs_open WHERE state IN ('queued', 'sending')").Scan(&l.OpenJobs, &first)
		if err == nil && first.Valid {
			l.OldestJob, err = tx.acceptedAt(first.Int64)
		}
		if err != nil {
			return err
		}
		// Each of its own: only so SQLite goes straight to an end of the table.
		err = tx.QueryRow("SELECT COALESCE(MIN(seq), 0) FROM events").Scan(&l.FirstEvent)
		return errors.Join(err, tx.QueryRow("SELECT COALESCE(MAX(seq), 0) FROM events").Scan(&l.LastEvent))
	})
	l.FileBytes, l.LogBytes = bytesOf(db.path), bytesOf(db.path+"-wal")
	l.NothingGoes = db.condemned.Load() != nil || db.space.isFull() || db.space.short.Load()
	return l, err
}

func (tx *Tx) acceptedAt(job int64) (time.Time, error) {
	var at int64
	err := tx.QueryRow("SELECT createdAt FROM jobs WHERE seq = ?", job).Scan(&at)
	return fromMillis(at), err
}

// bytesOf is how large a file is, 0 when it is not there. It does not open it.
func bytesOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// provenFor is how long a commit proves that the disk takes more.
const provenFor = 30 * time.Second

// Ready says why nothing can be written now, as [DB.Trouble] does; where nothing was written
// for half a minute it tries. However often it is asked, that is one small write in that time.
func (db *DB) Ready(ctx context.Context) *Error {
	if e := db.Trouble(ctx); e != nil {
		return e
	}
	if db.meters.quiet() < provenFor {
		return nil
	}
	if err := db.Probe(ctx); err != nil && ctx.Err() == nil {
		return asError(wrap(err))
	}
	return nil
}
