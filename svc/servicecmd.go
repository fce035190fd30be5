package svc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"wamux/store"
	"wamux/svc/osservice"
)

const serviceName = "wamux"

const serviceUsage = `As a service: it starts with the machine, and again when it ends.

    wamux install [settings]   install it and start it, with these settings; called again, it changes what is to be changed
      --user                   as a service of your own, without root
      --print[=KIND]           only print what the service manager reads: systemd, openrc, sysv or launchd
      --binary PATH            the binary that the service runs; else this one, which is copied to where only root writes
      --name NAME              the name of the service, of its account and of its folders: wamux
    wamux uninstall            stop it and take it away, with the program when install put it there; data and settings stay
    wamux start, stop, restart
                               what they say; --user and --name as above

Settings are kept in /etc/wamux/wamux.env, or ~/.config/wamux/wamux.env with --user: a line NAME=value each, as
` + "`wamux help config`" + ` has them. After a change by hand: wamux restart. With systemd, /etc/wamux/age-identity is the key that
seals secret values, when it is there.

Example:
    $ sudo wamux install --port 3001
    $ sudo wamux sessions add shop
`

// serviceCall is one call of a command about the service.
type serviceCall struct {
	p    program
	h    host
	args arguments
	s    *osservice.Service

	placed bool // install put the program where there was none
}

// onService runs a command about the service, whose flags are own.
func (p program) onService(ctx context.Context, h host, args, own []string, work func(*serviceCall, context.Context) error) int {
	flags := map[string]bool{"--user": false, "--name": true}
	for _, flag := range own {
		flags[flag] = true
	}
	whole := append([]string{}, args...)
	for i, arg := range whole {
		if arg == "--print" { // its value may be left out
			whole[i] += "=" + cmp.Or(string(h.kind), string(osservice.Systemd))
		}
	}
	a, err := parseArguments(whole, flags)
	if err == nil {
		err = noWords(a)
	}
	if err == nil && len(own) == 0 && len(a.config) > 0 {
		err = fmt.Errorf("the command takes no settings, but got %q", a.config[0])
	}
	if err != nil {
		return p.fail(exitUsage, err, helpOn("install"))
	}
	c := &serviceCall{p: p, h: h, args: a}
	if err := c.name(); err != nil {
		return p.fail(exitUsage, err, helpOn("install"))
	}
	err = work(c, ctx)
	if known := (*store.Error)(nil); errors.As(err, &known) && known.Name == "usage" {
		return p.fail(exitUsage, err, known.Hint)
	}
	return p.ended(err)
}

// name says which service is meant.
func (c *serviceCall) name() error {
	name := serviceName
	if c.args.has("--name") {
		name = c.args.last("--name")
	}
	c.s = c.h.service(name, c.args.has("--user"))
	c.s.Binary = "/usr/bin/wamux" // until it is settled
	if c.h.kind == osservice.Windows {
		c.s.Binary = c.h.self
	}
	if !c.s.Personal {
		c.s.Account = osservice.Account(c.s.Account)
	}
	return c.s.Check()
}

// allowed says why the person who calls may not do this with the service, or nobody may.
func (c *serviceCall) allowed() error {
	if err := c.entitled(); err != nil {
		return err
	}
	if c.h.manager.Foreign(c.s) {
		return &store.Error{Message: "there is a service " + c.s.Name + " that `wamux install` did not make, and it is left alone", Hint: "choose another --name"}
	}
	return nil
}

// entitled says why the person who calls may not do this with services.
func (c *serviceCall) entitled() error {
	switch {
	case c.h.manager == nil:
		return &store.Error{Message: "no service manager is known here", Hint: "`wamux install --print=systemd` prints what you can adapt; openrc, sysv and launchd are there, too"}
	case c.s.Personal && !c.h.personal():
		return &store.Error{Message: string(c.h.kind) + " has no services of users", Hint: "leave --user out"}
	case !c.s.Personal && c.s.Account == "":
		return &store.Error{Message: "there is no account for the service", Hint: "call this with sudo as the person whom it is to run as, or make an account _" + c.s.Name}
	case c.s.Personal || c.h.admin:
		return nil
	case c.h.kind == osservice.Windows:
		return &store.Error{Message: "only an administrator may do this", Hint: "call it in a terminal that was opened as administrator"}
	case c.h.personal():
		return &store.Error{Message: "only root may do this", Hint: "put sudo in front of it, or --user behind it for a service of your own"}
	}
	return &store.Error{Message: "only root may do this", Hint: "put sudo in front of it"}
}

