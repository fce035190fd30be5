package signal

import (
	"context"

	wastore "go.mau.fi/whatsmeow/store"
)

// Device is the whatsmeow device of one run of one session. Give its embedded
// *store.Device to whatsmeow.NewClient; all its stores are ours from the start.
type Device struct {
	*wastore.Device
}

// OnFault registers fn, which is called at most once in the life of a Device,
// BEFORE the store method that failed returns its error or recovered panic to
// whatsmeow. fn must cancel Client.BackgroundEventCtx and come back quickly; it
// must not call the Device. Register before connecting. After a fault every
// method of the stores fails: make a new Device for the next run.
func (d *Device) OnFault(fn func(error)) {}

// SendContext marks ctx as one SendMessage. Pass the result to SendMessage and
// call release, which is never nil, as soon as it has returned. One context
// serves one send.
func (d *Device) SendContext(ctx context.Context) (context.Context, func()) {
	return ctx, func() {}
}

// Paired tells whether this device is linked to an account.
func (d *Device) Paired() bool { return d.Device.ID != nil }
