package svc

import (
	"context"
	"os"
	"path/filepath"

	"wamux/svc/osservice"
)

// serviceManager is what starts services at boot and keeps them running.
type serviceManager interface {
	Path(*osservice.Service) string // where the manager's text about it is
	Installed(*osservice.Service) bool
	Foreign(*osservice.Service) bool // the name is that of a service that is not ours
	Running(context.Context, *osservice.Service) bool
	Prepare(context.Context, *osservice.Service) error              // makes folders and the account
	Lend(ctx context.Context, s *osservice.Service, f string) error // lets the service read a file that root has written
	Install(context.Context, *osservice.Service) (changed bool, err error)
	Uninstall(context.Context, *osservice.Service) error
	Start(context.Context, *osservice.Service) error
	Stop(context.Context, *osservice.Service) error
	Restart(context.Context, *osservice.Service) error
	Linger(context.Context) error // lets the user's services run while nobody is logged in
}

// host is the machine as the commands about the service see it.
type host struct {
	kind                osservice.Kind // "" when no manager is known
	manager             serviceManager // nil then
	root                string         // is before every path; "" but in tests
	home, state, config string         // of the user; the last two may be ""
	admin               bool           // may install services of the machine
	self                string         // this binary
}

// thisHost is the machine that we run on.
func thisHost() host {
	h := host{kind: osservice.Detect(), state: os.Getenv("XDG_STATE_HOME"), config: os.Getenv("XDG_CONFIG_HOME"), admin: osservice.Admin()}
	h.home, _ = os.UserHomeDir()
	if h.kind != "" {
		h.manager = osservice.Here(h.kind, h.home)
	}
	if self, err := os.Executable(); err == nil {
		h.self = self
	}
	if real, err := filepath.EvalSymlinks(h.self); err == nil {
		h.self = real
	}
	return h
}

// service is the one of that name, as it is by default.
func (h host) service(name string, personal bool) *osservice.Service {
	return osservice.New(h.kind, name, personal, h.home, h.state, h.config)
}

// installed are the services with our usual name: the machine's before the user's.
func (h host) installed() (all []*osservice.Service) {
	if h.manager == nil {
		return nil
	}
	for _, personal := range []bool{false, true} {
		if s := h.service(serviceName, personal); h.manager.Installed(s) && (!personal || h.personal()) {
			all = append(all, s)
		}
	}
	return all
}

// personal tells whether the manager has services of users.
func (h host) personal() bool { return h.kind == osservice.Systemd || h.kind == osservice.Launchd }
