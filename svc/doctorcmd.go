package svc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"wamux/store"
	"wamux/store/seal"
)

const doctorUsage = `What could be wrong here.

    wamux doctor       looks at the clock, the disk, who may read the files, the key, the database, the port, the way to
                       WhatsApp and the age of the library that speaks with it; a line each: ok, warn or fail

It works beside a running gateway and without one, and changes nothing. The exit code is 1 when a line says fail. Call it as
the user that wamux runs as, with the same settings.
`

// The verdicts of a check, by weight.
const (
	verdictOK   = "ok"
	verdictWarn = "warn"
	verdictFail = "fail"
)

// doctor looks at one thing after the other, and writes down what it finds.
type doctor struct {
	program
	c      Config
	r      *remote // the running gateway; nil when none runs, or it lets nobody in
	held   bool    // a process has the database open
	failed bool
}

func (p program) doctor(ctx context.Context, args []string) int {
	_, config, ok := p.prepared(args, nil, noWords, helpOn("doctor"))
	if !ok {
		return exitUsage
	}
	d := &doctor{program: p, c: config}
	for _, look := range []func(context.Context){d.gateway, d.clockAndWhatsApp, d.disk, d.modes, d.key, d.port, d.library} {
		if look(ctx); ctx.Err() != nil {
			return exitError
		}
	}
	if d.failed {
		return exitError
	}
	return exitOK
}

// say writes one line.
func (d *doctor) say(verdict, about, format string, args ...any) {
	d.failed = d.failed || verdict == verdictFail
	fmt.Fprintf(d.stdout, "%-4s  %-8s  %s\n", verdict, about, fmt.Sprintf(format, args...))
}

// sayError is say for a failure that has its sentence and, perhaps, its hint.
func (d *doctor) sayError(about string, err error) {
	text := sentence(err)
	if known := new(store.Error); errors.As(err, &known) && known.Hint != "" {
		text += ": " + known.Hint
	}
	d.say(verdictFail, about, "%s", text)
}

// gateway tells whether one runs, and lets it speak for its database.
func (d *doctor) gateway(ctx context.Context) {
	if _, d.held = store.Holder(d.c.Database); !d.held {
		d.say(verdictOK, "gateway", "none is running with %s", d.c.Database)
		return
	}
	r, err := d.c.reach()
	if err == nil {
		err = r.call(ctx, "GET", "/v1/version", nil, nil)
	}
	if err != nil {
		d.sayError("gateway", err)
		return
	}
	d.r = r
	d.say(verdictOK, "gateway", "running, at %s", r.url)
	if err := r.call(ctx, "GET", "/healthz", nil, nil); err != nil {
		d.sayError("database", err)
		return
	}
	d.say(verdictOK, "database", "the gateway reads and writes it")
}

// key tries the age identity on the database, which is looked at besides when
// nobody has it open.
func (d *doctor) key(ctx context.Context) {
	ring := d.c.keys
	if d.c.PassphraseFile == "" {
		ring.ask = nil // nobody is asked by a command that only looks
	}
	keys, err := ring.read()
	known := new(store.Error)
	switch {
	case errors.As(err, &known) && known.Name == "passphrase_missing":
		d.say(verdictWarn, "key", "%s has a passphrase, which somebody must type at each start: name a file with AGE_PASSPHRASE_FILE", d.c.IdentityFile)
		return
	case err != nil:
		d.sayError("key", err)
		return
	case keys == nil:
		d.say(verdictOK, "key", "none is configured: without one the database holds the keys of accounts in clear")
	default:
		d.say(verdictOK, "key", "%s opens, and seals to %s", d.c.IdentityFile, keysCounted(len(keys.Recipients())))
	}
	if !d.held {
		d.database(ctx, keys)
	}
}

// database looks at the file that nobody has open.
func (d *doctor) database(ctx context.Context, keys *seal.Keys) {
	if _, err := os.Stat(d.c.Database); errors.Is(err, fs.ErrNotExist) {
		d.say(verdictOK, "database", "%s is not there yet: the first start makes it", d.c.Database)
		return
	}
	if err := store.Look(ctx, d.c.Database, keys); err != nil {
		d.sayError("database", err)
		return
	}
	d.say(verdictOK, "database", "%s, %s", d.c.Database, sizeOf(d.c.Database))
}
