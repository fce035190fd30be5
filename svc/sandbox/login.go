package sandbox

import (
	"crypto/subtle"
	"strconv"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waWa6"
	"go.mau.fi/whatsmeow/types"
)

// welcome answers the payload of the handshake: a client without an account gets a QR code, the others log in.
func (s *Server) welcome(c *conn, p *waWa6.ClientPayload) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = struct{}{}
	if p.GetDevicePairingData() != nil {
		s.offerPairing(c, p)
		return
	}
	s.login(c, p)
}

// goodbye forgets a connection.
func (s *Server) goodbye(c *conn) {
	c.end()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.dropPairing(c)
	for _, a := range s.byNumber {
		delete(a.subscribers, c)
	}
	if d := c.device; d != nil && d.conn == c {
		d.conn = nil
		if c.available {
			s.announce(d.account)
		}
	}
}

// login lets a known device in: success, then what waits for it, in order.
func (s *Server) login(c *conn, p *waWa6.ClientPayload) {
	a := s.byNumber[strconv.FormatUint(p.GetUsername(), 10)]
	if a == nil {
		s.refuse(c, 401, nil)
		return
	}
	if s.failLogin(c, a) {
		return
	}
	d := a.devices[uint16(p.GetDevice())]
	if d == nil || subtle.ConstantTimeCompare(d.Noise, c.static[:]) != 1 {
		s.refuse(c, 401, nil)
		return
	}
	if old := d.conn; old != nil {
		s.expel(old, streamError("", el("conflict", attrs{"type": "replaced"})))
	}
	c.device, d.conn = d, c
	c.who.Store(a.number)
	if d.LID != p.GetLidDbMigrated() {
		d.LID = p.GetLidDbMigrated()
		s.saveDevice(d)
	}
	hello := success(d, s.now())
	s.after(func() { c.send(hello) })
	if d.Dirty != 0 {
		dirty := el("ib", attrs{"from": server()}, el("dirty", attrs{"type": dirtyAccount, "timestamp": d.Dirty}))
		s.after(func() { c.send(dirty) })
	}
	s.sendQueue(c, d)
	s.applyFaults(c)
}

func success(d *device, now time.Time) waBinary.Node {
	return el("success", attrs{
		"t": unix(now), "props": "27", "companion_enc_static": "0", "location": "sbx",
		"lid": d.lidJID(), "display_name": d.account.name,
	})
}

// sendQueue sends what waits for a device, framed as the real service does after a login.
func (s *Server) sendQueue(c *conn, d *device) {
	counts := map[string]int{}
	for _, e := range d.queue {
		counts[e.class]++
	}
	d.sent, c.offline, c.backlog = 0, len(d.queue), len(d.queue)
	preview := el("ib", nil, el("offline_preview", attrs{
		"count": len(d.queue), "message": counts["message"], "receipt": counts["receipt"],
		"notification": counts["notification"], "appdata": 0,
	}))
	s.after(func() { c.send(preview) })
	if c.backlog == 0 {
		s.endOffline(c)
	}
	s.pump(d)
}

// refuse answers a login with a failure. Its reasons are the codes of whatsmeow's ConnectFailureReason.
func (s *Server) refuse(c *conn, reason int, extra attrs) {
	a := attrs{"reason": reason, "location": "sbx"}
	for k, v := range extra {
		a[k] = v
	}
	s.expel(c, el("failure", a))
}

// expel sends a last stanza to a connection and takes its device offline at once.
func (s *Server) expel(c *conn, last waBinary.Node) {
	c.finishing = true
	if d := c.device; d != nil && d.conn == c {
		d.conn = nil
	}
	s.after(func() { c.finish(last) })
}

func streamError(code string, children ...waBinary.Node) waBinary.Node {
	a := attrs{}
	if code != "" {
		a["code"] = code
	}
	return el("stream:error", a, children...)
}

// removed is what a device hears when the phone unlinked it.
func removed() waBinary.Node {
	return streamError("401", el("conflict", attrs{"type": "device_removed"}))
}

// server is how the server itself is named in stanzas.
func server() types.JID { return types.ServerJID }
