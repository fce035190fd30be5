package signal

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"go.mau.fi/libsignal/protocol"
)

// TestCrossedSessions lets two people open a session with each other at the
// same moment and then write in bursts that cross on the way: both states stay
// in use, and every message must be readable. Without mend libsignal spoils
// the states it tries in vain.
func TestCrossedSessions(t *testing.T) {
	p := newPlace(t)
	ada := &person{t: t, Device: p.paired("ada", "49151", "1001")}
	bob := &person{t: t, Device: p.paired("bob", "49152", "1002")}
	toBob := []protocol.CiphertextMessage{get(ada.send(t.Context(), bob, "first", bob.bundle()))(t)}
	toAda := []protocol.CiphertextMessage{get(bob.send(t.Context(), ada, "first", ada.bundle()))(t)}
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 60 {
		for n := range 1 + random.IntN(3) {
			toBob = append(toBob, get(ada.send(t.Context(), bob, fmt.Sprint("a", round, n), nil))(t))
		}
		for n := range 1 + random.IntN(3) {
			toAda = append(toAda, get(bob.send(t.Context(), ada, fmt.Sprint("b", round, n), nil))(t))
		}
		for _, m := range toBob {
			if _, err := bob.receive(t.Context(), ada, m); err != nil {
				t.Fatalf("round %d: bob can't read: %v", round, err)
			}
		}
		for _, m := range toAda {
			if _, err := ada.receive(t.Context(), bob, m); err != nil {
				t.Fatalf("round %d: ada can't read: %v", round, err)
			}
		}
		toBob, toAda = nil, nil
	}
}
