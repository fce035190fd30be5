package svc

import (
	"context"
	"fmt"
	"io"
)

const usage = `wamux: many WhatsApp accounts, one binary, one file.

Usage:
    wamux [run] [flags]     start the gateway (REST API on localhost)
    wamux run --sandbox     the same, with a simulated WhatsApp: no phone needed
    wamux sandbox [flags]   only the simulated WhatsApp, for other programs
    wamux sessions          the sessions and their states
    wamux sessions add ID   link an account: shows the QR code until the phone has scanned it
    wamux sessions …        link by code, start, stop, log out, delete; ` + "`wamux help sessions`" + ` has all
    wamux send SESSION TO TEXT
                            send a text, or a file; ` + "`wamux help send`" + ` has all
    wamux status            whether it runs, where, and how it is
    wamux doctor            what could be wrong here: clock, disk, files, key, database, port, the way to WhatsApp
    wamux apikey            make keys for the API, list and delete them; ` + "`wamux help apikey`" + ` has all
    wamux recover [--to FILE]
                            save what can be read from a damaged database
    wamux backup FILE       copy the database, also of a running gateway, into one checked file
      --encrypt age1…       encrypted to this age recipient; may be repeated. FILE is - for standard output
    wamux restore FILE      put a backup in the place of the database, which is kept aside; not while wamux runs
      --check               only look whether it could be
      --identity FILE       the age identity that opens an encrypted one
      --bare                also take a plain copy of a database file, whose content nobody can check
    wamux key new           make a key to seal secret values with; ` + "`wamux help key`" + ` has all
    wamux config [flags]    the settings in force, and where each comes from
    wamux install [settings]
                            install it as a service and start it; ` + "`wamux help install`" + ` has all, also --user and --print
    wamux start, stop, restart, uninstall
                            what they say, of the service
    wamux logs [--follow]   the log, of LOG_FILE
    wamux version           what this binary is
    wamux licenses          the licences of all that it is made of
    wamux completion bash   completion for a shell: bash, zsh, fish or powershell
    wamux help [command]    this text, or a command's; ` + "`wamux help config`" + ` has every setting

Example:
    $ wamux run &
    $ wamux sessions add shop
    $ wamux send shop 6282222222222 "Hello Sari"
    $ curl -H "x-api-key: $(cat admin.key)" localhost:3000/v1/sessions

Each setting is a flag (--port 3001), an environment variable (PORT=3001) or a
line in .env, in that order. ` + "`wamux help config`" + ` lists them.
`

func (p program) help(_ context.Context, args []string) int {
	if len(args) > 1 {
		return p.fail(exitUsage, fmt.Errorf("help takes one command, but got %d", len(args)), "try `wamux help "+args[0]+"`")
	}
	c, ok := commandNamed(topic(args))
	switch {
	case !ok:
		return p.fail(exitUsage, fmt.Errorf("there is no help on %q", args[0]), "`wamux help` lists the commands")
	case c.usage != "":
		fmt.Fprint(p.stdout, c.usage)
	case c.name == "config":
		helpConfig(p.stdout)
	case c.name == "run" || c.name == "sandbox":
		fmt.Fprint(p.stdout, usage, "\n")
		helpConfig(p.stdout)
	default:
		fmt.Fprint(p.stdout, usage)
	}
	return exitOK
}

// topic is what help is asked about: itself, when that is nothing, or "".
func topic(args []string) string {
	if len(args) == 0 || args[0] == "" {
		return "help"
	}
	return args[0]
}

// asksHelp tells whether one of the arguments, before a --, asks for help.
func asksHelp(args []string) bool {
	for _, arg := range args {
		if arg == "--" || isHelp(arg) {
			return arg != "--"
		}
	}
	return false
}

// isHelp tells whether an argument behind a command asks for help on it, whatever else is there.
func isHelp(arg string) bool {
	return arg == "-h" || arg == "--help" || arg == "-help"
}

const settings = `Settings. Each is an environment variable, a flag, or a line in the file .env of
the working folder; the flag weighs more than the variable, the variable more
than .env. An empty value counts as not given. What is in force, and where it
comes from, is told by ` + "`wamux config`" + `.

A line of .env is NAME=value. Quotes around a value are taken off, "export "
before a name too; # begins a comment. Names that are not below are ignored.
`

func helpConfig(w io.Writer) {
	fmt.Fprint(w, settings)
	for _, o := range options() {
		fmt.Fprintf(w, "\n  %s, --%s\n      %s\n", o.env, o.flag, o.help)
		if o.preset != "" {
			fmt.Fprintf(w, "      default: %s\n", o.preset)
		}
	}
	fmt.Fprint(w, "\n  --sandbox\n      run with a simulated WhatsApp; the database is then wamux-sandbox.db\n")
}
