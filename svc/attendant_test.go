//go:build unix

package svc

import (
	"log/slog"
	"net"
	"path/filepath"
	"testing"

	"wamux/svc/osservice"
)

// TestNotifyLate: what was found before a stop is not told behind it, whenever the finding ends.
func TestNotifyLate(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	env := func(variable string) (string, bool) { return name, variable == "NOTIFY_SOCKET" }
	a := &attendant{app: &App{Log: slog.New(slog.DiscardHandler), Notify: osservice.NewNotifier(env, 1)}}
	a.begin("", 0)
	a.tellIn("", "WATCHDOG=1")
	a.begin("stopping", stopPatience)
	a.tellIn("", "WATCHDOG=1")
	a.tellIn("stopping", "STATUS=stopping")
	for _, want := range []string{"WATCHDOG=1", "STATUS=stopping"} {
		buffer := make([]byte, 100)
		n, err := socket.Read(buffer)
		if got := string(buffer[:n]); err != nil || got != want {
			t.Errorf("got %q %v, want %q", got, err, want)
		}
	}
}
