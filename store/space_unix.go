//go:build !windows

package store

import (
	"errors"
	"syscall"
)

// freeSpace returns how many bytes this user may still write to the disk of a
// folder.
func freeSpace(folder string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}

// writable tells whether the system would let this user write a file. It does not open
// it, which would drop the locks on it.
func writable(path string) bool {
	const forWriting = 2
	err := syscall.Access(path, forWriting)
	return !errors.Is(err, syscall.EROFS) && !errors.Is(err, syscall.EACCES) && !errors.Is(err, syscall.EPERM)
}
