package phone

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mau.fi/libsignal/ecc"
	"go.mau.fi/libsignal/keys/identity"
	"go.mau.fi/libsignal/keys/prekey"
	"go.mau.fi/libsignal/protocol"
	"go.mau.fi/libsignal/session"
	"go.mau.fi/libsignal/signalerror"
	"go.mau.fi/libsignal/state/record"
	"go.mau.fi/libsignal/util/optional"
	"go.mau.fi/whatsmeow/store"
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
func (p *Phone) Bundle() (Bundle, error) {
	once, err := p.newPreKey()
	if err != nil {
		return Bundle{}, err
	}
	return Bundle{
		RegistrationID: p.self.RegistrationID,
		Identity:       *p.identity.Pub,
		Signed:         PreKey{ID: p.self.SignedID, Public: *p.signed.Pub, Signature: p.self.Signature},
		OneTime:        &once,
	}, nil
}

// HasSession tells whether Encrypt can do without a bundle. Addresses are device JIDs (user, server
// and device number); a number and a LID are two addresses even when they are one account: use the
// LID, as WhatsApp does, wherever it is known.
func (p *Phone) HasSession(device types.JID) bool {
	return p.records.get(keySession(addressOf(device))) != nil
}

// DropSession forgets everything about a device except what it sent (so that ErrReused still works).
func (p *Phone) DropSession(device types.JID) {
	p.records.drop(keySession(addressOf(device)))
	p.records.drop(keyKnown(addressOf(device)))
}

// SenderIdentity returns the identity key under which a device last wrote to us or we to it.
func (p *Phone) SenderIdentity(device types.JID) ([32]byte, bool) {
	key := p.records.get(keyKnown(addressOf(device)))
	if len(key) != 32 {
		return [32]byte{}, false
	}
	return [32]byte(key), true
}

// Encrypt pads and encrypts a plaintext for a device. With a bundle it starts a new session, whether
// or not there is one (older states stay usable for what is on its way); without one it needs a
// session, else the error is ErrNoSession. Bundles with a bad signature give ErrMalformed.
func (p *Phone) Encrypt(to types.JID, plaintext []byte, bundle *Bundle) (Encrypted, error) {
	if bundle == nil && !p.HasSession(to) {
		return Encrypted{}, ErrNoSession
	}
	padded, err := p.pad(plaintext)
	if err != nil {
		return Encrypted{}, err
	}
	s := p.signal(to)
	if bundle != nil {
		if err := s.start(bundle); err != nil {
			return Encrypted{}, err
		}
	}
	message, err := s.cipher.Encrypt(context.Background(), padded)
	if err != nil {
		return Encrypted{}, fmt.Errorf("encrypt a message: %w", err)
	}
	s.commit()
	if message.Type() == protocol.PREKEY_TYPE {
		return Encrypted{Type: TypePreKey, Data: message.Serialize()}, nil
	}
	return Encrypted{Type: TypeMessage, Data: message.Serialize()}, nil
}

// Decrypt decrypts the content of an enc node (kind is its type, "msg" or "pkmsg") and strips the
// padding. On an error nothing has changed. An unknown or changed identity is trusted.
func (p *Phone) Decrypt(from types.JID, kind string, data []byte) (plaintext []byte, err error) {
	// libsignal and its curve take lengths for granted that a hostile message need not keep.
	defer func() {
		if recover() != nil {
			plaintext, err = nil, ErrMalformed
		}
	}()
	message, first, err := parseSignal(kind, data)
	if err != nil {
		return nil, err
	}
	address := addressOf(from)
	name, what := markOf(message)
	if err := p.seen[address].check(name, what); err != nil {
		return nil, err
	}
	s := p.signal(from)
	padded, err := s.decrypt(message, first)
	if err != nil {
		return nil, err
	}
	if plaintext, err = unpad(padded); err != nil {
		return nil, err
	}
	if p.seen[address] == nil {
		p.seen[address] = newSeen()
	}
	s.put(p.seen[address].add(address, name, what))
	s.commit()
	return plaintext, nil
}

func addressOf(device types.JID) string { return device.SignalAddress().String() }

// signal is one operation with the session of one device.
type signal struct {
	signalStore
	address *protocol.SignalAddress
	builder *session.Builder
	cipher  *session.Cipher
}

func (p *Phone) signal(device types.JID) *signal {
	s := &signal{signalStore: signalStore{stage: p.records.stage(), phone: p}, address: device.SignalAddress()}
	s.builder = session.NewBuilder(s, s, s, s, s.address, store.SignalProtobufSerializer)
	s.cipher = session.NewCipher(s.builder, s.address)
	return s
}

