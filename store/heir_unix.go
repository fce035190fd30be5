//go:build unix

package store

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// heir is whom root leaves the files of a database to: a command called with sudo must not lock the service out. nil leaves
// files to whoever made them, as everybody else's calls do.
type heir struct{ uid, gid uint32 }

// heirOf is the owner of the database, or of its folder where there is none; nil when we are not root, or root is that owner.
func heirOf(path string) *heir {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		info, err = os.Stat(filepath.Dir(path))
	}
	if err != nil || os.Geteuid() != 0 {
		return nil
	}
	owner, known := info.Sys().(*syscall.Stat_t)
	if !known || owner.Uid == 0 {
		return nil
	}
	return &heir{owner.Uid, owner.Gid}
}

// take gives the heir those of these files that root owns; what is not there is passed over. No connection to them may be open:
// closing a file frees the locks that SQLite has on it. The owner of the folder could put a link to any file there meanwhile,
// so links are left alone, soft and hard.
func (h *heir) take(paths ...string) (err error) {
	if h == nil {
		return nil
	}
	for _, path := range paths {
		err = errors.Join(err, h.takeOne(path))
	}
	return err
}

func (h *heir) takeOne(path string) error {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ELOOP) {
		return nil
	}
	if err != nil {
		return errNotGiven(path, err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return errNotGiven(path, err)
	}
	owner, known := info.Sys().(*syscall.Stat_t)
	if !known || !info.Mode().IsRegular() || owner.Uid != 0 || owner.Nlink != 1 {
		return nil
	}
	if err := f.Chown(int(h.uid), int(h.gid)); err != nil {
		return errNotGiven(path, err)
	}
	return nil
}