func (p program) uninstall(ctx context.Context, args []string) int {
	return p.onService(ctx, thisHost(), args, nil, (*serviceCall).uninstall)
}

// uninstall leaves data and settings, which nobody can make again.
func (c *serviceCall) uninstall(ctx context.Context) error {
	if err := c.allowed(); err != nil {
		return err
	}
	if !c.h.manager.Installed(c.s) {
		fmt.Fprintf(c.p.stdout, "there is no service %s: nothing to do\n", c.s.Name)
		return nil
	}
	if err := c.h.manager.Uninstall(ctx, c.s); err != nil {
		return c.failed(err)
	}
	c.removeCopy()
	gone := "is gone"
	if c.h.manager.Installed(c.s) {
		gone = "is stopped and starts no more; the package that it came with has the rest"
	}
	fmt.Fprintf(c.p.stdout, "the service %s %s\nyour data stays in %s, its settings in %s\n", c.s.Name, gone, c.s.Data, filepath.Dir(c.s.Settings))
	for _, left := range c.remains() {
		fmt.Fprintf(c.p.stdout, "it also leaves %s\n", left)
	}
	return nil
}

// remains is what installing may have made that others may use meanwhile, and how to take it away.
func (c *serviceCall) remains() (all []string) {
	if program := osservice.Programs(c.h.kind); !c.s.Personal && c.h.exists(program) {
		all = append(all, "the program "+program+": delete it when nothing else needs it")
	}
	if c.s.HasAccount() && c.h.kind != osservice.Launchd { // where we make none
		all = append(all, "the account "+c.s.Account+": `sudo userdel "+c.s.Account+"`, when the data is gone")
	}
	if who := osservice.Lingers(c.h.root); c.s.Personal && who != "" {
		all = append(all, "your services running while you are logged out: `loginctl disable-linger "+who+"` ends that")
	}
	return all
}

func (p program) startService(ctx context.Context, args []string) int {
	return p.onService(ctx, thisHost(), args, nil, (*serviceCall).start)
}

func (p program) stopService(ctx context.Context, args []string) int {
	return p.onService(ctx, thisHost(), args, nil, (*serviceCall).stop)
}

func (p program) restartService(ctx context.Context, args []string) int {
	return p.onService(ctx, thisHost(), args, nil, (*serviceCall).restart)
}

func (c *serviceCall) start(ctx context.Context) error {
	return c.turn(ctx, serviceManager.Start, "runs")
}

func (c *serviceCall) stop(ctx context.Context) error {
	return c.turn(ctx, serviceManager.Stop, "is stopped, until it is started or the machine is")
}

func (c *serviceCall) restart(ctx context.Context) error {
	return c.turn(ctx, serviceManager.Restart, "runs anew")
}

// turn does one thing with a service that is installed, and says how it is then.
func (c *serviceCall) turn(ctx context.Context, verb func(serviceManager, context.Context, *osservice.Service) error, now string) error {
	if err := c.allowed(); err != nil {
		return err
	}
	if !c.h.manager.Installed(c.s) {
		return &store.Error{Message: "there is no service " + c.s.Name, Hint: "`wamux install` makes it"}
	}
	if err := verb(c.h.manager, ctx, c.s); err != nil {
		return c.failed(err)
	}
	fmt.Fprintf(c.p.stdout, "the service %s %s\n", c.s.Name, now)
	return nil
}

// failed says where to look when the manager, or the disk, refuses.
func (c *serviceCall) failed(err error) error {
	var command *osservice.CommandError
	var path *fs.PathError
	switch {
	case errors.As(err, &command) && c.h.kind == osservice.Systemd && command.Working:
		user := ""
		if c.s.Personal {
			user = "--user "
		}
		return &store.Error{Message: "the service " + c.s.Name + " does not start or stop as it should", Hint: "`journalctl " + user + "-u " + c.s.Name + " -n 20` tells why"}
	case errors.As(err, &command):
		return &store.Error{Message: command.Error(), Hint: "`" + command.Line + "` by hand shows what is wrong"}
	case errors.As(err, &path):
		return &store.Error{Message: path.Path + " can't be written", Hint: "check its folder's owner and mode, and that the disk has room"}
	}
	return err
}

// fileOf is where a path of the service is for us.
func (h host) fileOf(path string) string { return h.root + strings.Replace(path, "%h", h.home, 1) }

// exists tells whether there is such a file.
func (h host) exists(path string) bool {
	_, err := os.Stat(h.fileOf(path))
	return err == nil
}
