package signal

import (
	"testing"
	"time"

	"go.mau.fi/whatsmeow/util/keys"

	"wamux/store"
)

func ids(list []*keys.PreKey) (ids []uint32) {
	for _, k := range list {
		ids = append(ids, k.KeyID)
	}
	return ids
}

func TestPreKeys(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	ctx, count := t.Context(), func() int { return get(d.PreKeys.UploadedPreKeyCount(t.Context()))(t) }
	before := p.commits()
	list := get(d.PreKeys.GetOrGenPreKeys(ctx, 812))(t)
	if n := p.commits() - before; n != 1 || len(list) != 812 {
		t.Errorf("%d pre-keys in %d commits, want 812 in 1", len(list), n)
	}
	if again := get(d.PreKeys.GetOrGenPreKeys(ctx, 812))(t); again[0].KeyID != list[0].KeyID || again[811].KeyID != list[811].KeyID {
		t.Error("keys that were not uploaded are not offered again")
	}
	if count() != 0 {
		t.Error("keys count before they were uploaded")
	}
	must(t, d.PreKeys.MarkPreKeysAsUploaded(ctx, list[49].KeyID))
	if n := count(); n != 50 {
		t.Errorf("%d keys are uploaded, want 50", n)
	}
	d = p.device("one")
	k := get(d.PreKeys.GetPreKey(ctx, list[5].KeyID))(t)
	if k == nil || *k.Priv != *list[5].Priv || *k.Pub != *list[5].Pub {
		t.Fatalf("got %v, want the key that was made", k)
	}
	must(t, d.PreKeys.RemovePreKey(ctx, k.KeyID))
	if k := get(d.PreKeys.GetPreKey(ctx, k.KeyID))(t); k != nil || count() != 49 {
		t.Errorf("after the removal: %v, %d uploaded", k, count())
	}
	if k := get(d.PreKeys.GetPreKey(ctx, 1<<23))(t); k != nil {
		t.Errorf("got %v for an id that was never given", k)
	}
}

func TestPreKeyIDsAreNeverReused(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	list := get(d.PreKeys.GetOrGenPreKeys(t.Context(), 3))(t)
	for _, k := range list {
		must(t, d.PreKeys.RemovePreKey(t.Context(), k.KeyID))
	}
	p.reopen()
	d = p.device("one")
	if k := get(d.PreKeys.GetOrGenPreKeys(t.Context(), 1))(t)[0]; k.KeyID != 4 {
		t.Errorf("the next id is %d, want 4", k.KeyID)
	}
	if k := get(d.PreKeys.GenOnePreKey(t.Context()))(t); k.KeyID != 5 {
		t.Errorf("the next id is %d, want 5", k.KeyID)
	}
}

func TestPreKeyIDsWrap(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	first := get(d.PreKeys.GetOrGenPreKeys(t.Context(), 1))(t) // id 1 stays in use
	must(t, d.PreKeys.MarkPreKeysAsUploaded(t.Context(), first[0].KeyID))
	must(t, p.db.Update(t.Context(), func(tx *store.Tx) error { return writeCounter(tx, "one", maxPreKeyID-1) }))
	list := get(d.PreKeys.GetOrGenPreKeys(t.Context(), 4))(t)
	want := []uint32{maxPreKeyID - 1, maxPreKeyID, 2, 3}
	for i, id := range ids(list) {
		if id != want[i] {
			t.Fatalf("got %v, want %v", ids(list), want)
		}
	}
	must(t, d.PreKeys.MarkPreKeysAsUploaded(t.Context(), list[3].KeyID))
	if n := get(d.PreKeys.UploadedPreKeyCount(t.Context()))(t); n != 5 {
		t.Errorf("%d keys are uploaded, want all 5", n)
	}
}

func TestSinglePreKeys(t *testing.T) {
	p := newPlace(t)
	p.now = time.Now()
	d := p.paired("one", "49151", "1001")
	single := get(d.PreKeys.GenOnePreKey(t.Context()))(t)
	if n := get(d.PreKeys.UploadedPreKeyCount(t.Context()))(t); n != 0 {
		t.Errorf("the key of a retry receipt counts as %d of the stock", n)
	}
	if list := get(d.PreKeys.GetOrGenPreKeys(t.Context(), 2))(t); list[0].KeyID == single.KeyID {
		t.Error("the key of a retry receipt was offered to the server")
	}
	p.now = p.now.Add(29 * 24 * time.Hour)
	get(d.PreKeys.GenOnePreKey(t.Context()))(t)
	if k := get(d.PreKeys.GetPreKey(t.Context(), single.KeyID))(t); k == nil {
		t.Error("gone after 29 days")
	}
	p.now = p.now.Add(2 * 24 * time.Hour)
	get(d.PreKeys.GenOnePreKey(t.Context()))(t)
	if k := get(d.PreKeys.GetPreKey(t.Context(), single.KeyID))(t); k != nil {
		t.Error("still there after 31 days")
	}
	if n := p.rows(`SELECT COUNT(*) FROM pre_keys`); n != 4 {
		t.Errorf("%d rows, want 4", n)
	}
}
