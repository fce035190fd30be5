//go:build unix

package svc

import "syscall"

// privateFiles makes every file of this process readable by its user only:
// SQLite creates its side files 0644 otherwise.
func privateFiles() {
	syscall.Umask(0o077)
}
