package sandbox

import (
	"context"
	"encoding/json"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"

	"wamux/api"
	"wamux/store"
)

// The states of a call.
const (
	callRinging  = "ringing"
	callAccepted = "accepted"
	callRejected = "rejected"
	callEnded    = "ended"
)

// call is a call of one phone to another. Only that it rings, and how it ends, is simulated; nothing is heard.
type call struct {
	id       string
	from, to *account
	video    bool
	at       time.Time
	state    string
}

func (c *call) describe() api.SandboxCall {
	return api.SandboxCall{ID: c.id, From: c.from.number, To: c.to.number, Video: c.video, At: c.at, State: c.state}
}

// setState notes what has become of a call.
func (s *Server) setState(c *call, state string) {
	c.state = state
	info, err := json.Marshal(c.describe())
	if err != nil {
		panic(err) // plain data
	}
	s.put(`INSERT INTO calls(id,info) VALUES(?,?) ON CONFLICT DO UPDATE SET info=excluded.info`, c.id, string(info))
}

func (s *Server) loadCalls() error {
	return each(s.db.read, `SELECT info FROM calls`, nil, func(scan func(...any) error) error {
		var text string
		var kept api.SandboxCall
		if err := scan(&text); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(text), &kept); err != nil {
			return err
		}
		c := &call{id: kept.ID, from: s.byNumber[kept.From], to: s.byNumber[kept.To], video: kept.Video, at: kept.At, state: kept.State}
		if c.from != nil && c.to != nil {
			s.calls[c.id] = c
		}
		return nil
	})
}

// stanza is one word of the caller about a call.
func (c *call) stanza(d *device, now time.Time, tag string, more attrs, children ...waBinary.Node) waBinary.Node {
	a := attrs{"call-id": c.id, "call-creator": c.from.jid(0, d.LID)}
	if d.LID {
		a["caller_pn"] = c.from.pn()
	}
	for k, v := range more {
		a[k] = v
	}
	return el("call", attrs{"from": c.from.jid(0, d.LID), "id": randomID(8), "t": unix(now), "platform": "android", "version": "2.26.1.1", "notify": c.from.name},
		el(tag, a, children...))
}

// Call makes the phone ring another. One that blocked it is not rung, which the caller is not told.
func (s *Server) Call(ctx context.Context, number, to string, video bool) (api.SandboxCall, error) {
	var made *call
	err := s.do(ctx, func() error {
		a, err := s.account(number)
		if err != nil {
			return err
		}
		peer := s.chatAccount(to)
		if peer == nil || peer == a {
			return store.Errorf(store.CodeNotFound, "recipient_not_found", "There is no other sandbox phone with this number: add it first.")
		}
		made = &call{id: randomID(16), from: a, to: peer, video: video, at: s.now()}
		s.calls[made.id] = made
		s.setState(made, callRinging)
		if peer.profile.blocks(a) {
			return nil
		}
		kind := el("audio", attrs{"enc": "opus", "rate": "16000"})
		if video {
			kind = el("video", attrs{"enc": "h.264"})
		}
		s.ring(made, nil, "offer", nil, kind)
		return nil
	})
	if err != nil {
		return api.SandboxCall{}, err
	}
	return made.describe(), nil
}

// ring tells the linked devices of who is called, but one.
func (s *Server) ring(c *call, but *device, tag string, more attrs, children ...waBinary.Node) {
	for _, id := range deviceIDs(c.to)[1:] {
		if d := c.to.devices[id]; d != but {
			s.enqueue(d, c.stanza(d, s.now(), tag, more, children...))
		}
	}
}

// EndCall ends a call that the phone made.
func (s *Server) EndCall(ctx context.Context, number, id string) error {
	return s.do(ctx, func() error {
		a, err := s.account(number)
		if err != nil {
			return err
		}
		c := s.calls[id]
		if c == nil || c.from != a {
			return store.Errorf(store.CodeNotFound, "call_not_found", "The phone did not make such a call.")
		}
		if c.state == callRinging || c.state == callAccepted {
			s.setState(c, callEnded)
			s.ring(c, nil, "terminate", attrs{"reason": "timeout"})
		}
		return nil
	})
}

// Calls lists the calls that the phone made or got, the oldest first.
func (s *Server) Calls(_ context.Context, number string) ([]api.SandboxCall, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.account(number)
	if err != nil {
		return nil, err
	}
	list := []api.SandboxCall{}
	for _, c := range s.calls {
		if c.from == a || c.to == a {
			list = append(list, c.describe())
		}
	}
	sortCalls(list)
	return list, nil
}

// handleCall takes what a device says about a call that rings: the caller's phone hears of it, and the other devices stop.
func (s *Server) handleCall(c *conn, n *waBinary.Node) {
	children := n.GetChildren()
	s.after(func() { c.send(el("ack", attrs{"class": "call", "id": str(n, "id"), "from": n.Attrs["to"]})) })
	if len(children) != 1 {
		s.surprised(n)
		return
	}
	said := children[0]
	about := s.calls[str(&said, "call-id")]
	if about == nil || about.to != c.device.account {
		return // it is over, or was never
	}
	switch said.Tag {
	case "reject":
		s.setState(about, callRejected)
		s.ring(about, c.device, "terminate", attrs{"reason": "rejected_elsewhere"})
	case "accept":
		s.setState(about, callAccepted)
		s.ring(about, c.device, "terminate", attrs{"reason": "accepted_elsewhere"})
	case "terminate":
		s.setState(about, callEnded)
	case "preaccept", "transport", "relaylatency":
	default:
		s.surprised(n)
	}
}
