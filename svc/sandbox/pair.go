package sandbox

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waCompanionReg"
	"go.mau.fi/whatsmeow/proto/waWa6"
	"google.golang.org/protobuf/proto"

	"wamux/store"
	"wamux/svc/sandbox/phone"
)

// How long the QR codes of one connection live. whatsmeow shows the first for 60 s and the others for 20 s each.
const (
	refCount     = 6
	refsLifetime = 60*time.Second + (refCount-1)*20*time.Second
	pairTimeout  = 20 * time.Second
)

// pairing is a client that wants to be linked.
type pairing struct {
	conn     *conn
	data     *waWa6.ClientPayload_DevicePairingRegistrationData
	lid      bool
	refs     []string
	expire   *alarm
	code     *codeLink // linking by code, when it is under way
	question string    // id of the pair-success iq that the client has yet to answer
	device   *device   // what the client will be, once it has answered
	answered chan error
}

// offerPairing shows six refs, each as long as a real one, so that QR codes have real size.
func (s *Server) offerPairing(c *conn, p *waWa6.ClientPayload) {
	pairing := &pairing{conn: c, data: p.GetDevicePairingData(), lid: true}
	c.pairing = pairing
	offer := waBinary.Node{Tag: "pair-device"}
	var refs []waBinary.Node
	for range refCount {
		ref := newRef()
		pairing.refs = append(pairing.refs, ref)
		s.refs[ref] = pairing
		refs = append(refs, body("ref", nil, []byte(ref)))
	}
	offer.Content = refs
	pairing.expire = s.schedule(s.scaled(refsLifetime), func() { s.expirePairing(c) })
	s.after(func() {
		c.send(el("iq", attrs{"from": server(), "type": "set", "id": randomID(6), "xmlns": "md"}, offer))
	})
}

// newRef makes a ref of the form and length the real service uses: "2@" and 132 letters (seen in QR codes).
func newRef() string {
	b := make([]byte, 0, 100)
	for len(b) < 99 {
		b = append(b, randomID(8)...)
	}
	return "2@" + base64.StdEncoding.EncodeToString(b[:99])
}

// expirePairing ends a connection that nobody scanned, as the real service does after the last QR code.
func (s *Server) expirePairing(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.pairing != nil && c.pairing.question == "" && !c.finishing {
		s.expel(c, el("xmlstreamend", nil))
	}
}

// dropPairing forgets the refs of a connection.
func (s *Server) dropPairing(c *conn) {
	p := c.pairing
	if p == nil {
		return
	}
	s.cancel(p.expire)
	for _, ref := range p.refs {
		delete(s.refs, ref)
	}
	if p.code != nil {
		delete(s.links, p.code.ref)
		p.code.end(store.Errorf(store.CodeConflict, "code_expired", "The device that showed the code went away: ask for a new code."))
	}
	if p.answered != nil {
		p.answer(errors.New("the device went away while it was linked"))
	}
	c.pairing = nil
}

func (p *pairing) answer(err error) {
	select {
	case p.answered <- err:
	default:
	}
}

// Scan links the device that shows this QR text to the phone, as a person scanning it does. It returns when the device has
// confirmed; the device logs in on its own after that.
func (s *Server) Scan(ctx context.Context, number, text string) error {
	qr, err := phone.ParseQR(text)
	if err != nil {
		return invalid("qr_invalid", sentence(err))
	}
	var p *pairing
	err = s.do(ctx, func() error {
		a, err := s.account(number)
		if err != nil {
			return err
		}
		if p = s.refs[qr.Ref]; p == nil || p.conn.static != qr.Noise || p.question != "" {
			return store.Errorf(store.CodeConflict, "qr_expired", "This QR code has expired: scan the newest one.")
		}
		return s.link(a, p, qr.Identity, qr.Secret)
	})
	if err != nil {
		return err
	}
	return p.await(ctx)
}

