package signal

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.mau.fi/libsignal/protocol"
	"go.mau.fi/libsignal/state/record"
)

// TestArchive lets somebody who lost his keys ask for thirty messages again, each with a bundle of its own, and answer each of
// them, late. All of that can be read; and when no new session has come for a while the record has lost most of the earlier ones.
func TestArchive(t *testing.T) {
	p := newPlace(t)
	ada := &person{t: t, Device: p.paired("ada", "49151", "1001")}
	bob := &person{t: t, Device: p.paired("bob", "49152", "1002")}
	const lost = 30
	var toBob []protocol.CiphertextMessage
	for n := range lost {
		toBob = append(toBob, get(ada.send(t.Context(), bob, fmt.Sprint("again ", n), bob.bundle()))(t))
	}
	for n, m := range toBob {
		if text, err := bob.receive(t.Context(), ada, m); err != nil || text != fmt.Sprint("again ", n) {
			t.Fatalf("bob reads %q, %v", text, err)
		}
		answer := get(bob.send(t.Context(), ada, fmt.Sprint("answer ", n), nil))(t)
		if text, err := ada.receive(t.Context(), bob, answer); err != nil || text != fmt.Sprint("answer ", n) {
			t.Fatalf("ada reads %q, %v", text, err)
		}
	}
	before := ada.states(bob)
	if len(before) != lost {
		t.Errorf("the record has %d states, want %d", len(before), lost)
	}
	ada.stores.archive.rest = 0 // no new one has come for a while
	talk := func(round int) {
		t.Helper()
		for from, to := range map[*person]*person{ada: bob, bob: ada} {
			m := get(from.send(t.Context(), to, fmt.Sprint("on ", round), nil))(t)
			if text, err := to.receive(t.Context(), from, m); err != nil || text != fmt.Sprint("on ", round) {
				t.Fatalf("round %d: %q, %v", round, text, err)
			}
		}
	}
	for round := range 20 {
		talk(round)
	}
	if after := ada.states(bob); len(after) != 1+keptStates || !slices.Equal(after, before[:len(after)]) {
		t.Errorf("the record has %d states, want the newest %d", len(after), 1+keptStates)
	}
}

// TestArchiveFull lets a storm of new sessions go on when a record has as many earlier ones as libsignal keeps: their number
// says nothing any more, and all of them may still be answered.
func TestArchiveFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const full = 40
		a := newArchive()
		record := func(newest int) []byte {
			state := func(n int) json.RawMessage {
				return fmt.Appendf(nil, `{"SenderBaseKey":"%d","RootKey":"%0200d"}`, n, n)
			}
			r := rawRecord{SessionState: state(newest + 1)}
			for n := range full {
				r.PreviousStates = append(r.PreviousStates, state(newest-n))
			}
			return encode(r)
		}
		states := func(newest int) int {
			var r rawRecord
			must(t, json.Unmarshal(a.thin("2:1", record(newest)), &r))
			return len(r.PreviousStates)
		}
		for n := range 30 {
			if got := states(n); got != full {
				t.Fatalf("the record has %d earlier states while new ones come, want %d", got, full)
			}
			time.Sleep(archiveTime / 2)
		}
		if got := states(29); got != full {
			t.Fatalf("the record has %d earlier states soon after the last new one, want %d", got, full)
		}
		time.Sleep(archiveTime / 2)
		if got := states(29); got != keptStates {
			t.Errorf("the record has %d earlier states when none has come for long, want %d", got, keptStates)
		}
	})
}

// states lists the base keys of the states of a record, the current one first.
func (p *person) states(with *person) (bases []string) {
	p.t.Helper()
	data := get(p.stores.sessionOf(p.t.Context(), with.address().String()))(p.t)
	var r record.SessionStructure
	must(p.t, json.Unmarshal(data, &r))
	for _, s := range append([]*record.StateStructure{r.SessionState}, r.PreviousStates...) {
		bases = append(bases, string(s.SenderBaseKey))
	}
	return bases
}
