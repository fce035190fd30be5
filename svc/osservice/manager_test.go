//go:build unix

package osservice

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// script records what a manager is told; what begins with one of refused fails.
type script struct {
	said    []string
	refused []string
}

func (s *script) run(_ context.Context, name string, args ...string) error {
	line := strings.Join(append([]string{name}, args...), " ")
	s.said = append(s.said, line)
	if slices.ContainsFunc(s.refused, func(r string) bool { return strings.HasPrefix(line, r) }) {
		return &CommandError{Line: line}
	}
	return nil
}

// TestManagers walks each kind through the life of a service: what it is told, and where its text is.
func TestManagers(t *testing.T) {
	for _, c := range []struct {
		kind     Kind
		personal bool
		path     string
		told     []string
	}{
		{Systemd, false, "/etc/systemd/system/wamux.service", []string{
			"systemctl daemon-reload", "systemctl enable --quiet wamux.service", "systemctl start wamux.service",
			"systemctl enable --quiet wamux.service", "systemctl is-active --quiet wamux.service", "systemctl restart wamux.service",
			"systemctl stop wamux.service", "systemctl disable --quiet wamux.service", "systemctl daemon-reload"}},
		{Systemd, true, "/home/sari/.config/systemd/user/wamux.service", []string{
			"systemctl --user daemon-reload", "systemctl --user enable --quiet wamux.service", "systemctl --user start wamux.service",
			"systemctl --user enable --quiet wamux.service", "systemctl --user is-active --quiet wamux.service", "systemctl --user restart wamux.service",
			"systemctl --user stop wamux.service", "systemctl --user disable --quiet wamux.service", "systemctl --user daemon-reload"}},
		{OpenRC, false, "/etc/init.d/wamux", []string{
			"id wamux", "chown wamux ROOT/var/lib/wamux",
			"rc-update add wamux default", "rc-service wamux start", "rc-update add wamux default", "rc-service wamux status",
			"rc-service wamux restart", "rc-service wamux stop", "rc-update del wamux default"}},
		{SysV, false, "/etc/init.d/wamux", []string{
			"id wamux", "chown wamux ROOT/var/lib/wamux",
			"update-rc.d wamux defaults", "/etc/init.d/wamux start", "update-rc.d wamux defaults", "/etc/init.d/wamux status",
			"/etc/init.d/wamux restart", "/etc/init.d/wamux stop", "update-rc.d wamux remove"}},
		{Launchd, false, "/Library/LaunchDaemons/wamux.plist", []string{
			"chown _wamux ROOT/usr/local/var/wamux",
			"launchctl enable system/wamux", "launchctl bootstrap system /Library/LaunchDaemons/wamux.plist", "launchctl enable system/wamux",
			"launchctl print system/wamux", "launchctl print system/wamux", "launchctl bootout system/wamux",
			"launchctl bootstrap system /Library/LaunchDaemons/wamux.plist", "launchctl print system/wamux", "launchctl bootout system/wamux"}},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			root, told := t.TempDir(), &script{}
			m, s := NewManager(c.kind, root, "/home/sari", told.run), New(c.kind, "wamux", c.personal, "/home/sari", "", "")
			ctx := t.Context()
			changed, err := m.Install(ctx, s)
			if prepared := m.Prepare(ctx, s); prepared != nil || err != nil || !changed || !m.Installed(s) {
				t.Fatalf("got changed %v, %v, %v", changed, err, prepared)
			}
			told.said = append(told.said[len(told.said)-count(c.told, "id ", "chown "):], told.said[:len(told.said)-count(c.told, "id ", "chown ")]...)
			text, err := os.ReadFile(root + c.path)
			if err != nil || string(text) != s.Text(c.kind) {
				t.Errorf("%v: got %s", err, text)
			}
			steps := []error{m.Start(ctx, s)}
			changed, err = m.Install(ctx, s)
			if steps = append(steps, err); changed || !m.Running(ctx, s) {
				t.Errorf("the second time: got changed %v", changed)
			}
			if err := errors.Join(append(steps, m.Restart(ctx, s), m.Uninstall(ctx, s))...); err != nil || m.Installed(s) {
				t.Errorf("got %v, installed %v", err, m.Installed(s))
			}
			if got := strings.ReplaceAll(strings.Join(told.said, "\n"), root, "ROOT"); got != strings.Join(c.told, "\n") {
				t.Errorf("got\n%s\nwant\n%s", got, strings.Join(c.told, "\n"))
			}
		})
	}
}

