package svc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"wamux/store"
	"wamux/store/seal"
)

// keyRotate seals everything to a new identity. The order of its steps is such
// that file and database open together whenever it is cut off: the new identity
// is in the file before the database is sealed to it, and the old one leaves the
// file when no value, page or log needs it. Called again, it goes on.
func (p program) keyRotate(ctx context.Context, c Config, f keyFlags) int {
	switch {
	case c.IdentityFile == "":
		return p.ended(errNoKey())
	case c.Credential:
		return p.fail(exitError, errors.New("a credential of the service manager can't be replaced"), "name the file it is loaded from with AGE_IDENTITY_FILE, call this, restart the service, and call this again")
	}
	r := rotation{program: p, ring: c.keys, flags: f}
	return p.onVault(ctx, c, func(v vault) error { return r.run(ctx, v) })
}

type rotation struct {
	program
	ring  *keyring
	flags keyFlags
}

func (r rotation) run(ctx context.Context, v vault) error {
	if err := v.settle(ctx); err != nil {
		return err
	}
	now, err := v.look(ctx)
	if err != nil {
		return err
	}
	if now.State != "sealed" {
		return &store.Error{Message: "the database is not sealed", Hint: "`wamux key seal` seals it"}
	}
	keys, err := r.prepare(now)
	if err != nil {
		return err
	}
	if now.Recipients[0] != keys.Recipients()[0] {
		if err := v.turnTo(ctx, "rotate"); err != nil {
			return r.explain(err)
		}
	}
	return r.finish(ctx, v, keys)
}

// prepare puts a new identity into the file, unless an earlier call did.
func (r rotation) prepare(now vaultView) (*seal.Keys, error) {
	text, err := r.ring.text()
	if err != nil {
		return nil, err
	}
	keys, err := r.ring.parse(text)
	if err != nil || seal.Replacing(text) {
		return keys, err
	}
	if !slices.Contains(now.Recipients, keys.Recipients()[0]) {
		return nil, &store.Error{Message: "the identity file does not hold the key that the database is sealed to", Hint: "correct AGE_IDENTITY_FILE; the running gateway may use another file"}
	}
	identity, err := seal.Generate(r.flags.pq || keys.Hybrid())
	if err != nil {
		return nil, err
	}
	lines, err := seal.Lines(identity, time.Now())
	if err != nil {
		return nil, err
	}
	text = seal.Replace(text, lines)
	if keys, err = r.ring.parse(text); err != nil {
		return nil, err
	}
	return keys, r.ring.replace(text)
}

// explain says what to do when the gateway cannot see the new identity.
func (r rotation) explain(err error) error {
	if errorName(err) == "no_new_key" {
		return &store.Error{Message: "the running gateway does not see the new key, which is in " + r.ring.file + " now",
			Hint: "restart the gateway so that it reads the file, then call this again: nothing is lost meanwhile", Err: err}
	}
	return err
}

// finish takes the old identity out of the file once the database is sealed to
// the new one alone.
func (r rotation) finish(ctx context.Context, v vault, keys *seal.Keys) error {
	now, err := v.look(ctx)
	if err != nil {
		return err
	}
	if now.State != "sealed" || now.Pending || now.Recipients[0] != keys.Recipients()[0] {
		return &store.Error{Message: "the database is not sealed to the new key yet; the old one stays in the file", Hint: "call this again"}
	}
	text, err := r.ring.text()
	if err != nil {
		return err
	}
	if err := r.ring.replace(seal.Replaced(text, r.flags.keep)); err != nil {
		return err
	}
	fmt.Fprintf(r.stdout, "every secret value is sealed to a new key: %s\n", now.Recipients[0])
	if r.flags.keep {
		fmt.Fprintf(r.stdout, "the old key stays in %s, behind the new one\n", r.ring.file)
	} else {
		fmt.Fprintln(r.stdout, "the old key is out of the file; backups of before open with it only: make a new backup now")
	}
	return nil
}

// errorName returns the stable word of an error, "" when it has none.
func errorName(err error) string {
	if e := (*store.Error)(nil); errors.As(err, &e) {
		return e.Name
	}
	return ""
}
