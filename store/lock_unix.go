//go:build !windows

package store

import (
	"os"
	"syscall"
)

// tryLock takes the lock of f for this process, without waiting.
func tryLock(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
