package signal

import (
	"bytes"
	"errors"
	"testing"

	wastore "go.mau.fi/whatsmeow/store"

	"wamux/store"
)

func TestDeviceSurvivesRestart(t *testing.T) {
	p := newPlace(t)
	d := p.unpaired("one")
	if d.Paired() {
		t.Error("a new device says it is paired")
	}
	link(t, d, "491511234567", "100000000000001")
	d.BusinessName, d.LIDMigrationTimestamp, d.CompanionMetaNonce = "Shop", 42, "nonce"
	must(t, d.Save(t.Context()))
	if !d.Paired() {
		t.Error("a linked device says it is not paired")
	}
	p.reopen()
	if n := p.rows(`SELECT COUNT(*) FROM whatsapp_sessions WHERE sessionId = 'one' AND name = '` + d.PushName + `' AND name <> ''`); n != 1 {
		t.Error("the session's row does not have the account's name")
	}
	e := p.device("one")
	if !e.Paired() {
		t.Fatal("not paired after a restart")
	}
	if *e.ID != *d.ID || e.LID != d.LID || e.PushName != d.PushName || e.Platform != d.Platform || e.BusinessName != d.BusinessName ||
		e.RegistrationID != d.RegistrationID || e.LIDMigrationTimestamp != 42 || e.CompanionMetaNonce != "nonce" {
		t.Errorf("got %+v, want %+v", e.Device, d.Device)
	}
	if *e.NoiseKey.Priv != *d.NoiseKey.Priv || *e.NoiseKey.Pub != *d.NoiseKey.Pub || *e.IdentityKey.Priv != *d.IdentityKey.Priv ||
		*e.SignedPreKey.Priv != *d.SignedPreKey.Priv || *e.SignedPreKey.Signature != *d.SignedPreKey.Signature ||
		e.SignedPreKey.KeyID != d.SignedPreKey.KeyID || !bytes.Equal(e.AdvSecretKey, d.AdvSecretKey) {
		t.Error("the keys are not those that were saved")
	}
	if !bytes.Equal(e.Account.Details, d.Account.Details) || !bytes.Equal(e.Account.DeviceSignature, d.Account.DeviceSignature) {
		t.Error("the account is not the one that was saved")
	}
}

func TestDeviceOfUnknownSession(t *testing.T) {
	p := newPlace(t)
	_, err := p.Device(t.Context(), "nobody")
	if store.ErrorCode(err) != store.CodeNotFound {
		t.Errorf("got %v, want not_found", err)
	}
}

func TestSaveUnlinkedDevice(t *testing.T) {
	p := newPlace(t)
	d := p.unpaired("one")
	faults := countFaults(d)
	if err := d.Save(t.Context()); err == nil {
		t.Error("a device without an account was saved")
	}
	if faults() != 0 {
		t.Error("a refusal was taken for a fault")
	}
}

func TestDeletedDeviceIsKeptAside(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	must(t, d.Sessions.PutSession(t.Context(), "5_1:0", []byte("ratchet")))
	get(d.PreKeys.GetOrGenPreKeys(t.Context(), 5))(t)
	must(t, d.Delete(t.Context()))
	if d.Paired() || p.device("one").Paired() {
		t.Error("still paired after the device was deleted")
	}
	if n := p.rows(`SELECT COUNT(*) FROM auth_data`); n != 0 {
		t.Errorf("%d rows of auth_data are left", n)
	}
	if n := p.rows(`SELECT COUNT(*) FROM deleted_auth WHERE sessionId = 'one' AND key IN ('creds', 'session-5_1:0', 'pre-key-3')`); n != 3 {
		t.Errorf("%d of 3 rows are kept aside", n)
	}
	if _, err := d.Sessions.GetSession(t.Context(), "5_1:0"); !errors.Is(err, wastore.ErrDeviceDeleted) {
		t.Errorf("got %v, want ErrDeviceDeleted", err)
	}
	p.reopen()
	if n := p.rows(`SELECT COUNT(*) FROM deleted_auth`); n == 0 {
		t.Error("what was kept aside is gone at once")
	}
	p.now = p.clock().Add(deletedLife * 2)
	p.reopen()
	if n := p.rows(`SELECT COUNT(*) FROM deleted_auth`); n != 0 {
		t.Errorf("%d rows are still kept aside after the time for it", n)
	}
}

