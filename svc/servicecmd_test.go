//go:build unix

package svc

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wamux/svc/osservice"
)

// machine is a machine of a test: a folder, and a manager that is told of services and runs none.
type machine struct {
	t       *testing.T
	host    host
	active  bool
	said    []string // since the last call of take
	refused string   // a command that begins so fails
}

func newMachine(t *testing.T, kind osservice.Kind) *machine {
	t.Helper()
	m := &machine{t: t}
	root := t.TempDir()
	self := filepath.Join(t.TempDir(), "wamux")
	if err := os.WriteFile(self, []byte("a program"), 0o755); err != nil {
		t.Fatal(err)
	}
	m.host = host{kind: kind, root: root, home: "/home/sari", admin: true, self: self}
	if kind != "" {
		m.host.manager = osservice.NewManager(kind, root, m.host.home, m.run)
	}
	return m
}

func (m *machine) run(_ context.Context, name string, args ...string) error {
	line := strings.Join(append([]string{name}, args...), " ")
	m.said = append(m.said, line)
	asks := slices.Contains(args, "is-active") || slices.Contains(args, "status")
	switch {
	case m.refused != "" && strings.HasPrefix(line, m.refused), asks && !m.active:
		return &osservice.CommandError{Line: line}
	case slices.Contains(args, "start"), slices.Contains(args, "restart"):
		m.active = true
	case slices.Contains(args, "stop"):
		m.active = false
	}
	return nil
}

// call runs a command about the service.
func (m *machine) call(args ...string) (code int, out, errs string) {
	m.t.Helper()
	m.said = nil
	var stdout, stderr bytes.Buffer
	p := program{ctx: m.t.Context(), stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr}
	work := map[string]func(*serviceCall, context.Context) error{"install": (*serviceCall).install, "uninstall": (*serviceCall).uninstall,
		"start": (*serviceCall).start, "stop": (*serviceCall).stop, "restart": (*serviceCall).restart}
	var own []string
	if args[0] == "install" {
		own = installFlags()
	}
	code = p.onService(m.t.Context(), m.host, args[1:], own, work[args[0]])
	return code, stdout.String(), stderr.String()
}

// does runs a command that must succeed, and returns what it printed.
func (m *machine) does(args ...string) string {
	m.t.Helper()
	code, out, errs := m.call(args...)
	if code != 0 || errs != "" {
		m.t.Fatalf("%v: got %d\n%s\n%s", args, code, out, errs)
	}
	return out
}

func (m *machine) told(want ...string) {
	m.t.Helper()
	if !slices.Equal(m.said, want) {
		m.t.Errorf("the manager was told\n%s\nwant\n%s", strings.Join(m.said, "\n"), strings.Join(want, "\n"))
	}
}

func (m *machine) read(path string) (text string, mode fs.FileMode) {
	m.t.Helper()
	got, err := os.ReadFile(m.host.root + path)
	info, err2 := os.Stat(m.host.root + path)
	if err := errors.Join(err, err2); err != nil {
		m.t.Fatal(err)
	}
	return string(got), info.Mode().Perm()
}

func (m *machine) write(path, text string) {
	m.t.Helper()
	file := m.host.root + path
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
		m.t.Fatal(err)
	}
}

