package osservice

import (
	"net"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

func environment(pairs map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { value, ok := pairs[name]; return value, ok }
}

// TestNotifier: what is told arrives as one datagram, at sockets of both kinds.
func TestNotifier(t *testing.T) {
	names := map[string]string{"path": filepath.Join(t.TempDir(), "notify")}
	if runtime.GOOS == "linux" {
		names["abstract"] = "@" + filepath.Join(t.TempDir(), "notify")
	} else if runtime.GOOS == "windows" {
		t.Skip("there are no such sockets")
	}
	for kind, name := range names {
		t.Run(kind, func(t *testing.T) {
			socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
			if err != nil {
				t.Fatal(err)
			}
			defer socket.Close()
			n := NewNotifier(environment(map[string]string{"NOTIFY_SOCKET": name}), 1)
			if err := n.Tell("READY=1", Extend(time.Minute)); err != nil || !n.Listening() {
				t.Fatalf("got %v, listening %v", err, n.Listening())
			}
			said := make([]byte, 100)
			size, err := socket.Read(said)
			if got := string(said[:size]); err != nil || got != "READY=1\nEXTEND_TIMEOUT_USEC=60000000" {
				t.Errorf("got %q, %v", got, err)
			}
			socket.Close()
			if err := n.Tell("READY=1"); err == nil {
				t.Error("nobody listens any more, which is no error")
			}
		})
	}
	if n := (Notifier{}); n.Tell("READY=1") != nil || n.Listening() {
		t.Error("without a socket: want nothing said, and no error")
	}
}

func TestWatchdog(t *testing.T) {
	for _, c := range []struct {
		usec, pid string
		want      time.Duration
	}{
		{"", "", 0}, {"60000000", "", time.Minute}, {"60000000", "7", time.Minute}, {"60000000", "8", 0}, {"soon", "", 0}, {"-1", "", 0}, {"0", "7", 0},
	} {
		env := environment(map[string]string{"WATCHDOG_USEC": c.usec, "WATCHDOG_PID": c.pid})
		if got := NewNotifier(env, 7).Watchdog(); got != c.want {
			t.Errorf("%q of %q: got %v, want %v", c.usec, c.pid, got, c.want)
		}
	}
}
