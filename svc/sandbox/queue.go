package sandbox

import (
	"slices"
	"strconv"

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
	c := d.conn
	if c == nil {
		return
	}
	twice := n.Tag == "message" && s.takeFault("duplicate", d.account.number) != nil
	s.after(func() {
		c.send(n)
		if twice {
			c.send(n)
		}
	})
}

// settle takes the oldest matching stanza out of a device's queue. It tells whether there was one.
func (s *Server) settle(d *device, class, id, from string) bool {
	i := slices.IndexFunc(d.queue, func(e *entry) bool { return e.id == id && e.class == class && e.from == from })
	if i < 0 {
		return false
	}
	s.put(`DELETE FROM queue WHERE seq=?`, d.queue[i].seq)
	d.queue = slices.Delete(d.queue, i, i+1)
	return true
}

// handleAck takes the acknowledgement of a notification, a receipt or a message.
func (s *Server) handleAck(c *conn, n *waBinary.Node) {
	s.settle(c.device, str(n, "class"), str(n, "id"), str(n, "to"))
}
