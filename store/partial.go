package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A file that is being made is called NAME.<digits>.partial until it is whole and
// on disk. No two are called the same, so that nobody renames what another one has
// not finished.

// SaveFile makes the file at path of what write writes, for its owner only. It
// is there in full and on disk when SaveFile returns nil, and not at all
// otherwise. A file that is there already is a conflict.
func SaveFile(path string, write func(io.Writer) error) error {
	return savePartial(path, func(partial string) error {
		f, err := os.OpenFile(partial, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(write(f), f.Close())
	})
}

// savePartial is SaveFile for those who fill the empty file partial themselves.
func savePartial(path string, fill func(partial string) error) error {
	if err := refuseExisting(path); err != nil {
		return err
	}
	if err := removePartials(path); err != nil {
		return err
	}
	partial, err := makePartial(path)
	if err != nil {
		return err
	}
	err = fill(partial)
	if err == nil {
		err = settle(partial, path)
	}
	if err != nil {
		removePartial(partial)
	}
	return fileError(path, err)
}

// fileError gives what the system says about a file a sentence; other errors stay.
func fileError(path string, err error) error {
	if cause := (syscall.Errno)(0); !errors.As(err, &cause) || errors.As(err, new(*Error)) {
		return err
	}
	return &Error{Code: CodeStorage, Name: "file_not_written", Message: fmt.Sprintf("The file %s cannot be written", path), Hint: "Check the disk that it is on, and the space there.", Err: err}
}

// settle gives a finished file its name.
func settle(partial, path string) error {
	if err := syncFile(partial); err != nil {
		return err
	}
	if err := refuseExisting(path); err != nil {
		return err
	}
	if err := os.Rename(partial, path); err != nil {
		return err
	}
	return syncFolder(path)
}

func refuseExisting(path string) error {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return errNotWritable(path, err)
	}
	return &Error{Code: CodeConflict, Name: "file_exists", Message: fmt.Sprintf("%s is there already and was left as it is", path), Hint: "Choose another name, or remove it first."}
}

// makePartial makes an empty file for its owner only, whatever the umask is.
func makePartial(path string) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.partial")
	if err != nil {
		return "", errNotWritable(path, err)
	}
	return f.Name(), f.Close()
}

func errNotWritable(path string, cause error) error {
	return &Error{Code: CodeReadOnly, Name: "file_not_writable", Message: fmt.Sprintf("The file %s cannot be made", path), Hint: "Check that its folder is there, and the folder's owner and mode.", Err: cause}
}

// removePartial removes a file that was not finished, with what SQLite puts
// beside it.
func removePartial(partial string) {
	for _, end := range []string{"", "-journal", "-wal", "-shm"} {
		_ = os.Remove(partial + end)
	}
}

// removePartials removes what was left of files at path that a crash or a power
// cut kept from being finished.
func removePartials(path string) error {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return errNotWritable(path, err)
	}
	for _, e := range entries {
		if isPartial(e.Name(), filepath.Base(path)) {
			_ = os.Remove(filepath.Join(filepath.Dir(path), e.Name())) // on Windows another process may still have it
		}
	}
	return nil
}

// isPartial tells whether name is that of an unfinished file called base.
func isPartial(name, base string) bool {
	of, unfinished := PartialOf(name)
	return unfinished && of == base
}

// PartialOf returns how an unfinished file was to be called; false when name is not
// that of one.
func PartialOf(name string) (base string, unfinished bool) {
	stem, end, cut := strings.Cut(name, ".partial")
	base = strings.TrimRight(stem, "0123456789")
	if !cut || base == stem || !strings.HasSuffix(base, ".") {
		return "", false
	}
	base = strings.TrimSuffix(base, ".")
	return base, base != "" && (end == "" || end == "-journal" || end == "-wal" || end == "-shm")
}

// syncFile makes the content of a file durable.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// copyBytes copies until ctx ends.
func copyBytes(ctx context.Context, to io.Writer, from io.Reader) (int64, error) {
	return io.Copy(to, reader{ctx, from})
}

// reader ends with its context.
type reader struct {
	ctx  context.Context
	from io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(p)
}

// roomFor fails when the disk that path is on has no room for so many bytes, and
// a little for the database beside.
func roomFor(path string, need int64, free func(folder string) (int64, error)) error {
	const spare = 8 << 20
	has, err := free(filepath.Dir(path))
	if err != nil || has >= need+spare { // where it cannot be told, the writing will
		return nil
	}
	return &Error{Code: CodeDiskFull, Name: "disk_full",
		Message: fmt.Sprintf("There is too little room in %s: %d MiB are needed, and %d MiB are free", filepath.Dir(path), (need+spare)>>20+1, has>>20),
		Hint:    "Free some space, or choose a place on another disk."}
}
