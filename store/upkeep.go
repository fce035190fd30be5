package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	vacuumPages  = 256  // given back in one turn of the writer
	vacuumTurns  = 4000 // in one night: 2 GiB of pages of 2 KiB
	brieflyInMS  = 100  // how long the writer waits for readers to let it fold the log
	commonlyInMS = 10000
	foldAgain    = 300 * time.Millisecond // between two attempts
)

// Upkeep is what a file needs once a day: free pages given back, the log folded, and
// one that was set aside a week ago removed. It goes in small turns beside all other
// work, and leaves out what readers are in the way of. It takes no statistics, as at
// the close.
func (db *DB) Upkeep(ctx context.Context) error {
	if err := db.dropStale(db.time().Add(-staleLife)); err != nil {
		return err
	}
	for range vacuumTurns {
		var left int
		err := db.writer.alone(ctx, func(c *conn) (err error) {
			left, err = vacuumSome(ctx, c, vacuumPages)
			return err
		})
		if err != nil {
			return err
		}
		if left == 0 {
			break
		}
	}
	_, err := db.foldWithin(ctx, 0)
	return err
}

// vacuumSome gives back free pages at the end of the file, and returns how many
// are left.
func vacuumSome(ctx context.Context, c *conn, pages int) (left int, err error) {
	if err := drain(ctx, c, fmt.Sprintf("PRAGMA incremental_vacuum(%d)", pages)); err != nil {
		return 0, err
	}
	err = c.sql.QueryRowContext(ctx, "PRAGMA freelist_count").Scan(&left)
	return left, err
}

// drain runs a pragma that works with each row it gives.
func drain(ctx context.Context, c *conn, query string) error {
	rows, err := c.sql.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() { // each step does a part
	}
	return rows.Err()
}

// foldWithin folds the log, and tries again for so long while readers keep it from
// that. false: they did so all the time.
func (db *DB) foldWithin(ctx context.Context, d time.Duration) (folded bool, err error) {
	for end := time.Now().Add(d); ; {
		err := db.writer.alone(ctx, func(c *conn) (err error) {
			folded, err = foldBriefly(ctx, c)
			return err
		})
		if err != nil || folded || !time.Now().Before(end) {
			return folded, err
		}
		select {
		case <-time.After(foldAgain):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// foldBriefly folds the log unless readers are at work: all writing would wait
// for them. false: they are.
func foldBriefly(ctx context.Context, c *conn) (folded bool, err error) {
	if _, err := c.sql.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", brieflyInMS)); err != nil {
		return false, err
	}
	folded, err = checkpoint(ctx, c)
	_, back := c.sql.ExecContext(context.WithoutCancel(ctx), fmt.Sprintf("PRAGMA busy_timeout = %d", commonlyInMS))
	if code := ErrorCode(err); code == CodeLocked {
		err = nil
	}
	return folded, errors.Join(err, back)
}
