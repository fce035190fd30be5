package svc

import (
	"os"

	"golang.org/x/sys/windows"
)

// drawable makes a console understand what moves the cursor, which it knows since
// Windows 10, and tells whether it does.
func drawable(f *os.File) bool {
	var mode uint32
	console := windows.Handle(f.Fd())
	if windows.GetConsoleMode(console, &mode) != nil {
		return false
	}
	return windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
