package signal

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/proto/waAdv"
	"go.mau.fi/whatsmeow/types"

	"wamux/store"
)

// place is a database with a container, which a test can close and open again.
type place struct {
	t     testing.TB
	path  string
	now   time.Time          // the database's clock; zero means the real one
	fault func(string) error // of the store's options
	db    *store.DB
	*Container
}

func newPlace(t testing.TB) *place {
	t.Helper()
	p := &place{t: t, path: filepath.Join(t.TempDir(), "wamux.db")}
	p.open()
	t.Cleanup(func() { _ = p.db.Close() })
	return p
}

func (p *place) open() {
	p.t.Helper()
	quietLog := slog.New(slog.DiscardHandler)
	db, err := store.Open(p.t.Context(), store.Options{Path: p.path, Log: quietLog, Now: p.clock, Fault: p.fault})
	if err != nil {
		p.t.Fatalf("open the database: %v", err)
	}
	p.db = db
	if p.Container, err = Open(p.t.Context(), db, quietLog); err != nil {
		p.t.Fatalf("open the container: %v", err)
	}
}

func (p *place) clock() time.Time {
	if p.now.IsZero() {
		return time.Now()
	}
	return p.now
}

func (p *place) close() {
	p.t.Helper()
	if err := p.db.Close(); err != nil {
		p.t.Fatalf("close the database: %v", err)
	}
}

func (p *place) reopen() {
	p.t.Helper()
	p.close()
	p.open()
}

// unpaired adds a session and returns its device.
func (p *place) unpaired(session string) *Device {
	p.t.Helper()
	if _, _, err := p.db.AddSession(p.t.Context(), session, 0); err != nil {
		p.t.Fatalf("add the session: %v", err)
	}
	return p.device(session)
}

// device returns a device for a new run of a session.
func (p *place) device(session string) *Device {
	p.t.Helper()
	d, err := p.Device(p.t.Context(), session)
	if err != nil {
		p.t.Fatalf("device of %s: %v", session, err)
	}
	return d
}

// paired adds a session and links it, as pairing does.
func (p *place) paired(session, phone, lid string) *Device {
	p.t.Helper()
	d := p.unpaired(session)
	link(p.t, d, phone, lid)
	return d
}

func link(t testing.TB, d *Device, phone, lid string) {
	t.Helper()
	id := types.JID{User: phone, Device: 3, Server: types.DefaultUserServer}
	d.ID, d.LID = &id, types.JID{User: lid, Device: 3, Server: types.HiddenUserServer}
	d.Account = &waAdv.ADVSignedDeviceIdentity{
		Details: []byte("details"), AccountSignature: []byte("sig"), AccountSignatureKey: []byte("key"), DeviceSignature: []byte("dev"),
	}
	d.PushName, d.Platform = "Ada", "android"
	if err := d.Save(t.Context()); err != nil {
		t.Fatalf("save the device: %v", err)
	}
}

// must fails the test at an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// get fails the test at an error and returns the value.
func get[V any](v V, err error) func(testing.TB) V {
	return func(t testing.TB) V {
		t.Helper()
		must(t, err)
		return v
	}
}

// rows counts rows, when all that was handed in is on disk.
func (p *place) rows(query string, args ...any) (n int) {
	p.t.Helper()
	must(p.t, p.db.Update(context.Background(), func(*store.Tx) error { return nil }))
	must(p.t, p.db.View(context.Background(), func(tx *store.Tx) error { return tx.QueryRow(query, args...).Scan(&n) }))
	return n
}

func pnJID(user string) types.JID  { return types.JID{User: user, Server: types.DefaultUserServer} }
func lidJID(user string) types.JID { return types.JID{User: user, Server: types.HiddenUserServer} }