// await waits until the client has answered pair-success.
func (p *pairing) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pairTimeout)
	defer cancel()
	select {
	case err := <-p.answered:
		if err != nil {
			return &store.Error{Code: store.CodeConflict, Name: "pairing_failed", Message: "The device could not be linked.", Err: err}
		}
		return nil
	case <-ctx.Done():
		return &store.Error{Code: store.CodeTimeout, Name: "pairing_timeout", Message: "The device did not answer while it was linked.", Err: ctx.Err()}
	}
}

// link signs the device identity and sends pair-success.
func (s *Server) link(a *account, p *pairing, identity, secret [32]byte) error {
	ph, err := s.phoneOf(a)
	if err != nil {
		return err
	}
	if !slices.Equal(identity[:], p.data.GetEIdent()) {
		return invalid("qr_invalid", "The code does not belong to the device that shows it.")
	}
	signed, err := ph.Link(identity, secret, s.now())
	if err != nil {
		return err
	}
	s.savePhone(a)
	a.lastDevice = nextDevice(a)
	s.saveAccount(a)
	p.device = newDevice(a, p, signed.KeyIndex)
	p.question, p.answered = randomID(8), make(chan error, 1)
	n := pairSuccess(p, s.now(), signed.Container)
	s.after(func() { p.conn.send(n) })
	return nil
}

// nextDevice counts up, as WhatsApp does. Ids end at 99 there; here they start over and skip those in use.
func nextDevice(a *account) uint16 {
	id := a.lastDevice
	for range 200 {
		if id++; id > 200 {
			id = 1
		}
		if a.devices[id] == nil {
			break
		}
	}
	return id
}

func newDevice(a *account, p *pairing, keyIndex uint32) *device {
	d := &device{account: a, id: a.lastDevice}
	d.Noise, d.Identity = slices.Clone(p.conn.static[:]), p.data.GetEIdent()
	d.Registration, d.KeyIndex = parseNumber(p.data.GetERegid()), keyIndex
	d.LID = p.lid
	d.Signed = phone.PreKey{ID: parseNumber(p.data.GetESkeyID()), Signature: p.data.GetESkeySig()}
	copy(d.Signed.Public[:], p.data.GetESkeyVal())
	var props waCompanionReg.DeviceProps
	if proto.Unmarshal(p.data.GetDeviceProps(), &props) == nil {
		d.Platform, d.Full = props.GetOs(), props.GetRequireFullSync()
		d.Inline = props.GetHistorySyncConfig().GetInlineInitialPayloadInE2EeMsg()
	}
	return d
}

func pairSuccess(p *pairing, now time.Time, container []byte) waBinary.Node {
	d := p.device
	return el("iq", attrs{"from": server(), "type": "set", "id": p.question, "t": unix(now)},
		el("pair-success", nil,
			body("device-identity", nil, container),
			el("device", attrs{"jid": d.account.jid(d.id, false), "lid": d.account.jid(d.id, true)}),
			el("platform", attrs{"name": "android"})))
}

// pairAnswered takes the client's answer to pair-success: its own signature makes it a device of the account.
func (s *Server) pairAnswered(c *conn, n *waBinary.Node) {
	p := c.pairing
	proof := n.GetChildByTag("pair-device-sign", "device-identity")
	if str(n, "type") == "error" {
		e := n.GetChildByTag("error")
		p.answer(errors.New("the device refused: " + str(&e, "text")))
		p.question = ""
		return
	}
	d := p.device
	ph, err := s.phoneOf(d.account)
	if err == nil {
		_, err = ph.CheckSign([32]byte(d.Identity), content(proof))
	}
	if err != nil {
		p.answer(err)
		s.expel(c, streamError("401"))
		return
	}
	d.Proof = content(proof)
	d.account.devices[d.id] = d
	s.saveDevice(d)
	s.devicesChanged(d, "add")
	s.after(func() { p.answer(nil) })
	s.expel(c, streamError("515"))
}
