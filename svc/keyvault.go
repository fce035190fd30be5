package svc

import (
	"context"
	"net/url"
	"time"

	"wamux/store"
)

// vault is the database as `wamux key` sees it, behind a running gateway or not.
type vault interface {
	look(ctx context.Context) (vaultView, error)
	// turn begins a change: seal, unseal or rotate.
	turn(ctx context.Context, verb string) error
	// settle waits until no change is under way, or does what is left of one.
	settle(ctx context.Context) error
	// turnTo settles, makes a change, and settles again.
	turnTo(ctx context.Context, verb string) error
	check(ctx context.Context) (vaultCheck, error)
}

// vaultView is the answer of GET /v1/seal.
type vaultView struct {
	State      string
	Recipients []string
	Pending    bool
	Problem    *struct{ Code, Message, Hint string }
}

// vaultCheck is what became of all values.
type vaultCheck struct {
	Opened, Clear int
	Refused       []struct{ Session, Class, Key, Reason string }
	NextCursor    string
}

// onVault does the work of a command on the database, wherever it is open.
func (p program) onVault(ctx context.Context, c Config, work func(vault) error) int {
	return p.onFile(ctx, c,
		func(db *store.DB) error {
			return work(idleVault{&sealer{db: db, keys: c.keys, wake: make(chan struct{}, 1)}})
		},
		func(r *remote) error { return work(liveVault{r}) })
}

// idleVault is a database that this process has open.
type idleVault struct{ *sealer }

func (v idleVault) look(context.Context) (vaultView, error) {
	state, recipients, pending := v.db.SealState()
	return vaultView{State: state.Word(), Recipients: recipients, Pending: pending}, nil
}

func (v idleVault) turn(ctx context.Context, verb string) error {
	switch verb {
	case "seal":
		return v.Seal(ctx)
	case "unseal":
		return v.Unseal(ctx)
	}
	return v.Rotate(ctx)
}

func (v idleVault) settle(ctx context.Context) error { return v.db.Convert(ctx) }

func (v idleVault) turnTo(ctx context.Context, verb string) error { return turnTo(ctx, v, verb) }

func (v idleVault) check(ctx context.Context) (all vaultCheck, err error) {
	for at := ""; ; {
		c, err := v.db.CheckSealed(ctx, at)
		if err != nil {
			return all, err
		}
		all.Opened, all.Clear = all.Opened+c.Opened, all.Clear+c.Clear
		for _, r := range c.Refused {
			all.Refused = append(all.Refused, struct{ Session, Class, Key, Reason string }(r))
		}
		if at = c.Next; at == "" {
			return all, nil
		}
	}
}

// liveVault is a database that a running gateway has open.
type liveVault struct{ *remote }

func (v liveVault) look(ctx context.Context) (now vaultView, err error) {
	return now, v.call(ctx, "GET", "/v1/seal", nil, &now)
}

func (v liveVault) turn(ctx context.Context, verb string) error {
	return v.call(ctx, "POST", "/v1/seal/"+verb, nil, nil)
}

func (v liveVault) settle(ctx context.Context) error {
	for {
		now, err := v.look(ctx)
		switch {
		case err != nil:
			return err
		case now.Problem != nil:
			return &store.Error{Name: now.Problem.Code, Message: now.Problem.Message, Hint: now.Problem.Hint}
		case !now.Pending:
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (v liveVault) turnTo(ctx context.Context, verb string) error { return turnTo(ctx, v, verb) }

func (v liveVault) check(ctx context.Context) (all vaultCheck, err error) {
	for at := ""; ; {
		var c vaultCheck
		if err := v.call(ctx, "GET", "/v1/seal/check?cursor="+url.QueryEscape(at), nil, &c); err != nil {
			return all, err
		}
		all.Opened, all.Clear = all.Opened+c.Opened, all.Clear+c.Clear
		all.Refused = append(all.Refused, c.Refused...)
		if at = c.NextCursor; at == "" {
			return all, nil
		}
	}
}

// turnTo makes a change from begin to end. What is under way is waited for; that
// the values have the wanted form already is no error.
func turnTo(ctx context.Context, v vault, verb string) error {
	for {
		if err := v.settle(ctx); err != nil {
			return err
		}
		err := v.turn(ctx, verb)
		switch name := errorName(err); {
		case verb == "seal" && name == "sealed_already" || verb == "unseal" && name == "not_sealed":
			return nil
		case name == "sealing": // it had just ended, or somebody else began
			continue
		case err != nil:
			return err
		}
		return v.settle(ctx)
	}
}
