package signal

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types"
)

func TestMigrate(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	pn, lid := pnJID("4977"), lidJID("77")
	group := "1-2--3@g.us"
	put := func(address string) {
		t.Helper()
		must(t, d.Sessions.PutSession(t.Context(), address, []byte("s "+address)))
		must(t, d.Identities.PutIdentity(t.Context(), address, [32]byte{byte(len(address))}))
		must(t, d.SenderKeys.PutSenderKey(t.Context(), group, address, []byte("k "+address)))
	}
	put("4977:0")
	put("4977:12")
	put("49771:0")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Sessions.MigratePNToLID(ctx, pn, lid); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	must(t, d.Sessions.MigratePNToLID(t.Context(), pn, lid)) // the failure was not noted as done
	for _, round := range []string{"at once", "after a restart"} {
		for address, want := range map[string]string{"77_1:0": "4977:0", "77_1:12": "4977:12", "4977:0": "", "4977:12": "", "49771:0": "49771:0"} {
			s := get(d.Sessions.GetSession(t.Context(), address))(t)
			d.stores.ratchet.end(d.stores.ratchet.lent)
			k := get(d.SenderKeys.GetSenderKey(t.Context(), group, address))(t)
			known := !get(d.Identities.IsTrustedIdentity(t.Context(), address, [32]byte{99}))(t)
			if want == "" && (s != nil || k != nil || known) || want != "" && (string(s) != "s "+want || string(k) != "k "+want || !known) {
				t.Errorf("%s, %s: session %q, sender key %q, identity %v", round, address, s, k, known)
			}
		}
		p.reopen()
		d = p.device("one")
	}
}

func TestMigrateCostsNothingWithoutRows(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	must(t, d.Sessions.MigratePNToLID(t.Context(), pnJID("4977"), lidJID("77")))
	before := p.commits()
	must(t, d.Sessions.MigratePNToLID(t.Context(), pnJID("4977"), lidJID("77")))
	if p.commits() != before {
		t.Error("moving nothing cost a commit")
	}
	must(t, d.Sessions.PutSession(t.Context(), "4977:0", []byte("later")))
	must(t, d.Sessions.MigratePNToLID(t.Context(), pnJID("4977"), lidJID("77")))
	if has := get(d.Sessions.HasSession(t.Context(), "77_1:0"))(t); !has {
		t.Error("a row that came later was not moved")
	}
	must(t, d.Sessions.MigratePNToLID(t.Context(), types.EmptyJID, lidJID("77")))
}

func TestMigrateKeepsTheNewer(t *testing.T) {
	for _, c := range []struct{ first, second, want string }{
		{"4977:0", "77_1:0", "77_1:0"},
		{"77_1:0", "4977:0", "4977:0"},
	} {
		p := newPlace(t)
		p.now = time.Now()
		d := p.paired("one", "49151", "1001")
		must(t, d.Sessions.PutSession(t.Context(), c.first, []byte(c.first)))
		p.now = p.now.Add(time.Second)
		must(t, d.Sessions.PutSession(t.Context(), c.second, []byte(c.second)))
		must(t, d.Sessions.MigratePNToLID(t.Context(), pnJID("4977"), lidJID("77")))
		if got := get(d.Sessions.GetSession(t.Context(), "77_1:0"))(t); string(got) != c.want {
			t.Errorf("%s then %s: %q stays, want %q", c.first, c.second, got, c.want)
		}
	}
}

// TestMoveFirstHeardOfByMessage: a message from the LID finds what is there of
// the number, without anybody asking for the move.
func TestMoveFirstHeardOfByMessage(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	const group = "1-2--3@g.us"
	must(t, d.Sessions.PutSession(t.Context(), "4977:3", []byte("ratchet")))
	must(t, d.SenderKeys.PutSenderKey(t.Context(), group, "4977:3", []byte("key")))
	decrypt := func(want string) {
		t.Helper()
		must(t, d.EventBuffer.DoDecryptionTxn(t.Context(), func(ctx context.Context) error {
			has := get(d.Sessions.HasSession(ctx, "77_1:3"))(t)
			session := get(d.Sessions.GetSession(ctx, "77_1:3"))(t)
			key := get(d.SenderKeys.GetSenderKey(ctx, group, "77_1:3"))(t)
			if string(session) != want || has != (want != "") || (key != nil) != (want != "") {
				t.Errorf("got %v %q %q, want %q", has, session, key, want)
			}
			return nil
		}))
	}
	decrypt("")
	must(t, d.LIDs.PutLIDMapping(t.Context(), lidJID("77"), pnJID("4977")))
	decrypt("ratchet")
	if has := get(d.Sessions.HasSession(t.Context(), "4977:3"))(t); has {
		t.Error("the ratchet is at the number, too")
	}
	before := p.commits()
	decrypt("ratchet")
	if p.commits() != before {
		t.Error("what has moved is moved again")
	}
}
