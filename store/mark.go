package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strings"
	"time"
)

// A backup says in its table meta when and by what it was made, and holds the
// SHA-256 of itself: that of the file with the 64 digits of the sum taken as
// zeros. SQLite would not notice a byte that changed inside a value; with the sum
// every one is found. It also has a boot of its own in table epoch, so that it is
// known for a file that was put back wherever it is put, and whatever lies there.

// Keys of table meta that only backups have.
const (
	metaCreated = "backup_created_at"
	metaVersion = "backup_version"
	metaSchema  = "backup_schema"
	metaSum     = "backup_sha256"
)

// BackupInfo is what a backup tells of itself.
type BackupInfo struct {
	CreatedAt time.Time // zero for a bare copy
	Version   string    // of the wamux that made it; "" for a bare copy
	Schema    int       // number of its last migration
	Mode      string    // "live" or "sandbox"; "" when no gateway ran on it yet
	Sessions  int
	Sealed    []string // recipients that its secret values are sealed to; nil when they are in clear
	Size      int64    // bytes, in clear
}

// mark makes a backup of a finished copy. It is on disk afterwards.
func mark(ctx context.Context, path string, now time.Time, version string) error {
	random := make([]byte, sha256.Size)
	_, _ = rand.Read(random) // never fails
	place := hex.EncodeToString(random)
	err := onCopy(ctx, path, func(tx *sql.Tx) error {
		if err := renew(ctx, tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO meta (key, value) VALUES (?, ?), (?, ?), (?, (SELECT user_version FROM pragma_user_version)), (?, ?)",
			metaCreated, formatTime(now), metaVersion, version, metaSchema, metaSum, place)
		return err
	})
	if err != nil {
		return err
	}
	return putSum(ctx, path, place)
}

// unmark makes a database again of a backup.
func unmark(ctx context.Context, path string) error {
	err := onCopy(ctx, path, func(tx *sql.Tx) error { return renew(ctx, tx) })
	if err != nil {
		return err
	}
	return syncFile(path)
}

// forgetBackup takes away what marks a backup that was put in place by hand: its sum
// is about to be wrong.
func (db *DB) forgetBackup(ctx context.Context) error {
	return db.Update(ctx, func(tx *Tx) error {
		_, err := tx.Exec("DELETE FROM meta WHERE key IN (?, ?, ?, ?)", metaCreated, metaVersion, metaSchema, metaSum)
		return err
	})
}

// renew takes away what marks a backup, and what was found about the pages of the
// file that it was made of, gives the file a boot that no sidecar
// knows, and lets a change in the form of secret values begin anew: how far it
// got is told by row numbers, which a copy need not keep.
func renew(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM meta WHERE key IN (?, ?, ?, ?, ?, ?)",
		metaCreated, metaVersion, metaSchema, metaSum, metaChecked, metaDamaged); err != nil {
		return err
	}
	var boot string
	if err := tx.QueryRowContext(ctx, "SELECT boot FROM epoch WHERE id = 1").Scan(&boot); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE epoch SET boot = ? WHERE id = 1", nextBoot(boot)); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, convertAnew, metaSeal)
	return err
}

// onCopy runs fn in one transaction on a copy, which needs no log afterwards.
func onCopy(ctx context.Context, path string, fn func(*sql.Tx) error) error {
	c, done, err := openBeside(ctx, path, "_defensive=1", markerPragmas)
	if err != nil {
		return err
	}
	defer done()
	tx, err := c.sql.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// putSum replaces place, 64 digits, by the sum of the file.
func putSum(ctx context.Context, path, place string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	at, err := find(ctx, f, place)
	if err != nil {
		return err
	}
	sum, err := sumAround(ctx, f, at)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt([]byte(sum), at); err != nil {
		return err
	}
	return f.Sync()
}

// sumIs tells whether the file has this sum.
func sumIs(ctx context.Context, path, sum string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	at, err := find(ctx, f, sum)
	if err != nil {
		return false, err
	}
	got, err := sumAround(ctx, f, at)
	return got == sum, err
}

var errNoSum = errors.New("the place of the sum is not there once")

// find returns where text is in f, which must hold it once.
func find(ctx context.Context, f *os.File, text string) (at int64, err error) {
	if len(text) != 2*sha256.Size {
		return 0, errNoSum
	}
	at = -1
	size := 1 << 20
	window := make([]byte, size+len(text)-1) // overlaps with the next one
	for from := int64(0); ; from += int64(size) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n, err := f.ReadAt(window, from)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		i := bytes.Index(window[:n], []byte(text))
		if i >= 0 && (at >= 0 || bytes.Contains(window[i+1:n], []byte(text))) {
			return 0, errNoSum
		}
		if i >= 0 {
			at = from + int64(i)
		}
		if n < len(window) && at < 0 {
			return 0, errNoSum
		}
		if n < len(window) {
			return at, nil
		}
	}
}

// sumAround hashes f with the sum at this place taken as zeros.
func sumAround(ctx context.Context, f *os.File, at int64) (string, error) {
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	const length = 2 * sha256.Size
	h := sha256.New()
	_, err = copyBytes(ctx, h, io.MultiReader(io.NewSectionReader(f, 0, at),
		strings.NewReader(strings.Repeat("0", length)), io.NewSectionReader(f, at+length, info.Size()-at-length)))
	return hex.EncodeToString(h.Sum(nil)), err
}
