package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"wamux/store/salvage"
)

// Recovery is what [Recover] did.
type Recovery struct {
	File   string      // the whole file
	Aside  string      // where the damaged file is now; "" when it was left where it was
	Tables []Recovered // those that hold or held anything, by name
}

// Recovered is what became of one table. A name of "" stands for rows of nobody
// knows which table.
type Recovered struct {
	Table string
	Saved int64 // rows
	Lost  int64 // rows, at least
	Pages int   // that are damaged
}

// Recover makes a whole database of a damaged one, which no process may have
// open. It saves every row that is not on a damaged page. With to it writes a new
// file of that name and leaves the damaged one alone; else it puts the damaged
// one aside and the whole one in its place. The new file counts as put back, so
// that the rules for that are applied at its first start. Where nothing can be
// saved the error says so, and nothing has changed.
func Recover(ctx context.Context, path, to string) (_ *Recovery, err error) {
	if path, err = realPath(path); err != nil {
		return nil, err
	}
	owner := heirOf(path)
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	defer unlockFile(lock)
	defer func() { err = errors.Join(err, owner.takeAll(path)) }()
	from, err := openDamaged(ctx, path)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	made, err := freshName(path, to)
	if err != nil {
		return nil, err
	}
	heir := newOwner(owner, to)
	r := &rescue{path: path, from: from, now: time.Now().UTC()}
	if err := errors.Join(r.make(ctx, made), heir.takeAll(made)); err != nil {
		return nil, errors.Join(wrap(err), removeDatabase(made))
	}
	out := &Recovery{File: made, Tables: r.report()}
	if to == "" {
		out.File = path
		out.Aside, err = exchange(path, made, r.now)
	}
	return out, err
}

// newOwner is who owns the new file: whoever owned the damaged one, or the folder of one that is put elsewhere.
func newOwner(before *heir, to string) *heir {
	if to == "" {
		return before
	}
	return heirOf(to)
}

// openDamaged reads what there is, and refuses files that are not ours, or newer.
func openDamaged(ctx context.Context, path string) (*salvage.File, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, &Error{Code: CodeNotFound, Name: "database_missing", Message: path + " is not there", Hint: "Name the database with DATABASE_URL or --database.", Err: err}
	}
	side, err := readSidecar(path + ".epoch")
	if err != nil {
		return nil, err
	}
	seen, err := inspect(ctx, path)
	if err != nil {
		return nil, errNothingLeft(path, err)
	}
	from, err := salvage.Open(path, !seen.strayLog(side))
	if errors.Is(err, salvage.ErrHeader) {
		return nil, errNothingLeft(path, err)
	}
	if err != nil {
		return nil, err
	}
	if err := (facts{tables: 1, owner: from.Owner(), version: from.Version()}).refuse(path); err != nil {
		from.Close()
		return nil, err
	}
	return from, nil
}

func errNothingLeft(path string, cause error) error {
	return &Error{Code: CodeStorage, Name: "database_lost", Message: fmt.Sprintf("Nothing can be saved from %s: the pages that say what is where are destroyed", path),
		Hint: "Put back a backup.", Err: cause}
}

// freshName is where the new file is made. What an attempt before left there goes.
func freshName(path, to string) (string, error) {
	if to == "" {
		made := path + ".recovering"
		return made, removeDatabase(made)
	}
	to, err := realPath(to)
	if err != nil {
		return "", err
	}
	if _, err := os.Lstat(to); err == nil {
		return "", &Error{Code: CodeConflict, Name: "file_exists", Message: to + " is there already", Hint: "Name a file that is not there yet."}
	}
	return to, removeDatabase(to)
}

// removeDatabase removes a database that nobody needs, with what belongs to it.
func removeDatabase(path string) error {
	for _, end := range []string{"", "-wal", "-shm", ".epoch"} {
		if err := os.Remove(path + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// exchange puts the damaged file aside and the new one in its place. At every
// moment there is a file of the name, and a crash in between looks like a file
// that was put back.
func exchange(path, made string, now time.Time) (aside string, err error) {
	aside = path + ".damaged-" + now.Format("20060102-150405")
	if err := os.Link(path, aside); err != nil {
		if err := os.Rename(path, aside); err != nil { // a file system without links
			return "", err
		}
	}
	for _, end := range []string{"-wal", "-shm"} {
		if err := os.Rename(path+end, aside+end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return aside, err
		}
	}
	if err := os.Rename(made, path); err != nil {
		return aside, err
	}
	if err := os.Remove(path + ".epoch"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return aside, err
	}
	return aside, syncFolder(path)
}

// rescue carries rows from a damaged file to a new one.
type rescue struct {
	path   string // of the damaged file
	from   *salvage.File
	to     *conn
	now    time.Time
	tables []*saving
	strays Recovered
	since  int // rows since the last commit
}

// make writes the new file. It is whole and on disk when that returns nil.
func (r *rescue) make(ctx context.Context, path string) error {
	if err := ownFile(path); err != nil {
		return err
	}
	pool, err := sql.Open("sqlite", writerDSN(path))
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }()
	if r.to, err = openConn(ctx, pool, writerPragmas); err != nil {
		return err
	}
	defer r.to.close()
	for _, step := range []func(context.Context) error{r.prepare, r.carry, r.repair, r.finish} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := sound(ctx, r.to, "integrity_check"); err != nil {
		return err
	}
	return fold(r.to)
}

// prepare gives the new file the schema that the damaged one has.
func (r *rescue) prepare(ctx context.Context) error {
	if _, err := r.to.exec("PRAGMA foreign_keys = OFF"); err != nil {
		return err
	}
	for i, m := range migrations()[:r.from.Version()] {
		if err := apply(ctx, r.to, i+1, m, r.now); err != nil {
			return err
		}
	}
	return r.match()
}

// finish makes the new file one that was put back, in which rows have other numbers,
// and brings it up to date.
func (r *rescue) finish(ctx context.Context) error {
	var boot string
	if err := r.to.sql.QueryRowContext(ctx, "SELECT boot FROM epoch WHERE id = 1").Scan(&boot); err != nil {
		return err
	}
	if _, err := r.to.exec("UPDATE epoch SET boot = ? WHERE id = 1", nextBoot(boot)); err != nil {
		return err
	}
	if _, err := r.to.exec(convertAnew, metaSeal); err != nil {
		return err
	}
	if _, err := r.to.exec("DELETE FROM meta WHERE key IN (?, ?)", metaChecked, metaDamaged); err != nil {
		return err
	}
	return migrate(ctx, r.to, "", r.now)
}

// report tells of the tables that hold or held anything.
func (r *rescue) report() (list []Recovered) {
	for _, s := range r.tables {
		s.Lost = max(s.Lost, s.had-s.Saved)
		if s.Saved+s.Lost > 0 || s.Pages > 0 {
			list = append(list, s.Recovered)
		}
	}
	if r.strays.Lost > 0 {
		list = append(list, r.strays)
	}
	return list
}
