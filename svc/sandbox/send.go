package sandbox

import (
	"strconv"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"

	"wamux/svc/sandbox/phone"
)

// kinds gives the type of a message stanza and the mediatype of its enc node for each kind of content.
var kinds = map[string][2]string{
	"image": {"media", "image"}, "video": {"media", "video"}, "audio": {"media", "audio"}, "voice": {"media", "ptt"},
	"document": {"media", "document"}, "sticker": {"media", "sticker"}, "location": {"media", "location"},
	"live_location": {"media", "livelocation"}, "contact": {"media", "vcard"}, "contacts": {"media", "contact_array"},
	"poll": {"poll", ""}, "vote": {"poll", ""}, "reaction": {"reaction", ""}, "event": {"event", ""},
	"list": {"media", "list"}, "list_response": {"media", "list_response"}, "buttons_response": {"media", "buttons_response"},
}

// edits gives the edit attribute of kinds that change an earlier message.
var edits = map[string]string{"edit": "1", "revoke": "7"}

// outgoingMessage is a message a phone sends: the parcel and what goes into its letters.
type outgoingMessage struct {
	parcel
	message  *waE2E.Message
	encAttrs attrs
}

func newOutgoing(a *account, to place, id string, msg *waE2E.Message, at time.Time) *outgoingMessage {
	content := phone.Read(msg)
	m := &outgoingMessage{message: msg, encAttrs: attrs{"v": "2"}}
	m.parcel = parcel{from: a, peer: to.peer, group: to.group, id: id, kind: "text", at: at, edit: edits[content.Type]}
	if content.Type == "revoke" && to.group != nil && !content.TargetFromMe {
		m.edit = "8" // by an admin
	}
	if k, ok := kinds[content.Type]; ok {
		m.kind = k[0]
		m.encAttrs["mediatype"] = k[1]
	}
	if m.edit != "" || m.kind == "reaction" || content.Type == "vote" {
		m.encAttrs["decrypt-fail"] = "hide"
	}
	if m.kind == "poll" {
		m.extra = []waBinary.Node{el("meta", attrs{"polltype": map[bool]string{true: "vote", false: "creation"}[content.Type == "vote"]})}
	}
	return m
}

// phoneSends sends a message from a phone to the other side's phone and to all linked devices of both.
func (s *Server) phoneSends(m *outgoingMessage) (seq int64, err error) {
	a := m.from
	ph, err := s.phoneOf(a)
	if err != nil {
		return 0, err
	}
	defer s.savePhone(a)
	if m.group != nil {
		return s.phoneSendsGroup(ph, m)
	}
	s.meet(a, ph, m.peer)
	row := &inboxRow{id: m.id, at: m.at, chat: m.peer.pn(), sender: a.pn(), fromMe: true, status: statusServer, message: m.message}
	s.addInbox(a, row)
	// No cipher between two phones: both are in this process and no client sees it.
	if m.peer != a {
		s.fileMessage(&m.parcel, m.peer, m.message)
		s.phoneConfirms(&m.parcel, m.peer)
	}
	for _, to := range accounts(m.peer, a) {
		if err := s.sendCopies(ph, m, to); err != nil {
			return 0, err
		}
	}
	return row.seq, nil
}

// sendCopies encrypts a message for the linked devices of one account.
func (s *Server) sendCopies(ph *phone.Phone, m *outgoingMessage, to *account) error {
	if len(to.devices) == 0 {
		return nil
	}
	plain, err := m.plaintext(to)
	if err != nil {
		return err
	}
	for _, id := range deviceIDs(to)[1:] {
		d := to.devices[id]
		enc, err := s.encrypt(ph, d, plain, nil)
		if err != nil {
			return err
		}
		for k, v := range m.encAttrs {
			enc.Attrs[k] = v
		}
		s.enqueue(d, s.stanza(&m.parcel, d, enc))
	}
	return nil
}

// plaintext is the message for an account's devices; the own ones learn who it was sent to.
func (m *outgoingMessage) plaintext(to *account) ([]byte, error) {
	if to == m.from && m.group == nil {
		return phone.Marshal(phone.DeviceSent(m.peer.lidJID(), m.message))
	}
	return phone.Marshal(m.message)
}

