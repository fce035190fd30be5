package sandbox

import (
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"

	"wamux/svc/sandbox/phone"
)

// What a message to a group is refused with. That there are such answers is known from reports of users, who see 420 where only
// admins may write; no client at hand names them.
const (
	ackNoGroup    = 404
	ackNoMember   = 403
	ackOnlyAdmins = 420
)

// handleGroupMessage takes a message of a linked device to a group: one ciphertext for all, and the key to it for those
// that need it.
func (s *Server) handleGroupMessage(c *conn, p *parcel, n *waBinary.Node) {
	g := p.group
	if code := g.bars(p.from); code != 0 {
		s.ackMessage(c, n, p.at, attrs{"error": code})
		return
	}
	keys := s.copies(p, n)
	common := commonEnc(n)
	for _, k := range keys {
		p.reused = s.checkCounter(c.device, k) || p.reused
	}
	if common != nil {
		p.reused = s.checkSenderKey(c.device, g, common) || p.reused
	}
	if to := jid(n, "participant"); to.User != "" { // answers a retry receipt
		s.deliverOne(c.device, p, to, n)
		s.ackMessage(c, n, p.at, nil)
		return
	}
	if at, before := s.sentBefore(p.from.number, p.id, p.at); before {
		s.ackMessage(c, n, at, nil)
		return
	}
	s.fanOut(p, keys, common)
	s.ackMessage(c, n, p.at, s.groupHash(g, str(n, "phash")))
}

// bars gives the code with which an account's message is refused, 0 when it may write.
func (g *group) bars(a *account) int {
	switch {
	case g == nil:
		return ackNoGroup
	case g.member(a) == nil:
		return ackNoMember
	case g.Announce && !g.admin(a):
		return ackOnlyAdmins
	}
	return 0
}

// commonEnc is the part of a message that is the same for all of a group.
func commonEnc(n *waBinary.Node) *waBinary.Node {
	for _, child := range n.GetChildrenByTag("enc") {
		if str(&child, "type") == phone.TypeSenderKey {
			return &child
		}
	}
	return nil
}

// deliverOne brings a message that was sent again to the one device that asked for it.
func (s *Server) deliverOne(from *device, p *parcel, to types.JID, n *waBinary.Node) {
	a, enc := s.find(to), n.GetChildByTag("enc")
	if a == nil || p.group.member(a) == nil {
		return
	}
	l := letter{a, to.Device, enc}
	p.reused = s.checkCounter(from, l) || p.reused
	s.deliver(p, l)
}

// fanOut brings a message to all devices of all members but the one that sent it: to each its own key, if there is one for it,
// and what is common to all.
func (s *Server) fanOut(p *parcel, keys []letter, common *waBinary.Node) {
	own := map[types.JID]waBinary.Node{}
	for _, k := range keys {
		own[k.account.jid(k.device, true)] = k.enc
	}
	for _, a := range s.memberAccounts(p.group) {
		for _, id := range deviceIDs(a) {
			var encs []waBinary.Node
			if key, ok := own[a.jid(id, true)]; ok {
				encs = append(encs, key)
			}
			if common != nil {
				encs = append(encs, *common)
			}
			switch {
			case a == p.from && id == p.device || len(encs) == 0:
			case id == 0:
				s.phoneReceives(p, a, encs...)
			default:
				s.enqueue(a.devices[id], s.stanza(p, a.devices[id], encs...))
			}
		}
	}
}

// inGroup puts into a stanza where a message comes from.
func (p *parcel) inGroup(a attrs) {
	a["from"], a["participant"] = p.group.jid(), p.from.jid(p.device, true)
	a["participant_pn"], a["addressing_mode"] = p.from.pn(), string(types.AddressingModeLID)
}

// groupHash is the hash of all devices in a group, when the sender meant others. Clients ask for the members again then.
func (s *Server) groupHash(g *group, meant string) attrs {
	if g.status {
		return nil // whom a status is for is the sender's own business
	}
	var all []types.JID
	for _, a := range s.memberAccounts(g) {
		all = append(all, lids(a)...)
	}
	if hash := deviceHash(all); meant != "" && meant != hash {
		return attrs{"phash": hash}
	}
	return nil
}

// handleGroupReceipt takes the receipt of a linked device for messages of one member of a group.
func (s *Server) handleGroupReceipt(d *device, n *waBinary.Node) {
	kind, author := str(n, "type"), s.find(jid(n, "participant"))
	g := s.groupOrStatus(jid(n, "to"), author, d.account)
	r := receipt{from: d.account, device: d.id, kind: kind, ids: receiptIDs(n), at: s.now(), group: g}
	switch kind {
	case "", "inactive", "sender":
		for _, id := range r.ids {
			s.settle(d, "message", id, str(n, "to"))
		}
	case "read", "played", "read-self", "played-self", "retry":
	default:
		s.surprised(n)
		return
	}
	if kind != "" && kind != "inactive" && kind != "sender" && kind != "retry" {
		s.markRead(d.account, r.ids)
	}
	// What left the group meanwhile, or its author, is nobody's business any more.
	if g == nil || author == nil || g.member(d.account) == nil {
		return
	}
	s.passGroupReceipt(d, r, author, n)
}

func (s *Server) passGroupReceipt(d *device, r receipt, author *account, n *waBinary.Node) {
	switch r.kind {
	case "retry":
		s.handleGroupRetry(d, r.group, author, n)
	case "read-self", "played-self":
		s.tellOwn(r, author)
	case "read", "played":
		s.tellOwn(r, author)
		fallthrough
	default:
		if author != d.account {
			s.routeReceipt(r, author)
		}
	}
}

// handleGroupRetry brings a retry receipt to the one device that sent the message.
func (s *Server) handleGroupRetry(d *device, g *group, author *account, n *waBinary.Node) {
	s.countUndecryptable(d.account)
	sender := jid(n, "participant").Device
	if sender == 0 {
		s.phoneResends(author, d, n)
		return
	}
	other := author.devices[sender]
	if other == nil {
		return
	}
	r := receipt{from: d.account, device: d.id, kind: "retry", ids: []string{str(n, "id")}, at: s.now(), group: g}
	forward := r.stanza(other)
	forward.Content = n.Content
	s.enqueue(other, forward)
}

// showGroupState shows to the devices of a group that somebody is typing in it.
func (s *Server) showGroupState(from *account, device uint16, g *group, state waBinary.Node) {
	if g.member(from) == nil {
		return
	}
	n := el("chatstate", attrs{"from": g.jid(), "participant": from.jid(device, true)}, state)
	for _, a := range s.memberAccounts(g) {
		if a == from {
			continue
		}
		for _, id := range deviceIDs(a)[1:] {
			if c := a.devices[id].conn; c != nil {
				s.after(func() { c.send(n) })
			}
		}
	}
}
