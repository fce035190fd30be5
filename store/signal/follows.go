package signal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"go.mau.fi/libsignal/state/record"
)

// errForked says that a ratchet moved between somebody's read and write. Nothing
// was written, and nothing has been sent.
var errForked = errors.New("the Signal session moved meanwhile, nothing was written")

// unacked is errForked for the one who answers a retry receipt: whatsmeow takes
// it for a cancelled context and leaves the receipt unacked, so it comes again.
type unacked struct{ error }

func (unacked) Is(target error) bool { return target == errForked || target == context.Canceled }

// follows tells whether the record next may replace the record now, that is,
// whether it was made from now by encrypting, decrypting or building a session,
// and not from an earlier one: every state of now must be in next, no chain may
// have gone back, and something must have moved. What is not a Signal record
// (the stores keep any bytes) can't be judged and may be replaced.
func follows(now, next []byte) bool {
	var a, b record.SessionStructure
	if json.Unmarshal(now, &a) != nil || json.Unmarshal(next, &b) != nil || a.SessionState == nil || b.SessionState == nil {
		return true
	}
	if bytes.Equal(now, next) {
		return false
	}
	later := find(b, a.SessionState.SenderBaseKey)
	if later == nil || !keeps(a.SessionState, later) {
		return false
	}
	return later != b.SessionState || moved(a.SessionState, later)
}

// find returns the state of r that began with this base key.
func find(r record.SessionStructure, base []byte) *record.StateStructure {
	if bytes.Equal(r.SessionState.SenderBaseKey, base) {
		return r.SessionState
	}
	for _, state := range r.PreviousStates {
		if state != nil && bytes.Equal(state.SenderBaseKey, base) {
			return state
		}
	}
	return nil
}

// maxReceiverChains is how many libsignal keeps; it drops the oldest.
const maxReceiverChains = 5

// keeps tells whether next went back nowhere behind now.
func keeps(now, next *record.StateStructure) bool {
	full := len(next.ReceiverChains) >= maxReceiverChains
	for _, chain := range now.ReceiverChains {
		later := chainWith(next.ReceiverChains, chain)
		if later == nil && !full || later != nil && index(later) < index(chain) {
			return false
		}
	}
	if sameRatchet(now.SenderChain, next.SenderChain) {
		return index(next.SenderChain) >= index(now.SenderChain)
	}
	// Our own ratchet turns only with a new chain of theirs.
	return hasNew(now.ReceiverChains, next.ReceiverChains)
}

// moved tells whether next, which keeps now, is ahead of it.
func moved(now, next *record.StateStructure) bool {
	if index(next.SenderChain) > index(now.SenderChain) || hasNew(now.ReceiverChains, next.ReceiverChains) {
		return true
	}
	for _, chain := range now.ReceiverChains {
		later := chainWith(next.ReceiverChains, chain)
		if later != nil && (index(later) > index(chain) || len(later.MessageKeys) < len(chain.MessageKeys)) {
			return true
		}
	}
	return false
}

func sameRatchet(a, b *record.ChainStructure) bool {
	return a != nil && b != nil && bytes.Equal(a.SenderRatchetKeyPublic, b.SenderRatchetKeyPublic)
}

func index(c *record.ChainStructure) uint32 {
	if c == nil || c.ChainKey == nil {
		return 0
	}
	return c.ChainKey.Index
}

func chainWith(chains []*record.ChainStructure, like *record.ChainStructure) *record.ChainStructure {
	for _, c := range chains {
		if sameRatchet(c, like) {
			return c
		}
	}
	return nil
}

// hasNew tells whether next has a chain that now lacks.
func hasNew(now, next []*record.ChainStructure) bool {
	for _, c := range next {
		if chainWith(now, c) == nil {
			return true
		}
	}
	return false
}
