package sandbox

import (
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"wamux/store"
	"wamux/svc/sandbox/phone"
)

// groupFor finds the group that a phone names, which must be a member to know it.
func (s *Server) groupFor(a *account, text string) (*group, error) {
	g := s.groupOf(text)
	if g == nil {
		return nil, store.Errorf(store.CodeNotFound, "group_not_found", "There is no sandbox group with this JID.")
	}
	if g.member(a) == nil {
		return nil, store.Errorf(store.CodeConflict, "not_in_group", "The phone is not in this group.")
	}
	return g, nil
}

// phoneSendsGroup sends a message from a phone to a group: to the phones of the members as it is, to all linked devices
// under the phone's sender key.
func (s *Server) phoneSendsGroup(ph *phone.Phone, m *outgoingMessage) (seq int64, err error) {
	a, g := m.from, m.group
	if g.bars(a) != 0 {
		return 0, store.Errorf(store.CodeConflict, "only_admins", "Only admins may write to this group, and the phone is none.")
	}
	row := &inboxRow{id: m.id, at: m.at, chat: g.jid(), sender: a.pn(), fromMe: true, status: statusServer, message: m.message}
	s.addInbox(a, row)
	for _, member := range s.memberAccounts(g) {
		if member != a {
			s.fileMessage(&m.parcel, member, m.message)
			s.phoneConfirms(&m.parcel, member)
		}
	}
	return row.seq, s.sendGroup(ph, m)
}

// sendGroup encrypts a message for the linked devices in a group.
func (s *Server) sendGroup(ph *phone.Phone, m *outgoingMessage) error {
	devices := s.groupDevices(m.group)
	if len(devices) == 0 {
		return nil
	}
	plain, err := phone.Marshal(m.message)
	if err != nil {
		return err
	}
	names := make([]types.JID, len(devices))
	for i, d := range devices {
		names[i] = d.lidJID()
	}
	sealed, err := ph.EncryptGroup(m.group.jid(), names, plain)
	if err != nil {
		return err
	}
	keys, err := s.groupKeys(ph, sealed)
	if err != nil {
		return err
	}
	common := body("enc", attrs{"type": phone.TypeSenderKey}, sealed.Data)
	for k, v := range m.encAttrs {
		common.Attrs[k] = v
	}
	for _, d := range devices {
		s.enqueue(d, s.stanza(&m.parcel, d, append(keys[d.lidJID()], common)...))
	}
	return nil
}

// groupDevices lists the linked devices of all members.
func (s *Server) groupDevices(g *group) []*device {
	var list []*device
	for _, a := range s.memberAccounts(g) {
		for _, id := range deviceIDs(a)[1:] {
			list = append(list, a.devices[id])
		}
	}
	return list
}

// groupKeys encrypts a phone's sender key for the devices that lack it.
func (s *Server) groupKeys(ph *phone.Phone, sealed phone.ForGroup) (map[types.JID][]waBinary.Node, error) {
	keys := map[types.JID][]waBinary.Node{}
	plain, err := phone.Marshal(sealed.Key)
	if err != nil {
		return nil, err
	}
	for _, lacking := range sealed.Lacking {
		enc, err := s.encrypt(ph, s.find(lacking).devices[lacking.Device], plain, nil)
		if err != nil {
			return nil, err
		}
		keys[lacking] = []waBinary.Node{enc}
	}
	return keys, nil
}

// phoneTakesKey keeps the sender key that a message hands out, and tells whether there is more in it.
func (s *Server) phoneTakesKey(p *parcel, a *account, ph *phone.Phone, msg *waE2E.Message) (more bool, err error) {
	if msg.GetSenderKeyDistributionMessage() == nil {
		return true, nil
	}
	if err := ph.TakeGroupKey(p.group.jid(), p.from.jid(p.device, true), msg); err != nil {
		return false, err
	}
	s.savePhone(a)
	msg.SenderKeyDistributionMessage = nil
	return proto.Size(msg) > 0, nil
}

// readGroup tells the authors of messages in a group that a phone has read them; no ids means all of them.
func (s *Server) readGroup(a *account, g *group, ids []string) error {
	byAuthor, order, err := s.authors(a, g, ids)
	if err != nil {
		return err
	}
	for _, author := range order {
		s.markRead(a, byAuthor[author])
		r := receipt{from: a, kind: "read", ids: byAuthor[author], at: s.now(), group: g}
		s.routeReceipt(r, author)
		s.tellOwn(r, author)
	}
	return nil
}

// authors sorts messages that a phone received in a group by who wrote them, the newest 256 when none are named.
func (s *Server) authors(a *account, g *group, ids []string) (byAuthor map[*account][]string, order []*account, err error) {
	wanted := map[string]bool{}
	for _, id := range ids {
		wanted[id] = true
	}
	byAuthor = map[*account][]string{}
	err = each(s.db.read, `SELECT id,sender FROM (SELECT * FROM inbox WHERE number=? AND chat=? AND from_me=0 ORDER BY seq DESC LIMIT 256) ORDER BY seq`,
		[]any{a.number, g.jid().String()}, func(scan func(...any) error) error {
			var id, sender string
			if err := scan(&id, &sender); err != nil {
				return err
			}
			author := s.byNumber[digits(sender)]
			if author == nil || len(ids) > 0 && !wanted[id] {
				return nil
			}
			if byAuthor[author] == nil {
				order = append(order, author)
			}
			byAuthor[author] = append(byAuthor[author], id)
			return nil
		})
	return byAuthor, order, err
}
