//go:build !windows

package store

import "syscall"

// freeSpace returns how many bytes this user may still write to the disk of a
// folder.
func freeSpace(folder string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
