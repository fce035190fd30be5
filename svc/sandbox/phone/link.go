package phone

import (
	"errors"
	"time"
)

// QR is what a person's phone reads from a companion's QR code.
type QR struct {
	Ref      string   // one of the refs the server handed out in pair-device
	Noise    [32]byte // the companion's Noise public key
	Identity [32]byte // the companion's Signal identity key
	Secret   [32]byte // the adv secret that only the companion and we know
	Client   string   // client type such as "1" for Chrome; "" in the old form
}

// ErrQR says that a text is no linking code.
var ErrQR = errors.New("this is not a WhatsApp linking code: scan or paste the whole text of the QR code")

// ParseQR reads the text of a QR code: the fields ref, noise key, identity key, secret and client
// type, separated by commas, bare or behind the # of a URL.
func ParseQR(text string) (QR, error) { return QR{}, ErrQR }

// Link is the answer to a companion that asked to be linked.
type Link struct {
	Container []byte // ADVSignedDeviceIdentityHMAC, the content of device-identity in pair-success
	KeyIndex  uint32 // of this device, for device lists
}

// Link signs a companion's identity key and authenticates the result with its adv secret, which
// comes from the QR code or from CodeLink.Finish. Each call uses up one key index.
func (p *Phone) Link(identity, secret [32]byte, now time.Time) (Link, error) {
	return Link{}, errors.New("phone: cannot link yet")
}

// ErrSignature says that a device identity is not signed as it must be.
var ErrSignature = errors.New("the device identity is not signed by its account and its device")

// CheckSign verifies the device-identity that a companion returns in pair-device-sign: our own
// signature over its identity key, and its counter-signature. It returns the key index.
func (p *Phone) CheckSign(identity [32]byte, answer []byte) (uint32, error) { return 0, ErrSignature }

// CheckDevice verifies the device-identity that comes with a pkmsg from anyone's companion, whose
// identity key is given (see SenderIdentity).
func CheckDevice(identity [32]byte, signed []byte) error { return ErrSignature }

// Unlink strikes a key index from the list of valid ones.
func (p *Phone) Unlink(keyIndex uint32) {}

// KeyIndexes returns the signed list of valid key indexes (ADVSignedKeyIndexList), the content of
// key-index-list in device lists.
func (p *Phone) KeyIndexes(now time.Time) ([]byte, error) {
	return nil, errors.New("phone: cannot sign yet")
}
