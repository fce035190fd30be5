package signal

import (
	"context"

	"go.mau.fi/whatsmeow/types"
)

// movedRow returns the row of an address, as row does. WhatsApp moves accounts
// from their phone number to a LID. whatsmeow takes along what we have of them
// when it meets the number again, or sends; a message that comes from the LID before
// that would find no ratchet, and could not be read. So what is looked for in
// vain while decrypting, under the ratchet lock, is looked for under the number.
func (s *stores) movedRow(ctx context.Context, key, address string) ([]byte, error) {
	value, err := s.row(ctx, key)
	if w := s.work(ctx); value != nil || err != nil || w == nil || w.sending {
		return value, err
	}
	if moved, err := s.follow(ctx, address); !moved || err != nil {
		return nil, err
	}
	return s.row(ctx, key)
}

// follow moves what there is of a LID's phone number to the LID. The ratchet lock
// is held.
func (s *stores) follow(ctx context.Context, address string) (moved bool, err error) {
	a, ok := parseAddress(address)
	if !ok || a.agent != lidAgent {
		return false, nil
	}
	pn, err := s.lids.pn(ctx, types.JID{User: a.user, Server: types.HiddenUserServer})
	if err != nil || pn.IsEmpty() {
		return false, err
	}
	from := pn.SignalAddressUser()
	may, known := s.moved.may(from)
	if known && !may {
		return false, nil
	}
	return true, s.migrate(ctx, from, a.name(), known)
}
