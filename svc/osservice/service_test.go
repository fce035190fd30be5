package osservice

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// services are one of each kind, by the name of its golden file.
func services() map[string]*Service {
	personal := New(Systemd, "wamux", true, "%h", "", "")
	writable := New(Systemd, "shop-2", false, "", "", "")
	writable.Binary, writable.Writable = "/usr/local/bin/wamux", []string{"/mnt/usb", "/srv/wamux"}
	writable.TLS = [2]string{"/etc/letsencrypt/live/shop/fullchain.pem", "/etc/letsencrypt/live/shop/privkey.pem"}
	agent := New(Launchd, "wamux", true, "/Users/sari", "", "")
	agent.Binary = "/opt/homebrew/bin/wamux"
	return map[string]*Service{"systemd": New(Systemd, "wamux", false, "", "", ""), "systemd-user": personal, "systemd-other": writable,
		"openrc": New(OpenRC, "wamux", false, "", "", ""), "sysv": New(SysV, "wamux", false, "", "", ""),
		"launchd": New(Launchd, "wamux", false, "", "", ""), "launchd-user": agent}
}

func kindOf(name string) Kind {
	kind, _, _ := strings.Cut(name, "-")
	return Kind(kind)
}

// TestTexts holds what managers read against testdata. After a change that is wanted: go test -update.
func TestTexts(t *testing.T) {
	for name, s := range services() {
		if err := s.Check(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, file := s.Text(kindOf(name)), filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil || got != strings.ReplaceAll(string(want), "\r\n", "\n") {
			t.Errorf("%s: %v, got\n%s", name, err, got)
		}
	}
}

// needs skips a test on a machine that lacks a program; CI has all.
func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err == nil {
		return
	} else if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed, which CI must have", program)
	}
	t.Skipf("this test needs %s, which is not installed here", program)
}

// unitFile writes a unit whose program is there, which systemd-analyze looks for.
func unitFile(t *testing.T, s *Service) string {
	t.Helper()
	s.Binary = "/bin/true"
	path := filepath.Join(t.TempDir(), s.Name+".service")
	if err := os.WriteFile(path, []byte(s.Text(Systemd)), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestUnitsAreUnderstood: systemd has nothing to say about the units.
func TestUnitsAreUnderstood(t *testing.T) {
	needs(t, "systemd-analyze")
	for name, s := range services() {
		if kindOf(name) != Systemd {
			continue
		}
		manager := "--system"
		if s.Personal {
			manager = "--user"
		}
		verify := exec.Command("systemd-analyze", "verify", "--man=no", "--generators=no", manager, unitFile(t, s))
		verify.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+t.TempDir())
		if said, err := verify.CombinedOutput(); err != nil || len(said) > 0 {
			t.Errorf("%s: %v\n%s", name, err, said)
		}
	}
}

var exposure = regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`)

// TestUnitIsHardened: systemd's own mark is 2.0 at most, of 10.
func TestUnitIsHardened(t *testing.T) {
	needs(t, "systemd-analyze")
	for _, name := range []string{"systemd", "systemd-other"} {
		said, err := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", unitFile(t, services()[name])).Output()
		mark := exposure.FindStringSubmatch(string(said))
		if err != nil || mark == nil {
			t.Fatalf("%s: %v\n%s", name, err, said)
		}
		if level, err := strconv.ParseFloat(mark[1], 64); err != nil || level > 2.0 {
			t.Errorf("%s: got %s, want 2.0 at most\n%s", name, mark[1], said)
		}
	}
}

// TestScriptsAreShell: a shell can read the init scripts.
func TestScriptsAreShell(t *testing.T) {
	needs(t, "sh")
	for _, kind := range []Kind{OpenRC, SysV} {
		check := exec.Command("sh", "-n")
		check.Stdin = strings.NewReader(services()[string(kind)].Text(kind))
		if said, err := check.CombinedOutput(); err != nil || len(said) > 0 {
			t.Errorf("%s: %v\n%s", kind, err, said)
		}
	}
}

// TestNamesAreChecked: nothing gets into a text that a manager would take for something else.
func TestNamesAreChecked(t *testing.T) {
	for _, c := range []struct {
		change func(*Service)
		want   string // part of the sentence; "" when it is right
	}{
		{func(s *Service) {}, ""},
		{func(s *Service) { s.Name = "shop-2" }, ""},
		{func(s *Service) { s.Data = "%h/.local/state/wamux" }, ""},
		{func(s *Service) { s.Name = "" }, "the name of a service"},
		{func(s *Service) { s.Name = "Shop" }, "the name of a service"},
		{func(s *Service) { s.Name = "../shop" }, "the name of a service"},
		{func(s *Service) { s.Name = strings.Repeat("a", 31) }, "the name of a service"},
		{func(s *Service) { s.Binary = "wamux" }, "does not begin with /"},
		{func(s *Service) { s.Binary = "/opt/my wamux" }, "read as something else"},
		{func(s *Service) { s.Settings = "/etc/%i/wamux.env" }, "read as something else"},
		{func(s *Service) { s.Data = "/var/lib/$x" }, "read as something else"},
		{func(s *Service) { s.Writable = []string{"/mnt/a\nUser=root"} }, "read as something else"},
		{func(s *Service) { s.Data = "/srv/<b>" }, "read as something else"},
		{func(s *Service) { s.TLS = [2]string{"/srv/cert.pem", "/srv/my key.pem"} }, "read as something else"},
	} {
		s := services()["systemd"]
		c.change(s)
		err := s.Check()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: got %v, want %q", *s, err, c.want)
		}
	}
}

// TestServiceSID: the account of a service, as Windows itself says it for a service that every Windows has.
func TestServiceSID(t *testing.T) {
	const want = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
	if got := serviceSID("TrustedInstaller"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := dataRights("TrustedInstaller"); got != "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1301bf;;;"+want+")" {
		t.Errorf("got %s", got)
	}
}
