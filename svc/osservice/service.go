// Package osservice makes a program a service of the operating system: it writes what the service manager reads, talks with
// the manager, and tells it how the running program is. It knows nothing of what the program does.
package osservice

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Kind is a service manager.
type Kind string

// The managers that are known.
const (
	Systemd Kind = "systemd"
	OpenRC  Kind = "openrc"
	SysV    Kind = "sysv"
	Launchd Kind = "launchd"
	Windows Kind = "windows"
)

// Kinds are those that read a text, which can be made on any machine.
func Kinds() []Kind { return []Kind{Systemd, OpenRC, SysV, Launchd} }

// The credentials that the manager hands over, in the folder that CREDENTIALS_DIRECTORY names.
const (
	IdentityCredential    = "age-identity"
	CertificateCredential = "tls-cert"
	KeyCredential         = "tls-key"
)

// SettingsVariable names, in the environment of a service, the file that its settings are in. Under systemd there is none
// for a service of the machine: systemd reads that file itself, so that only root has to be able to.
const SettingsVariable = "WAMUX_ENV_FILE"

// NoCredential is what the manager hands over in place of a credential that nobody has put there. An empty file would not do:
// it may be one that was cut off.
const NoCredential = "none"

// Service is one program that a manager starts and keeps running. All paths are absolute, or begin with %h, which systemd
// reads as the home of the user.
type Service struct {
	Name     string    // of the service, of its account and of its folders
	Binary   string    // is started with the word run
	Personal bool      // belongs to the user who installs it, not to the machine
	Account  string    // whom it runs as, where the manager makes no account; "" when Personal
	Data     string    // its working folder
	Settings string    // a file with lines NAME=value, which need not be there
	Identity string    // a file with its secret key, which need not be there; "" when the manager can't hand it over
	TLS      [2]string // files with the certificate of its API and the key, which only root may be able to read; "" where they are not handed over
	Writable []string  // folders beside Data that it may write to, where the manager keeps it from that
}

// New returns the service as it is by default: its account and folders are called after it. home is that of the user, and
// state and config where programs keep their data and settings, "" for the usual places; they count when personal is set.
func New(kind Kind, name string, personal bool, home, state, config string) *Service {
	s := &Service{Name: name, Binary: "/usr/bin/wamux", Personal: personal}
	switch {
	case personal:
		s.Data = filepath.Join(or(state, home+"/.local/state"), name)
		s.Settings = filepath.Join(or(config, home+"/.config"), name, "wamux.env")
	case kind == Launchd:
		s.Account, s.Data, s.Settings = "_"+name, "/usr/local/var/"+name, "/usr/local/etc/"+name+"/wamux.env"
	case kind == Windows:
		data := filepath.Join(or(os.Getenv("ProgramData"), `C:\ProgramData`), name)
		s.Account, s.Data, s.Settings = `NT SERVICE\`+name, data, filepath.Join(data, "wamux.env")
	default:
		s.Account, s.Data, s.Settings = name, "/var/lib/"+name, "/etc/"+name+"/wamux.env"
	}
	if kind == Systemd && !personal {
		s.Identity = "/etc/" + name + "/age-identity"
	}
	return s
}

func or(path, usual string) string {
	if path == "" {
		return usual
	}
	return path
}

// Check says what is wrong with the names, which stand in texts that a manager takes apart.
func (s *Service) Check() error {
	if !isName(s.Name) {
		return errors.New("the name of a service must be of 1 to 30 small letters, digits and -, and begin with a letter")
	}
	for _, path := range s.paths() {
		if !filepath.IsAbs(strings.Replace(path, "%h/", "/", 1)) {
			return errors.New(path + " does not begin with /, but a service needs whole paths")
		}
		if strings.ContainsAny(strings.TrimPrefix(path, "%h/"), " \t\r\n\"'`%$\\&;<>") && filepath.Separator == '/' {
			return errors.New(path + " has a character in its name that service managers read as something else")
		}
	}
	return nil
}

// paths are all that stand in a text.
func (s *Service) paths() []string {
	paths := append([]string{s.Binary, s.Data, s.Settings}, s.Writable...)
	if s.TLS[0] != "" {
		paths = append(paths, s.TLS[:]...)
	}
	return paths
}

func isName(name string) bool {
	const letters, others = "abcdefghijklmnopqrstuvwxyz", "0123456789-"
	return name != "" && len(name) <= 30 && strings.Trim(name[:1], letters) == "" && strings.Trim(name, letters+others) == ""
}

// Text is what the manager reads about the service. The same service gives the same text on any machine.
func (s *Service) Text(kind Kind) string {
	text := map[Kind]string{Systemd: systemdUnit, OpenRC: openRCScript, SysV: sysVScript, Launchd: launchdPlist}[kind]
	if kind == Systemd && s.Personal {
		text = systemdUserUnit
	}
	return s.fill(text)
}

// fill puts the service into a text. A line that speaks of what the service has not is left out.
func (s *Service) fill(text string) string {
	words := map[string]string{"NAME": s.Name, "BINARY": s.Binary, "ACCOUNT": s.Account, "DATA": s.Data, "SETTINGS": s.Settings,
		"IDENTITY": s.Identity, "NONE": NoCredential, "CERTIFICATE": s.TLS[0], "KEY": s.TLS[1], "VARIABLE": SettingsVariable, "WRITABLE": s.writable()}
	var filled []string
	for line := range strings.Lines(text) {
		missing := false
		line = os.Expand(line, func(word string) string {
			value, known := words[word]
			if !known {
				return "$" + word // the shell's own
			}
			missing = missing || value == ""
			return value
		})
		if !missing {
			filled = append(filled, line)
		}
	}
	return strings.Join(filled, "")
}

// writable is a list for systemd, whose dashes let it pass over a folder that is not there, such as a disk that is not in.
func (s *Service) writable() string {
	if len(s.Writable) == 0 {
		return ""
	}
	return "-" + strings.Join(s.Writable, " -")
}

// IsKind tells whether there is a text of this kind.
func IsKind(name string) bool { return slices.Contains(Kinds(), Kind(name)) }
