package sandbox

import (
	"crypto/sha256"
	"maps"
	"slices"

	"go.mau.fi/libsignal/protocol"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"wamux/svc/sandbox/phone"
)

// remembered is how many ratchet keys are kept for each pair of devices.
const remembered = 64

// maxSkipped is how many counters of a pair may be still to come.
const maxSkipped = 2048

type ratchetPair struct{ sender, recipient string }

type keyUse struct {
	key     string
	counter uint32
}

// ratchet is what one device has shown of its ratchets to another: the highest counter under each key, and those below it
// that are still to come, since a message that was asked for again may be overtaken by the next one. A client that starts
// from an old copy of its state uses a pair of key and counter again, which leaks what it writes.
type ratchet struct {
	highest map[string]uint32
	skipped map[keyUse]bool // in memory only
	order   []string        // keys, oldest first
	last    [32]byte        // hash of the last message: the same bytes again are no new use
}

// checkCounter counts a message that reuses a key and counter, against the account that sent it. It tells whether this is one.
func (s *Server) checkCounter(from *device, l letter) (reused bool) {
	key, counter, ok := ratchetOf(str(&l.enc, "type"), content(l.enc))
	return ok && s.checkUse(from, l.account.jid(l.device, true), key, counter, content(l.enc))
}

// checkSenderKey is checkCounter for what is encrypted once for a whole group.
func (s *Server) checkSenderKey(from *device, g *group, enc *waBinary.Node) (reused bool) {
	key, counter, ok := phone.SenderKeyUse(content(*enc))
	return ok && s.checkUse(from, g.jid(), key, counter, content(*enc))
}

// checkUse counts the use of a key and counter by a device towards a device or a group.
func (s *Server) checkUse(from *device, to types.JID, key string, counter uint32, data []byte) (reused bool) {
	pair := ratchetPair{from.key(), to.String()}
	r := s.ratchet(pair)
	hash := sha256.Sum256(data)
	highest, known := r.highest[key]
	if known && counter <= highest {
		if r.late(keyUse{key, counter}) {
			return false
		}
		if reused = r.last != hash; reused {
			s.countReused(from.account)
			s.log.Warn("sandbox: a ratchet key and counter were used again", "sender", pair.sender, "recipient", pair.recipient, "counter", counter)
		}
		return reused
	}
	r.last = hash
	r.skip(key, highest, counter, known)
	r.highest[key] = counter
	s.put(`INSERT INTO ratchets(sender,recipient,key,highest) VALUES(?,?,?,?) ON CONFLICT DO UPDATE SET highest=excluded.highest`,
		pair.sender, pair.recipient, []byte(key), counter)
	if !known {
		s.remember(pair, r, key)
	}
	return false
}

// skip notes the counters that were passed over. Those of a key that was not known begin at zero.
func (r *ratchet) skip(key string, highest, counter uint32, known bool) {
	next := uint32(0)
	if known {
		next = highest + 1
	}
	for ; next < counter && len(r.skipped) < maxSkipped; next++ {
		r.skipped[keyUse{key, next}] = true
	}
}

// late tells whether a counter was passed over and comes now, for the first time.
func (r *ratchet) late(u keyUse) bool {
	was := r.skipped[u]
	delete(r.skipped, u)
	return was
}

func (s *Server) countReused(a *account) {
	a.reused++
	s.saveAccount(a)
}

func (s *Server) remember(pair ratchetPair, r *ratchet, key string) {
	r.order = append(r.order, key)
	if len(r.order) <= remembered {
		return
	}
	oldest := r.order[0]
	r.order = slices.Delete(r.order, 0, 1)
	delete(r.highest, oldest)
	maps.DeleteFunc(r.skipped, func(u keyUse, _ bool) bool { return u.key == oldest })
	s.put(`DELETE FROM ratchets WHERE sender=? AND recipient=? AND key=?`, pair.sender, pair.recipient, []byte(oldest))
}

// ratchet returns what is known of a pair, reading it from the state file the first time.
func (s *Server) ratchet(pair ratchetPair) *ratchet {
	if r := s.ratchets[pair]; r != nil {
		return r
	}
	r := &ratchet{highest: map[string]uint32{}, skipped: map[keyUse]bool{}}
	err := each(s.db.read, `SELECT key,highest FROM ratchets WHERE sender=? AND recipient=?`, []any{pair.sender, pair.recipient},
		func(scan func(...any) error) error {
			var key []byte
			var highest uint32
			if err := scan(&key, &highest); err != nil {
				return err
			}
			r.highest[string(key)] = highest
			r.order = append(r.order, string(key))
			return nil
		})
	if err != nil {
		s.log.Error("sandbox: the ratchets of a device cannot be read", "error", err)
	}
	s.ratchets[pair] = r
	return r
}

// ratchetOf reads the ratchet key and the counter that every Signal message shows in clear.
func ratchetOf(kind string, data []byte) (key string, counter uint32, ok bool) {
	serializer := store.SignalProtobufSerializer
	if kind == phone.TypePreKey {
		m, err := protocol.NewPreKeySignalMessageFromBytes(data, serializer.PreKeySignalMessage, serializer.SignalMessage)
		if err != nil {
			return "", 0, false
		}
		return string(m.WhisperMessage().SenderRatchetKey().Serialize()), m.WhisperMessage().Counter(), true
	}
	m, err := protocol.NewSignalMessageFromBytes(data, serializer.SignalMessage)
	if err != nil {
		return "", 0, false
	}
	return string(m.SenderRatchetKey().Serialize()), m.Counter(), true
}

// recent remembers the newest keys it was given, at least recentSize of them.
type recent struct{ young, old map[string]int64 }

const recentSize = 1 << 14

func newRecent() *recent { return &recent{young: map[string]int64{}} }

func (r *recent) get(key string) (int64, bool) {
	if v, ok := r.young[key]; ok {
		return v, true
	}
	v, ok := r.old[key]
	return v, ok
}

func (r *recent) put(key string, value int64) {
	if len(r.young) >= recentSize {
		r.old, r.young = r.young, map[string]int64{}
	}
	r.young[key] = value
}
