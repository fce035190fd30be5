//go:build unix

package svc

import "syscall"

// noCoreDumps keeps the memory of this process, in which keys are, off the disk when it dies. It is not worth to fail for.
func noCoreDumps() {
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	undumpable()
}