// TestInstall: installed, installed again, changed, stopped, taken away.
func TestInstall(t *testing.T) {
	m := newMachine(t, osservice.Systemd)
	out := m.does("install", "--port", "3001", "--api-keys=wk_first,wk_second")
	m.told("systemctl daemon-reload", "systemctl enable --quiet wamux.service", "systemctl is-active --quiet wamux.service", "systemctl start wamux.service")
	for _, want := range []string{"is copied to /usr/local/bin/wamux", "address: http://127.0.0.1:3001\n", "settings: " + m.host.root + "/etc/wamux/wamux.env",
		"next: sudo wamux sessions add shop\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("got %s, want %q in it", out, want)
		}
	}
	if strings.Contains(out, "wk_first") || strings.Contains(out, "admin.key") {
		t.Errorf("got %s, want neither a key nor a file that is not made", out)
	}
	s := osservice.New(osservice.Systemd, "wamux", false, "", "", "")
	s.Binary = "/usr/local/bin/wamux"
	if unit, mode := m.read("/etc/systemd/system/wamux.service"); unit != s.Text(osservice.Systemd) || mode != 0o644 || strings.Contains(unit, "wk_") {
		t.Errorf("got %o\n%s", mode, unit)
	}
	if text, mode := m.read("/etc/wamux/wamux.env"); text != settingsHead+"PORT='3001'\nAPI_KEYS='wk_first,wk_second'\n" || mode != 0o600 {
		t.Errorf("got %o\n%s", mode, text)
	}
	if program, mode := m.read("/usr/local/bin/wamux"); program != "a program" || mode != 0o755 {
		t.Errorf("got %q, %o", program, mode)
	}
	if out := m.does("install"); !strings.Contains(out, "nothing to do") || !strings.Contains(out, "http://127.0.0.1:3001") {
		t.Errorf("again: got %s", out)
	}
	m.told("systemctl enable --quiet wamux.service", "systemctl is-active --quiet wamux.service")
	m.does("install", "--port", "3002")
	m.told("systemctl enable --quiet wamux.service", "systemctl is-active --quiet wamux.service", "systemctl restart wamux.service")
	if text, _ := m.read("/etc/wamux/wamux.env"); text != settingsHead+"PORT='3002'\nAPI_KEYS='wk_first,wk_second'\n" {
		t.Errorf("another port: got %s", text)
	}
	if err := os.WriteFile(m.host.self, []byte("a newer program"), 0o755); err != nil {
		t.Fatal(err)
	}
	m.does("install")
	m.told("systemctl enable --quiet wamux.service", "systemctl is-active --quiet wamux.service", "systemctl restart wamux.service")
	m.does("stop")
	m.does("install")
	m.told("systemctl enable --quiet wamux.service", "systemctl is-active --quiet wamux.service", "systemctl start wamux.service")
	m.does("restart")
	m.told("systemctl restart wamux.service")
	if out := m.does("uninstall"); out != "the service wamux is gone\nyour data stays in /var/lib/wamux, its settings in /etc/wamux\n" {
		t.Errorf("uninstall: got %s", out)
	}
	m.told("systemctl stop wamux.service", "systemctl disable --quiet wamux.service", "systemctl daemon-reload")
	m.read("/etc/wamux/wamux.env")
	if out := m.does("uninstall"); !strings.Contains(out, "nothing to do") {
		t.Errorf("uninstall again: got %s", out)
	}
	m.told()
}

// TestInstallForOneUser needs no root, and keeps everything in the home.
func TestInstallForOneUser(t *testing.T) {
	m := newMachine(t, osservice.Systemd)
	m.host.admin = false
	out := m.does("install", "--user", "--name", "shop")
	m.told("systemctl --user daemon-reload", "systemctl --user enable --quiet shop.service", "systemctl --user is-active --quiet shop.service",
		"systemctl --user start shop.service", "loginctl enable-linger")
	if !strings.Contains(out, "next: wamux sessions add shop --database file:"+m.host.root+"/home/sari/.local/state/shop/wamux.db\n") {
		t.Errorf("got %s", out)
	}
	unit, _ := m.read("/home/sari/.config/systemd/user/shop.service")
	if !strings.Contains(unit, "\nExecStart="+m.host.self+" run\n") || strings.Contains(unit, "DynamicUser") {
		t.Errorf("got %s", unit)
	}
	if info, err := os.Stat(m.host.root + "/home/sari/.local/state/shop"); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got %v, %v", info, err)
	}
	m.refused = "loginctl"
	if out := m.does("install", "--user", "--name", "shop"); !strings.Contains(out, "note: it runs while you are logged in") {
		t.Errorf("got %s", out)
	}
}

