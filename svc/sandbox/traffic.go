package sandbox

import (
	"sync"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"

	"wamux/api"
)

// kept is how many stanzas the traffic log holds.
const kept = 4096

// traffic is the log of stanzas: a ring. Texts are made when somebody asks.
type traffic struct {
	mu   sync.Mutex
	next int64
	ring []seenStanza
}

type seenStanza struct {
	seq               int64
	at                time.Time
	number, direction string
	node              *waBinary.Node
}

func newTraffic() *traffic { return &traffic{next: 1, ring: make([]seenStanza, 0, kept)} }

func (t *traffic) add(number, direction string, n *waBinary.Node) {
	e := seenStanza{at: time.Now(), number: number, direction: direction, node: trim(n)}
	t.mu.Lock()
	defer t.mu.Unlock()
	e.seq = t.next
	t.next++
	if len(t.ring) < kept {
		t.ring = append(t.ring, e)
		return
	}
	t.ring[(e.seq-1)%kept] = e
}

// list returns stanzas with a seq above after, oldest first. An empty number means all.
func (t *traffic) list(number string, after int64, limit int) []api.SandboxStanza {
	t.mu.Lock()
	var found []seenStanza
	for seq := max(after+1, t.next-int64(len(t.ring))); seq < t.next && (limit <= 0 || len(found) < limit); seq++ {
		if e := t.ring[(seq-1)%kept]; number == "" || e.number == number {
			found = append(found, e)
		}
	}
	t.mu.Unlock()
	list := make([]api.SandboxStanza, 0, len(found))
	for _, e := range found {
		list = append(list, api.SandboxStanza{Seq: e.seq, At: e.at, Phone: e.number, Direction: e.direction, XML: e.node.String()})
	}
	return list
}

// trim keeps big lists (812 pre-keys) out of the log.
func trim(n *waBinary.Node) *waBinary.Node {
	children := n.GetChildren()
	if len(children) == 0 {
		return n
	}
	shown := make([]waBinary.Node, 0, min(len(children), 17))
	for i := range children {
		if i == 16 {
			shown = append(shown, waBinary.Node{Tag: "more"})
			break
		}
		shown = append(shown, *trim(&children[i]))
	}
	return &waBinary.Node{Tag: n.Tag, Attrs: n.Attrs, Content: shown}
}
