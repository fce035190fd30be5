package svc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"wamux/store"
	"wamux/svc/osservice"
)

// settingsHead begins the file of settings.
const settingsHead = "# Settings of the service, a line NAME=value each; `wamux help config` has them all. After a change: wamux restart\n"

// settings is the text of the file of settings with those of this call in it, and what it means.
func (c *serviceCall) settings() (text []byte, config Config, err error) {
	text, err = os.ReadFile(c.h.fileOf(c.s.Settings))
	if errors.Is(err, fs.ErrNotExist) {
		text, err = []byte(c.settingsFirst()), nil
	}
	if err != nil {
		return nil, config, c.failed(err)
	}
	given, err := settingsGiven(c.args.config)
	if err != nil {
		return nil, config, usageError(err)
	}
	for _, pair := range given {
		if text, err = withSetting(text, pair[0], pair[1]); err != nil {
			return nil, config, usageError(err)
		}
	}
	pairs, err := parseDotenv(bytes.NewReader(text))
	if err == nil {
		config, err = readConfig(sources{env: func(string) (string, bool) { return "", false }, dotenv: pairs})
	}
	if err == nil && config.IdentityFile != "" {
		err = c.errIdentity()
	}
	if err == nil {
		c.s.TLS, err = c.handedOver(config)
	}
	if err != nil {
		return nil, config, usageError(fmt.Errorf("%w (%s)", err, c.s.Settings))
	}
	c.s.Writable = c.outside(config)
	return text, config, nil
}

func usageError(err error) error {
	return &store.Error{Name: "usage", Message: err.Error(), Hint: settingsHint}
}

// settingsFirst is a new file. Where no journal takes what a service says, it has a log of its own.
func (c *serviceCall) settingsFirst() string {
	if c.h.kind == osservice.Systemd {
		return settingsHead
	}
	return settingsHead + "LOG_FILE=wamux.log\n"
}

// settingsGiven are the settings of a command line, in its order.
func settingsGiven(args []string) (pairs [][2]string, err error) {
	read := Config{values: map[string]string{}, givenAs: map[string]string{}}
	if err := read.collectFlags(args); err != nil {
		return nil, err
	}
	if read.Sandbox {
		return nil, errors.New("--sandbox is no setting of a service, which is for real accounts")
	}
	for _, o := range options() {
		if _, given := read.givenAs[o.env]; given {
			pairs = append(pairs, [2]string{o.env, read.values[o.env]})
		}
	}
	return pairs, nil
}

// withSetting puts a setting into the text of a file in the place of one of that name, or behind all others.
func withSetting(text []byte, name, value string) ([]byte, error) {
	if strings.ContainsAny(value, "'\r\n") {
		return nil, errors.New(name + " holds a quote or an end of a line, which a file of settings can't keep")
	}
	line := name + "='" + value + "'\n"
	var lines []string
	found := false
	for old := range strings.Lines(string(text)) {
		before, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(old), "export "), "=")
		switch {
		case strings.TrimSpace(before) != name:
			lines = append(lines, strings.TrimRight(old, "\r\n")+"\n")
		case !found:
			lines, found = append(lines, line), true
		}
	}
	if !found {
		lines = append(lines, line)
	}
	return []byte(strings.Join(lines, "")), nil
}

// writeSettings leaves a file that only its owner reads: it may hold keys.
func (c *serviceCall) writeSettings(ctx context.Context, text []byte) (changed bool, err error) {
	path := c.h.fileOf(c.s.Settings)
	before, err := os.ReadFile(path)
	if err == nil && bytes.Equal(before, text) {
		return false, nil
	}
	if err := osservice.ReplaceFile(path, text, 0o600); err != nil {
		return false, err
	}
	return true, c.h.manager.Lend(ctx, c.s, c.s.Settings)
}
