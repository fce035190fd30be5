package sandbox

import (
	"context"

	waBinary "go.mau.fi/whatsmeow/binary"

	"wamux/store"
	"wamux/svc/sandbox/phone"
)

// codeLink is a linking by phone code under way.
type codeLink struct {
	ref     string
	number  string
	wrapped []byte // the companion's ephemeral key under the code
	link    *phone.CodeLink
	done    chan error // of the person who typed the code, until they are told
}

// end tells the person who typed the code that it came to nothing.
func (c *codeLink) end(err error) {
	if c.done != nil {
		c.done <- err // one slot, and nobody else writes
	}
	c.link, c.done = nil, nil
}

// iqDevices answers about linked devices: linking by code, and logging out.
func (s *Server) iqDevices(c *conn, n *waBinary.Node) answer {
	if reg, ok := n.GetOptionalChildByTag("link_code_companion_reg"); ok {
		switch str(&reg, "stage") {
		case "companion_hello":
			return s.companionHello(c, &reg)
		case "companion_finish":
			return s.companionFinish(c, &reg)
		}
	}
	if remove, ok := n.GetOptionalChildByTag("remove-companion-device"); ok && c.device != nil {
		return s.logout(c, n, &remove)
	}
	s.surprised(n)
	return refused(501, "feature-not-implemented")
}

// companionHello starts linking by code: the companion shows a code, the server keeps what the phone needs to check it.
func (s *Server) companionHello(c *conn, reg *waBinary.Node) answer {
	number := jid(reg, "jid").User
	wrapped := content(reg.GetChildByTag("link_code_pairing_wrapped_companion_ephemeral_pub"))
	if c.pairing == nil || len(wrapped) != 80 {
		return refused(400, "bad-request")
	}
	if s.byNumber[number] == nil {
		return refused(404, "item-not-found")
	}
	if old := c.pairing.code; old != nil {
		delete(s.links, old.ref)
		old.end(store.Errorf(store.CodeConflict, "code_expired", "The device shows another code by now."))
	}
	link := &codeLink{ref: newRef(), number: number, wrapped: wrapped}
	c.pairing.code = link
	s.links[link.ref] = c.pairing
	return result(el("link_code_companion_reg", nil, body("link_code_pairing_ref", nil, []byte(link.ref))))
}

// EnterCode links the device that shows this code for the phone's number. It returns when the device has confirmed.
func (s *Server) EnterCode(ctx context.Context, number, code string) error {
	code, err := phone.ParseCode(code)
	if err != nil {
		return invalid("code_invalid", sentence(err))
	}
	var done chan error
	err = s.do(ctx, func() error {
		a, err := s.account(number)
		if err != nil {
			return err
		}
		p := s.waitingFor(a)
		if p == nil {
			return store.Errorf(store.CodeConflict, "code_expired", "No device shows a code for this phone: ask for a new code.")
		}
		err = s.primaryHello(a, p, code)
		done = p.code.done
		return err
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, pairTimeout)
	defer cancel()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return &store.Error{Code: store.CodeTimeout, Name: "pairing_timeout", Message: "The device did not answer while it was linked.", Err: ctx.Err()}
	}
}

// waitingFor finds the connection that shows a code for an account. When there are several, any will do: a wrong code is
// noticed later.
func (s *Server) waitingFor(a *account) *pairing {
	for _, p := range s.links {
		if p.code.number == a.number && p.question == "" && p.code.done == nil {
			return p
		}
	}
	return nil
}

// primaryHello answers with the phone's half.
func (s *Server) primaryHello(a *account, p *pairing, code string) error {
	ph, err := s.phoneOf(a)
	if err != nil {
		return err
	}
	if p.code.link, err = ph.EnterCode(code, p.code.wrapped); err != nil {
		return invalid("code_invalid", sentence(err))
	}
	s.savePhone(a)
	p.code.done = make(chan error, 1)
	n := el("notification", attrs{"from": server(), "type": "link_code_companion_reg", "id": randomID(8), "t": unix(s.now())},
		el("link_code_companion_reg", attrs{"stage": "primary_hello"},
			body("link_code_pairing_wrapped_primary_ephemeral_pub", nil, p.code.link.Wrapped),
			body("primary_identity_pub", nil, p.code.link.Identity),
			body("link_code_pairing_ref", nil, []byte(p.code.ref))))
	s.after(func() { p.conn.send(n) })
	return nil
}

// companionFinish opens what the companion answered; when the code was right the device is linked like one that was scanned.
func (s *Server) companionFinish(c *conn, reg *waBinary.Node) answer {
	p := c.pairing
	if p == nil || p.code == nil || p.code.link == nil || string(content(reg.GetChildByTag("link_code_pairing_ref"))) != p.code.ref {
		return refused(400, "bad-request")
	}
	code := p.code
	identity, secret, err := code.link.Finish(content(reg.GetChildByTag("link_code_pairing_wrapped_key_bundle")),
		content(reg.GetChildByTag("companion_identity_public")))
	if err != nil {
		// The server can't read the bundle, so it is the phone that notices, and its owner may type again: clients keep the
		// code that they show, and answer every hello that names its ref.
		code.end(&store.Error{Code: store.CodeConflict, Name: "code_wrong", Message: "The linking code is wrong.", Err: err})
		return result()
	}
	if err := s.link(s.byNumber[code.number], p, identity, secret); err != nil {
		code.end(err)
		return refused(500, "internal-server-error")
	}
	done := code.done
	code.done = nil
	s.serving.Go(func() { done <- p.await(s.closing) })
	return result()
}

// logout removes a device at its own wish.
func (s *Server) logout(c *conn, n, remove *waBinary.Node) answer {
	j := jid(remove, "jid")
	d := c.device.account.devices[j.Device]
	if s.find(j) != c.device.account || d == nil {
		return refused(404, "item-not-found")
	}
	reply := result().node(n)
	s.after(func() { c.send(reply) })
	s.removeDevice(d)
	return answer{silent: true}
}
