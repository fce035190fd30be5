package svc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"wamux/store"
	"wamux/svc/osservice"
)

// answerTime is how long a service may take until it listens, where its manager does not wait for that.
const answerTime = time.Minute

func installFlags() []string { return []string{"--print", "--binary"} }

func (p program) install(ctx context.Context, args []string) int {
	return p.onService(ctx, thisHost(), args, installFlags(), (*serviceCall).install)
}

// install makes the service as it should be, and starts it anew only when something has changed.
func (c *serviceCall) install(ctx context.Context) error {
	if c.args.has("--print") {
		return c.print()
	}
	if err := cmp.Or(c.allowed(), c.accountFree()); err != nil {
		return err
	}
	settings, config, err := c.settings()
	if err != nil {
		return err
	}
	moved, err := c.settleBinary()
	if err == nil {
		err = c.s.Check()
	}
	if err != nil {
		return c.failed(err)
	}
	if err := c.h.manager.Prepare(ctx, c.s); err != nil {
		return c.failed(err)
	}
	changed, err := c.writeSettings(ctx, settings)
	if err = cmp.Or(err, c.markCopy()); err != nil {
		return c.failed(err)
	}
	made, err := c.h.manager.Install(ctx, c.s)
	if err != nil {
		return c.failed(err)
	}
	c.note(config)
	if err := c.bringUp(ctx, moved || changed || made); err != nil {
		return c.failed(err)
	}
	return c.greet(ctx, config)
}

// accountFree says why the service can't run as the account that is called after it.
func (c *serviceCall) accountFree() error {
	if usual := c.h.service(c.s.Name, c.s.Personal).Account; c.s.Account != usual || c.s.Personal || !c.s.Taken() {
		return nil // on macOS it may be the person who called sudo
	}
	return &store.Error{Message: "the account " + c.s.Account + " belongs to something else than wamux, and is not lent to the service", Hint: "choose another --name; a name that begins with wamux may have an account already"}
}

// print writes what the manager reads. The same arguments give the same text on any machine.
func (c *serviceCall) print() error {
	kind := osservice.Kind(c.args.last("--print"))
	if !osservice.IsKind(string(kind)) {
		return &store.Error{Message: fmt.Sprintf("nothing can be printed for %q", kind), Hint: "--print= may be systemd, openrc, sysv or launchd"}
	}
	home := c.h.home
	if kind == osservice.Systemd {
		home = "%h"
	}
	c.s = osservice.New(kind, c.s.Name, c.s.Personal, home, "", "")
	if c.args.has("--binary") {
		c.s.Binary = c.args.last("--binary")
	}
	if err := c.s.Check(); err != nil {
		return err
	}
	_, err := fmt.Fprint(c.p.stdout, c.s.Text(kind))
	return err
}

// settleBinary says which binary the service runs, and puts it where only root may write when it is elsewhere: whoever may
// write it could do what the service may.
func (c *serviceCall) settleBinary() (changed bool, err error) {
	if c.args.has("--binary") {
		c.s.Binary = c.args.last("--binary")
		if !c.h.exists(c.s.Binary) {
			return false, &store.Error{Message: c.s.Binary + " is not there", Hint: "--binary names the wamux that the service runs"}
		}
		return false, nil
	}
	c.s.Binary = c.h.self
	if c.s.Personal || osservice.Guarded(c.h.self) {
		return false, nil
	}
	c.s.Binary = osservice.Programs(c.h.kind)
	return c.copyProgram()
}

// note says, before the service starts, what it needs of others for that.
func (c *serviceCall) note(config Config) {
	for _, folder := range c.s.Writable {
		if commands := c.s.OwnerCommands(c.h.fileOf(folder)); len(commands) > 0 {
			fmt.Fprintf(c.p.stdout, "note: %s must belong to the account of the service: `sudo %s`, then `sudo wamux restart%s`\n", folder, strings.Join(commands, " && sudo "), c.nameFlag())
		}
	}
	if config.CertFile != "" && c.s.TLS[0] == "" && c.s.Account != "" {
		fmt.Fprintf(c.p.stdout, "note: the account %s must be able to read %s and %s\n", c.s.Account, config.CertFile, config.KeyFile)
	}
}

// nameFlag is what a command about a service that is not the usual one needs behind it.
func (c *serviceCall) nameFlag() string {
	if c.s.Name == serviceName {
		return ""
	}
	return " --name " + c.s.Name
}

// bringUp lets the service run as it is installed now.
func (c *serviceCall) bringUp(ctx context.Context, changed bool) error {
	switch running := c.h.manager.Running(ctx, c.s); {
	case running && !changed:
		fmt.Fprintf(c.p.stdout, "the service %s is installed and runs already: nothing to do\n", c.s.Name)
		return nil
	case running:
		return c.h.manager.Restart(ctx, c.s)
	}
	return c.h.manager.Start(ctx, c.s)
}