// TestServiceRefusals: what can't be done is said in a sentence, and nothing is changed.
func TestServiceRefusals(t *testing.T) {
	for _, c := range []struct {
		name    string
		kind    osservice.Kind
		change  func(*machine)
		args    string
		code    int
		message string
	}{
		{"NotRoot", osservice.Systemd, func(m *machine) { m.host.admin = false }, "install", 1, "error: only root may do this\nhint: put sudo in front of it, or --user behind it"},
		{"NotRootStop", osservice.SysV, func(m *machine) { m.host.admin = false }, "stop", 1, "error: only root may do this\nhint: put sudo in front of it\n"},
		{"NoManager", "", nil, "install", 1, "error: no service manager is known here\nhint: `wamux install --print=systemd`"},
		{"NoUsers", osservice.OpenRC, nil, "install --user", 1, "error: openrc has no services of users"},
		{"NotThere", osservice.Systemd, nil, "start", 1, "error: there is no service wamux\nhint: `wamux install`"},
		{"Name", osservice.Systemd, nil, "install --name ../etc", 2, "error: the name of a service"},
		{"Words", osservice.Systemd, nil, "install shop", 2, `error: the command takes no words behind it, but got "shop"`},
		{"StopSettings", osservice.Systemd, nil, "stop --port 1", 2, "error: the command takes no settings"},
		{"Unknown", osservice.Systemd, nil, "install --fly", 2, "error: there is no flag --fly"},
		{"Wrong", osservice.Systemd, nil, "install --port many", 2, "error: PORT (.env) is \"many\", but it must be a whole number"},
		{"Sandbox", osservice.Systemd, nil, "install --sandbox", 2, "error: --sandbox is no setting of a service"},
		{"Quote", osservice.Systemd, nil, "install --api-keys wk_'secret", 2, "error: API_KEYS holds a quote"},
		{"Identity", osservice.Systemd, nil, "install --age-identity-file /root/key", 2, "put it at /etc/wamux/age-identity instead"},
		{"Certificate", osservice.Systemd, nil, "install --tls-cert-file /srv/cert.pem --tls-key-file /srv/key.pem", 2, "/srv/cert.pem is not there"},
		{"Binary", osservice.Systemd, nil, "install --binary /opt/none", 1, "error: /opt/none is not there"},
		{"Reload", osservice.Systemd, func(m *machine) { m.refused = "systemctl daemon-reload" }, "install", 1,
			"error: `systemctl daemon-reload` failed\nhint: `systemctl daemon-reload` by hand shows what is wrong\n"},
		{"Start", osservice.Systemd, func(m *machine) { m.refused = "systemctl start" }, "install", 1, "hint: `journalctl -u wamux -n 20` tells why"},
		{"PrintWhat", osservice.Systemd, nil, "install --print=upstart", 1, `error: nothing can be printed for "upstart"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine(t, c.kind)
			if c.change != nil {
				c.change(m)
			}
			code, out, errs := m.call(strings.Fields(c.args)...)
			if code != c.code || !strings.Contains(errs, c.message) || strings.Contains(errs, "secret") {
				t.Errorf("got %d\n%s\n%s\nwant %d, %q", code, out, errs, c.code, c.message)
			}
			made, _ := filepath.Glob(m.host.root + "/etc/*")
			if c.name != "Reload" && c.name != "Start" && len(made) > 0 {
				t.Errorf("got %q made", made)
			}
		})
	}
}

// TestPrint is the same on any machine, whoever asks, and touches nothing.
func TestPrint(t *testing.T) {
	for _, m := range []*machine{newMachine(t, ""), newMachine(t, osservice.SysV), newMachine(t, osservice.Systemd)} {
		m.host.admin = false
		for _, kind := range osservice.Kinds() {
			s := osservice.New(kind, "wamux", false, "", "", "")
			if got := m.does("install", "--print="+string(kind)); got != s.Text(kind) || !strings.Contains(got, "/usr/bin/wamux") {
				t.Errorf("%s: got %s", kind, got)
			}
		}
		if got := m.does("install", "--print=systemd", "--user", "--name", "shop", "--binary", "/opt/wamux/wamux"); !strings.Contains(got, "ExecStart=/opt/wamux/wamux run\n") ||
			!strings.Contains(got, "WorkingDirectory=%h/.local/state/shop\n") {
			t.Errorf("got %s", got)
		}
		kind := osservice.Systemd // where none is known
		if m.host.kind != "" {
			kind = m.host.kind
		}
		if got := m.does("install", "--print"); got != osservice.New(kind, "wamux", false, "", "", "").Text(kind) {
			t.Errorf("%s alone: got %s", kind, got)
		}
		m.told()
	}
}

// TestSettingsOfService: a line is changed where it stands, and what else is in the file stays.
func TestSettingsOfService(t *testing.T) {
	const text = "# mine\nexport PORT = 1\nHOST=::1\r\nPORT=2\nLOG_LEVEL=info"
	got, err := withSetting([]byte(text), "PORT", "3001")
	if want := "# mine\nPORT='3001'\nHOST=::1\nLOG_LEVEL=info\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if _, err := withSetting(nil, "PORT", "1\nHOST=0.0.0.0"); err == nil {
		t.Error("a line within a value was taken")
	}
}

// TestSettingsFile: a service reads its settings from the file that its manager names.
func TestSettingsFile(t *testing.T) {
	t.Chdir(t.TempDir())
	file := filepath.Join(t.TempDir(), "wamux.env")
	if err := os.WriteFile(file, []byte("PORT=3456\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(osservice.SettingsVariable, file)
	var out, errs bytes.Buffer
	if code := Main([]string{"config"}, strings.NewReader(""), &out, &errs); code != 0 || !strings.Contains(out.String(), "3456") {
		t.Errorf("got %d, %s%s", code, &out, &errs)
	}
}

// TestNoCredential: what systemd hands over in place of a key that is not there is none; an empty file is a broken one.
func TestNoCredential(t *testing.T) {
	for text, given := range map[string]bool{osservice.NoCredential: false, "": true, "AGE-SECRET-KEY-": true} {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "age-identity"), []byte(text), 0o400); err != nil {
			t.Fatal(err)
		}
		env := map[string]string{"CREDENTIALS_DIRECTORY": folder}
		c, err := readConfig(sources{env: func(name string) (string, bool) { return env[name], env[name] != "" }})
		if err != nil || c.Credential != given {
			t.Errorf("%q: got %v, %v, want %v", text, c.Credential, err, given)
		}
	}
}

// TestFindsService: where nothing else is meant, commands speak to the service that runs; its files are left alone.
func TestFindsService(t *testing.T) {
	t.Chdir(t.TempDir())
	m := newMachine(t, osservice.Systemd)
	m.does("install", "--port", "3999", "--log-file", "all.log")
	mine := func() string {
		c, err := readConfig(sources{env: func(string) (string, bool) { return "", false }})
		if err != nil {
			t.Fatal(err)
		}
		c = c.orService(m.host)
		if c.Database != "./wamux.db" && (c.Port != "3999" || c.LogFile != filepath.Join(m.host.root, "/var/lib/wamux/all.log")) {
			t.Errorf("got port %s, log %s", c.Port, c.LogFile)
		}
		return c.Database
	}
	if got := mine(); got != "./wamux.db" {
		t.Errorf("it does not run: got %s", got)
	}
	data := m.host.root + "/var/lib/wamux"
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	app := App{Config: Config{Database: data + "/wamux.db", Host: "127.0.0.1", Port: "0", Scale: 1, Sandbox: true}, Log: quietLog(&bytes.Buffer{})}
	if err := app.openStore(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	if got := mine(); got != data+"/wamux.db" {
		t.Errorf("it runs: got %s", got)
	}
	if err := os.WriteFile("wamux.db", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := mine(); got != "./wamux.db" {
		t.Errorf("there is one here: got %s", got)
	}
	var out bytes.Buffer
	(program{stdout: &out}).tellService(t.Context(), m.host)
	if got := out.String(); got != "service: installed, runs (systemd, /etc/systemd/system/wamux.service)\n" {
		t.Errorf("got %s", got)
	}
}

// TestUninstallCopy: the program that install put there goes with the last service that has it; one that was there before stays,
// and is named.
func TestUninstallCopy(t *testing.T) {
	const program, named = "/usr/local/bin/wamux", "it also leaves the program"
	m := newMachine(t, osservice.Systemd)
	m.does("install")
	m.does("install", "--name", "wamux-2")
	for _, step := range []struct {
		args []string
		left bool
	}{{[]string{"uninstall"}, true}, {[]string{"uninstall", "--name", "wamux-2"}, false}} {
		if out := m.does(step.args...); strings.Contains(out, named) != step.left || m.host.exists(program) != step.left {
			t.Errorf("%v: left %v, got %s", step.args, m.host.exists(program), out)
		}
	}
	m.write(program, "an older one, put there by hand")
	m.does("install")
	if out := m.does("uninstall"); !strings.Contains(out, named) || !m.host.exists(program) {
		t.Errorf("one that was there: left %v, got %s", m.host.exists(program), out)
	}
}

// TestUninstallForOneUser says that lingering stays, where it is.
func TestUninstallForOneUser(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	m := newMachine(t, osservice.Systemd)
	m.write("/usr/local/bin/wamux", "the machine's")
	for _, lingers := range []bool{false, true} {
		m.does("install", "--user")
		if lingers {
			m.write("/var/lib/systemd/linger/"+me.Username, "")
		}
		out := m.does("uninstall", "--user")
		if strings.Contains(out, "`loginctl disable-linger "+me.Username+"` ends that") != lingers || strings.Contains(out, "/usr/local/bin") {
			t.Errorf("lingers %v: got %s", lingers, out)
		}
	}
}
