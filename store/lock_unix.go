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

// unlock gives the lock back. Closing alone does not as long as a child process
// that was just forked still has a copy of the descriptor.
func unlock(f *os.File) { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }
