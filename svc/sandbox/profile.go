package sandbox

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// profile is what people see of an account, and whom it wants to be seen by. Its zero value is that of a new account.
type profile struct {
	About          string            `json:",omitempty"`
	AboutAt        int64             `json:",omitempty"` // unix seconds
	Picture        string            `json:",omitempty"` // direct path; "" is the picture that everybody has at first
	PictureID      string            `json:",omitempty"` // "" as long as that is the first one
	NoPicture      bool              `json:",omitempty"`
	Blocked        []string          `json:",omitempty"` // numbers, the first one blocked first
	Privacy        map[string]string `json:",omitempty"` // what differs from privacySettings
	Disappearing   int               `json:",omitempty"` // seconds until messages of new chats go; 0 means never
	DisappearingAt int64             `json:",omitempty"` // unix seconds
}

const firstAbout = "Hey there! I am a sandbox phone."

func (p *profile) about() string {
	if p.AboutAt == 0 {
		return firstAbout
	}
	return p.About
}

// picture returns the id and direct path of the picture, "" when there is none.
func (p *profile) picture() (id, path string) {
	switch {
	case p.NoPicture:
		return "", ""
	case p.PictureID == "":
		return pictureID, picturePath
	}
	return p.PictureID, p.Picture
}

func (p *profile) blocks(a *account) bool { return slices.Contains(p.Blocked, a.number) }

// setting is the value of a privacy setting.
func (p *profile) setting(name string) string {
	if value, ok := p.Privacy[name]; ok {
		return value
	}
	for _, s := range privacySettings {
		if s[0] == name {
			return s[1]
		}
	}
	return ""
}

// blockHash stands for a block list: clients only compare it.
func (p *profile) blockHash() string {
	sum := sha256.Sum256([]byte(strings.Join(p.Blocked, ",")))
	return base64.RawStdEncoding.EncodeToString(sum[:9])
}

func (s *Server) saveProfile(a *account) {
	info, err := json.Marshal(a.profile)
	if err != nil {
		panic(err) // plain data
	}
	s.put(`INSERT INTO profiles(number,info) VALUES(?,?) ON CONFLICT DO UPDATE SET info=excluded.info`, a.number, string(info))
}

func (s *Server) loadProfiles() error {
	return each(s.db.read, `SELECT number,info FROM profiles`, nil, func(scan func(...any) error) error {
		var number, info string
		if err := scan(&number, &info); err != nil || s.byNumber[number] == nil {
			return err
		}
		return json.Unmarshal([]byte(info), &s.byNumber[number].profile)
	})
}

// acquainted lists who hears of changes of an account's profile: those who have it in their address book, but whom it
// blocked. That the real service tells nobody else is a guess.
func (s *Server) acquainted(a *account) (list []*account) {
	for _, other := range s.byNumber {
		if other != a && s.addressBook(other)[a.number] && !a.profile.blocks(other) {
			list = append(list, other)
		}
	}
	return list
}

// tellDevices sends a notification to the linked devices of an account, but one; nil leaves out none.
func (s *Server) tellDevices(a *account, but *device, kind string, from func(*device) types.JID, children ...waBinary.Node) {
	for _, id := range deviceIDs(a)[1:] {
		if d := a.devices[id]; d != but {
			if kind == "account_sync" && d.conn == nil {
				s.soil(d)
			}
			s.enqueue(d, el("notification", attrs{"from": from(d), "type": kind, "id": randomID(8), "t": unix(s.now())}, children...))
		}
	}
}

// soil notes that settings changed while a device was away: it hears so at each login until it says that it has asked for them.
func (s *Server) soil(d *device) {
	d.Dirty = s.now().Unix()
	s.saveDevice(d)
}

// iqClean takes that a device has asked for what had changed.
func (s *Server) iqClean(c *conn, n *waBinary.Node) answer {
	clean := n.GetChildByTag("clean")
	if str(&clean, "type") == dirtyAccount && c.device.Dirty != 0 {
		c.device.Dirty = 0
		s.saveDevice(c.device)
	}
	return result()
}

// dirtyAccount is the word for the settings of an account.
const dirtyAccount = "account_sync"

func (a *account) forDevice(d *device) types.JID { return a.jid(0, d.LID) }

// setAbout changes the text under a name; by is the device that did, nil for the phone.
func (s *Server) setAbout(a *account, text string) {
	a.profile.About, a.profile.AboutAt = text, s.now().Unix()
	s.saveProfile(a)
	for _, other := range s.acquainted(a) {
		s.tellDevices(other, nil, "status", a.forDevice, body("set", nil, []byte(text)))
	}
}

// setPicture changes the profile picture, or takes it away with nil.
func (s *Server) setPicture(a *account, by *device, data []byte) (id string) {
	p := &a.profile
	change := el("delete", attrs{"jid": a.pn()})
	p.Picture, p.PictureID, p.NoPicture = "", "", true
	if data != nil {
		p.Picture, p.PictureID, p.NoPicture = s.saveMedia("picture", data), strconv.FormatInt(s.now().UnixMicro(), 10), false
		change = el("set", attrs{"jid": a.pn(), "id": p.PictureID, "author": a.pn()})
	}
	s.saveProfile(a)
	for _, other := range s.acquainted(a) {
		s.tellDevices(other, nil, "picture", a.forDevice, change)
	}
	s.tellDevices(a, by, "account_sync", a.forDevice, el("picture", nil))
	return p.PictureID
}

// setBlocked changes whether an account blocks another, and tells its devices but the one that did it.
func (s *Server) setBlocked(a, other *account, by *device, block bool) {
	p := &a.profile
	if p.blocks(other) == block {
		return
	}
	before, action := p.blockHash(), "unblock"
	p.Blocked = slices.DeleteFunc(p.Blocked, func(n string) bool { return n == other.number })
	if block {
		p.Blocked, action = append(p.Blocked, other.number), "block"
	}
	s.saveProfile(a)
	s.tellDevices(a, by, "account_sync", a.forDevice, el("blocklist", attrs{"action": "modify", "dhash": p.blockHash(), "prev_dhash": before},
		el("item", attrs{"jid": other.lidJID(), "action": action})))
	s.announce(a)
}

// setPrivacy changes one privacy setting.
func (s *Server) setPrivacy(a *account, by *device, name, value string) {
	if a.profile.Privacy == nil {
		a.profile.Privacy = map[string]string{}
	}
	a.profile.Privacy[name] = value
	s.saveProfile(a)
	s.tellDevices(a, by, "account_sync", a.forDevice, el("privacy", nil, el("category", attrs{"name": name, "value": value})))
}
