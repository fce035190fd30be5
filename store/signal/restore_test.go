package signal

import (
	"os"
	"testing"
	"time"

	"go.mau.fi/libsignal/protocol"
	"go.mau.fi/whatsmeow/types"
)

// TestRestore puts an older copy of the bare file back over a newer one.
func TestRestore(t *testing.T) {
	p := newPlace(t)
	ada, bob := couple(t, p)
	ctx, group := t.Context(), "120363@g.us"
	must(t, bob.SenderKeys.PutSenderKey(ctx, group, ada.address().String(), []byte("hers")))
	get(bob.PreKeys.GetOrGenPreKeys(ctx, 60))(t)
	list := get(bob.PreKeys.GetOrGenPreKeys(ctx, 60))(t)
	must(t, bob.PreKeys.MarkPreKeysAsUploaded(ctx, list[49].KeyID))
	send, release := bob.SendContext(ctx)
	must(t, bob.SenderKeys.PutSenderKey(send, group, bob.address().String(), []byte("ours")))
	release()
	must(t, bob.AppState.PutAppStateVersion(ctx, "regular", 5, [128]byte{5}))
	must(t, bob.AppState.PutAppStateMutationMACs(ctx, "regular", 5, nil))
	must(t, bob.EventBuffer.PutBufferedEvent(ctx, [32]byte{1}, []byte("text"), time.Now()))
	must(t, bob.EventBuffer.ClearBufferedEventPlaintext(ctx, [32]byte{1}))
	must(t, bob.MsgSecrets.PutMessageSecret(ctx, bob.LID, bob.LID, "A", []byte("secret")))

	p.close()
	backup := get(os.ReadFile(p.path))(t)
	p.open()
	ada.Device, bob.Device = p.device("ada"), p.device("bob")
	get(bob.send(ctx, ada, "lost with the newer file", nil))(t)
	newer := get(bob.PreKeys.GetOrGenPreKeys(ctx, 100))(t)
	p.close()
	must(t, os.WriteFile(p.path, backup, 0o600))
	p.open()
	ada.Device, bob.Device = p.device("ada"), p.device("bob")

	if !bob.Paired() {
		t.Fatal("the account is gone")
	}
	for what, want := range map[string]bool{
		"session-" + ada.address().String():                   false,
		"identity-key-" + ada.address().String():              true,
		"sender-key-" + group + "--" + ada.address().String(): true,
		"sender-key-" + group + "--" + bob.address().String(): false,
		"app-state-sync-version-regular":                      false,
		preKeyKey(list[0].KeyID):                              true,
	} {
		if n := p.rows(`SELECT COUNT(*) FROM auth_data WHERE sessionId = 'bob' AND key = ?`, what); (n == 1) != want {
			t.Errorf("%s: there %v, want %v", what, n == 1, want)
		}
	}
	if e := get(bob.EventBuffer.GetBufferedEvent(ctx, [32]byte{1}))(t); e == nil {
		t.Error("a handled event would be handled again")
	}
	if secret, _, _ := bob.MsgSecrets.GetMessageSecret(ctx, bob.LID, bob.LID, "A"); secret == nil {
		t.Error("a message secret is gone")
	}
	if n := get(bob.PreKeys.UploadedPreKeyCount(ctx))(t); n != 0 {
		t.Errorf("%d pre-keys count as uploaded, so no fresh ones will be", n)
	}
	fresh := get(bob.PreKeys.GetOrGenPreKeys(ctx, 50))(t)
	if top := newer[len(newer)-1].KeyID; fresh[0].KeyID < list[0].KeyID+minJump || fresh[0].KeyID <= top {
		t.Errorf("the next pre-key is %d, after %d", fresh[0].KeyID, top)
	}
	m := get(bob.send(ctx, ada, "anew", ada.bundle()))(t)
	if got := get(ada.receive(ctx, bob, m))(t); got != "anew" || m.Type() != protocol.PREKEY_TYPE {
		t.Errorf("got %q", got)
	}
	if p.reopen(); p.db.Restored() {
		t.Error("the restore was not confirmed")
	}
	if has := get(p.device("bob").Sessions.HasSession(ctx, ada.address().String()))(t); !has {
		t.Error("the rules were applied again")
	}
}

// TestRestoreWithDamagedCredentials keeps no sender key that might be ours.
func TestRestoreWithDamagedCredentials(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	must(t, d.SenderKeys.PutSenderKey(t.Context(), "g@g.us", "5_1:0", []byte("hers")))
	must(t, d.stores.change(t.Context(), func(b *batch) { b.put(keyCreds, []byte(`{`)) }))
	p.close()
	must(t, os.Remove(p.path+".epoch"))
	p.open()
	if n := p.rows(`SELECT COUNT(*) FROM auth_data WHERE key LIKE 'sender-key-%'`); n != 0 {
		t.Error("a sender key stayed")
	}
	if _, err := p.Device(t.Context(), "one"); err == nil {
		t.Error("a device was made of damaged credentials")
	}
}

func TestOwnSenderKeyOfRetryStays(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	own, group := d.LID.SignalAddress().String(), types.JID{User: "1", Server: types.GroupServer}.String()
	must(t, d.SenderKeys.PutSenderKey(t.Context(), group, own, []byte("first")))
	if err := d.SenderKeys.PutSenderKey(t.Context(), group, own, []byte("a retry's")); err == nil {
		t.Error("a retry receipt replaced our sender key")
	}
	send, release := d.SendContext(t.Context())
	defer release()
	must(t, d.SenderKeys.PutSenderKey(send, group, own, []byte("a send's")))
	if got := get(d.SenderKeys.GetSenderKey(t.Context(), group, own))(t); string(got) != "a send's" {
		t.Errorf("got %q", got)
	}
}
