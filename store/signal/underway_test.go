package signal

import (
	"errors"
	"testing"

	"wamux/store"
)

// block keeps the database's writer busy until free is called.
func (p *place) block() (free func()) {
	p.t.Helper()
	busy, release := make(chan struct{}), make(chan struct{})
	go p.db.Update(p.t.Context(), func(*store.Tx) error {
		close(busy)
		<-release
		return nil
	})
	<-busy
	return func() { close(release) }
}

// TestUnderway: what is on its way to the disk is seen by the session at once, is
// not marked as there, and is there after Wait.
func TestUnderway(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	free := p.block()
	ctx, release := d.SendContext(t.Context())
	must(t, d.Sessions.PutManySessions(ctx, map[string][]byte{"2_1:0": []byte("moved")}))
	release()
	mark, on := d.Mark()
	if on {
		t.Error("it is marked as on disk, and the writer has not begun")
	}
	if got := get(d.Sessions.GetSession(t.Context(), "2_1:0"))(t); string(got) != "moved" {
		t.Errorf("the next reader sees %q", got)
	}
	if got := get(d.Sessions.GetManySessions(t.Context(), []string{"2_1:0"}))(t); string(got["2_1:0"]) != "moved" {
		t.Errorf("the next reader of many sees %q", got)
	}
	free()
	must(t, d.Wait(mark))
	if _, on := d.Mark(); !on {
		t.Error("it is not marked as on disk")
	}
	d = p.device("one")
	if got := get(d.Sessions.GetSession(t.Context(), "2_1:0"))(t); string(got) != "moved" {
		t.Errorf("on disk is %q", got)
	}
}

// TestNothingAfterAFailedWrite: a ratchet that stands on one that was lost is lost
// with it, whether it was handed in or waited for, and the run is at its end.
func TestNothingAfterAFailedWrite(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	told := make(chan error, 1)
	d.OnFault(func(err error) { told <- err })
	free := p.block()
	lost := errors.New("the disk lost it")
	must(t, d.Record(t.Context(), 0, func(*store.Tx) error { return lost }))
	must(t, d.Record(t.Context(), 0, func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE whatsapp_sessions SET status = 'after'`)
		return err
	}))
	synced := make(chan error, 1)
	go func() { synced <- d.Identities.PutIdentity(t.Context(), "5_1:0", [32]byte{1}) }()
	mark, _ := d.Mark()
	free()
	if err := d.Wait(mark); !errors.Is(err, lost) {
		t.Errorf("got %v, want what was lost", err)
	}
	if err := <-told; !errors.Is(err, lost) {
		t.Errorf("the listener heard %v", err)
	}
	if err := <-synced; err == nil {
		t.Error("a write that others wait for went through")
	}
	if n := p.rows(`SELECT COUNT(*) FROM whatsapp_sessions WHERE status = 'after'`); n != 0 {
		t.Error("a later write was committed")
	}
	if err := d.Record(t.Context(), 0, func(*store.Tx) error { return nil }); err == nil {
		t.Error("the stores still take writes")
	}
	must(t, p.device("one").Record(t.Context(), 0, func(*store.Tx) error { return nil })) // the next run works
}

// TestRetiredAfterItsWrites: the next run begins when all of the one before is on disk.
func TestRetiredAfterItsWrites(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	free := p.block()
	must(t, d.Record(t.Context(), 0, func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE whatsapp_sessions SET status = 'last words'`)
		return err
	}))
	next := make(chan struct{})
	go func() { p.device("one"); close(next) }()
	free()
	<-next
	if n := p.rows(`SELECT COUNT(*) FROM whatsapp_sessions WHERE status = 'last words'`); n != 1 {
		t.Error("the write of the run before is missing")
	}
}
