//go:build unix

package svc_test

import (
	"syscall"
	"time"
)

// holdUp stops a process for a second, as a machine does that sleeps, or until what it
// returns is called.
func holdUp(pid int) (goOn func()) {
	_ = syscall.Kill(pid, syscall.SIGSTOP)
	timer := time.AfterFunc(time.Second, func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	return func() {
		timer.Stop()
		_ = syscall.Kill(pid, syscall.SIGCONT)
	}
}

// moveClock moves the time of the machine, which only root may.
func moveClock(by time.Duration) error {
	now := syscall.NsecToTimeval(time.Now().Add(by).UnixNano())
	return syscall.Settimeofday(&now)
}
