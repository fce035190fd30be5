package session

import (
	"context"
	"sync"
	"sync/atomic"

	"go.mau.fi/whatsmeow"

	"wamux/store/signal"
	"wamux/svc/session/convert"
)

// run is one life of a session's client: from loading the device until it is
// stopped or breaks. A connection that merely drops is made again inside the
// same run; after a fault only a new run may touch the device.
type run struct {
	client *whatsmeow.Client
	line   *line
	device *signal.Device
	ctx    context.Context // everything the client does hangs on it
	cancel context.CancelFunc

	handling *gate          // event handlers
	dialling sync.WaitGroup // the goroutine that connects
	broken   atomic.Bool
}

// newRun loads the session's device and makes a client for it. onFault is
// called at most once, from any goroutine, when the run broke.
func (s *session) newRun(ctx context.Context) (*run, error) {
	device, err := s.m.signal.Device(ctx, s.id)
	if err != nil {
		return nil, err
	}
	r := &run{device: device, handling: newGate(), line: newLine(s.m.transport)}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.client = newClient(device.Device, libLog{log: s.log}, s.m.transport, r.line.transport)
	r.client.BackgroundEventCtx = r.ctx
	device.OnFault(func(err error) { s.fail(r, storeFault(err), err) })
	r.client.AddEventHandlerWithSuccessStatus(func(evt any) bool { return s.handle(r, evt) })
	return r, nil
}

// own is who we are, without device; empty before pairing.
func (r *run) own() convert.Own {
	return convert.Own{JID: r.device.GetJID().ToNonAD(), LID: r.device.GetLID().ToNonAD()}
}

// up tells whether there is a connection that WhatsApp let in.
func (r *run) up() bool {
	return r.client.IsConnected() && r.client.IsLoggedIn()
}

// connect takes a token of l and opens the connection, in a goroutine of its
// own; report gets the outcome.
func (r *run) connect(l *limiter, report func(error)) {
	r.dialling.Add(1)
	go func() {
		defer r.dialling.Done()
		if err := l.wait(r.ctx); err != nil {
			return
		}
		report(r.client.ConnectContext(r.ctx))
	}()
}

// hangUp closes the connection.
func (r *run) hangUp() {
	r.line.park()
	r.client.Disconnect()
}

// stop cuts everything off at once: nothing is acknowledged after it.
func (r *run) stop() {
	r.line.park()
	r.cancel()
}

// end closes the connection and stops everything. A gentle end lets a handler
// that is at work send its ack; one that is not gentle cuts it off first. It
// returns when nothing of the run touches the device any more.
func (r *run) end(gentle bool) {
	if !gentle {
		r.stop()
	}
	r.handling.close()
	if gentle {
		<-r.handling.empty
	}
	r.hangUp()
	r.cancel()
	r.dialling.Wait()
	<-r.handling.empty
	r.line.close()
}
