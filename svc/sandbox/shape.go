package sandbox

import (
	"strings"

	waBinary "go.mau.fi/whatsmeow/binary"
)

// shape lists the elements that a stanza may have below it, by their paths: "list/key" is a key in a list, and a list too then.
// Whatever else a client sends is reported: it would be a question that the sandbox only seems to have answered.
type shape map[string]bool

// empty in a shape allows the stanza to have no elements at all.
const empty = "."

func shapeOf(paths ...string) shape {
	s := shape{}
	for _, path := range paths {
		for path != "" {
			s[path] = true
			i := max(strings.LastIndexByte(path, '/'), 0)
			path = path[:i]
		}
	}
	return s
}

// strange returns the path of the first element that does not fit, "" when all fit.
func (s shape) strange(n *waBinary.Node) string {
	if len(n.GetChildren()) == 0 && !s[empty] {
		return "nothing"
	}
	return s.within("", n)
}

func (s shape) within(above string, n *waBinary.Node) string {
	for _, child := range n.GetChildren() {
		path := above + child.Tag
		if !s[path] {
			return path
		}
		if found := s.within(path+"/", &child); found != "" {
			return found
		}
	}
	return ""
}

// The shapes of what is no question.
var (
	messageShape = shapeOf("participants/to/enc", "enc", "device-identity", "meta", "bot", "biz", "reporting/reporting_token",
		"tctoken", "cstoken", "plaintext", "reaction", "meta")
	receiptShape = shapeOf(empty, "list/item", "retry", "registration", "keys/type", "keys/identity", "keys/key/id", "keys/key/value",
		"keys/skey/id", "keys/skey/value", "keys/skey/signature", "keys/device-identity", "encrypt/enc_p", "encrypt/enc_iv", "rmr")
	ackShape       = shapeOf(empty)
	presenceShape  = shapeOf(empty, "tctoken")
	chatStateShape = shapeOf("composing", "paused")
	callShape      = shapeOf("reject", "accept", "terminate", "preaccept", "transport", "relaylatency")
	// Clients tell how much they want at a time, and when they began; nothing comes of it here.
	ibShape = shapeOf("unified_session", "offline_batch")
)
