package phone

import (
	"errors"

	"go.mau.fi/whatsmeow/types"
)

// PreKey is a public pre-key. Signature is nil for a one-time key, 64 bytes for a signed one.
type PreKey struct {
	ID        uint32
	Public    [32]byte
	Signature []byte
}

// Bundle is what somebody needs to write to a device for the first time.
type Bundle struct {
	RegistrationID uint32
	Identity       [32]byte
	Signed         PreKey
	OneTime        *PreKey // nil when the device has run out of them
}

// The two types of an enc node that a phone makes and reads.
const (
	TypeMessage = "msg"
	TypePreKey  = "pkmsg"
)

// Encrypted is the content of one enc node, padding version 2.
type Encrypted struct {
	Type string // TypeMessage or TypePreKey
	Data []byte
}

// Why a message cannot be decrypted. Errors of Decrypt and Encrypt match one of them by errors.Is.
var (
	ErrNoSession  = errors.New("there is no session with this device")
	ErrNoPreKey   = errors.New("the message names a pre-key that is used up or was never ours")
	ErrBadMAC     = errors.New("no session with this device can authenticate the message")
	ErrOldCounter = errors.New("the key of this message was used before, and the message is not in memory any more")
	ErrDuplicate  = errors.New("this very message was decrypted before")
	ErrReused     = errors.New("another message with this ratchet key and counter was decrypted before")
	ErrMalformed  = errors.New("this is no Signal message")
)

// Bundle hands out the identity, the signed pre-key and a one-time pre-key that nobody got before.
func (p *Phone) Bundle() (Bundle, error) { return Bundle{}, ErrNoSession }

// HasSession tells whether Encrypt can do without a bundle. Addresses are device JIDs (user, server
// and device number); a number and a LID are two addresses even when they are one account: use the
// LID, as WhatsApp does, wherever it is known.
func (p *Phone) HasSession(device types.JID) bool { return false }

// DropSession forgets everything about a device except what it sent (so that ErrReused still works).
func (p *Phone) DropSession(device types.JID) {}

// SenderIdentity returns the identity key under which a device last wrote to us or we to it.
func (p *Phone) SenderIdentity(device types.JID) ([32]byte, bool) { return [32]byte{}, false }

// Encrypt pads and encrypts a plaintext for a device. With a bundle it starts a new session, whether
// or not there is one (older states stay usable for what is on its way); without one it needs a
// session, else the error is ErrNoSession. Bundles with a bad signature give ErrMalformed.
func (p *Phone) Encrypt(to types.JID, plaintext []byte, bundle *Bundle) (Encrypted, error) {
	return Encrypted{}, ErrNoSession
}

// Decrypt decrypts the content of an enc node (kind is its type, "msg" or "pkmsg") and strips the
// padding. On an error nothing has changed. An unknown or changed identity is trusted.
func (p *Phone) Decrypt(from types.JID, kind string, data []byte) ([]byte, error) {
	return nil, ErrMalformed
}
