package signal

import (
	"context"
	"sync/atomic"

	wastore "go.mau.fi/whatsmeow/store"

	"wamux/store"
)

// Device is the whatsmeow device of one run of one session. Give its embedded
// Device to whatsmeow.NewClient; all its stores are ours from the start, also
// while it is not linked yet.
type Device struct {
	*wastore.Device

	stores *stores
	keeper *keeper
}

// newDeviceOn puts the stores behind a device. paired tells that its
// credentials are in the database.
func newDeviceOn(d *wastore.Device, s *stores, paired bool) *Device {
	k := &keeper{stores: s}
	k.paired.Store(paired)
	d.SetAllStores(s)
	d.LIDs = lidStore{lids: s.lids, breaker: &s.breaker}
	d.Container = k
	d.Initialized = true
	s.setOwn(d.GetJID(), d.GetLID())
	return &Device{Device: d, stores: s, keeper: k}
}

// OnFault registers fn, which is called at most once in the life of a Device,
// BEFORE the store method that failed returns its error or recovered panic to
// whatsmeow; at once when that has happened already. fn must cancel
// Client.BackgroundEventCtx and come back soon; it must not call the Device.
// Register before connecting. After a fault every method of the stores fails:
// make a new Device for the next run.
func (d *Device) OnFault(fn func(error)) { d.stores.onFault(fn) }

// SendContext marks ctx as one SendMessage. Pass the result to SendMessage, and
// call release, which is never nil, as soon as that has returned. One context
// serves one send.
func (d *Device) SendContext(ctx context.Context) (_ context.Context, release func()) {
	return d.stores.sendContext(ctx)
}

// Stage adds writes to a send, whose ctx SendContext made: they commit with the
// ratchets, before the message leaves, or at the latest with release. Both
// prepare, which seals what is secret, and what it returns may run more than once.
func (d *Device) Stage(ctx context.Context, prepare func(store.Sealer) (func(*store.Tx) error, error)) {
	if w := d.stores.work(ctx); w != nil {
		w.stage(func(b *batch) { b.unsealed = append(b.unsealed, prepare) })
	}
}

// Moved registers fn with a send, whose ctx SendContext made: it is called within
// SendMessage when the ratchets that the message moves are handed in, which is
// before a byte of it is written, and not at all when none moves. fn must be quick.
func (d *Device) Moved(ctx context.Context, fn func()) {
	if w := d.stores.work(ctx); w != nil {
		w.moved = fn
	}
}

// Paired tells whether the device is linked to an account. Unlike the fields of
// the embedded Device it may be asked from any goroutine.
func (d *Device) Paired() bool { return d.keeper.paired.Load() }

// keeper keeps the device itself: it is the DeviceContainer of one device.
type keeper struct {
	stores *stores
	paired atomic.Bool
}

var _ wastore.DeviceContainer = (*keeper)(nil)

// PutDevice keeps the credentials; they are on disk when it returns. What an
// earlier account of the session left behind is dropped with the first of a
// new one. The name goes into the session's row too: whatsmeow learns it from
// the first sync with the phone, of which it tells nobody.
func (k *keeper) PutDevice(ctx context.Context, d *wastore.Device) (err error) {
	s := k.stores
	defer s.guard(ctx, &err)
	value, err := encodeCreds(d)
	if err != nil {
		return err
	}
	b := newBatch()
	fresh := !k.paired.Load()
	b.drop = fresh
	b.put(keyCreds, value)
	name := d.PushName
	b.run(func(tx *store.Tx) error { return tx.SetName(s.session, name) })
	if err := s.commit(ctx, b); err != nil {
		return err
	}
	if fresh {
		s.cache.clear()
	}
	s.setOwn(d.GetJID(), d.GetLID())
	k.paired.Store(true)
	return nil
}

// DeleteDevice unlinks: whatsmeow calls it when WhatsApp says that the device
// is gone. The credentials, keys and ratchets are put aside for a week, since
// WhatsApp has been wrong before; nothing uses them by itself. What belongs to
// them in other tables stays where it is for [Container.Undelete]: linking anew
// drops it, and so does the end of the week.
func (k *keeper) DeleteDevice(ctx context.Context, _ *wastore.Device) (err error) {
	s := k.stores
	defer s.guard(ctx, &err)
	b := newBatch()
	b.run(func(tx *store.Tx) error {
		if _, err := tx.Exec(`INSERT INTO deleted_auth (sessionId, key, value, deletedAt)
			SELECT sessionId, key, value, ? FROM auth_data WHERE sessionId = ?`, tx.Now.UnixMilli(), s.session); err != nil {
			return err
		}
		_, err := tx.Exec(`DELETE FROM auth_data WHERE sessionId = ?`, s.session)
		return err
	})
	if err := s.commit(ctx, b); err != nil {
		return err
	}
	s.cache.clear()
	k.paired.Store(false)
	return nil
}

// accountTables hold what belongs to a linked device.
var accountTables = []string{"auth_data", "pre_keys", "app_state_macs", "event_buffer", "outgoing_events"}

// dropAccount deletes what belongs to the linked device, and not to the session:
// message secrets stay with the history that they belong to.
func dropAccount(tx *store.Tx, session string) error {
	for _, table := range accountTables {
		if _, err := tx.Exec(`DELETE FROM `+table+` WHERE sessionId = ?`, session); err != nil {
			return err
		}
	}
	return nil
}
