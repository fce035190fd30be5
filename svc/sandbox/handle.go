package sandbox

import (
	"fmt"
	"strings"

	waBinary "go.mau.fi/whatsmeow/binary"
)

// handle takes one stanza of a client.
func (s *Server) handle(c *conn, n *waBinary.Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.traffic.add(c.number(), "in", n)
	if c.finishing || s.failed != nil {
		return
	}
	switch n.Tag {
	case "iq":
		s.handleIQ(c, n)
	case "ib":
		s.fits(n, ibShape)
	case "xmlstreamend":
	default:
		s.handleChat(c, n)
	}
}

// handleChat takes what only a linked device may send.
func (s *Server) handleChat(c *conn, n *waBinary.Node) {
	kind, ok := chatKinds[n.Tag]
	switch {
	case !ok, c.device == nil && !kind.early:
		s.surprised(n)
	case !s.fits(n, kind.shape):
	case c.device != nil:
		kind.handle(s, c, n)
	}
}

// chatKind is a kind of stanza that a linked device may send.
type chatKind struct {
	shape  shape
	handle func(s *Server, c *conn, n *waBinary.Node)
	early  bool // also comes before the login, and means nothing there
}

var chatKinds = map[string]chatKind{
	"message":   {shape: messageShape, handle: (*Server).handleMessage},
	"receipt":   {shape: receiptShape, handle: (*Server).handleReceipt},
	"ack":       {shape: ackShape, handle: (*Server).handleAck, early: true},           // of a notification while it is linked
	"presence":  {shape: presenceShape, handle: (*Server).handlePresence, early: true}, // Baileys, when it learns its name
	"chatstate": {shape: chatStateShape, handle: (*Server).handleChatState},
	"call":      {shape: callShape, handle: (*Server).handleCall},
}

// fits tells whether a stanza has only elements that the sandbox knows, and reports one that has others.
func (s *Server) fits(n *waBinary.Node, known shape) bool {
	strange := known.strange(n)
	if strange != "" {
		s.surprisedBy(n, strange)
	}
	return strange == ""
}

// surprised notes a stanza that the sandbox does not know. Tests fail on them.
func (s *Server) surprised(n *waBinary.Node) { s.surprisedBy(n, "") }

// surprisedBy is surprised by one thing in a stanza.
func (s *Server) surprisedBy(n *waBinary.Node, what string) {
	name := describe(n)
	if what != "" {
		name += ": " + what
	}
	if len(s.unknown) < mostUnknown && !s.unknown[name] {
		s.unknown[name] = true
		s.log.Warn("sandbox: an unknown stanza", "stanza", name, "xml", n.String())
	}
}

// mostUnknown is how many kinds of unknown stanzas are noted.
const mostUnknown = 1000

// describe names a kind of stanza: tag, namespace, type and what it asks for.
func describe(n *waBinary.Node) string {
	parts := []string{n.Tag}
	for _, key := range []string{"xmlns", "type", "class"} {
		if v := str(n, key); v != "" {
			parts = append(parts, fmt.Sprintf("%s=%s", key, v))
		}
	}
	for _, child := range n.GetChildren() {
		parts = append(parts, "<"+child.Tag+">")
	}
	return strings.Join(parts, " ")
}

// answer is what an iq handler gives back: children of the result, or an error code.
type answer struct {
	children []waBinary.Node
	code     int
	text     string
	silent   bool // the handler answers itself
}

func result(children ...waBinary.Node) answer { return answer{children: children} }

func refused(code int, text string) answer { return answer{code: code, text: text} }

func (s *Server) handleIQ(c *conn, n *waBinary.Node) {
	switch str(n, "type") {
	case "result", "error":
		s.handleIQAnswer(c, n)
		return
	}
	kind, ok := iqKinds[str(n, "xmlns")]
	var a answer
	switch {
	case !ok:
		s.surprised(n)
		a = refused(501, "feature-not-implemented")
	case c.device == nil && !kind.early:
		a = refused(401, "not-authorized")
	case !s.fits(n, kind.shape(n)):
		a = refused(501, "feature-not-implemented")
	default:
		a = kind.answer(s, c, n)
	}
	if !a.silent {
		s.after(func() { c.send(a.node(n)) })
	}
}

// node makes the stanza that answers query.
func (a answer) node(query *waBinary.Node) waBinary.Node {
	reply := el("iq", attrs{"id": str(query, "id"), "type": "result"}, a.children...)
	if reply.Attrs["from"] = query.Attrs["to"]; reply.Attrs["from"] == nil {
		reply.Attrs["from"] = server()
	}
	if a.code != 0 {
		reply.Attrs["type"] = "error"
		reply.Content = []waBinary.Node{el("error", attrs{"code": a.code, "text": a.text})}
	}
	return reply
}

// handleIQAnswer takes the client's answers to the two questions the server asks: pair-device and pair-success.
func (s *Server) handleIQAnswer(c *conn, n *waBinary.Node) {
	p := c.pairing
	switch {
	case p == nil:
		s.surprised(n)
	case p.question != "" && str(n, "id") == p.question:
		s.pairAnswered(c, n)
	}
}
