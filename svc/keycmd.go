package svc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"wamux/store"
	"wamux/store/seal"
)

const keyUsage = `Keys. With an age identity, every secret value in the database (keys of accounts, secrets of messages, what waits to
be sent) is a small age file. Whoever has only the database has none of them. Whoever loses the identity loses the accounts.

    wamux key new [-o FILE] [--pq] [--passphrase]
                           make an identity: into FILE (mode 0600), or to standard output; --pq also withstands quantum
                           computers and costs 1.5 KB more for each value; --passphrase protects FILE, as age -p does
    wamux key recipient    to whom values are sealed, age1…, one a line; the identity's own first
    wamux key seal         seal every value (a start with AGE_IDENTITY_FILE does so by itself the first time)
    wamux key unseal       put every value in clear; it stays so until ` + "`wamux key seal`" + `
    wamux key rotate [--pq] [--keep]
                           make a new identity, put it into the identity file in front of the old one, seal every value to
                           it, and take the old one out of the file; --keep leaves it there, to open backups of before
    wamux key check        try every sealed value, and name those that are refused

Seal, unseal, rotate and check work beside a running gateway and on a stopped one. What was cut off goes on when the
command, or the gateway, starts again. Settings are given as to ` + "`wamux run`" + `: AGE_IDENTITY_FILE, AGE_RECIPIENTS,
AGE_PASSPHRASE_FILE, DATABASE_URL.

Example:
    $ wamux key new -o age.key
    $ AGE_IDENTITY_FILE=age.key wamux run
    $ sqlite3 wamux.db "SELECT writefile('creds.age', value) FROM auth_data WHERE key = 'creds'"
    $ age -d -i age.key creds.age | tail -n +2
`

// keyFlags are the flags of `wamux key` beside the settings.
type keyFlags struct {
	out                  string
	pq, passphrase, keep bool
}

// parseKeyFlags takes its flags out of args and returns the rest.
func parseKeyFlags(verb string, args []string) (f keyFlags, rest []string, err error) {
	known := map[string]*bool{}
	switch verb {
	case "new":
		known["--pq"], known["--passphrase"] = &f.pq, &f.passphrase
	case "rotate":
		known["--pq"], known["--keep"] = &f.pq, &f.keep
	}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case known[arg] != nil:
			*known[arg] = true
		case verb == "new" && (arg == "-o" || arg == "--out") && len(args) > 0 && args[0] != "":
			f.out, args = args[0], args[1:]
		case verb == "new" && (arg == "-o" || arg == "--out"):
			return f, nil, errors.New(arg + " needs the name of a file")
		default:
			rest = append(rest, arg)
		}
	}
	return f, rest, nil
}

func keyCommands() map[string]func(program, context.Context, Config, keyFlags) int {
	return map[string]func(program, context.Context, Config, keyFlags) int{
		"new": program.keyNew, "recipient": program.keyRecipient, "seal": program.keySeal,
		"unseal": program.keyUnseal, "rotate": program.keyRotate, "check": program.keyCheck,
	}
}

func keyVerbs() []string { return slices.Sorted(maps.Keys(keyCommands())) }

func (p program) key(ctx context.Context, args []string) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		fmt.Fprint(p.stdout, keyUsage)
		return exitOK
	}
	run, ok := keyCommands()[args[0]]
	if !ok {
		return p.fail(exitUsage, fmt.Errorf("there is no command %q", "key "+args[0]), "`wamux help key` lists what there is")
	}
	flags, rest, err := parseKeyFlags(args[0], args[1:])
	if err != nil {
		return p.fail(exitUsage, err, "`wamux help key` lists the flags")
	}
	config, err := p.config(rest)
	if err != nil {
		return p.fail(exitUsage, err, "`wamux help key` lists the flags, `wamux help config` every setting")
	}
	return run(p, ctx, config, flags)
}