// encrypt makes an enc node for a device, starting a session when there is none or a bundle is given.
func (s *Server) encrypt(ph *phone.Phone, d *device, plain []byte, bundle *phone.Bundle) (waBinary.Node, error) {
	if bundle == nil && !ph.HasSession(d.lidJID()) {
		bundle = s.takeBundle(d)
	}
	e, err := ph.Encrypt(d.lidJID(), plain, bundle)
	if err != nil {
		return waBinary.Node{}, err
	}
	return body("enc", attrs{"v": "2", "type": e.Type}, e.Data), nil
}

// phoneResends answers a retry receipt: the message again, in a new session.
func (s *Server) phoneResends(a *account, d *device, n *waBinary.Node) {
	retry := n.GetChildByTag("retry")
	count, _ := strconv.Atoi(str(&retry, "count"))
	if count >= 5 {
		return
	}
	bundle := readBundle(n)
	if bundle == nil {
		bundle = s.takeBundle(d)
	}
	if str(n, "category") == "peer" {
		s.repeatPeer(d, str(n, "id"), bundle, count)
		return
	}
	row, err := s.inboxByID(a.number, str(n, "id"))
	if err != nil || row == nil || !row.fromMe {
		s.log.Warn("sandbox: a device asks for a message its phone does not know", "phone", a.number, "id", str(n, "id"), "error", err)
		return
	}
	to := s.placeOf(row.chat)
	if isStatus(row.chat) {
		to.group = s.statusOf(a, d.account)
	}
	if to.peer == nil && (to.group == nil || to.group.member(d.account) == nil) {
		return // the group is gone, or who asks has left it
	}
	m := newOutgoing(a, to, row.id, row.message, row.at)
	if err := s.resend(m, d, bundle, count); err != nil {
		s.log.Error("sandbox: a message cannot be sent again", "phone", a.number, "id", row.id, "error", err)
	}
}

// repeatPeer sends a device again what was for it alone: a notice of a history sync, else the app-state key.
func (s *Server) repeatPeer(d *device, id string, bundle *phone.Bundle, count int) {
	msg, err := s.notice(d, id)
	if msg == nil || err != nil {
		s.sharePeer(d, id, bundle, count)
		return
	}
	if err := s.peerMessage(d, id, msg, bundle, count); err != nil {
		s.log.Error("sandbox: a notice cannot be sent again", "phone", d.account.number, "error", err)
	}
}

func (s *Server) resend(m *outgoingMessage, d *device, bundle *phone.Bundle, count int) error {
	ph, err := s.phoneOf(m.from)
	if err != nil {
		return err
	}
	defer s.savePhone(m.from)
	if m.group != nil {
		ph.ForgetGroupKey(m.group.jid(), d.lidJID())
	}
	plain, err := m.plaintext(d.account)
	if err != nil {
		return err
	}
	enc, err := s.encrypt(ph, d, plain, bundle)
	if err != nil {
		return err
	}
	for k, v := range m.encAttrs {
		enc.Attrs[k] = v
	}
	enc.Attrs["count"] = count
	s.enqueue(d, s.stanza(&m.parcel, d, enc))
	return nil
}

// peerMessage sends a message from the phone to one of its own devices, outside any chat.
func (s *Server) peerMessage(d *device, id string, msg *waE2E.Message, bundle *phone.Bundle, count int) error {
	ph, err := s.phoneOf(d.account)
	if err != nil {
		return err
	}
	defer s.savePhone(d.account)
	plain, err := phone.Marshal(msg)
	if err != nil {
		return err
	}
	enc, err := s.encrypt(ph, d, plain, bundle)
	if err != nil {
		return err
	}
	if count > 0 {
		enc.Attrs["count"] = count
	}
	p := &parcel{from: d.account, peer: d.account, id: id, kind: "text", at: s.now(), own: true}
	n := s.stanza(p, d, enc)
	n.Attrs["push_priority"] = "high"
	s.enqueue(d, n)
	return nil
}
