package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"wamux/store/seal"
)

// RestoreOptions say which backup is put where.
type RestoreOptions struct {
	Path  string           // of the database; there may be none yet
	From  string           // the backup
	Keys  *seal.Keys       // that an encrypted backup is opened with; nil: none
	Bare  bool             // From may be a copy of a database that holds no sum
	Check bool             // only look whether the backup could be restored
	Now   func() time.Time // nil means time.Now

	free func(folder string) (int64, error) // nil means freeSpace
	heir *heir
}

// Restored tells what a restore did.
type Restored struct {
	BackupInfo
	Path      string // of the database
	Encrypted bool   // the backup was
	Aside     string // what the database of before is called now; "" when there was none
}

// Restore puts a backup in the place of the database, which nobody may be using.
// The database of before is kept aside, with its log. A crash at any point leaves
// one of the two in place, whole. The next start knows that the file was put back,
// and applies the rules for that.
func Restore(ctx context.Context, o RestoreOptions) (*Restored, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.free == nil {
		o.free = freeSpace
	}
	var err error
	if o.Path, err = realPath(o.Path); err != nil {
		return nil, err
	}
	r := &Restored{Path: o.Path}
	if o.Check {
		err = o.withCopy(ctx, r, func(string) error { return nil })
	} else {
		err = o.restore(ctx, r)
	}
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return r, wrap(fileError(o.Path, err))
}

// restore is Restore behind the lock.
func (o RestoreOptions) restore(ctx context.Context, r *Restored) (err error) {
	o.heir = heirOf(o.Path)
	lock, err := lockFile(o.Path + ".lock")
	if err != nil {
		return err
	}
	defer unlockFile(lock)
	defer func() { err = errors.Join(err, o.heir.takeAll(o.Path, r.Aside)) }()
	if err := removePartials(o.Path + restoreEnd); err != nil {
		return err
	}
	return o.withCopy(ctx, r, func(partial string) (err error) {
		if err := o.refuse(ctx, &r.BackupInfo); err != nil {
			return err
		}
		if err := unmark(ctx, partial); err != nil {
			return err
		}
		r.Aside, err = o.put(partial)
		return err
	})
}

// withCopy runs fn on a copy of the backup that was checked.
func (o RestoreOptions) withCopy(ctx context.Context, r *Restored, fn func(partial string) error) error {
	partial, err := makePartial(o.Path + restoreEnd)
	if err != nil {
		return err
	}
	defer removePartial(partial) // which has another name when it was put in place
	if r.Encrypted, err = o.fetch(ctx, partial); err != nil {
		return err
	}
	info, err := checkBackup(ctx, partial, o.From, o.Bare)
	if err != nil {
		return err
	}
	r.BackupInfo = *info
	return fn(partial)
}

// refuse names the reason why the backup must not replace what is there, if any.
// A damaged database is no reason.
func (o RestoreOptions) refuse(ctx context.Context, backup *BackupInfo) error {
	if _, err := os.Stat(o.Path + "-journal"); err == nil {
		return &Error{Code: CodeConflict, Name: "journal_left", Message: "The database that is there has an unfinished change, in " + o.Path + "-journal", Hint: "Start and stop wamux once, or move both files away."}
	}
	f, err := inspect(ctx, o.Path)
	if err != nil || f.tables == 0 {
		return nil
	}
	if f.owner != applicationID {
		return f.refuse(o.Path)
	}
	mode := o.modeNow(ctx)
	if mode == "" || backup.Mode == "" || mode == backup.Mode {
		return nil
	}
	return &Error{Code: CodeConflict, Name: "backup_mode", Hint: "Name another file in DATABASE_URL.",
		Message: fmt.Sprintf("The backup holds %s accounts, and %s holds %s ones", accounts(backup.Mode), o.Path, accounts(mode))}
}

// accounts says what people call the accounts of a mode.
func accounts(mode string) string {
	if mode == "sandbox" {
		return "sandbox"
	}
	return "real"
}

// modeNow returns the mode of the database that is there, as far as its main file
// tells it.
func (o RestoreOptions) modeNow(ctx context.Context) string {
	c, done, err := openBeside(ctx, o.Path, "mode=ro&immutable=1", checkerPragmas)
	if err != nil {
		return ""
	}
	defer done()
	said, err := readMeta(ctx, c)
	if err != nil {
		return ""
	}
	return said["mode"]
}

// put gives the finished file the place of the database. The file of before gets a
// second name first. Then the sidecar goes, so that from here on whichever file is
// found is known for one that was put back. The log of before, which is kept too,
// goes last: a start in between knows that it is not that of the new file, which
// uses none.
func (o RestoreOptions) put(partial string) (aside string, err error) {
	if aside, err = o.keepAside(); err != nil {
		return "", &Error{Code: CodeReadOnly, Name: "not_kept_aside", Message: "The database that is there cannot be kept aside, nothing was changed", Hint: "Check the owner and mode of its folder, and the space on the disk.", Err: err}
	}
	if err := errors.Join(o.heir.take(partial), remove(o.Path+".epoch"), syncFolder(o.Path)); err != nil {
		return aside, err
	}
	if err := errors.Join(os.Rename(partial, o.Path), syncFolder(o.Path)); err != nil {
		return aside, err
	}
	return aside, errors.Join(remove(o.Path+"-wal"), remove(o.Path+"-shm"), syncFolder(o.Path))
}

// remove removes a file that may be missing.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// keepAside gives the database of before, and its log, a second name.
func (o RestoreOptions) keepAside() (aside string, err error) {
	if !exists(o.Path) && !exists(o.Path+"-wal") {
		return "", nil
	}
	aside = fmt.Sprintf("%s.before-restore-%s", o.Path, o.Now().UTC().Format(backupStamp))
	for n := 2; exists(aside); n++ {
		aside = fmt.Sprintf("%s.before-restore-%s-%d", o.Path, o.Now().UTC().Format(backupStamp), n)
	}
	for _, end := range []string{"", "-wal"} {
		if err := o.link(o.Path+end, aside+end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return aside, syncFolder(o.Path)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// link gives a file a second name, or copies it where the file system knows none.
func (o RestoreOptions) link(from, to string) error {
	err := restrict(from)
	if err == nil {
		err = os.Link(from, to)
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	if err := roomFor(to, info.Size(), o.free); err != nil {
		return err
	}
	return SaveFile(filepath.Clean(to), func(w io.Writer) error {
		_, err := io.Copy(w, source)
		return err
	})
}
