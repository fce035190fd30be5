package osservice

import (
	"bytes"
	"context"
	"errors"
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

// Runner runs a command and waits for it. Its error is a [CommandError].
type Runner func(ctx context.Context, name string, args ...string) error

// NewManager returns the manager of a kind. root is put before the paths it writes to, and is "" for this machine; home is
// that of the user, for services of their own.
func NewManager(kind Kind, root, home string, run Runner) *Manager {
	return &Manager{kind, root, home, run}
}

// CommandError is a command of the manager that failed. What it said is not in it: that is for who calls it by hand.
type CommandError struct {
	Line    string // the command, as it is typed
	What    string // a sentence about it, "" for the usual one
	Working bool   // it was to start or to stop the service
	Err     error
}

func (e *CommandError) Error() string { return or(e.What, "`"+e.Line+"` failed") }
func (e *CommandError) Unwrap() error { return e.Err }

// Command is the Runner of this machine.
func Command(ctx context.Context, name string, args ...string) error {
	if err := exec.CommandContext(ctx, name, args...).Run(); err != nil {
		return &CommandError{Line: strings.Join(append([]string{name}, args...), " "), Err: err}
	}
	return nil
}

// Path is where the text of a service belongs.
func (m *Manager) Path(s *Service) string {
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
func (m *Manager) Installed(s *Service) bool {
	return m.exists(m.Path(s)) || m.Packaged(s)
}

// Packaged tells whether the service came with a package, whose files are not ours to change: our own weigh more.
func (m *Manager) Packaged(s *Service) bool {
	return m.kind == Systemd && !s.Personal && m.exists(packaged(s))
}

func packaged(s *Service) string { return "/usr/lib/systemd/system/" + s.Name + ".service" }

func (m *Manager) exists(path string) bool {
	_, err := os.Stat(m.root + path)
	return err == nil
}

// Prepare makes what must be there before the service starts: folders, and its account where the manager makes none. What
// is there stays.
func (m *Manager) Prepare(ctx context.Context, s *Service) error {
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
func (m *Manager) addAccount(ctx context.Context, s *Service) error {
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
func (m *Manager) Lend(ctx context.Context, s *Service, path string) error {
	if s.Personal || m.kind == Systemd {
		return nil
	}
	return m.run(ctx, "chown", s.Account, m.root+path)
}

// Install hands the service to the manager, which starts it at every boot from then on; it does not start it now. changed
// is false when the manager had just this service already.
func (m *Manager) Install(ctx context.Context, s *Service) (changed bool, err error) {
	path, text := m.root+m.Path(s), []byte(s.Text(m.kind))
	before, err := os.ReadFile(path)
	if m.Packaged(s) && err != nil {
		before, err = os.ReadFile(m.root + packaged(s))
	}
	if err == nil && bytes.Equal(before, text) {
		return false, m.do(ctx, s, "enable")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return false, err
	}
	if err := ReplaceFile(path, text, m.mode()); err != nil {
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

// Uninstall stops the service and takes it from the manager. Its data and settings stay.
func (m *Manager) Uninstall(ctx context.Context, s *Service) error {
	err := m.Stop(ctx, s)
	if m.kind != Launchd { // where a service that is not there any more is none
		err = errors.Join(err, m.do(ctx, s, "disable"))
	}
	if err != nil {
		return err
	}
	if err := os.Remove(m.root + m.Path(s)); err != nil && !m.Packaged(s) {
		return err
	}
	return m.do(ctx, s, "forget")
}

// Start starts the service. With systemd it returns when the service is at work.
func (m *Manager) Start(ctx context.Context, s *Service) error { return m.do(ctx, s, "start") }

// Stop stops the service and waits for its end. It is started again at the next boot. One that does not run is no error.
func (m *Manager) Stop(ctx context.Context, s *Service) error {
	if m.kind == Launchd && !m.Running(ctx, s) {
		return nil
	}
	return m.do(ctx, s, "stop")
}

// Restart stops the service, when it runs, and starts it.
func (m *Manager) Restart(ctx context.Context, s *Service) error {
	if m.kind == Launchd { // which reads the text only when it begins
		return errors.Join(m.Stop(ctx, s), m.Start(ctx, s))
	}
	return m.do(ctx, s, "restart")
}

// Running tells whether the service runs.
func (m *Manager) Running(ctx context.Context, s *Service) bool {
	return m.do(ctx, s, "running") == nil
}

// do tells the manager each of these things, until it refuses one. What it has no command for needs none.
func (m *Manager) do(ctx context.Context, s *Service, verbs ...string) error {
	user, domain := "", "system"
	if s.Personal {
		user, domain = "--user", "gui/"+strconv.Itoa(os.Getuid())
	}
	words := strings.NewReplacer("NAME", s.Name, "USER", user, "DOMAIN", domain, "PATH", m.Path(s))
	for _, verb := range verbs {
		for line := range strings.Lines(commands(m.kind)) {
			if known, command, _ := strings.Cut(line, " "); known != verb {
				continue
			} else if err := m.tell(ctx, verb, strings.Fields(words.Replace(command))); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *Manager) tell(ctx context.Context, verb string, command []string) error {
	err := m.run(ctx, command[0], command[1:]...)
	if failed := (*CommandError)(nil); errors.As(err, &failed) {
		failed.Working = verb == "start" || verb == "stop" || verb == "restart"
	}
	return err
}

// commands are what a manager is told, a line each behind what it is for. launchd reads the text when it begins, systemd
// when it is told to.
func commands(kind Kind) string {
	switch kind {
	case Systemd:
		return `reload systemctl USER daemon-reload
forget systemctl USER daemon-reload
enable systemctl USER enable --quiet NAME.service
disable systemctl USER disable --quiet NAME.service
start systemctl USER start NAME.service
stop systemctl USER stop NAME.service
restart systemctl USER restart NAME.service
running systemctl USER is-active --quiet NAME.service`
	case OpenRC:
		return `enable rc-update add NAME default
disable rc-update del NAME default
start rc-service NAME start
stop rc-service NAME stop
restart rc-service NAME restart
running rc-service NAME status`
	case SysV:
		return `enable update-rc.d NAME defaults
forget update-rc.d NAME remove
start /etc/init.d/NAME start
stop /etc/init.d/NAME stop
restart /etc/init.d/NAME restart
running /etc/init.d/NAME status`
	}
	return `enable launchctl enable DOMAIN/NAME
start launchctl bootstrap DOMAIN PATH
stop launchctl bootout DOMAIN/NAME
running launchctl print DOMAIN/NAME`
}

// Linger lets the services of a user run also while that user is not logged in, where the manager knows such a thing.
func (m *Manager) Linger(ctx context.Context) error {
	if m.kind != Systemd {
		return nil
	}
	return m.run(ctx, "loginctl", "enable-linger")
}
