package sandbox

import (
	"encoding/json"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
)

// iqHandler answers one kind of question. It runs under Server.mu.
type iqHandler func(s *Server, c *conn, n *waBinary.Node) answer

// done answers with an empty result, where clients only wait for one.
func done(*Server, *conn, *waBinary.Node) answer { return result() }

// iqHandlers knows what clients ask, by namespace.
var iqHandlers map[string]iqHandler = map[string]iqHandler{
	"encrypt":                 (*Server).iqEncrypt,
	"usync":                   (*Server).iqUsync,
	"md":                      (*Server).iqDevices,
	"w:sync:app:state":        (*Server).iqAppState,
	"w:m":                     (*Server).iqMediaHosts,
	"w:profile:picture":       (*Server).iqPicture,
	"privacy":                 (*Server).iqPrivacy,
	"blocklist":               (*Server).iqBlocklist,
	"w:mex":                   (*Server).iqMex,
	"w:biz":                   (*Server).iqBusiness,
	"w:g2":                    (*Server).iqGroups,
	"status":                  (*Server).iqStatus,
	"w:qr":                    (*Server).iqContactQR,
	"abt":                     (*Server).iqProps,
	"w":                       (*Server).iqProps,
	"bot":                     (*Server).iqBots,
	"passive":                 done,
	"w:p":                     done,
	"urn:xmpp:ping":           done,
	"w:stats":                 done,
	"disappearing_mode":       done,
	"urn:xmpp:whatsapp:dirty": done,
	"urn:xmpp:whatsapp:push":  done,
	"tos":                     done,
}

// privacySettings are what a new account has.
var privacySettings = [][2]string{
	{"readreceipts", "all"}, {"last", "all"}, {"online", "all"}, {"profile", "all"}, {"status", "contacts"},
	{"groupadd", "all"}, {"calladd", "all"}, {"messages", "all"}, {"defense", "off"}, {"stickers", "contacts"},
}

// iqPrivacy answers for the settings and takes privacy tokens, which go on to the contact they are for.
func (s *Server) iqPrivacy(c *conn, n *waBinary.Node) answer {
	if tokens, ok := n.GetOptionalChildByTag("tokens"); ok {
		for _, token := range tokens.GetChildrenByTag("token") {
			s.passToken(c.device.account, &token)
		}
		return result()
	}
	var categories []waBinary.Node
	for _, setting := range privacySettings {
		categories = append(categories, el("category", attrs{"name": setting[0], "value": setting[1]}))
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
			attrs{"from": from.jid(0, d.LID), "type": "privacy_token", "id": randomID(8), "t": unix(time.Now()), "sender_lid": from.lidJID()},
			el("tokens", nil, body("token", attrs{"type": "trusted_contact", "t": str(token, "t")}, []byte("token of "+from.lid)))))
	}
}

func (s *Server) iqBlocklist(*conn, *waBinary.Node) answer {
	return result(el("list", attrs{"dhash": "1"}))
}

// iqMex answers GraphQL queries with an empty object: no query of a client without groups and channels needs more.
func (s *Server) iqMex(_ *conn, n *waBinary.Node) answer {
	data, err := json.Marshal(map[string]any{"data": map[string]any{}})
	if err != nil {
		return refused(500, "internal-server-error")
	}
	return result(body("result", nil, data))
}

// iqBusiness answers that nobody has a business profile: clients take the missing jid for that.
func (s *Server) iqBusiness(*conn, *waBinary.Node) answer {
	return result(el("business_profile", attrs{"v": "244"}))
}

func (s *Server) iqStatus(_ *conn, n *waBinary.Node) answer {
	if str(n, "type") == "set" {
		return result()
	}
	return result(el("privacy", nil, el("list", attrs{"type": "contacts", "default": "true"})))
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