// keyNew makes an identity. It needs no database.
func (p program) keyNew(_ context.Context, c Config, f keyFlags) int {
	identity, err := seal.Generate(f.pq)
	if err != nil {
		return p.ended(err)
	}
	text, err := seal.Lines(identity, time.Now())
	if err == nil && f.passphrase {
		text, err = p.protect(c, text)
	}
	if err == nil && f.out == "" {
		_, err = p.stdout.Write(text)
	} else if err == nil {
		err = makeKeyFile(f.out, text)
	}
	if err != nil {
		return p.ended(err)
	}
	keys, err := seal.Parse([]byte(identity), nil)
	if err == nil {
		fmt.Fprintf(p.stderr, "Public key: %s\nKeep a copy in a safe place: without this key nobody opens what is sealed with it.\n", keys.Recipients()[0])
	}
	return p.ended(err)
}

// protect puts an identity under a passphrase, of a file or typed twice.
func (p program) protect(c Config, text []byte) ([]byte, error) {
	ring := &keyring{file: "the new identity", passFile: c.PassphraseFile, ask: p.asker()}
	passphrase, err := ring.secret()
	if err != nil {
		return nil, err
	}
	if passphrase == "" {
		return nil, &store.Error{Message: "The passphrase is empty", Hint: "leave --passphrase away for a file without one"}
	}
	if c.PassphraseFile == "" {
		again, err := ring.ask("The same once more")
		if err != nil || again != passphrase {
			return nil, &store.Error{Message: "The two passphrases differ", Hint: "call this again", Err: err}
		}
	}
	return seal.Protect(text, passphrase, 0)
}

// keyRecipient names to whom values are sealed.
func (p program) keyRecipient(_ context.Context, c Config, _ keyFlags) int {
	keys, err := c.neededKeys()
	if err == nil {
		fmt.Fprintln(p.stdout, strings.Join(keys.Recipients(), "\n"))
	}
	return p.ended(err)
}

func (c Config) neededKeys() (*seal.Keys, error) {
	keys, err := c.keys.read()
	if err == nil && keys == nil {
		err = errNoKey()
	}
	return keys, err
}

func (p program) keySeal(ctx context.Context, c Config, _ keyFlags) int {
	return p.onVault(ctx, c, func(v vault) error {
		if err := v.turnTo(ctx, "seal"); err != nil {
			return err
		}
		return p.say(ctx, v)
	})
}

func (p program) keyUnseal(ctx context.Context, c Config, _ keyFlags) int {
	return p.onVault(ctx, c, func(v vault) error {
		if err := v.turnTo(ctx, "unseal"); err != nil {
			return err
		}
		return p.say(ctx, v)
	})
}

// say tells how the values are kept now.
func (p program) say(ctx context.Context, v vault) error {
	now, err := v.look(ctx)
	if err != nil {
		return err
	}
	if now.State == "sealed" {
		fmt.Fprintf(p.stdout, "every secret value is sealed, to:\n%s\n", strings.Join(now.Recipients, "\n"))
	} else {
		fmt.Fprintln(p.stdout, "every secret value is in clear")
	}
	return nil
}

// keyCheck tries every value; it ends with 1 when one is refused.
func (p program) keyCheck(ctx context.Context, c Config, _ keyFlags) int {
	refused := 0
	code := p.onVault(ctx, c, func(v vault) error {
		all, err := v.check(ctx)
		if err != nil {
			return err
		}
		for _, r := range all.Refused {
			fmt.Fprintf(p.stdout, "refused: session %q, %s %q: %s\n", r.Session, r.Class, r.Key, r.Reason)
		}
		refused = len(all.Refused)
		fmt.Fprintf(p.stdout, "%d values open, %d are in clear, %d are refused\n", all.Opened, all.Clear, refused)
		return nil
	})
	if code == exitOK && refused > 0 {
		return p.fail(exitError, errors.New("some values are damaged, or were changed by somebody else"), "stop wamux and put back a backup; a session whose creds are among them can also be deleted and linked anew")
	}
	return code
}
