package svc

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"wamux/store"
	"wamux/svc/osservice"
)

// orService is the configuration of the service of this machine, or of the user's own, when none of the two is meant to be
// anything else: nobody names a database, there is none here, and the service runs. Commands then ask it, and touch no file.
func (c Config) orService(h host) Config {
	if _, err := os.Stat(c.Database); err == nil || c.givenAs["DATABASE_URL"] != "default" || c.Sandbox {
		return c
	}
	for _, s := range h.installed() {
		settings, err := readDotenv(h.fileOf(s.Settings))
		if err != nil { // of somebody else
			continue
		}
		its, err := readConfig(sources{env: func(string) (string, bool) { return "", false }, dotenv: settings})
		if err != nil {
			continue
		}
		if !filepath.IsAbs(its.Database) {
			its.Database = filepath.Join(h.fileOf(s.Data), its.Database)
		}
		if _, held := store.Holder(its.Database); held {
			its.keys = c.keys
			return its
		}
	}
	return c
}

// tellService says how the services are that are installed, in a line each.
func (p program) tellService(ctx context.Context, h host) {
	for _, s := range h.installed() {
		state := "installed, but stopped"
		if h.manager.Running(ctx, s) {
			state = "installed, runs"
		}
		whose := ""
		if s.Personal {
			whose = " of this user"
		}
		fmt.Fprintf(p.stdout, "service%s: %s (%s, %s)\n", whose, state, h.kind, h.manager.Path(s))
	}
}

// serviceHint is what to do where no gateway is found, but a service is installed.
func serviceHint(h host) string {
	for _, s := range h.installed() {
		if !s.Personal && !h.admin && h.kind != osservice.Windows {
			return "the service " + s.Name + " runs as another user: put sudo in front of this"
		}
	}
	return ""
}
