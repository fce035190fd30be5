//go:build unix

package svc_test

import (
	"database/sql"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// superior is what the program said to the service manager, in order.
type superior struct {
	mu   sync.Mutex
	said []string
}

func (m *superior) all() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.Join(m.said, "\n")
}

// count is how often a line was said.
func (m *superior) count(line string) (n int) {
	for one := range strings.Lines(m.all() + "\n") {
		if strings.TrimSpace(one) == line {
			n++
		}
	}
	return n
}

// serviceManager listens as systemd does; env is what it puts into the environment.
func serviceManager(t *testing.T) (m *superior, env []string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	m = &superior{}
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, err := socket.Read(buffer)
			if err != nil {
				return
			}
			m.mu.Lock()
			m.said = append(m.said, string(buffer[:n]))
			m.mu.Unlock()
		}
	}()
	return m, []string{"NOTIFY_SOCKET=" + name, "WATCHDOG_USEC=200000"}
}

// TestNotify: systemd hears of the start, of every third of the time that it waits, of the sessions, and of the end.
func TestNotify(t *testing.T) {
	t.Parallel()
	manager, env := serviceManager(t)
	g := start(t, t.TempDir(), env, "run", "--sandbox")
	eventually(t, "it is ready", func() bool { return manager.count("READY=1") == 1 })
	if !strings.HasPrefix(manager.all(), "STATUS=starting\nEXTEND_TIMEOUT_USEC=") {
		t.Errorf("got %s, want a start first that asks for time", manager.all())
	}
	address := strings.TrimPrefix(g.url, "http://")
	eventually(t, "nothing is online", func() bool { return manager.count("STATUS=0 of 0 sessions online, http://"+address) > 0 })
	g.pair("shop", ours)
	eventually(t, "one is online", func() bool { return manager.count("STATUS=1 of 1 sessions online, http://"+address) > 0 })
	before := manager.count("WATCHDOG=1")
	eventually(t, "the watchdog is told", func() bool { return manager.count("WATCHDOG=1") > before+3 })
	g.stop()
	if all := manager.all(); manager.count("STOPPING=1") != 1 || strings.Contains(all[strings.Index(all, "STOPPING=1"):], "WATCHDOG=1") {
		t.Errorf("got %s, want one STOPPING=1, and no sign of life behind it", tail(all, 500))
	}
}

// TestNotifyHangs: a gateway whose writer hangs, because another program holds the database, gives no sign of life, and
// gives them again afterwards.
func TestNotifyHangs(t *testing.T) {
	t.Parallel()
	manager, env := serviceManager(t)
	g := start(t, t.TempDir(), env, "run", "--sandbox")
	eventually(t, "the watchdog is told", func() bool { return manager.count("WATCHDOG=1") > 1 })
	release := holdWriter(t, filepath.Join(g.dir, "wamux-sandbox.db"))
	silences := func() int { return strings.Count(g.log.String(), "does not answer itself") }
	held := silences()                                                                 // a busy machine may have had some
	eventually(t, "it says that it hangs", func() bool { return silences() > held+1 }) // the second began with the writer held
	before := manager.count("WATCHDOG=1")
	hung := silences()
	eventually(t, "it says so again", func() bool { return silences() > hung+1 })
	if now := manager.count("WATCHDOG=1"); now != before {
		t.Errorf("got %d signs of life while it hung", now-before)
	}
	release()
	eventually(t, "the watchdog is told again", func() bool { return manager.count("WATCHDOG=1") > before+1 })
}

// TestNotifyRenewal: a renewed certificate costs no sign of life.
func TestNotifyRenewal(t *testing.T) {
	t.Parallel()
	manager, env := serviceManager(t)
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	makeCertificate(t, "wamux.example", certFile, keyFile)
	env = append(env, "WATCHDOG_USEC=1500000") // enough for a busy machine
	g := start(t, dir, env, "run", "--sandbox", "--tls-cert-file", certFile, "--tls-key-file", keyFile)
	eventually(t, "the watchdog is told", func() bool { return manager.count("WATCHDOG=1") > 0 })
	makeCertificate(t, "wamux.example", certFile, keyFile)
	eventually(t, "the renewal", func() bool { return strings.Contains(g.log.String(), "another certificate is in use") })
	before := manager.count("WATCHDOG=1")
	eventually(t, "the watchdog is told again", func() bool { return manager.count("WATCHDOG=1") > before+1 })
	if strings.Contains(g.log.String(), "does not answer itself") {
		t.Error("a sign of life is missing behind the renewal")
	}
}

// TestNobodyToNotify: a manager that is gone is no reason to stop.
func TestNobodyToNotify(t *testing.T) {
	t.Parallel()
	g := start(t, t.TempDir(), []string{"NOTIFY_SOCKET=/nowhere/notify", "WATCHDOG_USEC=100000"}, "run", "--sandbox")
	eventually(t, "it says so", func() bool { return strings.Contains(g.log.String(), "can't be told how the gateway is") })
	must[object](g, 200, "GET", "/healthz", nil)
}

// holdWriter keeps the database locked for writers until release.
func holdWriter(t *testing.T, file string) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
		db.Close()
	}
}
