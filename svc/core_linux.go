package svc

import "syscall"

// undumpable also keeps other processes of this user from reading this one's memory, environment and descriptors, and a crash
// handler that core_pattern names from getting a dump, whatever the limit is.
func undumpable() {
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, 0, 0)
}
