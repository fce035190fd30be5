// Package phone is the primary device of a simulated WhatsApp account: its keys, its Signal
// sessions, the messages it writes and reads, and the app state it shares with its companions.
//
// It does no input or output. Bytes go in, bytes come out, and what must survive a restart is
// handed over as small records. The caller owns the wire, the disk and the clock.
//
// A Phone belongs to one goroutine at a time; the caller locks. After every call that may have
// changed something the caller takes Changes and commits it before anything made by that call
// leaves the process: a ratchet that steps back breaks a chat for good. When the commit fails,
// the Phone is ahead of its records and must be thrown away and loaded again.
package phone

import (
	"crypto/rand"
	"errors"
	"io"

	"go.mau.fi/whatsmeow/types"
)

// Phone is one account's primary device, device number 0.
type Phone struct {
	number string
	lid    string
	random io.Reader

	changes map[string][]byte
}

// New makes a phone with fresh keys for a number and a LID, both digits only. Random may be nil,
// which means crypto/rand. (Ratchet keys always come from crypto/rand: libsignal makes them.)
// All records of the new phone are in Changes.
func New(number, lid string, random io.Reader) (*Phone, error) {
	if random == nil {
		random = rand.Reader
	}
	return nil, errors.New("phone: cannot be made yet")
}

// Load brings back a phone from all its records, as Changes gave them. Random as in New.
func Load(records map[string][]byte, random io.Reader) (*Phone, error) {
	return nil, errors.New("phone: cannot be loaded yet")
}

// Changes returns the records written since the last call and forgets that they changed. A nil
// value means that the record is to be deleted. Keys are plain ASCII words such as "identity",
// "session/777_1.2", "prekey/12"; one message changes three or four of them. Values contain
// secrets. The result is nil when nothing changed.
func (p *Phone) Changes() map[string][]byte {
	changed := p.changes
	p.changes = nil
	return changed
}

// Number returns the digits of the phone number.
func (p *Phone) Number() string { return p.number }

// JID returns number@s.whatsapp.net.
func (p *Phone) JID() types.JID { return types.NewJID(p.number, types.DefaultUserServer) }

// LID returns digits@lid.
func (p *Phone) LID() types.JID { return types.NewJID(p.lid, types.HiddenUserServer) }

// Identity returns the public identity key.
func (p *Phone) Identity() [32]byte { return [32]byte{} }

// RegistrationID returns the Signal registration id.
func (p *Phone) RegistrationID() uint32 { return 0 }
