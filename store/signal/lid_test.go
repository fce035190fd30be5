package signal

import (
	"context"
	"errors"
	"testing"

	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
)

func TestLIDs(t *testing.T) {
	p := newPlace(t)
	p.unpaired("one")
	l, ctx := p.LIDs(), t.Context()
	lid := func(pn types.JID) types.JID { return get(l.GetLIDForPN(ctx, pn))(t) }
	pn := func(lid types.JID) types.JID { return get(l.GetPNForLID(ctx, lid))(t) }
	if got := lid(pnJID("1")); !got.IsEmpty() { // remembered as absent
		t.Errorf("got %v, want none", got)
	}
	must(t, l.PutLIDMapping(ctx, lidJID("11"), pnJID("1")))
	with := pnJID("1")
	with.Device = 7
	if got := lid(with); got != (types.JID{User: "11", Device: 7, Server: types.HiddenUserServer}) {
		t.Errorf("got %v, want the same device", got)
	}
	if got := pn(lidJID("11")); got != pnJID("1") {
		t.Errorf("got %v", got)
	}
	before := p.commits()
	must(t, l.PutLIDMapping(ctx, lidJID("11"), pnJID("1")))
	if p.commits() != before {
		t.Error("writing what is known cost a commit")
	}
	must(t, l.PutManyLIDMappings(ctx, []wastore.LIDMapping{
		{LID: lidJID("12"), PN: pnJID("1")}, // a number has one LID
		{LID: lidJID("22"), PN: pnJID("2")},
		{LID: pnJID("3"), PN: lidJID("33")}, // the wrong way round
		{LID: lidJID("33"), PN: pnJID("3")},
		{LID: lidJID("33"), PN: pnJID("4")}, // a LID has one number
	}))
	for _, round := range []string{"cached", "read"} {
		for _, c := range []struct{ pn, lid string }{{"1", "12"}, {"2", "22"}, {"3", ""}, {"4", "33"}} {
			if got := lid(pnJID(c.pn)); got.User != c.lid {
				t.Errorf("%s: the LID of %s is %q, want %q", round, c.pn, got.User, c.lid)
			}
		}
		if got := pn(lidJID("11")); !got.IsEmpty() {
			t.Errorf("%s: the old LID still has number %v", round, got)
		}
		many := get(l.GetManyLIDsForPNs(ctx, []types.JID{with, pnJID("2"), pnJID("3"), pnJID("9"), lidJID("22")}))(t)
		if len(many) != 2 || many[with].User != "12" || many[with].Device != 7 || many[pnJID("2")] != lidJID("22") {
			t.Errorf("%s: got %v", round, many)
		}
		p.reopen()
		l = p.LIDs()
	}
	for name, err := range map[string]error{
		"put":  l.PutLIDMapping(ctx, pnJID("1"), lidJID("11")),
		"pn":   func() error { _, err := l.GetPNForLID(ctx, pnJID("1")); return err }(),
		"lid":  func() error { _, err := l.GetLIDForPN(ctx, lidJID("1")); return err }(),
		"none": l.PutLIDMapping(ctx, types.EmptyJID, types.EmptyJID),
	} {
		if !errors.As(err, new(refusal)) {
			t.Errorf("%s with the wrong server: got %v, want a refusal", name, err)
		}
	}
}

func TestLIDCacheChangesAfterCommit(t *testing.T) {
	p := newPlace(t)
	l := p.LIDs()
	get(l.GetLIDForPN(t.Context(), pnJID("1")))(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.PutLIDMapping(ctx, lidJID("11"), pnJID("1")); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if got := get(l.GetLIDForPN(t.Context(), pnJID("1")))(t); !got.IsEmpty() {
		t.Errorf("got %v after a failed write", got)
	}
	must(t, l.PutLIDMapping(t.Context(), lidJID("11"), pnJID("1")))
	if got := get(l.GetLIDForPN(t.Context(), pnJID("1")))(t); got.User != "11" {
		t.Errorf("got %v", got)
	}
}
