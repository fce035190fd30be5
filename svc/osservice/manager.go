package osservice

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Manager is a service manager that reads texts and is spoken to by commands: all but that of Windows.
type Manager struct {
	kind Kind
	root string // is put before every path; "" but in tests
	home string // of the user
	run  Runner
}

// Runner runs a command and waits for it. Its error holds what the command said.
type Runner func(ctx context.Context, name string, args ...string) error

// NewManager returns the manager of a kind. root is put before the paths it writes to, and is "" for this machine; home is
// that of the user, for services of their own.
func NewManager(kind Kind, root, home string, run Runner) *Manager {
	return &Manager{kind, root, home, run}
}

// Command is the Runner of this machine.
func Command(ctx context.Context, name string, args ...string) error {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
		return fmt.Errorf("`%s` failed: %s", strings.Join(append([]string{name}, args...), " "), or(line, err.Error()))
	}
	return nil
}

// Kind is what the manager is.
func (m *Manager) Kind() Kind { return m.kind }

// Path is where the text of a service belongs.
func (m *Manager) Path(s Service) string {
	switch {
	case m.kind == Systemd && s.Personal:
		return m.home + "/.config/systemd/user/" + s.Name + ".service"
	case m.kind == Systemd:
		return "/etc/systemd/system/" + s.Name + ".service"
	case m.kind == Launchd && s.Personal:
		return m.home + "/Library/LaunchAgents/" + s.Name + ".plist"
	case m.kind == Launchd:
		return "/Library/LaunchDaemons/" + s.Name + ".plist"
	}
	return "/etc/init.d/" + s.Name
}

// Installed tells whether there is a service of that name.
func (m *Manager) Installed(s Service) bool {
	_, err := os.Stat(m.root + m.Path(s))
	return err == nil
}