// start begins a session of our own making.
func (s *signal) start(b *Bundle) error {
	if len(b.Signed.Signature) != 64 {
		return ErrMalformed
	}
	id, once := optional.NewEmptyUint32(), ecc.ECPublicKeyable(nil)
	if b.OneTime != nil {
		id, once = optional.NewOptionalUint32(b.OneTime.ID), ecc.NewDjbECPublicKey(b.OneTime.Public)
	}
	bundle := prekey.NewBundle(b.RegistrationID, s.address.DeviceID(), id, b.Signed.ID, once,
		ecc.NewDjbECPublicKey(b.Signed.Public), [64]byte(b.Signed.Signature),
		identity.NewKey(ecc.NewDjbECPublicKey(b.Identity)))
	if err := s.builder.ProcessBundle(context.Background(), bundle); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

// decrypt tries the current state, then the older ones. libsignal changes a state even when it
// fails on it, so each try gets a fresh copy of the session, and the one that works is put first.
func (s *signal) decrypt(message *protocol.SignalMessage, first *protocol.PreKeySignalMessage) ([]byte, error) {
	raw := s.get(keySession(s.address.String()))
	if first != nil {
		var err error
		if raw, err = s.accept(first); err != nil {
			return nil, err
		}
	}
	if raw == nil {
		return nil, ErrNoSession
	}
	for try := 0; ; try++ {
		current, err := decodeSession(raw)
		if err != nil {
			return nil, fmt.Errorf("read the session with %s: %w", s.address, err)
		}
		states := append([]*record.State{current.SessionState()}, current.PreviousSessionStates()...)
		if try == len(states) {
			return nil, ErrBadMAC
		}
		plaintext, _, err := s.cipher.DecryptWithState(context.Background(), states[try], message)
		if err == nil {
			s.put(keySession(s.address.String()), promote(current, try))
			return plaintext, nil
		}
		if errors.Is(err, signalerror.ErrOldCounter) {
			return nil, ErrOldCounter
		}
	}
}

// accept begins the session that the first message of somebody else describes, unless it is known,
// and returns it. The one-time pre-key is gone with it.
func (s *signal) accept(first *protocol.PreKeySignalMessage) ([]byte, error) {
	current, err := s.LoadSession(context.Background(), s.address)
	if err != nil {
		return nil, fmt.Errorf("read the session with %s: %w", s.address, err)
	}
	used, err := s.builder.Process(context.Background(), current, first)
	if errors.Is(err, signalerror.ErrNoOneTimeKeyFound) || errors.Is(err, signalerror.ErrNoSignedPreKey) {
		return nil, ErrNoPreKey
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if !used.IsEmpty {
		s.drop(keyPreKey(used.Value))
	}
	return current.Serialize(), nil
}

// promote serializes a session with one of its states moved to the front.
func promote(current *record.Session, state int) []byte {
	if state == 0 {
		return current.Serialize()
	}
	structure := current.Structure()
	chosen := structure.PreviousStates[state-1]
	rest := slices.Delete(structure.PreviousStates, state-1, state)
	structure.PreviousStates = append([]*record.StateStructure{structure.SessionState}, rest...)
	structure.SessionState = chosen
	return store.SignalProtobufSerializer.Session.Serialize(structure)
}

// parseSignal reads an enc node. First is nil unless it is the first message of a session.
func parseSignal(kind string, data []byte) (message *protocol.SignalMessage, first *protocol.PreKeySignalMessage, err error) {
	serializer := store.SignalProtobufSerializer
	switch kind {
	case TypeMessage:
		message, err = protocol.NewSignalMessageFromBytes(data, serializer.SignalMessage)
	case TypePreKey:
		first, err = protocol.NewPreKeySignalMessageFromBytes(data, serializer.PreKeySignalMessage, serializer.SignalMessage)
		if err == nil {
			message = first.WhisperMessage()
		}
	default:
		return nil, nil, fmt.Errorf("%w: type %q", ErrMalformed, kind)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return message, first, nil
}

// pad appends 1 to 16 bytes, each of them their number.
func (p *Phone) pad(plaintext []byte) ([]byte, error) {
	b, err := p.bytes(1)
	if err != nil {
		return nil, err
	}
	n := int(b[0]&0xf) + 1
	padded := make([]byte, len(plaintext)+n)
	copy(padded, plaintext)
	for i := range n {
		padded[len(plaintext)+i] = byte(n)
	}
	return padded, nil
}

func unpad(padded []byte) ([]byte, error) {
	if len(padded) == 0 {
		return nil, ErrMalformed
	}
	n := int(padded[len(padded)-1])
	if n == 0 || n > len(padded) {
		return nil, ErrMalformed
	}
	return padded[:len(padded)-n], nil
}
