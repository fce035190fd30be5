package signal

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"sync/atomic"
	"testing"

	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
)

// countFaults registers a listener and returns how often it was called.
func countFaults(d *Device) func() int {
	var n atomic.Int32
	d.OnFault(func(error) { n.Add(1) })
	return func() int { return int(n.Load()) }
}

// TestEveryMethodRecovers calls all methods of all interfaces on stores without
// a database: each must come back, and with an error if it has anything to do.
func TestEveryMethodRecovers(t *testing.T) {
	total := 0
	for _, iface := range whatsmeows() {
		for i := range iface.NumMethod() {
			total++
			name := iface.Method(i).Name
			t.Run(name, func(t *testing.T) {
				broken := newDeviceOn(newDevice(), newStores(nil, "x", newLIDs(nil), &panics{last: map[string]string{}}, slog.New(slog.DiscardHandler)), false)
				faults := countFaults(broken)
				err := callWith(t, broken, iface, name, func(t *testing.T, d *Device, _ string, _ int, typ reflect.Type) reflect.Value {
					return argument(t, d, typ)
				})
				if err != nil && faults() == 0 && !errors.As(err, new(refusal)) {
					t.Errorf("the fault %v was not told", err)
				}
				if err == nil && needsDatabase(name) {
					t.Error("no error without a database")
				}
			})
		}
	}
	if total != 65 {
		t.Errorf("whatsmeow's stores have %d methods, we know 65", total)
	}
}

// needsDatabase is false for methods that may do nothing with the arguments of
// this test: they stage, or have nothing to write.
func needsDatabase(method string) bool {
	switch method {
	case "GetManySessions", "PutManySessions", "PutAppStateVersion", "DeleteAppStateMutationMACs", "PutMessageSecrets",
		"PutMessageSecret", "PutAllContactNames", "PutManyRedactedPhones", "PutManyLIDMappings", "GetManyLIDsForPNs", "PutPrivacyTokens",
		"MigratePNToLID", "GetOrGenPreKeys", "DoDecryptionTxn":
		return false
	}
	return true
}

// whatsmeows lists the interfaces that whatsmeow wants of its stores.
func whatsmeows() []reflect.Type {
	return []reflect.Type{
		reflect.TypeFor[wastore.AllSessionSpecificStores](),
		reflect.TypeFor[wastore.LIDStore](),
		reflect.TypeFor[wastore.DeviceContainer](),
	}
}

// argue makes argument number n of a method.
type argue func(t *testing.T, d *Device, method string, n int, typ reflect.Type) reflect.Value

// callWith calls a method with the arguments that argue makes.
func callWith(t testing.TB, d *Device, iface reflect.Type, name string, argue argue) error {
	t.Helper()
	target := reflect.ValueOf(d.stores)
	switch iface {
	case reflect.TypeFor[wastore.LIDStore]():
		target = reflect.ValueOf(d.LIDs)
	case reflect.TypeFor[wastore.DeviceContainer]():
		target = reflect.ValueOf(d.Container)
		id := pnJID("1")
		d.ID = &id
	}
	m := target.MethodByName(name)
	args := make([]reflect.Value, m.Type().NumIn())
	for i := range args {
		args[i] = argue(t.(*testing.T), d, name, i, m.Type().In(i))
	}
	call := m.Call
	if m.Type().IsVariadic() {
		call = m.CallSlice
	}
	out := call(args)
	err, _ := out[len(out)-1].Interface().(error)
	return err
}

func argument(t *testing.T, d *Device, typ reflect.Type) reflect.Value {
	switch typ {
	case reflect.TypeFor[context.Context]():
		return reflect.ValueOf(t.Context())
	case reflect.TypeFor[*wastore.Device]():
		return reflect.ValueOf(d.Device)
	case reflect.TypeFor[types.JID]():
		return reflect.ValueOf(types.JID{User: "1", Server: types.DefaultUserServer})
	case reflect.TypeFor[func(context.Context) error]():
		return reflect.ValueOf(func(context.Context) error { return nil })
	case reflect.TypeFor[[]byte]():
		return reflect.ValueOf([]byte("x"))
	case reflect.TypeFor[string]():
		return reflect.ValueOf("1:0")
	}
	return reflect.Zero(typ)
}

