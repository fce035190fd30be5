package signal

import (
	"bytes"
	"context"
	"encoding/json"
)

// mendAll mends each record that a decryption is about to write.
func (s *stores) mendAll(ctx context.Context, records map[string][]byte) error {
	for address, next := range records {
		now, err := s.sessionOf(ctx, address)
		if err != nil {
			return err
		}
		records[address] = mend(now, next)
	}
	return nil
}

// mend undoes what a decryption did to the states it tried in vain. A peer who
// opened a session at the same moment as we did leaves two states in the
// record, and libsignal tries one after the other on the originals
// (session/SessionCipher.go, DecryptWithRecord; the first implementations try
// on copies): a state under which the MAC is wrong has then already turned its
// ratchet and can read nothing from there on. Two parties that write to each
// other at once change states with nearly every message and would lose one
// after the other ("no valid sessions").
//
// A decryption moves one state, the one that is current afterwards. Every other
// state in next is therefore put back as it was in now. What is no record of
// libsignal's stays as it is.
func mend(now, next []byte) []byte {
	if now == nil || bytes.Equal(currentBase(now), currentBase(next)) {
		return next // the current state could read it: no other was tried
	}
	var before, after rawRecord
	if json.Unmarshal(now, &before) != nil || json.Unmarshal(next, &after) != nil || len(after.PreviousStates) == 0 {
		return next
	}
	was := before.byBase()
	seen := map[string]bool{baseOf(after.SessionState): true}
	var kept []json.RawMessage
	for _, state := range after.PreviousStates {
		base := baseOf(state)
		if seen[base] {
			continue // a promoted state is also left behind in the list
		}
		seen[base] = true
		if original, ok := was[base]; ok {
			state = original
		}
		kept = append(kept, state)
	}
	after.PreviousStates = kept
	mended, err := json.Marshal(after)
	if err != nil {
		return next
	}
	return mended
}

// rawRecord is libsignal's record.SessionStructure with its states unread.
type rawRecord struct {
	SessionState   json.RawMessage
	PreviousStates []json.RawMessage
}

func (r rawRecord) byBase() map[string]json.RawMessage {
	states := map[string]json.RawMessage{baseOf(r.SessionState): r.SessionState}
	for _, state := range r.PreviousStates {
		if _, ok := states[baseOf(state)]; !ok {
			states[baseOf(state)] = state
		}
	}
	return states
}

// baseOf is what tells a state from all others: the key its session began with.
func baseOf(state json.RawMessage) string { return string(currentBase(state)) }

// currentBase finds the base key of a record's current state, as base64,
// without parsing the record: the current state stands first in it, and no
// field before its base key has that name.
func currentBase(record []byte) []byte {
	_, rest, found := bytes.Cut(record, []byte(`"SenderBaseKey":`))
	if !found {
		return nil
	}
	end := bytes.IndexAny(rest, ",}")
	if end < 0 {
		return nil
	}
	return rest[:end]
}
