package osservice

import (
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
)

// mark is in every text that [Service.Text] makes.
const mark = "Made by `wamux install"

// runsWamux finds a unit that somebody else wrote for wamux.
var runsWamux = regexp.MustCompile(`(?m)^ExecStart=\S*/wamux run\b`)

// Foreign tells whether the name of a service is that of another program's, which must be neither changed nor stopped.
func (m *Manager) Foreign(s *Service) bool {
	for _, path := range m.texts(s) {
		text, err := os.ReadFile(m.root + path)
		if err == nil && !strings.Contains(string(text), mark) && !runsWamux.Match(text) {
			return true
		}
	}
	return false
}

// texts is where a text about a service may be: systemd also reads init scripts, and has folders that come before that of
// packages.
func (m *Manager) texts(s *Service) []string {
	if m.kind != Systemd {
		return []string{m.Path(s)}
	}
	level, paths := "system", []string{m.Path(s)}
	if s.Personal {
		level = "user"
	} else {
		paths = append(paths, "/etc/init.d/"+s.Name)
	}
	for _, dir := range []string{"/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"} {
		paths = append(paths, filepath.Join(dir, "systemd", level, s.Name+".service"))
	}
	return paths
}

// Taken tells whether the account of a service is somebody else's: root's, or one that neither is called after wamux nor has
// the service's folder for its home, as those have that [Manager.Prepare] makes. What the service runs as then could be more
// than it should be.
func (s *Service) Taken() bool {
	account, err := user.Lookup(s.Account)
	if err != nil || strings.Contains(s.Account, `\`) { // to be made, by us or by systemd; or one that Windows has for services
		return false
	}
	return account.Uid == "0" || account.HomeDir != s.Data && !isDynamic(account) && !strings.HasPrefix(strings.TrimPrefix(s.Account, "_"), "wamux")
}

// isDynamic tells whether systemd made an account up for a service that runs.
func isDynamic(account *user.User) bool {
	return len(account.Uid) == 5 && account.Uid >= "61184" && account.Uid <= "65519"
}
