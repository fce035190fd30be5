package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"go.mau.fi/whatsmeow/types"

	"wamux/api"
	"wamux/store"
	"wamux/svc/sandbox/phone"
)

func invalid(name, message string) error {
	return store.Errorf(store.CodeInvalid, name, "%s", message)
}

// account returns the account of a phone, or not_found.
func (s *Server) account(number string) (*account, error) {
	if a := s.byNumber[digits(number)]; a != nil {
		return a, nil
	}
	return nil, store.Errorf(store.CodeNotFound, "phone_not_found", "There is no sandbox phone with this number.")
}

// AddPhone makes a phone with an account, or returns the one that has this number.
func (s *Server) AddPhone(ctx context.Context, number, name string) (api.SandboxPhone, error) {
	number = digits(number)
	if len(number) < 5 || len(number) > 15 || number[0] == '0' {
		return api.SandboxPhone{}, invalid("phone_invalid", "A phone number has 5 to 15 digits and begins with its country code.")
	}
	err := s.do(ctx, func() error {
		if s.byNumber[number] != nil {
			return nil
		}
		a := &account{number: number, name: name}
		if a.name == "" {
			a.name = "Phone " + number
		}
		for i := 0; a.lid == "" || s.byLID[a.lid] != nil; i++ {
			a.lid = lidFor(number, i)
		}
		var err error
		if a.phone, err = phone.New(number, a.lid, nil); err != nil {
			return err
		}
		s.addAccount(a)
		s.saveAccount(a)
		s.savePhone(a)
		return nil
	})
	if err != nil {
		return api.SandboxPhone{}, err
	}
	return s.Phone(ctx, number)
}

// lidFor makes a LID: 15 digits that do not tell the number.
func lidFor(number string, try int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", number, try))
	return fmt.Sprintf("1%014d", binary.BigEndian.Uint64(sum[:8])%1e14)
}

// Phones lists all phones, by number.
func (s *Server) Phones(ctx context.Context) ([]api.SandboxPhone, error) {
	counts, err := s.counts("")
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]api.SandboxPhone, 0, len(s.byNumber))
	for number, a := range s.byNumber {
		list = append(list, describePhone(a, counts[number]))
	}
	slices.SortFunc(list, func(x, y api.SandboxPhone) int { return strings.Compare(x.Phone, y.Phone) })
	return list, nil
}

