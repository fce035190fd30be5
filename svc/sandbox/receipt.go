package sandbox

import (
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// receipt says that a device got or a person read messages.
type receipt struct {
	from   *account
	device uint16
	kind   string // "" means delivered
	ids    []string
	at     time.Time
	chat   *account // for receipts among own devices: the chat they are about; in a group, who wrote what they are about
	group  *group   // nil in a direct chat
}

// stanza is the receipt as one device gets it.
func (r receipt) stanza(d *device) waBinary.Node {
	a := attrs{"from": r.from.jid(r.device, d.LID), "id": r.ids[0], "t": unix(r.at)}
	if r.group != nil {
		a["from"], a["participant"], a["participant_pn"] = r.group.jid(), r.from.jid(r.device, true), r.from.pn()
		a["addressing_mode"] = string(types.AddressingModeLID)
	}
	if r.kind != "" {
		a["type"] = r.kind
	}
	if r.chat != nil {
		a["recipient"] = r.chat.jid(0, d.LID || r.group != nil)
	}
	n := el("receipt", a)
	if len(r.ids) > 1 {
		var items []waBinary.Node
		for _, id := range r.ids[1:] {
			items = append(items, el("item", attrs{"id": id}))
		}
		n.Content = []waBinary.Node{el("list", nil, items...)}
	}
	return n
}

// routeReceipt brings a receipt to every device of the account that sent the messages.
func (s *Server) routeReceipt(r receipt, to *account) {
	for _, id := range deviceIDs(to)[1:] {
		s.enqueue(to.devices[id], r.stanza(to.devices[id]))
	}
	for _, id := range r.ids {
		s.raiseStatus(to, id, statusOf(r.kind))
	}
}

// tellOwn tells the other devices of an account what was read on one of them.
func (s *Server) tellOwn(r receipt, chat *account) {
	r.kind, r.chat = "read-self", chat
	for _, id := range deviceIDs(r.from)[1:] {
		if id != r.device {
			s.enqueue(r.from.devices[id], r.stanza(r.from.devices[id]))
		}
	}
}

// handleReceipt takes the receipt of a linked device: it settles the message that waited, and goes on to the sender.
func (s *Server) handleReceipt(c *conn, n *waBinary.Node) {
	d, kind := c.device, str(n, "type")
	if l := s.newsletters[jid(n, "to").User]; l != nil && kind == "view" {
		s.viewed(l, d.account, n)
		s.after(func() {
			c.send(el("ack", attrs{"class": "receipt", "id": str(n, "id"), "from": l.jid(), "type": kind}))
		})
		return
	}
	a := attrs{"class": "receipt", "id": str(n, "id"), "from": n.Attrs["to"]}
	if kind != "" {
		a["type"] = kind
	}
	s.after(func() { c.send(el("ack", a)) })
	if g := jid(n, "to"); g.Server == types.GroupServer || isStatus(g) {
		s.handleGroupReceipt(d, n)
		return
	}
	to := s.find(jid(n, "to"))
	if to == nil {
		return
	}
	r := receipt{from: d.account, device: d.id, kind: kind, ids: receiptIDs(n), at: s.now()}
	switch kind {
	case "", "inactive", "sender", "peer_msg":
		for _, id := range r.ids {
			s.settle(d, "message", id, str(n, "to"))
		}
		if to != d.account {
			s.routeReceipt(r, to)
		}
	case "read", "played":
		s.markRead(d.account, r.ids)
		if to != d.account {
			s.routeReceipt(r, to)
		}
		s.tellOwn(r, to)
	case "read-self", "played-self":
		s.markRead(d.account, r.ids)
		s.tellOwn(r, to)
	case "retry":
		s.handleRetry(d, to, n)
	case "hist_sync":
	case "server-error":
		s.uploadAgain(d, str(n, "id"))
	default:
		s.surprised(n)
	}
}

func receiptIDs(n *waBinary.Node) []string {
	ids := []string{str(n, "id")}
	list := n.GetChildByTag("list")
	for _, item := range list.GetChildrenByTag("item") {
		ids = append(ids, str(&item, "id"))
	}
	return ids
}

// handleRetry brings a retry receipt to the one device that sent the message.
func (s *Server) handleRetry(d *device, to *account, n *waBinary.Node) {
	s.countUndecryptable(d.account)
	sender := jid(n, "to").Device
	if sender == 0 {
		s.phoneResends(to, d, n)
		return
	}
	other := to.devices[sender]
	if other == nil {
		return
	}
	a := attrs{"from": d.account.jid(d.id, other.LID), "id": str(n, "id"), "type": "retry", "t": unix(s.now())}
	if category := str(n, "category"); category != "" {
		a["category"] = category
	}
	if chat := s.find(jid(n, "recipient")); chat != nil {
		a["recipient"] = chat.jid(0, other.LID)
	}
	forward := el("receipt", a)
	forward.Content = n.Content
	s.enqueue(other, forward)
}
