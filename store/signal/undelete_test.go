package signal

import (
	"fmt"
	"os"
	"testing"
	"time"

	"wamux/store"
)

// TestUndelete puts back what WhatsApp's word deleted: the account, its ratchets
// and what belongs to them, as they were.
func TestUndelete(t *testing.T) {
	p := newPlace(t)
	ada, bob := couple(t, p)
	ctx := t.Context()
	get(bob.PreKeys.GetOrGenPreKeys(ctx, 5))(t)
	must(t, bob.EventBuffer.PutBufferedEvent(ctx, [32]byte{1}, []byte("text"), time.Now()))
	must(t, bob.EventBuffer.ClearBufferedEventPlaintext(ctx, [32]byte{1}))
	must(t, bob.AppState.PutAppStateVersion(ctx, "regular", 5, [128]byte{5}))
	must(t, bob.AppState.PutAppStateMutationMACs(ctx, "regular", 5, nil))
	keys := p.rows(`SELECT COUNT(*) FROM auth_data WHERE sessionId = 'bob'`)
	conflict(t, p.Undeletable(ctx, "bob"), "already_linked")
	must(t, bob.Delete(ctx))
	must(t, p.device("bob").Delete(ctx)) // whatsmeow and we may both do it
	must(t, p.Undeletable(ctx, "bob"))
	must(t, p.Undelete(ctx, "bob"))
	if n := p.rows(`SELECT COUNT(*) FROM auth_data WHERE sessionId = 'bob'`); n != keys {
		t.Errorf("%d of %d rows are back", n, keys)
	}
	if n := p.rows(`SELECT COUNT(*) FROM deleted_auth`); n != 0 {
		t.Errorf("%d rows are still kept aside", n)
	}
	bob.Device = p.device("bob")
	if !bob.Paired() {
		t.Fatal("the account is not back")
	}
	if e := get(bob.EventBuffer.GetBufferedEvent(ctx, [32]byte{1}))(t); e == nil {
		t.Error("a handled event would be handled again")
	}
	m := get(bob.send(ctx, ada, "still here", nil))(t)
	if got := get(ada.receive(ctx, bob, m))(t); got != "still here" {
		t.Errorf("got %q", got)
	}
	if made := get(bob.PreKeys.GetOrGenPreKeys(ctx, 6))(t); len(made) != 6 {
		t.Errorf("got %d pre-keys", len(made))
	}
	conflict(t, p.Undelete(ctx, "bob"), "already_linked")
}

func TestUndeleteRefuses(t *testing.T) {
	p := newPlace(t)
	ctx := t.Context()
	if err := p.Undelete(ctx, "nobody"); store.ErrorCode(err) != store.CodeNotFound {
		t.Errorf("got %v, want not_found", err)
	}
	d := p.unpaired("one")
	conflict(t, p.Undelete(ctx, "one"), "nothing_deleted")
	link(t, d, "49151", "1001")
	must(t, d.Delete(ctx))
	link(t, p.device("one"), "49152", "1002")
	conflict(t, p.Undelete(ctx, "one"), "already_linked")
	// The account of before is not mixed with the one that was linked since.
	must(t, p.device("one").Delete(ctx))
	p.now = p.clock().Add(time.Second)
	must(t, p.Undelete(ctx, "one"))
	if got := p.device("one").GetJID().User; got != "49152" {
		t.Errorf("got the account %s, want the newer one", got)
	}
	must(t, p.device("one").Delete(ctx))
	p.now = p.clock().Add(deletedLife + time.Hour)
	must(t, p.Expire(ctx))
	conflict(t, p.Undelete(ctx, "one"), "nothing_deleted")
	for _, table := range accountTables {
		if n := p.rows(`SELECT COUNT(*) FROM ` + table); n != 0 {
			t.Errorf("%d rows of %s are left of an account that nobody can put back", n, table)
		}
	}
}

// conflict checks the word of a refusal.
func conflict(t *testing.T, err error, name string) {
	t.Helper()
	e, _ := err.(*store.Error)
	if e == nil || e.Name != name {
		t.Errorf("got %v, want %s", err, name)
	}
}

// TestUndeleteAfterRestore: what is kept aside in a file that was put back is as
// old as all else in it.
func TestUndeleteAfterRestore(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	must(t, d.Sessions.PutSession(t.Context(), "5_1:0", []byte("ratchet")))
	get(d.PreKeys.GetOrGenPreKeys(t.Context(), 5))(t)
	must(t, d.Delete(t.Context()))
	p.close()
	removeSidecar(t, p.path)
	p.open()
	must(t, p.Undelete(t.Context(), "one"))
	d = p.device("one")
	if has := get(d.Sessions.HasSession(t.Context(), "5_1:0"))(t); has || !d.Paired() {
		t.Error("a ratchet of before the restore is in use again, or the account is gone")
	}
	if fresh := get(d.PreKeys.GetOrGenPreKeys(t.Context(), 1))(t); fresh[0].KeyID < minJump {
		t.Errorf("the next pre-key is %d, which may be in use already", fresh[0].KeyID)
	}
}

// TestExpire deletes what the protocol has no use for any more, and nothing else.
func TestExpire(t *testing.T) {
	p := newPlace(t)
	start := time.Now()
	p.now = start
	d := p.paired("one", "49151", "1001")
	ctx := t.Context()
	old := func() {
		t.Helper()
		get(d.PreKeys.GenOnePreKey(ctx))(t)
		hash := [32]byte{byte(p.rows(`SELECT COUNT(*) FROM event_buffer`))}
		must(t, d.EventBuffer.PutBufferedEvent(ctx, hash, []byte("text"), p.now))
		must(t, d.EventBuffer.ClearBufferedEventPlaintext(ctx, hash))
		must(t, p.db.Update(ctx, func(tx *store.Tx) error {
			return writeOutgoing(tx, "one", outgoingID{"5@s.whatsapp.net", fmt.Sprint(tx.Now)}, outgoing{"x", []byte("sent")}, tx.Now.UnixMilli())
		}))
	}
	old()
	p.now = start.Add(5 * 24 * time.Hour)
	old()
	count := func(days int, singles, hashes, sent int) {
		t.Helper()
		p.now = start.Add(time.Duration(days)*24*time.Hour + time.Hour)
		must(t, p.Expire(ctx))
		if a, b, c := p.rows(`SELECT COUNT(*) FROM pre_keys`), p.rows(`SELECT COUNT(*) FROM event_buffer`), p.rows(`SELECT COUNT(*) FROM outgoing_events`); a != singles || b != hashes || c != sent {
			t.Errorf("after %d days there are %d keys, %d hashes and %d sent messages, want %d, %d and %d", days, a, b, c, singles, hashes, sent)
		}
		if a, b := p.rows(`SELECT COUNT(*) FROM pre_keys`), p.rows(`SELECT COUNT(*) FROM auth_data WHERE key LIKE 'pre-key-%'`); a != b {
			t.Errorf("%d keys have %d values", a, b)
		}
	}
	count(6, 2, 2, 2)
	count(8, 2, 2, 1)
	count(15, 2, 1, 0)
	count(31, 1, 0, 0)
	if !p.device("one").Paired() {
		t.Error("the account expired, too")
	}
}

func removeSidecar(t *testing.T, path string) {
	t.Helper()
	must(t, os.Remove(path+".epoch"))
}
