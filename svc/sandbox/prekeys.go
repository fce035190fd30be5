package sandbox

import (
	"slices"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"

	"wamux/svc/sandbox/phone"
)

// lowKeys is how many one-time pre-keys a device may have left before it is asked for more.
const lowKeys = 4

// djb is the key type of Curve25519.
const djb = 5

// packKeys and unpackKeys are the form of one-time keys in the state file: 3 bytes of id, 32 of key.
func packKeys(keys []oneTime) []byte {
	data := make([]byte, 0, 35*len(keys))
	for _, k := range keys {
		data = append(append(data, number24(k.id)...), k.public[:]...)
	}
	return data
}

func unpackKeys(data []byte) []oneTime {
	keys := make([]oneTime, 0, len(data)/35)
	for ; len(data) >= 35; data = data[35:] {
		keys = append(keys, oneTime{parseNumber(data[:3]), [32]byte(data[3:35])})
	}
	return keys
}

// takeBundle hands out a device's keys for a new session. A one-time key is handed out once.
func (s *Server) takeBundle(d *device) *phone.Bundle {
	b := &phone.Bundle{RegistrationID: d.Registration, Identity: [32]byte(d.Identity), Signed: d.Signed}
	if d.used >= len(d.keys) {
		return b
	}
	k := d.keys[d.used]
	b.OneTime = &phone.PreKey{ID: k.id, Public: k.public}
	d.used++
	s.put(`UPDATE devices SET used=? WHERE number=? AND device=?`, d.used, d.account.number, d.id)
	if left := len(d.keys) - d.used; left == lowKeys || left == 0 {
		s.enqueue(d, el("notification", attrs{"from": server(), "type": "encrypt", "id": randomID(8), "t": unix(s.now())},
			el("count", attrs{"value": left})))
	}
	return b
}

// bundleNodes is a bundle as it stands in stanzas.
func bundleNodes(b phone.Bundle) []waBinary.Node {
	nodes := []waBinary.Node{
		body("type", nil, []byte{djb}),
		body("identity", nil, b.Identity[:]),
	}
	if b.OneTime != nil {
		nodes = append(nodes, preKeyNode("key", *b.OneTime))
	}
	return append(nodes, preKeyNode("skey", b.Signed))
}

// preKeyNode is a key as it stands in stanzas, which share nothing with that of a device: they are shown later.
func preKeyNode(tag string, k phone.PreKey) waBinary.Node {
	n := el(tag, nil, body("id", nil, number24(k.ID)), body("value", nil, k.Public[:]))
	if k.Signature != nil {
		n.Content = append(n.GetChildren(), body("signature", nil, k.Signature))
	}
	return n
}

// readPreKey is the other way round; nil when it is not well formed.
func readPreKey(n waBinary.Node) *phone.PreKey {
	value := content(n.GetChildByTag("value"))
	if len(value) != 32 {
		return nil
	}
	return &phone.PreKey{
		ID: parseNumber(content(n.GetChildByTag("id"))), Public: [32]byte(value), Signature: content(n.GetChildByTag("signature")),
	}
}

// readBundle reads the keys that come with a retry receipt; nil when there are none.
func readBundle(n *waBinary.Node) *phone.Bundle {
	keys, ok := n.GetOptionalChildByTag("keys")
	identity := content(keys.GetChildByTag("identity"))
	signed := readPreKey(keys.GetChildByTag("skey"))
	if !ok || len(identity) != 32 || signed == nil {
		return nil
	}
	return &phone.Bundle{
		RegistrationID: parseNumber(content(n.GetChildByTag("registration"))), Identity: [32]byte(identity),
		Signed: *signed, OneTime: readPreKey(keys.GetChildByTag("key")),
	}
}

// iqEncrypt answers what clients ask about pre-keys.
func (s *Server) iqEncrypt(c *conn, n *waBinary.Node) answer {
	d := c.device
	if str(n, "type") == "set" {
		if rotate, ok := n.GetOptionalChildByTag("rotate"); ok {
			return s.rotateSigned(d, rotate)
		}
		return s.uploadKeys(d, n)
	}
	if keys, ok := n.GetOptionalChildByTag("key"); ok {
		return result(el("list", nil, s.bundlesFor(keys)...))
	}
	if _, ok := n.GetOptionalChildByTag("digest"); ok {
		return s.digest(d)
	}
	return result(el("count", attrs{"value": len(d.keys) - d.used}))
}

// uploadKeys takes new one-time keys. Keys it has already (a client that crashed sends them again) are not taken twice.
func (s *Server) uploadKeys(d *device, n *waBinary.Node) answer {
	if signed := readPreKey(n.GetChildByTag("skey")); signed != nil {
		d.Signed = *signed
	}
	known := make(map[oneTime]bool, len(d.keys))
	for _, k := range d.keys {
		known[k] = true
	}
	var fresh []oneTime
	list := n.GetChildByTag("list")
	for _, child := range list.GetChildren() {
		k := readPreKey(child)
		if k == nil {
			return refused(400, "bad-request")
		}
		if one := (oneTime{k.ID, k.Public}); !known[one] {
			fresh = append(fresh, one)
		}
	}
	d.keys = append(d.keys, fresh...)
	s.put(`INSERT INTO prekeys(number,device,data) VALUES(?,?,?)`, d.account.number, d.id, packKeys(fresh))
	s.saveDevice(d)
	s.greet(d)
	return result()
}

func (s *Server) rotateSigned(d *device, rotate waBinary.Node) answer {
	signed := readPreKey(rotate.GetChildByTag("skey"))
	if signed == nil {
		return refused(400, "bad-request")
	}
	d.Signed = *signed
	s.saveDevice(d)
	return result()
}

func (s *Server) digest(d *device) answer {
	var ids []waBinary.Node
	for _, k := range d.keys[d.used:] {
		ids = append(ids, body("id", nil, number24(k.id)))
	}
	return result(el("digest", nil, body("registration", nil, number32(d.Registration)), body("type", nil, []byte{djb}),
		body("identity", nil, d.Identity), preKeyNode("skey", d.Signed), el("list", nil, ids...)))
}

// bundlesFor answers a request for the keys of devices.
func (s *Server) bundlesFor(keys waBinary.Node) []waBinary.Node {
	var users []waBinary.Node
	for _, user := range keys.GetChildrenByTag("user") {
		users = append(users, s.bundleFor(jid(&user, "jid")))
	}
	return users
}

func (s *Server) bundleFor(j types.JID) waBinary.Node {
	missing := el("user", attrs{"jid": j}, el("error", attrs{"code": 404, "text": "item-not-found"}))
	a := s.find(j)
	if a == nil {
		return missing
	}
	if j.Device != 0 {
		d := a.devices[j.Device]
		if d == nil {
			return missing
		}
		return bundleUser(j, s.now(), *s.takeBundle(d), d.Proof)
	}
	ph, err := s.phoneOf(a)
	if err != nil {
		return missing
	}
	b, err := ph.Bundle()
	if err != nil {
		return missing
	}
	s.savePhone(a)
	return bundleUser(j, s.now(), b, nil)
}

func bundleUser(j types.JID, now time.Time, b phone.Bundle, proof []byte) waBinary.Node {
	children := slices.Concat([]waBinary.Node{body("registration", nil, number32(b.RegistrationID))}, bundleNodes(b))
	if len(proof) > 0 {
		children = append(children, body("device-identity", nil, proof))
	}
	return el("user", attrs{"jid": j, "t": unix(now)}, children...)
}
