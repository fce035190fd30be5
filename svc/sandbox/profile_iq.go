package sandbox

import (
	"slices"
	"strconv"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// privacySettings are what a new account has.
var privacySettings = [][2]string{
	{"readreceipts", "all"}, {"last", "all"}, {"online", "all"}, {"profile", "all"}, {"status", "contacts"},
	{"groupadd", "all"}, {"calladd", "all"}, {"messages", "all"}, {"defense", "off"}, {"stickers", "contacts"},
}

// privacyValues are what a setting may have; which value goes with which setting is not checked.
var privacyValues = []string{"all", "contacts", "contact_allowlist", "contact_blacklist", "match_last_seen", "known", "none", "on_standard", "off"}

// iqPrivacy answers for the settings, changes them, and takes privacy tokens, which go on to the contact they are for.
func (s *Server) iqPrivacy(c *conn, n *waBinary.Node) answer {
	if tokens, ok := n.GetOptionalChildByTag("tokens"); ok {
		for _, token := range tokens.GetChildrenByTag("token") {
			s.passToken(c.device.account, &token)
		}
		return result()
	}
	if str(n, "type") == "set" {
		return s.changePrivacy(c.device, n)
	}
	var categories []waBinary.Node
	for _, setting := range privacySettings {
		categories = append(categories, el("category", attrs{"name": setting[0], "value": c.device.account.profile.setting(setting[0])}))
	}
	return result(el("privacy", nil, categories...))
}

func (s *Server) changePrivacy(d *device, n *waBinary.Node) answer {
	asked := n.GetChildByTag("privacy")
	categories := asked.GetChildrenByTag("category")
	for _, category := range categories {
		if d.account.profile.setting(str(&category, "name")) == "" || !slices.Contains(privacyValues, str(&category, "value")) {
			return refused(400, "bad-request")
		}
	}
	for _, category := range categories {
		s.setPrivacy(d.account, d, str(&category, "name"), str(&category, "value"))
	}
	return result(el("privacy", nil, categories...))
}

// passToken gives a contact the token with which it may ask for our presence and picture. What the token is made of only the
// server knows.
func (s *Server) passToken(from *account, token *waBinary.Node) {
	to := s.find(jid(token, "jid"))
	if to == nil || to == from {
		return
	}
	for _, id := range deviceIDs(to)[1:] {
		d := to.devices[id]
		s.enqueue(d, el("notification",
			attrs{"from": from.jid(0, d.LID), "type": "privacy_token", "id": randomID(8), "t": unix(s.now()), "sender_lid": from.lidJID()},
			el("tokens", nil, body("token", attrs{"type": "trusted_contact", "t": str(token, "t")}, []byte("token of "+from.lid)))))
	}
}

// iqBlocklist lists whom the account blocked, and changes that.
func (s *Server) iqBlocklist(c *conn, n *waBinary.Node) answer {
	a := c.device.account
	if str(n, "type") == "set" {
		item := n.GetChildByTag("item")
		other, action := s.find(jid(&item, "jid")), str(&item, "action")
		if other == nil || other == a || action != "block" && action != "unblock" {
			return refused(400, "bad-request")
		}
		s.setBlocked(a, other, c.device, action == "block")
	}
	var items []waBinary.Node
	for _, number := range a.profile.Blocked {
		if other := s.byNumber[number]; other != nil {
			items = append(items, el("item", attrs{"jid": other.lidJID(), "pn_jid": other.pn()}))
		}
	}
	return result(el("list", attrs{"dhash": a.profile.blockHash()}, items...))
}

// iqDisappearing sets after how long messages of new chats disappear.
func (s *Server) iqDisappearing(c *conn, n *waBinary.Node) answer {
	asked := n.GetChildByTag("disappearing_mode")
	seconds, err := strconv.Atoi(str(&asked, "duration"))
	if err != nil || seconds < 0 {
		return refused(400, "bad-request")
	}
	a := c.device.account
	a.profile.Disappearing, a.profile.DisappearingAt = seconds, s.now().Unix()
	s.saveProfile(a)
	s.tellDevices(a, c.device, "account_sync", a.forDevice, el("disappearing_mode", attrs{"duration": seconds, "t": a.profile.DisappearingAt}))
	return result()
}

// iqPicture tells where the picture of somebody or of a group is, and sets one's own.
func (s *Server) iqPicture(c *conn, n *waBinary.Node) answer {
	target := jid(n, "target")
	if str(n, "type") == "set" {
		return s.changePicture(c.device, target, n)
	}
	if target.User == "" {
		target = jid(n, "to")
	}
	var id, path string
	if a := s.find(target); a != nil && !s.hidesPicture(a, c.device.account) {
		id, path = a.profile.picture()
	} else if g := s.findGroup(target); g != nil {
		id, path = g.PictureID, g.Picture
	}
	asked := n.GetChildByTag("picture")
	switch {
	case id == "":
		return refused(404, "item-not-found")
	case str(&asked, "id") == id:
		return result(el("picture", attrs{"status": 304}))
	}
	return result(el("picture", attrs{"id": id, "type": str(&asked, "type"), "url": mediaURL(path), "direct_path": path}))
}

// hidesPicture tells whether an account does not show its picture to another.
func (s *Server) hidesPicture(a, to *account) bool {
	if a == to {
		return false
	}
	switch a.profile.setting("profile") {
	case "none":
		return true
	case "contacts":
		return !s.addressBook(a)[to.number] || a.profile.blocks(to)
	}
	return a.profile.blocks(to)
}

func (s *Server) changePicture(d *device, target types.JID, n *waBinary.Node) answer {
	asked, given := n.GetOptionalChildByTag("picture")
	var data []byte
	if given {
		data = content(asked)
	}
	id := ""
	if g := s.findGroup(target); g != nil {
		if g.mayEdit(d.account) != nil {
			return refused(403, "forbidden")
		}
		id = s.setGroupPicture(g, d.account, data)
	} else {
		id = s.setPicture(d.account, d, data)
	}
	if id == "" {
		return result()
	}
	return result(el("picture", attrs{"id": id}))
}

func (s *Server) iqStatus(c *conn, n *waBinary.Node) answer {
	if text, ok := n.GetOptionalChildByTag("status"); ok && str(n, "type") == "set" {
		s.setAbout(c.device.account, string(content(text)))
		return result()
	}
	return result(el("privacy", nil, el("list", attrs{"type": "contacts", "default": "true"})))
}
