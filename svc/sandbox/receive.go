package sandbox

import (
	"errors"
	"strconv"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"

	"wamux/svc/sandbox/phone"
)

// phoneReceives lets a phone decrypt what is in a letter, in order: in a group there may be a sender key ahead of the message.
func (s *Server) phoneReceives(p *parcel, a *account, encs ...waBinary.Node) {
	ph, err := s.phoneOf(a)
	if err != nil {
		s.log.Error("sandbox: a phone cannot be loaded", "phone", a.number, "error", err)
		return
	}
	for _, enc := range s.damaged("unreadable", a, encs) {
		plain, err := s.open(p, ph, &enc)
		s.savePhone(a)
		switch {
		case err == nil:
			s.phoneTakes(p, a, ph, plain)
		case errors.Is(err, phone.ErrDuplicate):
			s.phoneConfirms(p, a)
		default:
			s.phoneCannotRead(p, a, ph, enc, err)
			return
		}
	}
}

// open decrypts one enc node.
func (s *Server) open(p *parcel, ph *phone.Phone, enc *waBinary.Node) ([]byte, error) {
	from := p.from.jid(p.device, true)
	if kind := str(enc, "type"); kind != phone.TypeSenderKey || p.group == nil {
		return ph.Decrypt(from, kind, content(*enc))
	}
	return ph.DecryptGroup(p.group.jid(), from, content(*enc))
}

// phoneCannotRead counts a message that a phone cannot decrypt and asks for it again, where phones do.
func (s *Server) phoneCannotRead(p *parcel, a *account, ph *phone.Phone, enc waBinary.Node, err error) {
	from := p.from.jid(p.device, true)
	switch {
	case errors.Is(err, phone.ErrReused), errors.Is(err, phone.ErrOldCounter):
		// Phones pass over these in silence: a message is lost.
		s.log.Warn("sandbox: a phone got a message under a used key", "phone", a.number, "from", from, "id", p.id)
		s.countUndecryptable(a)
		if !p.reused { // the key is older than what checkCounter remembers
			p.reused = true
			s.countReused(p.from)
		}
	default:
		s.log.Warn("sandbox: a phone cannot decrypt a message", "phone", a.number, "from", from, "id", p.id, "error", err)
		s.countUndecryptable(a)
		s.phoneAsksAgain(p, a, ph, enc)
	}
}

func (s *Server) countUndecryptable(a *account) {
	a.undecryptable++
	s.saveAccount(a)
}

// phoneTakes reads a decrypted message and confirms it. One that only hands out a sender key needs no confirmation: the message
// proper comes with it.
func (s *Server) phoneTakes(p *parcel, a *account, ph *phone.Phone, plain []byte) {
	msg, err := phone.Parse(plain)
	if err == nil && p.group != nil {
		var more bool
		if more, err = s.phoneTakesKey(p, a, ph, msg); err == nil && !more {
			return
		}
	}
	if err != nil {
		s.log.Warn("sandbox: a message cannot be read", "phone", a.number, "id", p.id, "error", err)
		s.countUndecryptable(a)
		return
	}
	s.phoneConfirms(p, a)
	if p.own {
		s.phoneServes(p, a, msg)
		return
	}
	s.fileMessage(p, a, msg)
}

// phoneConfirms sends the receipt of a phone: to all devices of the sender, or to the own device that sent it.
func (s *Server) phoneConfirms(p *parcel, a *account) {
	if p.device == 0 && a == p.from {
		return
	}
	r := receipt{from: a, ids: []string{p.id}, at: s.now(), group: p.group}
	if a != p.from {
		s.routeReceipt(r, p.from)
		return
	}
	r.kind = "sender"
	if !p.own && p.group == nil {
		r.chat = p.peer
	}
	if d := a.devices[p.device]; d != nil {
		s.enqueue(d, r.stanza(d))
	}
}

// fileMessage puts a message into a phone's inbox.
func (s *Server) fileMessage(p *parcel, a *account, msg *waE2E.Message) {
	row := inboxRow{id: p.id, at: p.at, chat: p.from.pn(), sender: p.from.pn(), message: msg}
	if a == p.from {
		row.fromMe, row.status, row.message = true, statusServer, unwrapSent(msg)
	}
	switch {
	case p.group != nil:
		row.chat = p.group.jid()
	case a == p.from:
		row.chat = p.peer.pn()
	}
	s.addInbox(a, &row)
}

// unwrapSent takes a message of an own device out of its envelope.
func unwrapSent(msg *waE2E.Message) *waE2E.Message {
	inner := msg.GetDeviceSentMessage().GetMessage()
	if inner == nil {
		return msg
	}
	if inner.MessageContextInfo == nil {
		inner.MessageContextInfo = msg.MessageContextInfo
	}
	return inner
}

// phoneAsksAgain sends a retry receipt with fresh keys.
func (s *Server) phoneAsksAgain(p *parcel, a *account, ph *phone.Phone, enc waBinary.Node) {
	count, _ := strconv.Atoi(str(&enc, "count"))
	d := p.from.devices[p.device]
	if d == nil || count >= 5 {
		return
	}
	bundle, err := ph.Bundle()
	if err != nil {
		s.log.Error("sandbox: a phone has no keys", "phone", a.number, "error", err)
		return
	}
	s.savePhone(a)
	r := receipt{from: a, kind: "retry", ids: []string{p.id}, at: s.now(), group: p.group}
	if a == p.from && !p.own && p.group == nil {
		r.chat = p.peer
	}
	n := r.stanza(d)
	if p.own {
		n.Attrs["category"] = "peer"
	}
	n.Content = []waBinary.Node{
		el("retry", attrs{"v": 1, "count": count + 1, "id": p.id, "t": unix(p.at)}),
		body("registration", nil, number32(bundle.RegistrationID)),
		el("keys", nil, bundleNodes(bundle)...),
	}
	s.enqueue(d, n)
}

// phoneServes answers what an own device asks its phone for.
func (s *Server) phoneServes(p *parcel, a *account, msg *waE2E.Message) {
	d := a.devices[p.device]
	if d == nil {
		return
	}
	m := msg.GetProtocolMessage()
	switch m.GetType() {
	case waE2E.ProtocolMessage_APP_STATE_SYNC_KEY_REQUEST:
		s.shareKeys(d)
	case waE2E.ProtocolMessage_PEER_DATA_OPERATION_REQUEST_MESSAGE:
		s.phoneFinds(p, d, m.GetPeerDataOperationRequestMessage())
	default:
		n := el("message", attrs{"category": "peer", "type": m.GetType().String()})
		s.surprised(&n)
	}
}

// chatAccount finds the account a text names: digits, a number JID or a LID JID.
func (s *Server) chatAccount(text string) *account {
	if a := s.byNumber[digits(text)]; a != nil {
		return a
	}
	j, err := types.ParseJID(text)
	if err != nil {
		return nil
	}
	return s.find(j)
}