func TestPanicIsTold(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	var told error
	d.OnFault(func(err error) { told = err })
	d.stores.cache = nil // whatever goes wrong inside
	_, err := d.Sessions.GetSession(t.Context(), "5_1:0")
	if err == nil || told == nil {
		t.Fatalf("got error %v, told %v; want both", err, told)
	}
}

func TestClosedDatabase(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	must(t, d.Sessions.PutSession(t.Context(), "5_1:0", []byte("one")))
	order := []string{}
	d.OnFault(func(error) { order = append(order, "told") })
	must(t, p.db.Close())
	if err := d.Sessions.PutSession(t.Context(), "5_1:0", []byte("two")); err != nil {
		order = append(order, "returned")
	}
	if !reflect.DeepEqual(order, []string{"told", "returned"}) {
		t.Errorf("got %v, want told before returned", order)
	}
	if value, ok, _ := d.stores.cache.get(sessionKey("5_1:0")); !ok || string(value) != string(encodeBytes([]byte("one"))) {
		t.Errorf("the cache has %q after a failed commit", value)
	}
	if _, err := d.MsgSecrets, d.MsgSecrets.PutMessageSecret(t.Context(), pnJID("1"), pnJID("2"), "id", []byte("s")); err == nil {
		t.Error("a write after a fault was taken")
	}
	if len(order) != 2 {
		t.Errorf("told more than once: %v", order)
	}
}

func TestCancelledContextIsNoFault(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	faults := countFaults(d)
	ctx, cancel := context.WithCancel(t.Context())
	err := d.EventBuffer.DoDecryptionTxn(ctx, func(ctx context.Context) error {
		must(t, d.Sessions.PutSession(ctx, "5_1:0", []byte("one")))
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if _, err := d.Sessions.GetSession(ctx, "5_1:0"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if faults() != 0 {
		t.Error("the end of our own context was taken for a fault")
	}
	if has := get(d.Sessions.HasSession(t.Context(), "5_1:0"))(t); has {
		t.Error("a cancelled decryption was written")
	}
}

func TestPanicWhileDecrypting(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	faults := countFaults(d)
	poison := func(d *Device) func(context.Context) error {
		return func(ctx context.Context) error {
			must(t, d.Sessions.PutSession(ctx, "5_1:0", []byte("half")))
			panic("libsignal stumbled")
		}
	}
	if err := d.EventBuffer.DoDecryptionTxn(t.Context(), poison(d)); err == nil {
		t.Fatal("no error")
	}
	if faults() != 1 {
		t.Error("the first panic did not stop the run")
	}
	d = p.device("one")
	faults = countFaults(d)
	if has := get(d.Sessions.HasSession(t.Context(), "5_1:0"))(t); has {
		t.Error("half a decryption was written")
	}
	if err := d.EventBuffer.DoDecryptionTxn(t.Context(), poison(d)); err == nil {
		t.Fatal("no error")
	}
	if faults() != 0 {
		t.Error("the same message stops every run")
	}
	must(t, d.Sessions.PutSession(t.Context(), "5_1:0", []byte("the lock is free")))
}

func TestErrorOfDecryptionIsNoFault(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	faults := countFaults(d)
	want := errors.New("old counter")
	if err := d.EventBuffer.DoDecryptionTxn(t.Context(), func(context.Context) error { return want }); !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
	if faults() != 0 {
		t.Error("an undecryptable message was taken for a fault")
	}
}

func TestFaultBeforeListener(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	must(t, p.db.Close())
	if _, err := d.Sessions.GetSession(t.Context(), "5_1:0"); err == nil {
		t.Fatal("no error")
	}
	if faults := countFaults(d); faults() != 1 {
		t.Error("a listener that came later was not told")
	}
}