// greet says where everything is, and what to do next.
func (c *serviceCall) greet(ctx context.Context, config Config) error {
	file := c.h.fileOf(within(c.s.Data, config.Database))
	url, err := c.listens(ctx, config, file)
	if err != nil {
		return err
	}
	sudo, flag := "sudo ", ""
	if c.s.Personal || c.h.kind == osservice.Windows {
		sudo = ""
	}
	if c.s.Personal {
		flag = " --user"
	}
	flag += c.nameFlag()
	fmt.Fprintf(c.p.stdout, "the service %s of %s runs, and will after every start of the machine\naddress: %s\n", c.s.Name, c.h.kind, url)
	if len(config.APIKeys) == 0 {
		fmt.Fprintf(c.p.stdout, "admin key: %s\n", filepath.Join(filepath.Dir(file), "admin.key"))
	}
	fmt.Fprintf(c.p.stdout, "settings: %s, then `%swamux restart%s`\n", c.h.fileOf(c.s.Settings), sudo, flag)
	if c.s.Personal && c.h.manager.Linger(ctx) != nil {
		fmt.Fprintln(c.p.stdout, "note: it runs while you are logged in; `sudo loginctl enable-linger $USER` lets it run always")
	}
	fmt.Fprintf(c.p.stdout, "next: %swamux sessions add shop%s\n", sudo, c.named(file))
	return nil
}

// named is the flag by which a command finds a service that is not the usual one.
func (c *serviceCall) named(file string) string {
	if c.s.Name == serviceName && filepath.Base(file) == "wamux.db" {
		return ""
	}
	return " --database file:" + file
}

// address is where what has these settings can be called from this machine, unless it chooses its port itself.
func (c Config) address() string {
	if c.Port == noPort {
		return socketScheme + c.Socket
	}
	scheme := "http://"
	if c.CertFile != "" {
		scheme = "https://"
	}
	return scheme + net.JoinHostPort(callable(c.Host), c.Port)
}

// listens waits until the service serves, and says where. Systemd has waited already.
func (c *serviceCall) listens(ctx context.Context, config Config, file string) (string, error) {
	if config.Port != "0" && c.h.kind == osservice.Systemd {
		return config.address(), nil
	}
	patience := time.NewTimer(answerTime)
	defer patience.Stop()
	for {
		if announced, held := store.Holder(file); held && announced != "" {
			url, _, _ := strings.Cut(announced, "#") // behind it is the pin of the certificate
			return url, nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return "", ctx.Err()
		case <-patience.C:
			return "", &store.Error{Message: "the service " + c.s.Name + " is installed, but does not listen yet", Hint: "look at " + c.s.Data + " for its log, or at that of the system"}
		}
	}
}

// outside are the folders that the settings name and that are not the service's: systemd would keep it from writing to them.
func (c *serviceCall) outside(config Config) (folders []string) {
	if c.h.kind == osservice.Windows || c.s.Personal {
		return nil
	}
	named := []string{filepath.Dir(config.Database), config.BackupDir, filepath.Dir(config.LogFile)}
	for _, folder := range named {
		if filepath.IsAbs(folder) && folder != c.s.Data && !strings.HasPrefix(folder, c.s.Data+"/") {
			folders = append(folders, filepath.Clean(folder))
		}
	}
	slices.Sort(folders)
	return slices.Compact(folders)
}

// handedOver are the files of the certificate that systemd reads for the service, whose account may not be able to: all but
// those in its own folder.
func (c *serviceCall) handedOver(config Config) (files [2]string, err error) {
	inside := func(path string) bool { return !filepath.IsAbs(path) || strings.HasPrefix(path, c.s.Data+"/") }
	if c.h.kind != osservice.Systemd || c.s.Personal || config.CertFile == "" || inside(config.CertFile) && inside(config.KeyFile) {
		return files, nil
	}
	files = [2]string{within(c.s.Data, config.CertFile), within(c.s.Data, config.KeyFile)}
	for _, file := range files {
		if !c.h.exists(file) {
			return files, errors.New(file + " is not there: TLS_CERT_FILE and TLS_KEY_FILE name the certificate and its key")
		}
	}
	return files, nil
}

// errIdentity is why a service of systemd takes its key in one way only.
func (c *serviceCall) errIdentity() error {
	if c.s.Identity == "" {
		return nil
	}
	return errors.New("AGE_IDENTITY_FILE names a file that the account of the service can't read: put it at " + c.s.Identity + " instead, for root only, and systemd hands it over")
}
