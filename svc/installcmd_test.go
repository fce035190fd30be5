//go:build unix

package svc

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"wamux/store"
	"wamux/svc/osservice"
)

// TestInstallBesidePackage: the unit of a package serves as it is, and stays.
func TestInstallBesidePackage(t *testing.T) {
	m := newMachine(t, osservice.Systemd)
	m.host.self = "/usr/bin/env" // as if it came with it
	s := osservice.New(osservice.Systemd, "wamux", false, "", "", "")
	s.Binary = m.host.self
	unit := m.host.root + "/usr/lib/systemd/system/wamux.service"
	if err := errors.Join(os.MkdirAll(filepath.Dir(unit), 0o755), os.WriteFile(unit, []byte(s.Text(osservice.Systemd)), 0o644)); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 { // else nothing counts as guarded in a container of users
		m.does("install") // which makes the file of settings
		m.does("install")
		m.told("systemctl enable --quiet wamux.service", "systemctl is-active --quiet wamux.service")
		if _, err := os.Stat(m.host.root + "/etc/systemd/system/wamux.service"); err == nil {
			t.Error("a unit of our own was written over the same one of the package")
		}
	}
	if out := m.does("uninstall"); !strings.Contains(out, "the package that it came with has the rest") {
		t.Errorf("got %s", out)
	}
	m.read("/usr/lib/systemd/system/wamux.service")
}

// TestInstallElsewhere: what lies outside of its folder is opened to the service, and to nothing else.
func TestInstallElsewhere(t *testing.T) {
	m := newMachine(t, osservice.Systemd)
	out := m.does("install", "--backup-dir", "/mnt/usb", "--log-file", "/var/lib/wamux/log/wamux.log", "--database", "file:/srv/wamux/all.db")
	unit, _ := m.read("/etc/systemd/system/wamux.service")
	if !strings.Contains(unit, "\nReadWritePaths=-/mnt/usb -/srv/wamux\n") || !strings.Contains(out, "note: /mnt/usb must belong to the account of the service: `sudo useradd --system --user-group --home-dir /var/lib/wamux wamux && sudo install -d -m 700 -o wamux "+m.host.root+"/mnt/usb`") {
		t.Errorf("got %s\n%s", unit, out)
	}
	if !strings.Contains(out, "admin key: "+m.host.root+"/srv/wamux/admin.key\n") {
		t.Errorf("got %s", out)
	}
}

// TestForeignService: what other programs have under a name is neither changed, stopped nor taken away, nor are their accounts used.
func TestForeignService(t *testing.T) {
	const foreign = "[Service]\nExecStart=/usr/sbin/sshd -D\n"
	for _, c := range []struct {
		kind       osservice.Kind
		path, text string
		ours       bool
	}{
		{osservice.Systemd, "/usr/lib/systemd/system/ssh.service", foreign, false},
		{osservice.Systemd, "/etc/systemd/system/ssh.service", foreign, false},
		{osservice.Systemd, "/lib/systemd/system/ssh.service", foreign, false},
		{osservice.Systemd, "/etc/init.d/ssh", "#!/bin/sh\n", false},
		{osservice.OpenRC, "/etc/init.d/ssh", "#!/sbin/openrc-run\n", false},
		{osservice.SysV, "/etc/init.d/ssh", "#!/bin/sh\n", false},
		{osservice.Launchd, "/Library/LaunchDaemons/ssh.plist", "<plist/>", false},
		{osservice.Systemd, "/etc/systemd/system/ssh.service", "[Service]\nExecStart=/opt/wamux run\n", true},
	} {
		for _, verb := range []string{"install", "uninstall", "start", "stop", "restart"} {
			m := newMachine(t, c.kind)
			m.write(c.path, c.text)
			t.Setenv("SUDO_USER", "sari")
			code, _, errs := m.call(verb, "--name", "ssh")
			if c.ours {
				if strings.Contains(errs, "did not make") {
					t.Errorf("%s %s: got %s", verb, c.path, errs)
				}
				continue
			}
			if code != 1 || !strings.Contains(errs, "error: there is a service ssh that `wamux install` did not make") {
				t.Errorf("%s %s: got %d, %s", verb, c.path, code, errs)
			}
			m.told()
			if text, _ := m.read(c.path); text != c.text {
				t.Errorf("%s: %s is now %s", verb, c.path, text)
			}
		}
	}
}

