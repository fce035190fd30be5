package sandbox

import (
	waBinary "go.mau.fi/whatsmeow/binary"
)

// iqHandler answers one kind of question. It runs under Server.mu.
type iqHandler func(s *Server, c *conn, n *waBinary.Node) answer

// done answers with an empty result, where clients only wait for one.
func done(*Server, *conn, *waBinary.Node) answer { return result() }

// iqKind is what clients ask in one namespace: which elements a question has, as far as it is understood here, and who answers.
type iqKind struct {
	answer   iqHandler
	get, set shape
	early    bool // may be asked before the login
}

// shape is what a question may look like. Those that only bring something have no type with some clients.
func (k iqKind) shape(n *waBinary.Node) shape {
	switch str(n, "type") {
	case "get":
		return k.get
	case "set", "":
		return k.set
	}
	return nil
}

// iqKinds knows what clients ask, by namespace: the questions of whatsmeow and Baileys.
var iqKinds map[string]iqKind = map[string]iqKind{
	"encrypt": {answer: (*Server).iqEncrypt, get: shapeOf("count", "digest", "key/user"),
		set: shapeOf("registration", "type", "identity", "list/key/id", "list/key/value", "skey/id", "skey/value", "skey/signature",
			"rotate/skey/id", "rotate/skey/value", "rotate/skey/signature")},
	"usync": {answer: (*Server).iqUsync, get: shapeOf("usync/query/contact", "usync/query/devices", "usync/query/lid", "usync/query/status",
		"usync/query/picture", "usync/query/disappearing_mode", "usync/query/username", "usync/query/business/verified_name",
		"usync/query/bot/profile", "usync/query/text_status", "usync/query/sidelist", "usync/list/user/contact", "usync/list/user/devices",
		"usync/list/user/lid", "usync/list/user/bot/profile", "usync/list/user/status", "usync/list/user/username", "usync/list/user/tctoken")},
	"md": {answer: (*Server).iqDevices, early: true, set: shapeOf("remove-companion-device",
		"link_code_companion_reg/link_code_pairing_wrapped_companion_ephemeral_pub", "link_code_companion_reg/companion_server_auth_key_pub",
		"link_code_companion_reg/companion_platform_id", "link_code_companion_reg/companion_platform_display",
		"link_code_companion_reg/link_code_pairing_nonce", "link_code_companion_reg/link_code_pairing_wrapped_key_bundle",
		"link_code_companion_reg/companion_identity_public", "link_code_companion_reg/link_code_pairing_ref")},
	"w:sync:app:state":  {answer: (*Server).iqAppState, set: shapeOf("sync/collection/patch")},
	"w:m":               {answer: (*Server).iqMediaHosts, set: shapeOf("media_conn")},
	"w:profile:picture": {answer: (*Server).iqPicture, get: shapeOf("picture/tctoken", "tctoken"), set: shapeOf(empty, "picture")},
	"privacy":           {answer: (*Server).iqPrivacy, get: shapeOf("privacy"), set: shapeOf("privacy/category", "tokens/token")},
	"blocklist":         {answer: (*Server).iqBlocklist, get: shapeOf(empty), set: shapeOf("item")},
	"w:mex":             {answer: (*Server).iqMex, get: shapeOf("query")},
	"w:biz":             {answer: (*Server).iqBusiness, get: shapeOf("business_profile/profile")},
	"w:g2":              {answer: (*Server).iqGroups, get: groupGetShape, set: groupSetShape},
	"status":            {answer: (*Server).iqStatus, get: shapeOf("privacy"), set: shapeOf("status")},
	"w:qr":              {answer: (*Server).iqContactQR, get: shapeOf("qr"), set: shapeOf("qr")},
	"abt":               {answer: (*Server).iqProps, get: shapeOf("props")},
	"bot":               {answer: (*Server).iqBots, get: shapeOf("bot")},
	"passive":           {answer: done, set: shapeOf("active", "passive")},
	"w:p":               {answer: done, early: true, get: shapeOf(empty, "ping")},
	"w:stats":           {answer: done, set: shapeOf("add")},
	"disappearing_mode": {answer: (*Server).iqDisappearing, set: shapeOf("disappearing_mode")},
	"newsletter": {answer: (*Server).iqNewsletter, get: shapeOf("messages", "message_updates"),
		set: shapeOf("live_updates")},
	"urn:xmpp:whatsapp:dirty": {answer: (*Server).iqClean, set: shapeOf("clean")},
	"urn:xmpp:whatsapp:push":  {answer: done, get: shapeOf("settings"), set: shapeOf("config")},
	"tos":                     {answer: done, set: shapeOf("notice")},
}

// The questions about groups. Which of them may be asked of what is seen to in iqGroups.
var (
	groupGetShape = shapeOf("query/add_request", "invite", "membership_approval_requests", "sub_groups",
		"participating/participants", "participating/description")
	groupSetShape = shapeOf("add/participant/privacy", "remove/participant", "promote/participant", "demote/participant", "invite",
		"membership_requests_action/approve/participant", "membership_requests_action/reject/participant", "subject", "description/body",
		"announcement", "not_announcement", "locked", "unlocked", "ephemeral", "not_ephemeral", "member_add_mode",
		"membership_approval_mode/group_join", "create/participant/privacy", "create/announcement", "create/locked", "create/ephemeral",
		"create/member_add_mode", "create/membership_approval_mode/group_join", "create/parent", "create/linked_parent", "leave/group")
)

// iqBusiness answers that nobody has a business profile: clients take the missing jid for that.
func (s *Server) iqBusiness(*conn, *waBinary.Node) answer {
	return result(el("business_profile", attrs{"v": "244"}))
}

func (s *Server) iqContactQR(c *conn, n *waBinary.Node) answer {
	qr := n.GetChildByTag("qr")
	if str(n, "type") == "set" {
		return result(el("qr", attrs{"type": "contact", "code": "SBX" + c.device.account.lid}))
	}
	for _, a := range s.byNumber {
		if str(&qr, "code") == "SBX"+a.lid {
			return result(el("qr", attrs{"type": "contact", "jid": a.lidJID(), "notify": a.name}))
		}
	}
	return refused(404, "item-not-found")
}

func (s *Server) iqProps(*conn, *waBinary.Node) answer {
	return result(el("props", attrs{"protocol": "1", "hash": "1", "refresh": "86400"}))
}

func (s *Server) iqBots(*conn, *waBinary.Node) answer {
	return result(el("bot", attrs{"v": "2"}, el("section", attrs{"type": "all", "name": "All"})))
}
