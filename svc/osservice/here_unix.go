//go:build unix

package osservice

import (
	"context"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// Detect tells which manager runs this machine; "" when it is none that is known.
func Detect() Kind {
	if runtime.GOOS == "darwin" {
		return Launchd
	}
	for _, sign := range []struct {
		path string
		kind Kind
	}{{"/run/systemd/system", Systemd}, {"/run/openrc", OpenRC}, {"/sbin/openrc-run", OpenRC}, {"/usr/sbin/update-rc.d", SysV}} {
		if _, err := os.Stat(sign.path); err == nil && runtime.GOOS == "linux" {
			return sign.kind
		}
	}
	return ""
}

// Here is the manager of this machine, which is of this kind.
func Here(kind Kind, home string) *Manager { return NewManager(kind, "", home, Command) }

// Admin tells whether the caller may install services of the machine.
func Admin() bool { return os.Geteuid() == 0 }

// Account is whom a service of this machine runs as, if it is to be this one: where nobody makes accounts and there is no
// such, the person who called sudo; "" when there is none either.
func Account(wanted string) string {
	if _, err := user.Lookup(wanted); runtime.GOOS != "darwin" || err == nil {
		return wanted
	}
	if person := os.Getenv("SUDO_USER"); person != "root" {
		return person
	}
	return ""
}

// Programs is where a service finds its program when it was elsewhere.
func Programs(Kind) string { return "/usr/local/bin/wamux" }

// Guarded tells whether only root can change a program, and every service can reach it: those of systemd see no homes.
func Guarded(program string) bool {
	top, _, _ := strings.Cut(strings.TrimPrefix(program, "/"), "/")
	if slices.Contains([]string{"home", "root", "tmp", "run"}, top) || strings.HasPrefix(program, "/var/tmp/") {
		return false
	}
	for path := program; ; path = filepath.Dir(path) {
		info, err := os.Stat(path)
		if err != nil {
			return false
		}
		owner, known := info.Sys().(*syscall.Stat_t)
		if !known || owner.Uid != 0 || info.Mode().Perm()&0o022 != 0 {
			return false
		}
		if path == "/" || path == "." {
			return true
		}
	}
}

// own tells whether only the caller can change a file, and everybody can start it.
func own(path string) bool {
	info, err := os.Lstat(path)
	if err != nil {
		return false
	}
	owner, known := info.Sys().(*syscall.Stat_t)
	return known && info.Mode().IsRegular() && int(owner.Uid) == os.Geteuid() && info.Mode().Perm() == 0o755
}

// Serve runs the work of a service and returns its exit code. Here nobody has to be told; on Windows the manager is, ctx of
// work ends when it wants the service to stop, and work may write to events what an administrator should read.
func Serve(ctx context.Context, args []string, work func(ctx context.Context, args []string, events io.Writer) int) int {
	return work(ctx, args, nil)
}

func rename(from, to string) error { return os.Rename(from, to) }