func TestPairingAgainStartsClean(t *testing.T) {
	p := newPlace(t)
	d := p.unpaired("one")
	must(t, d.Sessions.PutSession(t.Context(), "5_1:0", []byte("left behind")))
	link(t, d, "49151", "1001")
	if has := get(d.Sessions.HasSession(t.Context(), "5_1:0"))(t); has {
		t.Error("a ratchet from before the pairing is still there")
	}
	must(t, d.Sessions.PutSession(t.Context(), "5_1:0", []byte("new")))
	must(t, d.Save(t.Context()))
	if has := get(d.Sessions.HasSession(t.Context(), "5_1:0"))(t); !has {
		t.Error("saving the device again lost a ratchet")
	}
}

func TestDeletingSessionTakesAllButTheLIDs(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	p.paired("two", "49152", "1002")
	must(t, d.LIDs.PutLIDMapping(t.Context(), lidJID("77"), pnJID("4977")))
	must(t, d.Sessions.PutSession(t.Context(), "5_1:0", []byte("x")))
	get(d.PreKeys.GetOrGenPreKeys(t.Context(), 5))(t)
	must(t, p.db.DeleteSession(t.Context(), "one"))
	for _, table := range []string{"auth_data", "pre_keys", "pre_key_counters"} {
		if n := p.rows(`SELECT COUNT(*) FROM ` + table + ` WHERE sessionId = 'one'`); n != 0 {
			t.Errorf("%d rows of %s are left", n, table)
		}
	}
	if got := get(p.LIDs().GetPNForLID(t.Context(), lidJID("77")))(t); got != pnJID("4977") {
		t.Errorf("the others lost a LID: got %v", got)
	}
	must(t, p.db.DeleteSession(t.Context(), "two"))
	if n := p.rows(`SELECT COUNT(*) FROM lid_map`); n != 0 {
		t.Errorf("%d LIDs are left when no session is", n)
	}
}

// TestDeletingSessionTakesItsOwnLID keeps a number in the map only while another session knows it.
func TestDeletingSessionTakesItsOwnLID(t *testing.T) {
	for name, known := range map[string]func(d *Device) error{
		"Nobody":      func(*Device) error { return nil },
		"Contact":     func(d *Device) error { return d.Contacts.PutContactName(t.Context(), lidJID("1001"), "Ann", "Ann") },
		"OtherNumber": func(d *Device) error { return d.Contacts.PutContactName(t.Context(), lidJID("100"), "Bob", "Bob") },
		"Ratchet":     func(d *Device) error { return d.Sessions.PutSession(t.Context(), "1001_1:3", []byte("x")) },
	} {
		p := newPlace(t)
		one, two := p.paired("one", "49151", "1001"), p.paired("two", "49152", "1002")
		must(t, one.LIDs.PutManyLIDMappings(t.Context(), []wastore.LIDMapping{{LID: lidJID("1001"), PN: pnJID("49151")}, {LID: lidJID("1002"), PN: pnJID("49152")}}))
		must(t, p.db.SetIdentity(t.Context(), "one", store.Identity{Phone: "49151", LID: "1001@lid"}))
		must(t, known(two))
		must(t, p.db.DeleteSession(t.Context(), "one"))
		p.Deleted("one")
		want := ""
		if name == "Contact" || name == "Ratchet" {
			want = "1001"
		}
		if got := get(p.LIDs().GetLIDForPN(t.Context(), pnJID("49151")))(t); got.User != want {
			t.Errorf("%s: the LID of a deleted session is %q, want %q", name, got.User, want)
		}
		if got := get(p.LIDs().GetLIDForPN(t.Context(), pnJID("49152")))(t); got.User != "1002" {
			t.Errorf("%s: the other session lost its LID", name)
		}
	}
}

func TestOlderRunIsRetired(t *testing.T) {
	p := newPlace(t)
	old := p.paired("one", "49151", "1001")
	faults := countFaults(old)
	must(t, old.Sessions.PutSession(t.Context(), "5_1:0", []byte("one")))
	now := p.device("one")
	must(t, now.Sessions.PutSession(t.Context(), "5_1:0", []byte("two")))
	if err := old.Sessions.PutSession(t.Context(), "5_1:0", []byte("three")); !errors.Is(err, errRetired) {
		t.Errorf("got %v, want errRetired", err)
	}
	if faults() != 1 {
		t.Error("the older run was not stopped")
	}
	if got := get(now.Sessions.GetSession(t.Context(), "5_1:0"))(t); string(got) != "two" {
		t.Errorf("got %q, want two", got)
	}
}
