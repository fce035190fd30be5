//go:build unix

package svc

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// cpuTime is what this process has used of the processors.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return unknownTime
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// residentBytes is the memory of this process that is in RAM; only Linux tells it in a file.
func residentBytes() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return unknown
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return unknown
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return unknown
	}
	return pages * int64(os.Getpagesize())
}

// descriptors counts those that are open, and says how many there may be.
func descriptors() (open, most int64) {
	open, most = unknown, unknown
	if list, err := os.ReadDir("/dev/fd"); err == nil {
		open = int64(len(list)) - 1 // the list is one itself
	}
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil {
		most = int64(min(limit.Cur, 1<<62))
	}
	return open, most
}
