package osservice

import (
	"net"
	"strconv"
	"strings"
	"time"
)

// Notifier tells systemd how the service is. One without a socket says nothing.
type Notifier struct {
	socket   string
	watchdog time.Duration
}

// NewNotifier reads what systemd put into the environment of this process, whose number is pid.
func NewNotifier(env func(string) (string, bool), pid int) Notifier {
	var n Notifier
	n.socket, _ = env("NOTIFY_SOCKET")
	whose, _ := env("WATCHDOG_PID")
	wait, _ := env("WATCHDOG_USEC")
	if micros, err := strconv.ParseInt(wait, 10, 64); err == nil && micros > 0 && (whose == "" || whose == strconv.Itoa(pid)) {
		n.watchdog = time.Duration(micros) * time.Microsecond
	}
	return n
}

// Listening tells whether there is anybody to tell.
func (n Notifier) Listening() bool { return n.socket != "" }

// Watchdog is how long systemd waits for the next WATCHDOG=1 before it kills the service; 0 when it does not watch.
func (n Notifier) Watchdog() time.Duration { return n.watchdog }

// Tell sends assignments such as READY=1. That nobody listens is no error.
func (n Notifier) Tell(assignments ...string) error {
	if n.socket == "" {
		return nil
	}
	name := n.socket
	if name[0] == '@' { // a name that is in no folder
		name = "\x00" + name[1:]
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetWriteDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	_, err = c.Write([]byte(strings.Join(assignments, "\n")))
	return err
}

// Extend is the assignment that lets a start or a stop take so much longer from now on.
func Extend(d time.Duration) string {
	return "EXTEND_TIMEOUT_USEC=" + strconv.FormatInt(d.Microseconds(), 10)
}
