package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"wamux/store/salvage"
	"wamux/store/seal"
)

// applicationID marks our files in the SQLite header: "wamx".
const applicationID = 0x77616d78

// facts is what can be seen of a file without changing it.
type facts struct {
	tables  int
	owner   int      // application_id
	version int      // user_version, the number of the last migration
	boot    string   // of the epoch row; empty when it cannot be read
	wal     bool     // it is used with a log, as ours always are
	vault   vaultRow // of the main file, until readLog
}

// inspect looks at the main file alone, without locks and without its log.
// "immutable" promises SQLite that nobody writes, and the lock file sees to it.
func inspect(ctx context.Context, path string) (facts, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return facts{}, nil
	}
	if err != nil {
		return facts{}, err
	}
	pool, err := sql.Open("sqlite", fileURI(path)+"?mode=ro&immutable=1")
	if err != nil {
		return facts{}, err
	}
	defer func() { _ = pool.Close() }()
	f, err := readFacts(ctx, pool, path)
	if e := (*Error)(nil); err != nil && !errors.As(err, &e) {
		err = nil // torn by a crash, perhaps: with its log it is whole again
	}
	if err == nil && f.owner == applicationID {
		f.vault, _ = readVault(ctx, pool)
	}
	if err == nil {
		f.wal, err = usesLog(path)
	}
	return f, err
}

// takeBack lets SQLite undo the making of a file that a power cut ended, where that left a
// header that is none: then a journal beside it knows what was there before. What is a
// database, whoever's, is not touched.
func (db *DB) takeBack(ctx context.Context) {
	if !hasJournal(db.path) {
		return
	}
	_, err := inspect(ctx, db.path)
	if e := (*Error)(nil); !errors.As(err, &e) || e.Name != "not_a_database" {
		return
	}
	pool, err := sql.Open("sqlite", fileURI(db.path)+"?mode=rw")
	if err != nil {
		return
	}
	defer func() { _ = pool.Close() }()
	if err := pool.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_schema").Scan(new(int)); err != nil {
		db.log.Debug("the file is no database, and its journal makes it none", "cause", err)
	}
}

// readLog reads how the values are sealed with the log, which tells more of it than
// the main file when a change was cut off. SQLite would write beside the file for that.
func (f *facts) readLog(path string) {
	if !hasLog(path) {
		return
	}
	file, err := salvage.Open(path, true)
	if err != nil {
		return // which the opening will tell of
	}
	defer file.Close()
	meta := file.Find("meta")
	if meta == nil {
		return
	}
	_, _ = file.Rows(meta, func(_ int64, values []any) error {
		if len(values) == 2 && values[0] == metaSeal {
			text, _ := values[1].(string)
			if row := (vaultRow{}); json.Unmarshal([]byte(text), &row) == nil {
				f.vault = row
			}
		}
		return nil
	})
}

// Look tells what is wrong with the database at path, nil when it is fine or not
// there: that it is no database of ours, newer than this program, damaged at the
// beginning of a table, or sealed with another key than keys, which is nil when
// there is none. It changes nothing; nobody may have the database open.
func Look(ctx context.Context, path string, keys *seal.Keys) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	path, err := realPath(path)
	if err != nil {
		return err
	}
	side, err := readSidecar(path + ".epoch")
	if err != nil {
		return err
	}
	f, err := examine(ctx, path, side, keys)
	if err != nil || f.owner != applicationID || hasLog(path) { // with a log it may look torn, and is not
		return wrap(err)
	}
	pool, err := sql.Open("sqlite", fileURI(path)+"?mode=ro&immutable=1")
	if err != nil {
		return wrap(err)
	}
	defer func() { _ = pool.Close() }()
	c, err := openConn(ctx, pool, nil)
	if err != nil {
		return wrap(err)
	}
	defer c.close()
	return wrap(glance(ctx, c))
}

// FreeSpace returns how many bytes this user may still write to the disk that
// the file at path is on.
func FreeSpace(path string) (int64, error) { return freeSpace(filepath.Dir(path)) }

// examine is what a start looks at before it changes anything: what the file is, with
// the log unless that is of another file, and whether keys open its values.
func examine(ctx context.Context, path string, side sidecar, keys *seal.Keys) (facts, error) {
	f, err := inspect(ctx, path)
	if err != nil {
		return f, knownFile(side, err)
	}
	if err := f.refuse(path); err != nil {
		return f, err
	}
	if !f.strayLog(side) {
		f.readLog(path)
	}
	_, err = f.vault.unlock(keys)
	return f, err
}

// usesLog reads the format versions in the header: 2 means a write-ahead log.
func usesLog(path string) (bool, error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = file.Close() }()
	versions := make([]byte, 2)
	if _, err := file.ReadAt(versions, 18); err != nil {
		return false, err
	}
	return versions[0] == 2 && versions[1] == 2, nil
}

// strayLog tells whether a log beside the file belongs to the file that was
// there before: this one was put back. It has the boot of another run, or it is
// a copy such as VACUUM INTO makes, which has no log yet.
func (f facts) strayLog(side sidecar) bool {
	return f.boot != "" && (!f.wal || side.found && !side.knows(f.boot))
}

// knownFile makes of an error about a file that is no database one about damage,
// where there was a database before.
func knownFile(side sidecar, err error) error {
	if e := (*Error)(nil); side.found && errors.As(err, &e) && e.Name == "not_a_database" {
		e = errDamaged(err)
		e.Hint = "Its header is destroyed, so nothing can be saved from it: put back a backup."
		return e
	}
	return err
}

// readFacts asks over any connection. A file torn by a crash in the middle of a
// checkpoint may fail here and is whole again with its log. The error for a file
// that is no database is an [Error].
func readFacts(ctx context.Context, q interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}, path string) (facts, error) {
	var f facts
	err := errors.Join(
		q.QueryRowContext(ctx, "PRAGMA application_id").Scan(&f.owner),
		q.QueryRowContext(ctx, "PRAGMA user_version").Scan(&f.version),
		q.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_schema").Scan(&f.tables),
	)
	if e := (*sqlite.Error)(nil); errors.As(err, &e) && e.Code() == sqlite3.SQLITE_NOTADB {
		return f, &Error{Code: CodeInvalid, Name: "not_a_database", Message: fmt.Sprintf("%s is not a SQLite database", path), Hint: "Choose another file with DATABASE_URL.", Err: err}
	}
	if err == nil && f.owner == applicationID {
		_ = q.QueryRowContext(ctx, "SELECT boot FROM epoch WHERE id = 1").Scan(&f.boot)
	}
	return f, err
}

// refuse names the reason why this program must not touch the file, if any.
func (f facts) refuse(path string) error {
	if f.owner == applicationID {
		return refuseNewer(f.version)
	}
	if f.tables == 0 && f.owner == 0 {
		return nil
	}
	return &Error{
		Code: CodeConflict, Name: "foreign_database",
		Message: fmt.Sprintf("%s belongs to another program and was left as it is", path),
		Hint:    "Choose a new file with DATABASE_URL; what the old service left is brought over with `wamux import`.",
	}
}

func refuseNewer(version int) error {
	newest := len(migrations())
	if version <= newest {
		return nil
	}
	return &Error{
		Code: CodeConflict, Name: "newer_database",
		Message: fmt.Sprintf("The database was made by a newer wamux (schema %d, this one knows %d)", version, newest),
		Hint:    "Install the newer wamux again, or put back a backup made with this one.",
	}
}
