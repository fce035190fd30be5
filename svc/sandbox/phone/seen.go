package phone

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"

	"go.mau.fi/libsignal/protocol"
)

// seenSize is how many messages of each device are remembered.
const seenSize = 2048

// mark names a message key: the first bytes of the ratchet key and the counter.
type mark [20]byte

// imprint tells messages under one key apart.
type imprint [8]byte

// seen remembers the newest messages of one device in a ring, to tell a repeated message from one
// whose sender has used a key twice, as a client does whose ratchet was put back.
type seen struct {
	next   uint64
	marks  map[uint64]mark // by slot
	prints map[mark]imprint
}

func newSeen() *seen { return &seen{marks: make(map[uint64]mark), prints: make(map[mark]imprint)} }

func markOf(m *protocol.SignalMessage) (mark, imprint) {
	public := m.SenderRatchetKey().PublicKey()
	var name mark
	copy(name[:16], public[:])
	binary.BigEndian.PutUint32(name[16:], m.Counter())
	hash := sha256.Sum256(m.Serialize())
	return name, imprint(hash[:8])
}

// check returns ErrDuplicate, ErrReused or nil.
func (s *seen) check(name mark, what imprint) error {
	if s == nil {
		return nil
	}
	switch before, ok := s.prints[name]; {
	case !ok:
		return nil
	case before == what:
		return ErrDuplicate
	default:
		return ErrReused
	}
}

// add remembers a message and returns the record that keeps it.
func (s *seen) add(address string, name mark, what imprint) (key string, value []byte) {
	at := s.next
	s.set(at, name, what)
	value = binary.BigEndian.AppendUint64(nil, at)
	value = append(append(value, name[:]...), what[:]...)
	return fmt.Sprintf("seen/%s/%d", address, at%seenSize), value
}

func (s *seen) set(at uint64, name mark, what imprint) {
	slot := at % seenSize
	delete(s.prints, s.marks[slot])
	s.marks[slot] = name
	s.prints[name] = what
	s.next = max(s.next, at+1)
}

// loadSeen reads the records that add made. Each slot has one record, so their order is no matter.
func loadSeen(records *records) map[string]*seen {
	all := make(map[string]*seen)
	for key, value := range records.under("seen/") {
		address, _, ok := strings.Cut(key, "/")
		if !ok || len(value) != 36 {
			continue
		}
		if all[address] == nil {
			all[address] = newSeen()
		}
		all[address].set(binary.BigEndian.Uint64(value), mark(value[8:28]), imprint(value[28:]))
	}
	return all
}
