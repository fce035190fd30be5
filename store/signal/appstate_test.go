package signal

import (
	"bytes"
	"testing"

	wastore "go.mau.fi/whatsmeow/store"
)

func TestAppStateIsStaged(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	ctx, name := t.Context(), "regular"
	mac := func(index string) string {
		t.Helper()
		return string(get(d.AppState.GetAppStateMutationMAC(ctx, name, []byte(index)))(t))
	}
	version := func() uint64 {
		t.Helper()
		v, hash, err := d.AppState.GetAppStateVersion(ctx, name)
		must(t, err)
		if v != 0 && hash[0] != byte(v) {
			t.Errorf("version %d has the hash of %d", v, hash[0])
		}
		return v
	}
	add := func(v uint64, macs ...string) {
		t.Helper()
		var list []wastore.AppStateMutationMAC
		for _, m := range macs {
			list = append(list, wastore.AppStateMutationMAC{IndexMAC: []byte(m), ValueMAC: []byte(m + "'")})
		}
		must(t, d.AppState.PutAppStateMutationMACs(ctx, name, v, list))
	}
	if version() != 0 || mac("a") != "" {
		t.Error("something is there at first")
	}
	must(t, d.AppState.PutAppStateVersion(ctx, name, 1, [128]byte{1}))
	must(t, d.AppState.DeleteAppStateMutationMACs(ctx, name, nil))
	add(1, "a", "b")

	before := p.commits()
	must(t, d.AppState.PutAppStateVersion(ctx, name, 2, [128]byte{2}))
	must(t, d.AppState.DeleteAppStateMutationMACs(ctx, name, [][]byte{[]byte("a")}))
	if p.commits() != before {
		t.Error("a part of a patch was committed")
	}
	if version() != 2 || mac("a") != "" || mac("b") != "b'" {
		t.Errorf("staged: version %d, a %q, b %q", version(), mac("a"), mac("b"))
	}
	d = p.device("one") // a crash here loses the patch
	if version() != 1 || mac("a") != "a'" {
		t.Errorf("after a crash: version %d, a %q", version(), mac("a"))
	}

	must(t, d.AppState.PutAppStateVersion(ctx, name, 2, [128]byte{2}))
	must(t, d.AppState.DeleteAppStateMutationMACs(ctx, name, [][]byte{[]byte("a")}))
	add(2) // with an empty list, too, it is the end of the patch
	d = p.device("one")
	if version() != 2 || mac("a") != "" || mac("b") != "b'" {
		t.Errorf("after the commit: version %d, a %q, b %q", version(), mac("a"), mac("b"))
	}

	must(t, d.AppState.PutAppStateVersion(ctx, name, 3, [128]byte{3}))
	must(t, d.AppState.DeleteAppStateVersion(ctx, name))
	if version() != 0 || mac("b") != "" {
		t.Errorf("after the deletion: version %d, b %q", version(), mac("b"))
	}
	d = p.device("one")
	if version() != 0 || mac("b") != "" {
		t.Error("a deletion was not committed at once")
	}
	if err := d.AppState.PutAppStateVersion(ctx, name, 0, [128]byte{}); err == nil {
		t.Error("version 0 was taken")
	}
}

func TestAppStateKeys(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	ctx := t.Context()
	if id := get(d.AppStateKeys.GetLatestAppStateSyncKeyID(ctx))(t); id != nil {
		t.Errorf("got %v, want none", id)
	}
	put := func(id, data string, at int64) {
		t.Helper()
		must(t, d.AppStateKeys.PutAppStateSyncKey(ctx, []byte(id), wastore.AppStateSyncKey{Data: []byte(data), Fingerprint: []byte("f"), Timestamp: at}))
	}
	put("k1", "one", 10)
	put("k2", "two", 30)
	put("k3", "three", 20)
	put("k1", "older", 9)
	put("k2", "same age", 30)
	put("k3", "newer", 25)
	for id, want := range map[string]string{"k1": "one", "k2": "two", "k3": "newer"} {
		if k := get(d.AppStateKeys.GetAppStateSyncKey(ctx, []byte(id)))(t); k == nil || string(k.Data) != want || string(k.Fingerprint) != "f" {
			t.Errorf("%s: got %+v, want %s", id, k, want)
		}
	}
	if id := get(d.AppStateKeys.GetLatestAppStateSyncKeyID(ctx))(t); !bytes.Equal(id, []byte("k2")) {
		t.Errorf("the latest is %q", id)
	}
	all := get(d.AppStateKeys.GetAllAppStateSyncKeys(ctx))(t)
	if len(all) != 3 || all[0].Timestamp != 30 || all[2].Timestamp != 10 {
		t.Errorf("got %v, want three, newest first", all)
	}
	if k := get(d.AppStateKeys.GetAppStateSyncKey(ctx, []byte("none")))(t); k != nil {
		t.Errorf("got %v for an unknown key", k)
	}
}
