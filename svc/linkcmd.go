package svc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"wamux/store"
)

const howToScan = "On the phone: WhatsApp, Linked devices, Link a device."

// linking is one `wamux sessions add` or `code`: it follows the session until it
// is linked. Either code or typed shows what the phone needs.
type linking struct {
	program
	*remote
	id      string
	show    shower
	ends    time.Time // when a code to type is void; zero for those to scan
	scanner string    // a simulated phone that scans the code; "" for none
}

// shower shows what a person needs to link a phone, and how far it is.
type shower interface {
	// accept is the kind of code that it shows, "" when it shows none itself.
	accept() string
	// code shows a code, over the one before. It is called again with the same.
	code(data []byte) error
	// progress says how far it is; a text may come again.
	progress(text string)
	// end takes away what was shown.
	end()
}

// addSession makes a session, when there is none, and links it.
func (p program) addSession(ctx context.Context, c Config, a arguments) int {
	return p.live(c, func(r *remote) error {
		show, err := p.shower(a.last("--png"))
		if err != nil {
			return err
		}
		l := linking{program: p, remote: r, id: a.words[0], show: show, scanner: a.last("--scan")}
		return l.run(ctx)
	})
}

// pairByCode links a session by a code that is typed on the phone.
func (p program) pairByCode(ctx context.Context, c Config, a arguments) int {
	return p.live(c, func(r *remote) error {
		l := linking{program: p, remote: r, id: a.words[0], show: &lines{w: p.stderr}}
		now, err := l.make(ctx)
		if err != nil || now.State == string(store.StateOnline) {
			return errors.Join(err, l.linked(now))
		}
		var code struct {
			Code      string
			ExpiresAt time.Time
		}
		if err := r.call(ctx, "POST", sessionPath(l.id)+"/pairing-code", map[string]string{"phone": a.words[1]}, &code); err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "%s\n", code.Code)
		fmt.Fprintln(p.stderr, howToScan+" Then \"Link with phone number instead\": type this code.")
		l.ends = code.ExpiresAt
		return l.run(ctx)
	})
}

// run goes on until the session is linked, cannot be, or the person gives up.
func (l *linking) run(ctx context.Context) error {
	now, err := l.make(ctx)
	for err == nil && now.State != string(store.StateOnline) {
		if now, err = l.step(ctx); err == nil && now.State != string(store.StateOnline) && !pause(ctx, time.Second/2) {
			err = ctx.Err()
		}
	}
	l.show.end()
	if ctx.Err() != nil {
		return &store.Error{Message: l.id + " is not linked yet", Hint: "call this again for a new code, or `wamux sessions delete " + l.id + "`"}
	}
	return errors.Join(err, l.linked(now))
}

// make makes the session, or wakes the one that is there.
func (l *linking) make(ctx context.Context) (now *listed, err error) {
	return now, l.call(ctx, "POST", "/v1/sessions", map[string]string{"id": l.id}, &now)
}

// step looks at the session, and shows what a person should see of it then.
func (l *linking) step(ctx context.Context) (now *listed, err error) {
	if err := l.call(ctx, "GET", sessionPath(l.id), nil, &now); err != nil {
		return nil, err
	}
	switch store.SessionState(now.State) {
	case store.StateOnline:
		return now, nil
	case store.StatePairing:
		return now, l.pairing(ctx)
	case store.StateConnecting, store.StateOffline:
		l.show.progress(now.told())
		return now, nil
	}
	return nil, &store.Error{Name: now.Code, Message: now.told(), Hint: now.Next}
}

// pairing shows the code of the moment.
func (l *linking) pairing(ctx context.Context) error {
	if !l.ends.IsZero() && time.Now().After(l.ends) {
		return &store.Error{Message: "nobody typed the code in time", Hint: "call this again for a new one; WhatsApp gives a number one a minute and five a day"}
	}
	if kind := l.show.accept(); kind != "" {
		code, err := l.fetch(ctx, kind)
		if errors.Is(err, errNoCode) {
			return nil // between two codes, or just scanned
		}
		if err == nil {
			err = l.show.code(code)
		}
		if small := new(tooSmall); errors.As(err, small) {
			return l.otherwise(small)
		} else if err != nil {
			return err
		}
	}
	l.show.progress(l.id + " waits for the phone.")
	return l.scan(ctx)
}

// otherwise shows the code as a picture from now on.
func (l *linking) otherwise(why error) (err error) {
	l.show.end()
	fmt.Fprintf(l.stderr, "note: %v\n", why)
	l.show, err = l.picture("")
	return err
}

// errNoCode says that no code is showing at this moment.
var errNoCode = errors.New("no code")

// fetch returns the code in the form that kind names.
func (l *linking) fetch(ctx context.Context, kind string) ([]byte, error) {
	body, err := l.open(ctx, "GET", sessionPath(l.id)+"/qr", kind, nil)
	if known := new(store.Error); errors.As(err, &known) && (known.Name == "qr_not_ready" || known.Name == "already_linked") {
		return nil, errNoCode
	} else if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

// scan lets the simulated phone scan, once.
func (l *linking) scan(ctx context.Context) error {
	if l.scanner == "" {
		return nil
	}
	var phone struct{ Phone string }
	err := l.call(ctx, "POST", "/v1/sandbox/phones", map[string]string{"phone": l.scanner, "name": l.id}, &phone)
	if err == nil {
		err = l.call(ctx, "POST", "/v1/sandbox/phones/"+phone.Phone+"/scan", map[string]string{"session": l.id}, nil)
	}
	l.scanner = ""
	if known := new(store.Error); errors.As(err, &known) && known.Name == "route_not_found" {
		return &store.Error{Message: "--scan needs a gateway with the sandbox", Hint: "start one with `wamux run --sandbox`, or scan with a real phone"}
	}
	return err
}

// linked tells the good end. now is nil after a bad one.
func (l *linking) linked(now *listed) error {
	if now != nil {
		fmt.Fprintf(l.stdout, "%s is linked to %s, and online.\n", l.id, now.phone())
	}
	return nil
}
