package sandbox

import (
	"slices"
	"strconv"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
)

// entry is a stanza that waits in the state file until its device has acknowledged it.
type entry struct {
	seq             int64
	class, id, from string
	kind            string // type of receipts and notifications
	node            *waBinary.Node
}

func newEntry(seq int64, n *waBinary.Node) *entry {
	return &entry{seq: seq, class: n.Tag, id: str(n, "id"), from: str(n, "from"), kind: str(n, "type"), node: n}
}

func readEntry(seq int64, data []byte) (*entry, error) {
	n, err := unmarshal(data)
	if err != nil {
		return nil, err
	}
	return newEntry(seq, n), nil
}

// offline is the stanza as it is sent after a login, the i-th of the queue.
func (e *entry) offline(i int) waBinary.Node {
	n := *e.node
	n.Attrs = make(attrs, len(e.node.Attrs)+1)
	for k, v := range e.node.Attrs {
		n.Attrs[k] = v
	}
	n.Attrs["offline"] = strconv.Itoa(i)
	return n
}

// window is how many stanzas may be under way to a device before it has acknowledged some. The real service limits this too,
// though clients do not tell how; whatsmeow loses their order when it is given more than 2,048 at a time.
const window = 512

// enqueue hands a stanza to a device: now when it is online, and again at each login until it is acknowledged.
func (s *Server) enqueue(d *device, n waBinary.Node) {
	data, err := waBinary.Marshal(n)
	if err != nil {
		s.log.Error("sandbox: a stanza cannot be encoded", "error", err)
		return
	}
	s.seq++
	e := newEntry(s.seq, &n)
	d.queue = append(d.queue, e)
	s.put(`INSERT INTO queue(seq,number,device,stanza) VALUES(?,?,?,?)`, e.seq, d.account.number, d.id, data)
	s.pump(d)
}

// pump sends what waits for a device, as far as the window allows.
func (s *Server) pump(d *device) {
	c := d.conn
	if c == nil {
		return
	}
	for d.sent < len(d.queue) && d.sent < window {
		e := d.queue[d.sent]
		d.sent++
		n := *e.node
		if c.backlog > 0 {
			n = e.offline(c.offline - c.backlog)
		}
		s.forward(c, &n)
		if c.backlog > 0 {
			s.workOff(c)
		}
	}
}

// forward sends a stanza of the queue, unless a fault says otherwise: twice, or after the message that follows it.
func (s *Server) forward(c *conn, n *waBinary.Node) {
	send := func(n *waBinary.Node) { s.after(func() { c.send(*n) }) }
	if n.Tag != "message" {
		send(n)
		return
	}
	number := c.device.account.number
	if c.held == nil {
		if f := s.takeFault("out_of_order", number); f != nil {
			s.hold(c, n, f)
			return
		}
	}
	send(n)
	if s.takeFault("duplicate", number) != nil {
		send(n)
	}
	if c.held != nil {
		send(c.held)
		c.held = nil
	}
}

// hold keeps a message back until another one has overtaken it, or until none has come for a while: the delay of the fault, or a
// second.
func (s *Server) hold(c *conn, n *waBinary.Node, f *armed) {
	c.held = n
	wait := time.Duration(f.DelayMS) * time.Millisecond
	if wait <= 0 {
		wait = time.Second
	}
	time.AfterFunc(wait, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if c.held == n {
			c.held = nil
			s.after(func() { c.send(*n) })
		}
	})
}

// workOff notes that one stanza of the time before the login is sent or needs no sending any more. The client is told when
// it was the last.
func (s *Server) workOff(c *conn) {
	if c.backlog--; c.backlog == 0 {
		s.endOffline(c)
	}
}

func (s *Server) endOffline(c *conn) {
	n := el("ib", nil, el("offline", attrs{"count": c.offline}))
	s.after(func() { c.send(n) })
}

// settle takes the oldest matching stanza out of a device's queue.
func (s *Server) settle(d *device, class, id, from string) {
	i := slices.IndexFunc(d.queue, func(e *entry) bool { return e.id == id && e.class == class && e.from == from })
	if i < 0 {
		return
	}
	s.put(`DELETE FROM queue WHERE seq=?`, d.queue[i].seq)
	if i == 0 {
		d.queue[0] = nil
		d.queue = d.queue[1:]
	} else {
		d.queue = slices.Delete(d.queue, i, i+1)
	}
	switch c := d.conn; {
	case i < d.sent:
		d.sent--
	case c != nil && i < d.sent+c.backlog: // confirmed late, from the connection before
		s.workOff(c)
	}
	s.pump(d)
}

// handleAck takes the acknowledgement of a notification, a receipt or a message.
func (s *Server) handleAck(c *conn, n *waBinary.Node) {
	if !slices.Contains(ackClasses, str(n, "class")) {
		s.surprised(n)
		return
	}
	s.settle(c.device, str(n, "class"), str(n, "id"), str(n, "to"))
}

// ackClasses are the kinds of stanzas that devices acknowledge.
var ackClasses = []string{"message", "receipt", "notification", "call"}