// Phone returns one phone, or not_found.
func (s *Server) Phone(ctx context.Context, number string) (api.SandboxPhone, error) {
	counts, err := s.counts(digits(number))
	if err != nil {
		return api.SandboxPhone{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.account(number)
	if err != nil {
		return api.SandboxPhone{}, err
	}
	p := describePhone(a, counts[a.number])
	p.Settings, err = s.settingsOf(a)
	return p, err
}

// counts counts the messages received and sent, of one phone or of all.
func (s *Server) counts(number string) (map[string][2]int, error) {
	counts := map[string][2]int{}
	where, args := "", []any(nil)
	if number != "" {
		where, args = " WHERE number=?", []any{number}
	}
	err := each(s.db.read, `SELECT number,from_me,count(*) FROM inbox INDEXED BY inbox_phone`+where+` GROUP BY number,from_me`, args,
		func(scan func(...any) error) error {
			var number string
			var fromMe bool
			var n int
			if err := scan(&number, &fromMe, &n); err != nil {
				return err
			}
			c := counts[number]
			if fromMe {
				c[1] = n
			} else {
				c[0] = n
			}
			counts[number] = c
			return nil
		})
	return counts, err
}

func describePhone(a *account, counts [2]int) api.SandboxPhone {
	p := api.SandboxPhone{
		Phone: a.number, LID: a.lid, Name: a.name, Devices: []api.SandboxDevice{}, Received: counts[0], Sent: counts[1],
		Undecryptable: a.undecryptable, ReusedCounters: a.reused,
	}
	for _, id := range deviceIDs(a)[1:] {
		d := a.devices[id]
		p.Devices = append(p.Devices, api.SandboxDevice{ID: id, JID: a.jid(id, false).String(), Online: d.conn != nil, Queued: len(d.queue)})
	}
	return p
}

// Read tells the chat that the phone has read these messages; no ids means all of the chat.
func (s *Server) Read(ctx context.Context, number, chat string, ids []string) error {
	return s.do(ctx, func() error {
		a, to, err := s.pair(number, chat)
		if err != nil {
			return err
		}
		if to.group != nil {
			return s.readGroup(a, to.group, ids)
		}
		other := to.peer
		if len(ids) == 0 {
			if ids, err = s.received(a, other); err != nil {
				return err
			}
		}
		if len(ids) == 0 {
			return nil
		}
		s.markRead(a, ids)
		r := receipt{from: a, kind: "read", ids: ids, at: s.now()}
		if a != other {
			s.routeReceipt(r, other)
		}
		s.tellOwn(r, other)
		return nil
	})
}

// received lists the ids of what came in a chat, the newest 256.
func (s *Server) received(a, other *account) (ids []string, err error) {
	err = each(s.db.read, `SELECT id FROM inbox WHERE number=? AND chat=? AND from_me=0 ORDER BY seq DESC LIMIT 256`,
		[]any{a.number, other.pn().String()}, func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			ids = append(ids, id)
			return err
		})
	slices.Reverse(ids)
	return ids, err
}

// place is where a message goes: to a person or to a group.
type place struct {
	peer  *account
	group *group
}

// jid names the place, a person by LID.
func (p place) jid() types.JID {
	if p.group != nil {
		return p.group.jid()
	}
	return p.peer.lidJID()
}

// placeOf finds the place that a chat of an inbox is.
func (s *Server) placeOf(chat types.JID) place {
	return place{peer: s.find(chat), group: s.findGroup(chat)}
}

// pair finds a phone's account and the other side of its chat.
func (s *Server) pair(number, chat string) (a *account, to place, err error) {
	if a, err = s.account(number); err != nil {
		return nil, place{}, err
	}
	if chat == types.StatusBroadcastJID.String() {
		to.group = s.statusOf(a, s.statusAudience(a)...)
		return a, to, nil
	}
	if strings.HasSuffix(chat, "@"+types.GroupServer) {
		to.group, err = s.groupFor(a, chat)
		return a, to, err
	}
	if to.peer = s.chatAccount(chat); to.peer == nil {
		return nil, place{}, store.Errorf(store.CodeNotFound, "recipient_not_found", "There is no sandbox phone with the number of this chat: add it first.")
	}
	return a, to, nil
}

// Typing shows composing, recording or paused in the chat.
func (s *Server) Typing(ctx context.Context, number, chat, state string) error {
	n := el(state, nil)
	switch state {
	case "composing", "paused":
	case "recording":
		n = el("composing", attrs{"media": "audio"})
	default:
		return invalid("state_invalid", "The state is composing, recording or paused.")
	}
	return s.do(ctx, func() error {
		a, to, err := s.pair(number, chat)
		switch {
		case err != nil:
			return err
		case to.group != nil && to.group.status:
			return invalid("chat_invalid", "Nobody sees who types a status.")
		case to.group != nil:
			s.showGroupState(a, 0, to.group, n)
		default:
			s.showState(a, 0, to.peer, n)
		}
		return nil
	})
}

// Presence makes the phone's owner available or unavailable.
func (s *Server) Presence(ctx context.Context, number string, online bool) error {
	return s.do(ctx, func() error {
		a, err := s.account(number)
		if err != nil {
			return err
		}
		a.online = online
		s.announce(a)
		return nil
	})
}

// Unlink removes every linked device of the phone, as "Log out from all devices" does.
func (s *Server) Unlink(ctx context.Context, number string) error {
	return s.do(ctx, func() error {
		a, err := s.account(number)
		if err != nil {
			return err
		}
		for _, id := range deviceIDs(a)[1:] {
			s.removeDevice(a.devices[id])
		}
		return nil
	})
}

// Traffic lists stanzas between the server and the devices of the phone ("" means all), with Seq above after. It goes back
// 4,096 stanzas.
func (s *Server) Traffic(_ context.Context, number string, after int64, limit int) ([]api.SandboxStanza, error) {
	return s.traffic.list(digits(number), after, limit), nil
}

// Reset forgets everything: phones, devices, stanzas, media, faults, how the clock was moved. Linked devices find themselves logged out.
func (s *Server) Reset(ctx context.Context) error {
	return s.do(ctx, func() error {
		for c := range s.conns {
			s.cut(c)
			if c.pairing != nil {
				s.dropPairing(c)
			}
		}
		for _, table := range []string{"accounts", "records", "devices", "prekeys", "queue", "seen", "inbox", "media", "patches", "snapshots", "notices", "watchers", "contacts", "ratchets", "groups", "revoked", "profiles", "newsletters", "calls"} {
			s.put(`DELETE FROM ` + table)
		}
		s.turnClock(0)
		conns, b := s.conns, s.batch
		s.forget()
		s.conns, s.batch = conns, b
		clear(b.records)
		return nil
	})
}
