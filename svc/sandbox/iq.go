package sandbox

import (
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
	"disappearing_mode":       (*Server).iqDisappearing,
	"newsletter":              (*Server).iqNewsletter,
	"urn:xmpp:whatsapp:dirty": done,
	"urn:xmpp:whatsapp:push":  done,
	"tos":                     done,
}

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
