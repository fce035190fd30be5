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
	case "ib", "xmlstreamend":
	default:
		s.handleChat(c, n)
	}
}

// handleChat takes what only a linked device may send.
func (s *Server) handleChat(c *conn, n *waBinary.Node) {
	switch {
	case c.device == nil && n.Tag == "ack": // of a notification while it is linked
		return
	case c.device == nil:
		s.surprised(n)
		return
	}
	switch n.Tag {
	case "message":
		s.handleMessage(c, n)
	case "receipt":
		s.handleReceipt(c, n)
	case "ack":
		s.handleAck(c, n)
	case "presence":
		s.handlePresence(c, n)
	case "chatstate":
		s.handleChatState(c, n)
	case "call":
		s.handleCall(c, n)
	default:
		s.surprised(n)
	}
}

// surprised notes a stanza that the sandbox does not know. Tests fail on them.
func (s *Server) surprised(n *waBinary.Node) {
	name := describe(n)
	if !s.unknown[name] {
		s.log.Warn("sandbox: an unknown stanza", "stanza", name, "xml", n.String())
	}
	s.unknown[name] = true
}

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
	handler, ok := iqHandlers[str(n, "xmlns")]
	var a answer
	switch {
	case !ok:
		s.surprised(n)
		a = refused(501, "feature-not-implemented")
	case c.device == nil && str(n, "xmlns") != "md" && str(n, "xmlns") != "w:p":
		a = refused(401, "not-authorized")
	default:
		a = handler(s, c, n)
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
	if p == nil || p.question == "" || str(n, "id") != p.question {
		return
	}
	s.pairAnswered(c, n)
}