// Prepare makes what must be there before the service starts: folders, and its account where the manager makes none. What
// is there stays.
func (m *Manager) Prepare(ctx context.Context, s Service) error {
	if err := os.MkdirAll(m.root+filepath.Dir(s.Settings), 0o755); err != nil {
		return err
	}
	if m.kind == Systemd && !s.Personal { // which makes the account and the folder
		return nil
	}
	if s.Personal {
		return os.MkdirAll(m.root+s.Data, 0o700)
	}
	if m.kind != Launchd && m.run(ctx, "id", s.Account) != nil {
		if err := m.addAccount(ctx, s); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(m.root+s.Data, 0o700); err != nil {
		return err
	}
	return m.run(ctx, "chown", s.Account, m.root+s.Data)
}

// addAccount knows the tools of most systems, and those of BusyBox.
func (m *Manager) addAccount(ctx context.Context, s Service) error {
	err := m.run(ctx, "useradd", "--system", "--user-group", "--no-create-home", "--home-dir", s.Data, "--shell", "/bin/false", s.Account)
	if err == nil {
		return nil
	}
	_ = m.run(ctx, "addgroup", "-S", s.Account)
	if m.run(ctx, "adduser", "-S", "-D", "-H", "-h", s.Data, "-s", "/bin/false", "-G", s.Account, s.Account) == nil {
		return nil
	}
	return err
}

// Lend lets the service read a file of the machine's settings that only root may read else. Systemd needs no such thing.
func (m *Manager) Lend(ctx context.Context, s Service, path string) error {
	if s.Personal || m.kind == Systemd {
		return nil
	}
	return m.run(ctx, "chown", s.Account, m.root+path)
}

// Install hands the service to the manager, which starts it at every boot from then on; it does not start it now. changed
// is false when the manager had just this service already.
func (m *Manager) Install(ctx context.Context, s Service) (changed bool, err error) {
	path, text := m.root+m.Path(s), []byte(s.Text(m.kind))
	before, err := os.ReadFile(path)
	if err == nil && bytes.Equal(before, text) {
		return false, m.do(ctx, s, "enable")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return false, err
	}
	if err := replaceFile(path, text, m.mode()); err != nil {
		return false, err
	}
	return true, m.do(ctx, s, "reload", "enable")
}

func (m *Manager) mode() fs.FileMode {
	if m.kind == OpenRC || m.kind == SysV {
		return 0o755
	}
	return 0o644
}

// replaceFile leaves the old text or the new one, whatever happens.
func replaceFile(path string, text []byte, mode fs.FileMode) error {
	fresh := path + ".new"
	_ = os.Remove(fresh) // of a call that was cut off
	err := os.WriteFile(fresh, text, mode)
	if err == nil {
		err = os.Chmod(fresh, mode) // whatever the umask
	}
	if err == nil {
		err = os.Rename(fresh, path)
	}
	if err != nil {
		_ = os.Remove(fresh)
	}
	return err
}

// Uninstall stops the service and takes it from the manager. Its data and settings stay.
func (m *Manager) Uninstall(ctx context.Context, s Service) error {
	err := m.Stop(ctx, s)
	if m.kind != Launchd { // where a service that is not there any more is none
		err = errors.Join(err, m.do(ctx, s, "disable"))
	}
	if err != nil {
		return err
	}
	if err := os.Remove(m.root + m.Path(s)); err != nil {
		return err
	}
	return m.do(ctx, s, "forget")
}

// Start starts the service. With systemd it returns when the service is at work.
func (m *Manager) Start(ctx context.Context, s Service) error { return m.do(ctx, s, "start") }

// Stop stops the service and waits for its end. It is started again at the next boot. One that does not run is no error.
func (m *Manager) Stop(ctx context.Context, s Service) error {
	if m.kind == Launchd && !m.Running(ctx, s) {
		return nil
	}
	return m.do(ctx, s, "stop")
}

// Restart stops the service, when it runs, and starts it.
func (m *Manager) Restart(ctx context.Context, s Service) error {
	if m.kind == Launchd { // which reads the text only when it begins
		return errors.Join(m.Stop(ctx, s), m.Start(ctx, s))
	}
	return m.do(ctx, s, "restart")
}

// Running tells whether the service runs.
func (m *Manager) Running(ctx context.Context, s Service) bool { return m.do(ctx, s, "running") == nil }

func (m *Manager) do(ctx context.Context, s Service, verbs ...string) error {
	for _, verb := range verbs {
		for _, command := range m.commands(s)[verb] {
			if err := m.run(ctx, command[0], command[1:]...); err != nil {
				return err
			}
		}
	}
	return nil
}

// commands are what the manager is told, by verb. A verb that it knows nothing of needs no command.
func (m *Manager) commands(s Service) map[string][][]string {
	name := s.Name
	switch m.kind {
	case Systemd:
		ctl := func(args ...string) [][]string {
			if s.Personal {
				args = append([]string{"--user"}, args...)
			}
			return [][]string{append([]string{"systemctl"}, args...)}
		}
		unit := name + ".service"
		return map[string][][]string{"reload": ctl("daemon-reload"), "forget": ctl("daemon-reload"), "enable": ctl("enable", "--quiet", unit),
			"disable": ctl("disable", "--quiet", unit), "start": ctl("start", unit), "stop": ctl("stop", unit),
			"restart": ctl("restart", unit), "running": ctl("is-active", "--quiet", unit)}
	case OpenRC:
		c := m.script("rc-service", name)
		c["enable"], c["disable"] = [][]string{{"rc-update", "add", name, "default"}}, [][]string{{"rc-update", "del", name, "default"}}
		return c
	case SysV:
		c := m.script("/etc/init.d/" + name)
		c["enable"], c["forget"] = [][]string{{"update-rc.d", name, "defaults"}}, [][]string{{"update-rc.d", name, "remove"}}
		return c
	}
	domain := "system"
	if s.Personal {
		domain = "gui/" + strconv.Itoa(os.Getuid())
	}
	return map[string][][]string{"enable": {{"launchctl", "enable", domain + "/" + name}}, "start": {{"launchctl", "bootstrap", domain, m.Path(s)}},
		"stop": {{"launchctl", "bootout", domain + "/" + name}}, "running": {{"launchctl", "print", domain + "/" + name}}}
}

// script are the verbs of an init script.
func (m *Manager) script(command ...string) map[string][][]string {
	verb := func(v string) [][]string { return [][]string{append(append([]string{}, command...), v)} }
	return map[string][][]string{"start": verb("start"), "stop": verb("stop"), "restart": verb("restart"), "running": verb("status")}
}

// Linger lets the services of a user run also while that user is not logged in, where the manager knows such a thing.
func (m *Manager) Linger(ctx context.Context) error {
	if m.kind != Systemd {
		return nil
	}
	return m.run(ctx, "loginctl", "enable-linger")
}
