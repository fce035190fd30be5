package session

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"

	"wamux/store/signal"
	"wamux/svc/session/convert"
)

// How long a run may take to come down.
const (
	handshakeTime = 5 * time.Second       // for a handshake that cannot be broken off
	farewellTime  = 50 * time.Millisecond // for the library to note that the other side closed
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

	handling *gate         // event handlers
	turn     sync.Mutex    // of the one message that is handled: a handler may outlive its line, and the next brings others
	dialled  chan struct{} // closed when the last attempt to connect is over; nil before the first
	down     chan struct{} // gets a value when the library says that a connection is gone
	broken   atomic.Bool

	who atomic.Pointer[account]
}

// account is who the client's device says we are. The library takes that out
// of the device when WhatsApp unlinks us, in a goroutine of its own, so a run
// keeps a copy.
type account struct {
	device   types.JID // with device number; empty before pairing
	own      convert.Own
	platform string
}

// newRun loads the session's device and makes a client for it.
func (s *session) newRun(ctx context.Context) (*run, error) {
	device, err := s.m.signal.Device(ctx, s.id)
	if err != nil {
		return nil, err
	}
	r := &run{device: device, line: newLine(s.m.transport, device), handling: newGate(), down: make(chan struct{}, 1)}
	r.learn()
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.client = newClient(device.Device, libLog{log: s.log}, s.m.transport, r.line.transport)
	r.client.BackgroundEventCtx = r.ctx
	device.OnFault(func(err error) { s.fail(r, storeFault(err), err) })
	r.client.AddEventHandlerWithSuccessStatus(func(evt any) bool { return s.handle(r, evt) })
	return r, nil
}

// learn copies who we are from the device: at the beginning, and whenever the
// library has just told that it changed.
func (r *run) learn() {
	jid := r.device.GetJID()
	r.who.Store(&account{jid, convert.Own{JID: jid.ToNonAD(), LID: r.device.GetLID().ToNonAD()}, r.device.Platform})
}

// own is who we are, without device; empty before pairing.
func (r *run) own() convert.Own { return r.who.Load().own }

// up tells whether there is a connection that WhatsApp let in.
func (r *run) up() bool {
	return r.client.IsConnected() && r.client.IsLoggedIn()
}

// connect takes a token of l and opens the connection, in a goroutine of its
// own; report gets the outcome.
func (r *run) connect(l *limiter, report func(error)) {
	select {
	case <-r.down: // of the last connection
	default:
	}
	dialled := make(chan struct{})
	r.dialled = dialled
	r.line.begin(dialled)
	go func() {
		defer close(dialled)
		if err := l.wait(r.ctx); err != nil {
			return
		}
		report(r.open())
	}()
}

// open connects. A panic of the library is an error like others.
func (r *run) open() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic while connecting: %v", p)
		}
	}()
	return r.client.ConnectContext(r.ctx)
}

// gone notes that the library has noticed the end of a connection.
func (r *run) gone() {
	select {
	case r.down <- struct{}{}:
	default:
	}
}

// hangUp closes the connection. Where the other side, or a fault, has closed it
// already, the library first gets the time to notice: it is not made for both
// at once.
func (r *run) hangUp() {
	if r.line.park(); r.line.broke() || r.ctx.Err() != nil {
		await(r.down, farewellTime)
	}
	r.client.Disconnect()
}

// stop cuts everything off at once: nothing is acknowledged after it.
func (r *run) stop() {
	r.line.park()
	r.cancel()
}

// end closes the connection and stops everything. A gentle end lets a handler
// that is at work send its ack. It returns when nothing of the run touches the
// device any more.
func (r *run) end(gentle bool) {
	r.handling.close()
	if gentle {
		await(r.handling.empty, drainTime)
	}
	if !r.landed() {
		go r.abandon()
		return
	}
	r.forsake()
	r.hangUp()
	r.cancel()
	<-r.handling.empty
	r.line.close()
}

// landed waits for an attempt to connect. Dialling can be broken off, but not
// the handshake after it, which holds the library's lock.
func (r *run) landed() bool {
	if r.dialled == nil {
		return true
	}
	if r.line.dialling() {
		r.cancel()
	}
	if await(r.dialled, handshakeTime) {
		return true
	}
	r.cancel()
	return await(r.dialled, time.Second)
}

// abandon tidies up after a handshake that hung, when the library gives it up.
func (r *run) abandon() {
	<-r.dialled
	r.forsake()
	r.client.Disconnect()
	r.line.close()
}

// forsake tells all who wait for an answer over the connection that none will come. The
// library asks some questions in a context that nobody can end (message.go,
// handleProtocolMessage), and waits 75 seconds for their answers (request.go) with its lock
// of the app state in hand. An error of the stream with this code makes it give up at once,
// where the end of one makes it wait for the next.
func (r *run) forsake() {
	//lint:ignore SA1019 there is no other way to them
	r.client.DangerousInternals().ClearResponseWaiters(&binary.Node{Tag: "stream:error", Attrs: binary.Attrs{"code": "401"}})
}
