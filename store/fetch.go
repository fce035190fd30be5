package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"wamux/store/seal"
)

// fetch copies the backup to the empty file partial, in clear. What it checks
// later is this copy: nobody can change it in between.
func (o RestoreOptions) fetch(ctx context.Context, partial string) (encrypted bool, err error) {
	from, err := os.Open(o.From)
	if err != nil {
		return false, &Error{Code: CodeNotFound, Name: "backup_unreadable", Message: fmt.Sprintf("%s cannot be read", o.From), Hint: "Check that it is there, and its owner and mode.", Err: err}
	}
	defer func() { _ = from.Close() }()
	info, err := from.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &Error{Code: CodeInvalid, Name: "backup_foreign", Message: o.From + " is not a file", Hint: "Name a file that `wamux backup` made."}
	}
	if err != nil {
		return false, err
	}
	if now, err := os.Stat(o.Path); err == nil && os.SameFile(info, now) {
		return false, &Error{Code: CodeInvalid, Name: "backup_is_database", Message: "The backup is the database itself", Hint: "Name another file."}
	}
	if err := roomFor(partial, info.Size(), o.free); err != nil {
		return false, err
	}
	head := make([]byte, 64)
	n, _ := from.ReadAt(head, 0)
	if seal.Protected(head[:n]) {
		return true, o.decrypt(ctx, from, partial)
	}
	if err := fillFile(ctx, partial, from); err != nil {
		return false, err
	}
	return false, o.fetchLog(ctx, partial)
}

// decrypt writes what an encrypted backup holds.
func (o RestoreOptions) decrypt(ctx context.Context, from *os.File, partial string) error {
	if o.Keys == nil {
		return &Error{Code: CodeConflict, Name: "key_missing", Message: o.From + " is encrypted, and no key was given", Hint: "Name the age identity that opens it with --identity FILE."}
	}
	plain, err := seal.DecryptFrom(from, o.Keys)
	if err == nil {
		err = fillFile(ctx, partial, plain)
	}
	switch {
	case errors.Is(err, seal.ErrWrongKey):
		return &Error{Code: CodeConflict, Name: "key_wrong", Message: o.From + " is encrypted to another key than the one given", Hint: "Name the age identity that opens it with --identity FILE.", Err: err}
	case errors.Is(err, seal.ErrDamaged):
		return errDamagedBackup(o.From, err)
	}
	return err
}

// fetchLog takes in the log of a bare copy, which is not whole without it.
func (o RestoreOptions) fetchLog(ctx context.Context, partial string) error {
	log, err := os.Open(o.From + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	if used, err := usesLog(partial); err != nil || !used || !o.Bare {
		return nil // a backup has no log; the check tells what else is wrong
	}
	out, err := os.OpenFile(partial+"-wal", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = copyBytes(ctx, out, log)
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	_, done, err := openBeside(ctx, partial, "_defensive=1", markerPragmas) // which folds it
	if err != nil {
		return errUnreadable(ctx, o.From, err)
	}
	done()
	return nil
}

// fillFile writes a file that is there already and empty.
func fillFile(ctx context.Context, path string, from io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = copyBytes(ctx, f, from)
	return errors.Join(err, f.Close())
}
