package osservice

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/windows"
)

// Detect tells which manager runs this machine.
func Detect() Kind { return Windows }

// Here is the manager of this machine.
func Here(Kind, string) *Control { return &Control{} }

// Admin tells whether the caller may install services, as the manager sees it.
func Admin() bool {
	manager, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CREATE_SERVICE)
	if err == nil {
		_ = windows.CloseServiceHandle(manager)
	}
	return err == nil
}

// Programs is where a service finds its program when it was elsewhere.
func Programs(Kind) string { return filepath.Join(programFiles(), "wamux", "wamux.exe") }

func programFiles() string { return or(os.Getenv("ProgramFiles"), `C:\Program Files`) }

// Guarded tells whether only administrators can change a program.
func Guarded(program string) bool {
	return strings.HasPrefix(strings.ToLower(program), strings.ToLower(programFiles())+`\`)
}

// own has nothing to ask: the rights of the folder decide.
func own(string) bool { return true }

// rename also replaces a program that runs, which Windows lets be renamed, but not replaced.
func rename(from, to string) error {
	err := os.Rename(from, to)
	if err == nil {
		return nil
	}
	_ = os.Remove(to + ".old")
	if aside := os.Rename(to, to+".old"); aside != nil {
		return err
	}
	return os.Rename(from, to)
}

// Account is whom a service of this machine runs as, if it is to be this one.
func Account(wanted string) string { return wanted }
