package sandbox

import (
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// handlePresence takes that a device is in use or not, and who it wants to watch.
func (s *Server) handlePresence(c *conn, n *waBinary.Node) {
	switch str(n, "type") {
	case "subscribe":
		s.subscribe(c, jid(n, "to"))
	case "unsubscribe":
		if a := s.find(jid(n, "to")); a != nil {
			delete(a.subscribers, c)
		}
	case "unavailable":
		c.available = false
		s.announce(c.device.account)
	case "", "available":
		c.available = true
		s.announce(c.device.account)
	default:
		s.surprised(n)
	}
}

func (s *Server) subscribe(c *conn, to types.JID) {
	a := s.find(to)
	if a == nil || a.profile.blocks(c.device.account) {
		return
	}
	a.subscribers[c] = to.ToNonAD()
	n := s.presence(a, to.ToNonAD())
	s.after(func() { c.send(n) })
}

// visible tells whether an account counts as online: by its phone or by one of its devices.
func (a *account) visible() bool {
	if a.online {
		return true
	}
	for _, d := range a.devices {
		if d.conn != nil && d.conn.available {
			return true
		}
	}
	return false
}

func (s *Server) presence(a *account, as types.JID) waBinary.Node {
	if a.visible() {
		return el("presence", attrs{"from": as, "type": ""})
	}
	last := "deny"
	if !a.lastSeen.IsZero() {
		last = unix(a.lastSeen)
	}
	return el("presence", attrs{"from": as, "type": "unavailable", "last": last})
}

// announce tells everybody who watches an account.
func (s *Server) announce(a *account) {
	if !a.visible() {
		a.lastSeen = s.now()
	}
	for c, as := range a.subscribers {
		if c.device != nil && a.profile.blocks(c.device.account) {
			continue
		}
		n := s.presence(a, as)
		s.after(func() { c.send(n) })
	}
}

// handleChatState passes on that somebody is typing.
func (s *Server) handleChatState(c *conn, n *waBinary.Node) {
	to, children := s.find(jid(n, "to")), n.GetChildren()
	if g := s.findGroup(jid(n, "to")); g != nil && len(children) == 1 {
		s.showGroupState(c.device.account, c.device.id, g, children[0])
		return
	}
	if to == nil || len(children) != 1 {
		return
	}
	s.showState(c.device.account, c.device.id, to, children[0])
}

// showState shows a chat state to the devices of an account that are online. Nothing of it waits for those that are not.
func (s *Server) showState(from *account, device uint16, to *account, state waBinary.Node) {
	if to.profile.blocks(from) {
		return
	}
	for _, id := range deviceIDs(to)[1:] {
		d := to.devices[id]
		if c := d.conn; c != nil {
			n := el("chatstate", attrs{"from": from.jid(device, d.LID)}, state)
			s.after(func() { c.send(n) })
		}
	}
}