// TestForeignAccount: a service has no account that is somebody else's.
func TestForeignAccount(t *testing.T) {
	for _, name := range []string{"root", "daemon"} {
		m := newMachine(t, osservice.Systemd)
		code, _, errs := m.call("install", "--name", name)
		if code != 1 || !strings.Contains(errs, "error: the account "+name+" belongs to something else") || !strings.Contains(errs, "hint: choose another --name") {
			t.Errorf("%s: got %d, %s", name, code, errs)
		}
		m.told()
	}
}

// TestInstallAddress: what is printed can be called as it stands, whichever settings there are.
func TestInstallAddress(t *testing.T) {
	cert, key := "--tls-cert-file=/srv/tls/cert.pem", "--tls-key-file=/srv/tls/key.pem"
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--port", "3001"}, "http://127.0.0.1:3001"},
		{[]string{cert, key}, "https://127.0.0.1:3000"},
		{[]string{"--host", "0.0.0.0", cert, key}, "https://127.0.0.1:3000"},
		{[]string{"--host", "0.0.0.0", "--allow-remote", "true"}, "http://127.0.0.1:3000"},
		{[]string{"--host", "::", "--allow-remote", "true"}, "http://[::1]:3000"},
		{[]string{"--port", "off", "--listen-socket", "/run/wamux/wamux.sock"}, "unix:/run/wamux/wamux.sock"},
	} {
		m := newMachine(t, osservice.Systemd)
		m.write("/srv/tls/cert.pem", "a certificate")
		m.write("/srv/tls/key.pem", "a key")
		if out := m.does(append([]string{"install"}, c.args...)...); !strings.Contains(out, "\naddress: "+c.want+"\n") {
			t.Errorf("%v: got %s, want %s", c.args, out, c.want)
		}
	}
}

// TestInstallAnnounced: where the service says itself where it listens, the pin of its certificate is not shown.
func TestInstallAnnounced(t *testing.T) {
	m := newMachine(t, osservice.SysV)
	data := m.host.root + "/var/lib/wamux"
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), store.Options{Path: data + "/wamux.db", Log: quietLog(&bytes.Buffer{})})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Announce("https://127.0.0.1:3000#abcdef"); err != nil {
		t.Fatal(err)
	}
	if out := m.does("install"); !strings.Contains(out, "\naddress: https://127.0.0.1:3000\n") {
		t.Errorf("got %s", out)
	}
}

// TestInstallCertificate: systemd reads the files of the certificate for a service that can't, but not those in its own folder.
func TestInstallCertificate(t *testing.T) {
	for cert, handed := range map[string]bool{"/etc/letsencrypt/live/shop/fullchain.pem": true, "/var/lib/wamux/cert.pem": false, "cert.pem": false} {
		m := newMachine(t, osservice.Systemd)
		key := filepath.Join(filepath.Dir(cert), "key.pem")
		if handed {
			m.write(cert, "a certificate")
			m.write(key, "a key")
		}
		m.does("install", "--tls-cert-file", cert, "--tls-key-file", key)
		unit, _ := m.read("/etc/systemd/system/wamux.service")
		if got := strings.Contains(unit, "\nLoadCredential=tls-cert:"+cert+"\nLoadCredential=tls-key:"+key+"\n"); got != handed || strings.Contains(unit, "tls-") != handed {
			t.Errorf("%s: got %s", cert, unit)
		}
	}
}

// TestInstallNotes: what is missing is said although, and before, the start fails by it.
func TestInstallNotes(t *testing.T) {
	for _, kind := range []osservice.Kind{osservice.Systemd, osservice.OpenRC} {
		m := newMachine(t, kind)
		m.write("/srv/x/here", "")
		m.refused = map[osservice.Kind]string{osservice.Systemd: "systemctl start", osservice.OpenRC: "rc-service wamux start"}[kind]
		code, out, _ := m.call("install", "--database", "file:/srv/x/all.db", "--name", "wamux")
		if code != 1 || !strings.Contains(out, "note: /srv/x must belong to the account of the service: `sudo ") || !strings.Contains(out, "sudo chown wamux "+m.host.root+"/srv/x`, then `sudo wamux restart`\n") {
			t.Errorf("%s: got %d, %s", kind, code, out)
		}
	}
	m := newMachine(t, osservice.OpenRC)
	m.refused = "rc-service wamux start"
	if _, out, _ := m.call("install", "--tls-cert-file", "/srv/cert.pem", "--tls-key-file", "/srv/key.pem"); !strings.Contains(out, "note: the account wamux must be able to read /srv/cert.pem and /srv/key.pem\n") {
		t.Errorf("got %s", out)
	}
}
