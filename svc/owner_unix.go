//go:build unix

package svc

import (
	"os"
	"syscall"
)

// sameOwner gives a file to the owner of another one.
func sameOwner(as, path string) error {
	want, err := os.Stat(as)
	if err != nil {
		return err
	}
	have, err := os.Stat(path)
	if err != nil {
		return err
	}
	w, ok := want.Sys().(*syscall.Stat_t)
	h, _ := have.Sys().(*syscall.Stat_t)
	if !ok || w.Uid == h.Uid && w.Gid == h.Gid {
		return nil
	}
	return os.Chown(path, int(w.Uid), int(w.Gid))
}
