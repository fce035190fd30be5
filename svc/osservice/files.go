package osservice

import (
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ReplaceFile gives a file this text and mode. It leaves the old file or the new one, whatever happens.
func ReplaceFile(path string, text []byte, mode fs.FileMode) error {
	return replace(path, mode, func(f *os.File) error {
		_, err := f.Write(text)
		return err
	})
}

// CopyProgram puts a copy of a program where it can be started by everybody and written by its owner only, who is the caller.
// changed is false when it is there already. The same program of another owner is replaced: that one could change it later.
func CopyProgram(from, to string) (changed bool, err error) {
	if same(from, to) && own(to) {
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return false, err
	}
	in, err := os.Open(from)
	if err != nil {
		return false, err
	}
	defer in.Close()
	return true, replace(to, 0o755, func(f *os.File) error {
		_, err := io.Copy(f, in)
		return err
	})
}

func replace(path string, mode fs.FileMode, write func(*os.File) error) error {
	fresh := path + ".new"
	_ = os.Remove(fresh) // of a call that was cut off
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	err = errors.Join(write(f), os.Chmod(fresh, mode), f.Sync(), f.Close()) // the mode whatever the umask
	if err == nil {
		err = rename(fresh, path)
	}
	if err != nil {
		_ = os.Remove(fresh)
	}
	return err
}

// same tells whether two files have the same content.
func same(a, b string) bool {
	x, err1 := digest(a)
	y, err2 := digest(b)
	return err1 == nil && err2 == nil && x == y
}

func digest(path string) (sum [sha256.Size]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	h.Sum(sum[:0])
	return sum, err
}
