package sandbox

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
)

// surprises hands stanzas to the server as if the client had sent them and returns what it did not know of each.
func (w *world) surprises(number string, stanzas ...waBinary.Node) [][]string {
	w.t.Helper()
	w.mu.Lock()
	c := w.byNumber[number].devices[1].conn
	w.mu.Unlock()
	if c == nil {
		w.t.Fatal("the client is not online")
	}
	found := make([][]string, len(stanzas))
	for i := range stanzas {
		w.handle(c, &stanzas[i])
		found[i] = w.Unknown()
		w.mu.Lock()
		clear(w.unknown)
		w.mu.Unlock()
	}
	return found
}

// TestUnknownQuestions: in each namespace, a question that nobody knows is noticed, alone and beside or within a known one.
func TestUnknownQuestions(t *testing.T) {
	w, _ := linked(t)
	frobnicate := el("frobnicate", nil)
	var stanzas []waBinary.Node
	ask := func(xmlns, kind string, children ...waBinary.Node) {
		stanzas = append(stanzas, el("iq", attrs{"id": randomID(4), "xmlns": xmlns, "type": kind, "to": server()}, children...))
	}
	for _, xmlns := range append(slices.Sorted(maps.Keys(iqKinds)), "urn:nobody:knows") {
		for _, kind := range []string{"get", "set", "frob"} {
			ask(xmlns, kind, frobnicate)
		}
	}
	for xmlns, k := range iqKinds {
		for kind, known := range map[string]shape{"get": k.get, "set": k.set} {
			for path := range known {
				if path == empty {
					continue
				}
				n := frobnicate
				for _, tag := range slices.Backward(strings.Split(path, "/")) {
					n = el(tag, nil, n)
				}
				ask(xmlns, kind, n)
				ask(xmlns, kind, el(strings.Split(path, "/")[0], nil), frobnicate)
			}
		}
		if !k.get[empty] {
			ask(xmlns, "get")
		}
	}
	for i, found := range w.surprises(alice, stanzas...) {
		if len(found) == 0 {
			t.Errorf("not noticed: %s", stanzas[i].String())
		}
	}
}

// TestUnknownStanzas: so is everything else that is not known.
func TestUnknownStanzas(t *testing.T) {
	w, _ := linked(t)
	bobs := user(bob)
	frobnicate := el("frobnicate", nil)
	stanzas := []waBinary.Node{
		el("frobnicate", nil), el("ib", nil), el("ib", nil, frobnicate), el("ib", nil, el("unified_session", nil, frobnicate)),
		el("ack", attrs{"class": "frobnicate", "id": "1", "to": bobs}), el("ack", attrs{"id": "1"}),
		el("ack", attrs{"class": "message", "id": "1", "to": bobs}, frobnicate),
		el("presence", attrs{"type": "frobnicate"}), el("presence", nil, frobnicate),
		el("chatstate", attrs{"to": bobs}), el("chatstate", attrs{"to": bobs}, frobnicate),
		el("receipt", attrs{"type": "frobnicate", "id": "1", "to": bobs}), el("receipt", attrs{"id": "1", "to": bobs}, frobnicate),
		el("message", attrs{"id": "1", "to": bobs}, frobnicate), el("message", attrs{"id": "1", "to": bobs}),
		el("message", attrs{"id": "1", "to": "1@nowhere"}, body("enc", attrs{"type": "msg"}, []byte("x"))),
		el("call", attrs{"id": "1", "to": bobs}, frobnicate), el("call", attrs{"id": "1", "to": bobs}),
		el("iq", attrs{"id": "1", "type": "result"}), el("iq", attrs{"id": "1", "type": "error"}),
		el("iq", attrs{"id": "1", "xmlns": "w:mex", "type": "get"}, body("query", attrs{"query_id": "1"}, []byte("{}"))),
		el("iq", attrs{"id": "1", "xmlns": "w:g2", "type": "set", "to": bobs}, el("leave", nil)),
		el("iq", attrs{"id": "1", "xmlns": "md", "type": "set"}, el("link_code_companion_reg", attrs{"stage": "frobnicate"})),
	}
	for i, found := range w.surprises(alice, stanzas...) {
		if len(found) != 1 {
			t.Errorf("%s: noticed %q", stanzas[i].String(), found)
		}
	}
}

// TestKnownStanzas: what real clients send beyond what whatsmeow does in the other tests is known.
func TestKnownStanzas(t *testing.T) {
	w, _ := linked(t)
	iq := func(xmlns, kind string, children ...waBinary.Node) waBinary.Node {
		return el("iq", attrs{"id": randomID(4), "xmlns": xmlns, "type": kind, "to": server()}, children...)
	}
	stats := iq("w:stats", "", body("add", attrs{"t": unix(time.Now())}, []byte("x")))
	delete(stats.Attrs, "type")
	stanzas := []waBinary.Node{
		iq("w:p", "get", el("ping", nil)), iq("w:p", "get"), stats, iq("abt", "get", el("props", attrs{"protocol": "1"})),
		iq("encrypt", "get", el("digest", nil)), iq("passive", "set", el("active", nil)),
		iq("urn:xmpp:whatsapp:dirty", "set", el("clean", attrs{"type": "groups"})),
		iq("w:mex", "get", body("query", attrs{"query_id": "23983697327930364"}, []byte(`{"variables":{}}`))),
		iq("w:profile:picture", "get", el("picture", attrs{"type": "preview"}), body("tctoken", nil, []byte("x"))),
		el("ib", nil, el("offline_batch", attrs{"count": "100"})), el("presence", attrs{"name": "Alice"}),
		el("ack", attrs{"class": "notification", "id": "1", "to": server(), "type": "devices"}),
	}
	for i, found := range w.surprises(alice, stanzas...) {
		if len(found) != 0 {
			t.Errorf("%s: %q is unknown", stanzas[i].String(), found)
		}
	}
}
