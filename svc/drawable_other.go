//go:build !windows

package svc

import "os"

// drawable tells whether a terminal knows how to move its cursor.
func drawable(*os.File) bool { return os.Getenv("TERM") != "dumb" }
