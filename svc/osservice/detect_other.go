//go:build !windows

package osservice

import (
	"os"
	"runtime"
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
