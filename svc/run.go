package svc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/term"

	"wamux/store"
	"wamux/svc/osservice"
)

// run starts the gateway and stays until the context ends or it fails.
func (p program) run(ctx context.Context, args []string) int {
	return osservice.Serve(ctx, args, func(ctx context.Context, args []string, events io.Writer) int {
		if events != nil {
			p.stderr = both{p.stderr, events}
		}
		return p.gateway(ctx, args)
	})
}

func (p program) gateway(ctx context.Context, args []string) int {
	config, err := p.config(args)
	if err != nil {
		return p.fail(exitUsage, err, settingsHint)
	}
	app, closeLog, err := p.app(config)
	if err != nil {
		return p.fail(exitUsage, err)
	}
	defer closeLog()
	app.Notify = osservice.NewNotifier(os.LookupEnv, os.Getpid())
	if err := app.Open(ctx); err != nil {
		app.Close()
		if ctx.Err() != nil { // told to stop while it started, which is no failure
			return exitOK
		}
		return p.failStart(err)
	}
	p.greet(app)
	err = app.Serve(ctx)
	app.Close()
	if err != nil && ctx.Err() == nil {
		return p.fail(exitError, errors.New(sentence(err)))
	}
	return exitOK
}

// app is the program as a value, with its log. LOG_FILE takes the errors of this call from now on, too: a service has nobody at
// its screen. The caller closes the log last.
func (p *program) app(config Config) (_ *App, closeLog func() error, err error) {
	privateFiles()
	closeLog = func() error { return nil }
	out := p.stderr
	if config.LogFile != "" {
		file, err := openLogFile(config.LogFile, logFileSize)
		if err != nil {
			return nil, nil, err
		}
		out, closeLog = both{out, file}, file.Close
		p.record = newLog(Config{LogFormat: config.LogFormat}, newRedactor(file, config.secrets())) // whatever the level of the log
	}
	p.stderr = newRedactor(p.stderr, config.secrets())
	clean := newRedactor(out, config.secrets())
	log := newLog(config, clean)
	for _, note := range config.notes() {
		if config.LogFormat == formatJSON {
			log.Warn(note)
		} else {
			fmt.Fprintf(clean, "note: %s\n", note)
		}
	}
	return &App{Config: config, started: time.Now(), Log: log}, closeLog, nil
}

// failStart shows the sentence of an error of ours with its hint, and the text
// of others, which at this point come from the operating system.
func (p program) failStart(err error) int {
	var known *store.Error
	if errors.As(err, &known) && known.Hint != "" {
		return p.fail(exitError, errors.New(known.Message), known.Hint)
	}
	return p.fail(exitError, errors.New(sentence(err)))
}

func sentence(err error) string {
	var known *store.Error
	if errors.As(err, &known) {
		return known.Message
	}
	return err.Error()
}

// greet tells a person what to do next. The key itself is shown only when it
// was made just now and somebody sits at the terminal.
func (p program) greet(app *App) {
	if app.Config.Sandbox {
		fmt.Fprintln(p.stdout, "SANDBOX: a simulated WhatsApp. Nothing here reaches a real phone.")
	}
	if app.listener != nil && app.socket != nil {
		fmt.Fprintf(p.stdout, "socket: %s\n", app.Config.Socket)
	}
	fmt.Fprintf(p.stdout, "wamux is listening on %s\n", app.URL())
	if len(app.Config.APIKeys) > 0 {
		return
	}
	fmt.Fprintf(p.stdout, "admin key: %s\n", app.keyFile())
	if secret, err := os.ReadFile(app.keyFile()); err == nil && app.madeKey && isTerminal(p.stdout) {
		fmt.Fprintf(p.stdout, "it says (shown this once): %s\n", secret)
	}
}

// isTerminal tells whether somebody sits at what is read or written.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

func (a *App) keyFile() string {
	return filepath.Join(filepath.Dir(a.Config.Database), "admin.key")
}
