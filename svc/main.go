// Package svc is the running thing: it reads the configuration, wires the
// parts, starts them in order and stops them in reverse.
package svc

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"wamux/svc/osservice"
)

// Exit codes: 0 is a clean end, 1 a failure at work, 2 a wrong command line or
// configuration. A service manager restarts on 1.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// Main runs wamux with these arguments (without the program's name) and
// returns the exit code. It ends when the command is done or, for those that
// run on, at SIGINT or SIGTERM. It writes what a person asked for to stdout,
// logs and errors to stderr, and never exits the process.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	noCoreDumps()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := program{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr}
	return p.dispatch(ctx, args)
}

// program is one call of wamux: where it reads and writes.
type program struct {
	ctx            context.Context // ends at SIGINT or SIGTERM
	stdin          io.Reader
	stdout, stderr io.Writer
	record         *slog.Logger // gets what ends this call, too; nil for nobody
}

func (p program) dispatch(ctx context.Context, args []string) int {
	name := "run"
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		name, args = args[0], args[1:]
	} else if len(args) > 0 && isHelp(args[0]) {
		name, args = "help", nil
	} else if len(args) > 0 && args[0] == "--version" {
		name, args = "version", nil
	}
	if asksHelp(args) {
		return p.help(ctx, []string{name})
	}
	if c, ok := commandNamed(name); ok {
		return c.run(p, ctx, args)
	}
	return p.fail(exitUsage, fmt.Errorf("there is no command %q", name), "`wamux help` lists what there is")
}

// fail tells the person what is wrong and, when there is one, what to do.
func (p program) fail(code int, err error, hints ...string) int {
	p.keep(err, hints)
	fmt.Fprintf(p.stderr, "error: %v\n", err)
	for _, hint := range hints {
		fmt.Fprintf(p.stderr, "hint: %s\n", hint)
	}
	return code
}

// keep writes down what fail tells.
func (p program) keep(err error, hints []string) {
	if p.record == nil {
		return
	}
	var more []any
	if len(hints) > 0 {
		more = []any{"hint", strings.Join(hints, "; ")}
	}
	p.record.Error(err.Error(), more...)
}

// showConfig prints the effective settings and where each came from.
func (p program) showConfig(_ context.Context, args []string) int {
	config, err := p.config(args)
	if err != nil {
		return p.fail(exitUsage, err, settingsHint)
	}
	config.print(p.stdout)
	for _, note := range config.notes() {
		fmt.Fprintf(p.stderr, "note: %s\n", note)
	}
	return exitOK
}

func (p program) config(args []string) (Config, error) {
	dotenv, err := readDotenv(cmp.Or(os.Getenv(osservice.SettingsVariable), ".env"))
	if err != nil {
		return Config{}, err
	}
	c, err := readConfig(sources{args: args, env: os.LookupEnv, dotenv: dotenv})
	c.keys = p.keyring(c)
	return c, err
}
