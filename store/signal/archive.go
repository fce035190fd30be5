package signal

import (
	"encoding/json"
	"sync"
	"time"
)

// What of its earlier states a record keeps for good, and how long after the last new
// one it keeps all.
const (
	keptStates  = 4
	archiveTime = 10 * time.Minute
	lightRecord = 4 << 10 // no record with more states is shorter
)

// archive thins out the earlier states of records. libsignal keeps forty: each session
// that a peer's retry receipt, or a new first message, makes leaves the one before
// behind, for ever, at a kilobyte each, which is then written with every message.
//
// An earlier state serves to read what was encrypted under it before the peer knew of
// the new one. While new states come, in the worst case one for each message that a
// peer who lost his keys asks for again, any of them may still be answered. WhatsApp
// keeps the order of what a device sends, so that once none has come for a while all
// of that has arrived but for what crossed on the way, for which the newest few stay.
// What does come later cannot be read and is asked for again, as with the forty-first.
type archive struct {
	mu   sync.Mutex
	rest time.Duration
	seen map[string]shelf // by address, of records with more states than are kept
}

// shelf is how many earlier states a record had and the base key of the newest, which tells of
// a new one where their number cannot grow any more, and since when that has been so.
type shelf struct {
	states int
	newest string
	since  time.Time
}

func newArchive() *archive { return &archive{rest: archiveTime, seen: make(map[string]shelf)} }

// thin returns the record without the earlier states that are of no use any more. What
// is no record of libsignal's stays as it is.
func (a *archive) thin(address string, record []byte) []byte {
	if len(record) < lightRecord {
		return record
	}
	var r rawRecord
	if json.Unmarshal(record, &r) != nil || !a.settled(address, r.PreviousStates) {
		return record
	}
	r.PreviousStates = r.PreviousStates[:keptStates]
	thinned, err := json.Marshal(r)
	if err != nil {
		return record
	}
	return thinned
}

// settled tells whether a record has more earlier states, the newest first, than are kept,
// and has got no new one for long.
func (a *archive) settled(address string, states []json.RawMessage) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(states) <= keptStates {
		delete(a.seen, address)
		return false
	}
	was, newest := a.seen[address], baseOf(states[0])
	if was.states != len(states) || was.newest != newest {
		a.seen[address] = shelf{len(states), newest, time.Now()}
		return false
	}
	return time.Since(was.since) >= a.rest
}