// count is how many lines begin with one of these.
func count(lines []string, begin ...string) (n int) {
	for _, line := range lines {
		if slices.ContainsFunc(begin, func(b string) bool { return strings.HasPrefix(line, b) }) {
			n++
		}
	}
	return n
}

// TestAccount: where there is no account it is made, with the tools of BusyBox when the usual one is missing.
func TestAccount(t *testing.T) {
	for want, refused := range map[string][]string{
		"useradd --system --user-group --no-create-home --home-dir /var/lib/wamux --shell /bin/false wamux": {"id "},
		"adduser -S -D -H -h /var/lib/wamux -s /bin/false -G wamux wamux":                                   {"id ", "useradd "},
	} {
		told := &script{refused: refused}
		s := New(OpenRC, "wamux", false, "", "", "")
		if err := NewManager(OpenRC, t.TempDir(), "", told.run).Prepare(t.Context(), s); err != nil || !slices.Contains(told.said, want) {
			t.Errorf("got %v, %q, want %s", err, told.said, want)
		}
	}
	told := &script{refused: []string{"id ", "useradd ", "adduser "}}
	if err := NewManager(OpenRC, t.TempDir(), "", told.run).Prepare(t.Context(), New(OpenRC, "wamux", false, "", "", "")); err == nil {
		t.Error("no account could be made, which is no error")
	}
}

// TestRefusedCommand: an error names the command, and says whether the service or its installation is at fault.
func TestRefusedCommand(t *testing.T) {
	told := &script{refused: []string{"systemctl start", "systemctl daemon-reload"}}
	m, s := NewManager(Systemd, t.TempDir(), "", told.run), New(Systemd, "wamux", false, "", "", "")
	var failed *CommandError
	if _, err := m.Install(t.Context(), s); !errors.As(err, &failed) || failed.Working || failed.Error() != "`systemctl daemon-reload` failed" {
		t.Errorf("got %v", err)
	}
	if err := m.Start(t.Context(), s); !errors.As(err, &failed) || !failed.Working {
		t.Errorf("got %v", err)
	}
	if err := Command(t.Context(), "false"); !errors.As(err, &failed) || failed.Line != "false" {
		t.Errorf("got %v", err)
	}
}

// TestCopyProgram: a copy is made once, can be started, and takes the place of one that runs.
func TestCopyProgram(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "built"), filepath.Join(dir, "bin", "wamux")
	for i, text := range []string{"one", "one", "two"} {
		if err := os.WriteFile(from, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		changed, err := CopyProgram(from, to)
		if err != nil || changed != (i != 1) {
			t.Errorf("%d: got %v, %v", i, changed, err)
		}
		got, err := os.ReadFile(to)
		if info, _ := os.Stat(to); err != nil || string(got) != text || info.Mode().Perm() != 0o755 {
			t.Errorf("%d: got %s, %v", i, got, err)
		}
	}
	if left, _ := os.ReadDir(filepath.Dir(to)); len(left) != 1 {
		t.Errorf("got %v, want the program alone", left)
	}
	if Guarded(to) {
		t.Error("a file in a temporary folder counts as guarded")
	}
	if os.Getuid() == 0 && !Guarded("/usr/bin/env") {
		t.Error("/usr/bin/env does not count as guarded")
	}
}

// TestCopyOfOthers: the same program is not safe when somebody else can change it, also where it is started from.
func TestCopyOfOthers(t *testing.T) {
	dir := t.TempDir()
	to := filepath.Join(dir, "wamux")
	spoil := map[string]func() error{"Mode": func() error { return os.Chmod(to, 0o777) }}
	if os.Geteuid() == 0 {
		spoil["Owner"] = func() error { return os.Chown(to, 12345, 12345) }
	}
	for name, spoil := range spoil {
		for _, from := range []string{filepath.Join(dir, "built"), to} {
			if err := errors.Join(os.WriteFile(filepath.Join(dir, "built"), []byte("one"), 0o755), os.WriteFile(to, []byte("one"), 0o755), spoil()); err != nil {
				t.Fatal(err)
			}
			changed, err := CopyProgram(from, to)
			text, _ := os.ReadFile(to)
			if err != nil || !changed || !own(to) || string(text) != "one" {
				t.Errorf("%s, from %s: got %v, %v, own %v, %q", name, from, changed, err, own(to), text)
			}
			if again, err := CopyProgram(from, to); err != nil || again {
				t.Errorf("%s again: got %v, %v", name, again, err)
			}
		}
	}
}
