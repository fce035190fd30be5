package session

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// maxWindow is how many messages of a session may be on the wire at once.
const maxWindow = 16

// window is what a sender has on the wire: messages that wait for the disk to leave, or
// have left, and whose acks are still to come. The library keeps all others back until a
// message is acked; here it is told beforehand that it is, once the ratchets are handed
// in, and the true ack comes to us. So the commits of neighbouring messages share one
// fsync, and no message waits for the way to WhatsApp and back of the one before it.
//
// Outcomes leave it in the order in which the messages went out. What was not acked, because the
// line broke or was silent, comes back to the sender, the oldest first, and goes out
// again before anything new does.
type window struct {
	o      *sender
	finish func(result) // gets the outcomes
	wire   chan launched
	on     sync.WaitGroup // what is on the wire
	checks sync.WaitGroup // checkDevices; they end with o.ctx
	ended  chan struct{}
	bell   chan struct{} // rings when something came back; one slot

	mu   sync.Mutex
	lost []*parcel // came back, the oldest first
}

// launched is a message whose ack is to come, or, without parcel, an outcome that waits for its
// turn.
type launched struct {
	parcel *parcel
	result result
}

func newWindow(o *sender, finish func(result)) *window {
	w := &window{o: o, finish: finish, wire: make(chan launched, maxWindow), ended: make(chan struct{}), bell: make(chan struct{}, 1)}
	go w.watch()
	return w
}

// launch takes in a message that is on its way. It waits while there are too many.
func (w *window) launch(p *parcel) {
	p.until = time.Now().Add(w.o.s.m.scaled(ackTime))
	w.on.Add(1)
	w.wire <- launched{parcel: p}
}

// done takes in an outcome.
func (w *window) done(r result) {
	w.on.Add(1)
	w.wire <- launched{result: r}
}

// back returns what came back, the oldest first. If there is any it first waits for the fate
// of all that is on the wire.
func (w *window) back() []*parcel {
	if len(w.take(false)) == 0 {
		return nil
	}
	w.on.Wait()
	return w.take(true)
}

func (w *window) take(all bool) []*parcel {
	w.mu.Lock()
	defer w.mu.Unlock()
	lost := w.lost
	if all {
		w.lost = nil
	}
	return lost
}

// close waits for the fate of all that is on the wire and returns what came back.
func (w *window) close() []*parcel {
	close(w.wire)
	<-w.ended
	return w.take(true)
}

// watch awaits the acks, in the order of the messages.
func (w *window) watch() {
	defer close(w.ended)
	for l := range w.wire {
		if l.parcel == nil {
			w.finish(l.result)
		} else if r, ok := w.confirm(l.parcel); ok {
			w.finish(r)
		} else {
			w.giveBack(l.parcel)
		}
		w.on.Done()
	}
}

func (w *window) giveBack(p *parcel) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost = append(w.lost, p)
	ring(w.bell)
}

// foretell makes the library believe that a message is acked as soon as its ratchets are
// handed in, and takes its place in waiting for the ack. It does so for messages to
// people only: acks of groups and newsletters tell the library more.
func (o *sender) foretell(ctx context.Context, p *parcel) {
	people := p.to.Server == types.DefaultUserServer || p.to.Server == types.HiddenUserServer
	//lint:ignore SA1019 the library waits for acks by no other way
	id, client := p.job.MessageID, o.run.client.DangerousInternals()
	o.run.device.Moved(ctx, func() {
		p.left = true
		if people && client.ReceiveResponse(ctx, fakeAck(id)) { // no: the line broke, and the library knows already
			p.ack = client.WaitResponse(id)
		}
	})
}

func fakeAck(id string) *binary.Node {
	return &binary.Node{Tag: "ack", Attrs: binary.Attrs{"id": id, "t": "0"}}
}

// confirm waits for the ack of a message. false: nobody knows whether it arrived, so it has to
// go out again.
func (w *window) confirm(p *parcel) (result, bool) {
	o := w.o
	ack, err := o.awaitAck(p)
	if err == nil {
		err = ackError(ack)
	}
	o.s.m.acks.note(err, true)
	if err != nil {
		p.attempt++
		if why := o.judge(p, err); why.final {
			return failed(p.job, why), true
		}
		return result{}, false
	}
	p.sent.Timestamp = ack.AttrGetter().UnixTime("t")
	if hash := ack.AttrGetter().OptionalString("phash"); hash != "" {
		chat, own := p.sent.Chat, p.sent.Sender.ToNonAD()
		w.checks.Go(func() { o.checkDevices(chat, own, hash) }) // who may ask WhatsApp, which the next acks do not wait for
	}
	return o.arrived(p), true
}

func (o *sender) awaitAck(p *parcel) (*binary.Node, error) {
	timer := time.NewTimer(time.Until(p.until))
	defer timer.Stop()
	var err error
	select {
	case ack := <-p.ack:
		return answered(ack)
	case <-timer.C:
		err = whatsmeow.ErrMessageTimedOut
	case <-o.run.ctx.Done():
		err = o.run.ctx.Err()
	}
	select {
	case ack := <-p.ack: // it came while those before it were waited for
		return answered(ack)
	default:
	}
	// Takes us out of those who wait. The library's own way closes the channel, into which an ack may just be put.
	//lint:ignore SA1019 see foretell
	o.run.client.DangerousInternals().ReceiveResponse(o.run.ctx, fakeAck(p.job.MessageID))
	return nil, err
}

// answered tells an ack from what the library says to all who wait when a line ends.
func answered(ack *binary.Node) (*binary.Node, error) {
	if ack == nil || ack.Tag != "ack" {
		return nil, whatsmeow.ErrNotConnected
	}
	return ack, nil
}

// ackError is the library's error for a message that WhatsApp refused.
func ackError(ack *binary.Node) error {
	if code := ack.AttrGetter().OptionalInt("error"); code != 0 {
		return fmt.Errorf("%w %d", whatsmeow.ErrServerReturnedError, code)
	}
	return nil
}

// checkDevices makes the library ask anew for the devices of a chat when WhatsApp knows of
// others than those that the message was for.
func (o *sender) checkDevices(chat, own types.JID, hash string) {
	devices, err := o.run.client.GetUserDevices(o.ctx, []types.JID{chat, own})
	if err == nil && devicesHash(devices) == hash {
		return
	}
	//lint:ignore SA1019 the library forgets devices by no other way
	o.run.client.DangerousInternals().HandleDeviceNotification(o.ctx, &binary.Node{Tag: "notification",
		Attrs: binary.Attrs{"from": chat}, Content: []binary.Node{{Tag: "update"}}})
}

// devicesHash names a set of devices as WhatsApp does.
func devicesHash(devices []types.JID) string {
	names := make([]string, len(devices))
	for i, d := range devices {
		names[i] = d.ADString()
	}
	slices.Sort(names)
	sum := sha256.Sum256([]byte(strings.Join(names, "")))
	return "2:" + base64.RawStdEncoding.EncodeToString(sum[:6])
}
