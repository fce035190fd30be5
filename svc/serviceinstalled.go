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
		data := h.fileOf(s.Data)
		if its.Database = within(data, its.Database); runs(its.Database) {
			return c.with(its, data)
		}
	}
	return c
}

func runs(database string) bool {
	_, held := store.Holder(database)
	return held
}

// with is the configuration with what the service has, whose folder is data, for all that is not given here.
func (c Config) with(its Config, data string) Config {
	c.Database = its.Database
	if c.givenAs["API_KEYS"] == "default" {
		c.APIKeys = its.APIKeys
	}
	if c.givenAs["LOG_FILE"] == "default" {
		c.LogFile = within(data, its.LogFile)
	}
	if c.givenAs["BACKUP_DIR"] == "default" {
		c.BackupDir = within(data, its.BackupDir)
	}
	if c.givenAs["PORT"] == "default" && c.givenAs["HOST"] == "default" {
		c.Host, c.Port = its.Host, its.Port
	}
	return c
}

// within is a path that somebody means whose working folder is data; "" stays "".
func within(data, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(data, path)
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
