package sandbox

import (
	"strings"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// iqUsync answers what clients ask about people: who they are, their devices, LIDs, status, picture.
func (s *Server) iqUsync(c *conn, n *waBinary.Node) answer {
	query := n.GetChildByTag("usync", "query")
	list := n.GetChildByTag("usync", "list")
	var users []waBinary.Node
	for _, user := range list.GetChildrenByTag("user") {
		users = append(users, s.usyncUser(c, &query, &user))
	}
	outer := n.GetChildByTag("usync")
	return result(el("usync", attrs{"sid": str(&outer, "sid"), "index": "0", "last": "true", "mode": str(&outer, "mode"), "context": str(&outer, "context")},
		el("result", nil), waBinary.Node{Tag: "list", Content: users}))
}

func (s *Server) usyncUser(c *conn, query, user *waBinary.Node) waBinary.Node {
	asked := content(user.GetChildByTag("contact"))
	j := jid(user, "jid")
	if j.User == "" && len(asked) > 0 {
		j = types.NewJID(digits(string(asked)), types.DefaultUserServer)
	}
	a := s.find(j)
	byLID := false
	reply := el("user", attrs{"jid": j})
	var children []waBinary.Node
	for _, item := range query.GetChildren() {
		byLID = byLID || item.Tag == "contact" && str(&item, "addressing_mode") == "lid"
		if child, ok := s.usyncItem(c, a, &item, asked); ok {
			children = append(children, child)
		}
	}
	if a != nil && byLID {
		reply.Attrs = attrs{"jid": a.lidJID(), "pn_jid": a.pn()}
	}
	if len(children) > 0 {
		reply.Content = children
	}
	return reply
}

// usyncItem answers one question about one person. For a number without an account only contact says something.
func (s *Server) usyncItem(c *conn, a *account, item *waBinary.Node, asked []byte) (waBinary.Node, bool) {
	if item.Tag == "contact" {
		return body("contact", attrs{"type": map[bool]string{true: "in", false: "out"}[a != nil]}, asked), true
	}
	if a == nil {
		return waBinary.Node{}, false
	}
	switch item.Tag {
	case "devices":
		s.watch(a, c.device)
		return s.deviceList(a), true
	case "lid":
		return el("lid", attrs{"val": a.lidJID()}), true
	case "status":
		return body("status", attrs{"t": max(a.profile.AboutAt, 1)}, []byte(a.profile.about())), true
	case "picture":
		id, _ := a.profile.picture()
		return el("picture", attrs{"id": id}), id != "" && !s.hidesPicture(a, c.device.account)
	case "disappearing_mode":
		return el("disappearing_mode", attrs{"duration": a.profile.Disappearing, "t": a.profile.DisappearingAt}), true
	case "username", "business", "bot", "text_status", "sidelist":
		return waBinary.Node{}, false
	}
	s.surprised(item)
	return waBinary.Node{}, false
}

// deviceList is the list of an account's devices with the signed list of key indexes.
func (s *Server) deviceList(a *account) waBinary.Node {
	var devices []waBinary.Node
	for _, id := range deviceIDs(a) {
		d := attrs{"id": int(id)}
		if id != 0 {
			d["key-index"] = a.devices[id].KeyIndex
		}
		devices = append(devices, el("device", d))
	}
	list := el("devices", nil, el("device-list", attrs{"hash": deviceHash(s.allJIDs(a))}, devices...))
	if ph, err := s.phoneOf(a); err == nil {
		if signed, err := ph.KeyIndexes(s.now()); err == nil {
			list.Content = append(list.GetChildren(), body("key-index-list", attrs{"ts": unix(s.now())}, signed))
		}
	}
	return list
}

func (s *Server) allJIDs(a *account) []types.JID {
	var all []types.JID
	for _, id := range deviceIDs(a) {
		all = append(all, a.jid(id, false))
	}
	return all
}

// watch notes that a device has the device list of an account: it will be told about changes.
func (s *Server) watch(a *account, d *device) {
	s.put(`INSERT OR IGNORE INTO watchers(number,watcher,device) VALUES(?,?,?)`, a.number, d.account.number, d.id)
}

// devicesChanged tells whoever has an account's device list that a device was added or removed. That watchers hear of it,
// not only contacts, is simpler here than in the real service.
func (s *Server) devicesChanged(d *device, change string) {
	a := d.account
	hash, lidHash := deviceHash(s.allJIDs(a)), deviceHash(lids(a))
	for _, watcher := range s.watchersOf(a) {
		if watcher == d {
			continue
		}
		if watcher.account == a {
			s.enqueue(watcher, s.ownDevices(watcher))
			continue
		}
		s.enqueue(watcher, el("notification",
			attrs{"from": a.pn(), "type": "devices", "id": randomID(8), "t": unix(s.now()), "lid": a.lidJID()},
			el(change, attrs{"device_hash": hash, "device_lid_hash": lidHash},
				el("device", attrs{"jid": a.jid(d.id, false), "lid": d.lidJID(), "key-index": d.KeyIndex}))))
	}
}

func lids(a *account) []types.JID {
	var all []types.JID
	for _, id := range deviceIDs(a) {
		all = append(all, a.jid(id, true))
	}
	return all
}

// ownDevices tells a device of its account's other devices.
func (s *Server) ownDevices(d *device) waBinary.Node {
	a := d.account
	var devices []waBinary.Node
	for _, id := range deviceIDs(a) {
		devices = append(devices, el("device", attrs{"jid": a.jid(id, false)}))
	}
	return el("notification", attrs{"from": a.pn(), "type": "account_sync", "id": randomID(8), "t": unix(s.now())},
		el("devices", attrs{"dhash": deviceHash(s.allJIDs(a))}, devices...))
}

// watchersOf lists the devices that have asked for an account's devices.
func (s *Server) watchersOf(a *account) []*device {
	var list []*device
	err := each(s.db.read, `SELECT watcher,device FROM watchers WHERE number=?`, []any{a.number}, func(scan func(...any) error) error {
		var number string
		var id uint16
		if err := scan(&number, &id); err != nil {
			return err
		}
		if d := s.deviceAt(number, id); d != nil {
			list = append(list, d)
		}
		return nil
	})
	if err != nil {
		s.log.Error("sandbox: watchers cannot be read", "error", err)
	}
	return list
}

// digits keeps the digits of a number, a JID or a "+49 …".
func digits(text string) string {
	text, _, _ = strings.Cut(text, "@")
	text, _, _ = strings.Cut(text, ":")
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}
