package signal

import (
	"context"

	"go.mau.fi/libsignal/protocol"
	"go.mau.fi/libsignal/state/record"
	wastore "go.mau.fi/whatsmeow/store"
)

// staleStore is a device that loads a record which was read some time ago.
type staleStore struct {
	*wastore.Device
	raw []byte
}

func (s *staleStore) LoadSession(context.Context, *protocol.SignalAddress) (*record.Session, error) {
	return record.NewSessionFromBytes(s.raw, serial.Session, serial.State)
}
