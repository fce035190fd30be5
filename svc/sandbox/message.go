package sandbox

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// parcel is a message on its way from one device to others.
type parcel struct {
	from   *account
	device uint16   // which of its devices sent it
	peer   *account // the other side of the chat; nil in a group
	group  *group   // nil in a direct chat
	id     string
	kind   string // the stanza's type: text, media, reaction…
	at     time.Time
	edit   string
	own    bool               // category peer: between the devices of one account, no part of a chat
	extra  []waBinary.Node    // what the server passes on as it is
	proof  []byte             // device-identity of the sender
	covers map[types.JID]bool // the devices it was encrypted for
	reused bool               // a counter was used again in it, and that is counted
}

// passedOn are the children of a message that reach the recipient unchanged.
var passedOn = []string{"meta", "biz", "reporting"}

// handleMessage takes a message of a linked device.
func (s *Server) handleMessage(c *conn, n *waBinary.Node) {
	d := c.device
	p := s.parcel(d, n)
	if f := s.takeMessageFault(d.account); f != 0 {
		s.ackMessage(c, n, p.at, attrs{"error": f})
		return
	}
	if jid(n, "to").Server == types.GroupServer {
		s.handleGroupMessage(c, p, n)
		return
	}
	if isStatus(jid(n, "to")) {
		s.handleStatus(c, p, n)
		return
	}
	if letter := s.newsletters[jid(n, "to").User]; letter != nil && jid(n, "to").Server == types.NewsletterServer {
		s.handlePost(c, letter, n)
		return
	}
	if p.peer == nil {
		if to := jid(n, "to"); to.Server != types.DefaultUserServer && to.Server != types.HiddenUserServer {
			s.surprised(n)
		}
		s.ackMessage(c, n, p.at, attrs{"error": 404})
		return
	}
	copies := s.copies(p, n)
	for _, e := range copies {
		p.reused = s.checkCounter(d, e) || p.reused
	}
	if str(n, "device_fanout") != "false" {
		if at, before := s.sentBefore(d.account.number, p.id, p.at); before {
			s.ackMessage(c, n, at, nil)
			return
		}
	}
	for _, e := range copies {
		s.deliver(p, e)
	}
	s.ackMessage(c, n, p.at, s.participantHash(p))
}

func (s *Server) parcel(d *device, n *waBinary.Node) *parcel {
	p := &parcel{
		from: d.account, device: d.id, peer: s.find(jid(n, "to")), group: s.findGroup(jid(n, "to")), id: str(n, "id"), kind: str(n, "type"),
		at: s.now(), edit: str(n, "edit"), own: str(n, "category") == "peer", covers: map[types.JID]bool{},
		proof: content(n.GetChildByTag("device-identity")),
	}
	// A retry of a message to our own devices names the chat as recipient.
	if chat := s.find(jid(n, "recipient")); chat != nil {
		p.peer = chat
	}
	for _, child := range n.GetChildren() {
		if slices.Contains(passedOn, child.Tag) {
			p.extra = append(p.extra, child)
		}
	}
	return p
}

// letter is the part of a message that is for one device.
type letter struct {
	account *account
	device  uint16
	enc     waBinary.Node
}

// copies lists whom a message is for. A message without participants is for the one device it names.
func (s *Server) copies(p *parcel, n *waBinary.Node) []letter {
	var list []letter
	add := func(to types.JID, holder *waBinary.Node) {
		enc, ok := holder.GetOptionalChildByTag("enc")
		if a := s.find(to); a != nil && ok {
			list = append(list, letter{a, to.Device, enc})
			p.covers[a.jid(to.Device, true)] = true
		}
	}
	participants, ok := n.GetOptionalChildByTag("participants")
	if !ok {
		add(jid(n, "to"), n)
	}
	for _, to := range participants.GetChildrenByTag("to") {
		add(jid(&to, "jid"), &to)
	}
	return list
}

// deliver brings a letter to a phone or to a linked device.
func (s *Server) deliver(p *parcel, l letter) {
	if p.group == nil && l.account.profile.blocks(p.from) {
		return // whoever is blocked is not told
	}
	if l.device == 0 {
		s.phoneReceives(p, l.account, l.enc)
		return
	}
	if d := l.account.devices[l.device]; d != nil {
		s.enqueue(d, s.stanza(p, d, l.enc))
	}
}

