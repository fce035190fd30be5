package signal

import (
	"context"

	"go.mau.fi/whatsmeow/types"
)

// ownAddresses are the Signal addresses of this device.
type ownAddresses struct{ pn, lid string }

// setOwn remembers who this device is.
func (s *stores) setOwn(pn, lid types.JID) {
	own := &ownAddresses{}
	if !pn.IsEmpty() {
		own.pn = pn.SignalAddress().String()
	}
	if !lid.IsEmpty() {
		own.lid = lid.SignalAddress().String()
	}
	s.own.Store(own)
}

func (o *ownAddresses) has(address string) bool {
	return o != nil && address != "" && (address == o.pn || address == o.lid)
}

// GetSenderKey returns the sender key of an address in a group, or nil.
func (s *stores) GetSenderKey(ctx context.Context, group, user string) (record []byte, err error) {
	defer s.guard(ctx, &err)
	key := senderKeyKey(group, user)
	value, err := s.movedRow(ctx, key, user)
	if err != nil {
		return nil, err
	}
	return decodeBytes(key, value)
}

// PutSenderKey writes the sender key of an address in a group. Our own is on
// disk when it returns. Somebody else's that came with a message is on disk
// before that message is acked.
//
// Our own is written by sends, which whatsmeow runs one at a time, and made by
// whoever answers a retry receipt for a group we have none in. The latter has
// no context of ours: when a send was faster its key stays.
func (s *stores) PutSenderKey(ctx context.Context, group, user string, record []byte) (err error) {
	defer s.guard(ctx, &err)
	key, stage := senderKeyKey(group, user), func(b *batch) {
		b.put(senderKeyKey(group, user), encodeBytes(record))
	}
	s.moved.saw(user)
	if !s.own.Load().has(user) {
		return s.changeLate(ctx, stage)
	}
	if s.work(ctx) != nil {
		return s.settle(ctx, stage)
	}
	return s.alone(ctx, func() error {
		old, err := s.row(ctx, key)
		if err != nil {
			return err
		}
		if old != nil {
			return refuse("a sender key of ours for %s was made meanwhile, it stays", group)
		}
		return s.change(ctx, stage)
	})
}
