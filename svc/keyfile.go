package svc

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"wamux/store"
)

// makeKeyFile writes a file that must not be there yet, for its owner only.
func makeKeyFile(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return &store.Error{Message: path + " is there already", Hint: "a key is never overwritten: name another file, or use `wamux key rotate`", Err: err}
	}
	if err != nil {
		return &store.Error{Message: path + " can't be made", Hint: "check its folder's owner and mode", Err: err}
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close(), syncFolder(filepath.Dir(path))); err != nil {
		_ = os.Remove(path) // half a key is none
		return &store.Error{Message: path + " can't be written", Hint: "check that the disk has room", Err: err}
	}
	return nil
}

// replaceKeyFile gives a file another text; after a crash it has the old one or
// the new one. It keeps its owner, who may not be the one who calls.
func replaceKeyFile(path string, text []byte) error {
	cannot := func(err error) error {
		return &store.Error{Message: path + " can't be replaced", Hint: "call this as a user that may write into its folder", Err: err}
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return cannot(err)
	}
	fresh := real + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a call that was cut off
		return cannot(err)
	}
	if err := makeKeyFile(fresh, text); err != nil {
		return err
	}
	err = sameOwner(real, fresh)
	if err == nil {
		err = os.Rename(fresh, real)
	}
	if err != nil {
		_ = os.Remove(fresh)
		return cannot(err)
	}
	if err := syncFolder(filepath.Dir(real)); err != nil {
		return cannot(err)
	}
	return nil
}

// syncFolder makes what happened in a folder durable. Windows has no such call.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