// stanza is the message as one device gets it. Clients that know LIDs get LIDs; the others get numbers.
func (s *Server) stanza(p *parcel, d *device, enc ...waBinary.Node) waBinary.Node {
	a := attrs{"from": p.from.jid(p.device, d.LID), "id": p.id, "type": p.kind, "t": unix(p.at), "notify": p.from.name}
	switch {
	case p.group != nil:
		p.inGroup(a)
	case p.own:
		a["category"] = "peer"
	case d.account == p.from:
		a["recipient"] = p.peer.jid(0, d.LID)
		if d.LID {
			a["peer_recipient_pn"] = p.peer.pn()
		} else {
			a["peer_recipient_lid"] = p.peer.lidJID()
		}
	case s.numberOnly(p, d):
		a["from"] = p.from.jid(p.device, false)
	case d.LID:
		a["sender_pn"] = p.from.pn()
	default:
		a["sender_lid"] = p.from.lidJID()
	}
	if p.edit != "" {
		a["edit"] = p.edit
	}
	children := slices.Concat(s.damaged("garbled", d.account, enc), p.extra)
	if p.device != 0 && len(p.proof) > 0 {
		children = append(children, body("device-identity", nil, p.proof))
	}
	return el("message", a, children...)
}

// ackMessage tells the sender that the message is the server's now.
func (s *Server) ackMessage(c *conn, n *waBinary.Node, at time.Time, more attrs) {
	a := attrs{"class": "message", "id": str(n, "id"), "from": n.Attrs["to"], "t": unix(at)}
	for k, v := range more {
		a[k] = v
	}
	number := c.number()
	if s.takeFault("lost_ack", number) != nil {
		c.finishing = true
		if c.device.conn == c {
			c.device.conn = nil
		}
		s.after(c.abort)
		return
	}
	if f := s.takeFault("slow_ack", number); f != nil {
		delay := time.Duration(f.DelayMS) * time.Millisecond
		s.after(func() { time.AfterFunc(delay, func() { c.send(el("ack", a)) }) })
		return
	}
	s.after(func() { c.send(el("ack", a)) })
}

// sentBefore tells whether this account's device sent this id already, and when. A client that lost the ack sends again.
func (s *Server) sentBefore(number, id string, now time.Time) (time.Time, bool) {
	key := number + " " + id
	if at, ok := s.seen.get(key); ok {
		return time.UnixMilli(at), true
	}
	var at int64
	if s.db.read.QueryRow(`SELECT at FROM seen WHERE number=? AND id=?`, number, id).Scan(&at) == nil {
		return time.UnixMilli(at), true
	}
	s.seen.put(key, now.UnixMilli())
	s.put(`INSERT OR IGNORE INTO seen(number,id,at) VALUES(?,?,?)`, number, id, now.UnixMilli())
	return now, false
}

// participantHash is the hash of all devices that should have got the message, when some did not. Clients drop their device
// lists then. (That a hash comes only when the sets differ is known from client source.)
func (s *Server) participantHash(p *parcel) attrs {
	if p.own || p.peer == nil || len(p.covers) == 0 {
		return nil
	}
	var all []types.JID
	missing := false
	for _, a := range accounts(p.from, p.peer) {
		for _, id := range deviceIDs(a) {
			j := a.jid(id, true)
			all = append(all, j)
			missing = missing || !p.covers[j] && !(a == p.from && id == p.device)
		}
	}
	if !missing {
		return nil
	}
	return attrs{"phash": deviceHash(all)}
}

func accounts(a, b *account) []*account {
	if a == b {
		return []*account{a}
	}
	return []*account{a, b}
}

// deviceIDs lists an account's devices, the phone first.
func deviceIDs(a *account) []uint16 {
	ids := make([]uint16, 0, len(a.devices)+1)
	ids = append(ids, 0)
	for id := range a.devices {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// deviceHash is the second form of the participant list hash, as clients compute it.
func deviceHash(devices []types.JID) string {
	names := make([]string, len(devices))
	for i, j := range devices {
		names[i] = j.ADString()
	}
	slices.Sort(names)
	sum := sha256.Sum256([]byte(strings.Join(names, "")))
	return "2:" + base64.RawStdEncoding.EncodeToString(sum[:6])
}
