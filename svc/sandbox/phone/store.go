package phone

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"go.mau.fi/libsignal/ecc"
	"go.mau.fi/libsignal/keys/identity"
	"go.mau.fi/libsignal/protocol"
	"go.mau.fi/libsignal/state/record"
	"go.mau.fi/whatsmeow/store"
)

// signalStore answers libsignal out of the records of a phone. Everything it is told goes to a stage.
type signalStore struct {
	*stage
	phone *Phone
}

func keySession(address string) string { return "session/" + address }
func keyKnown(address string) string   { return "known/" + address }
func keyPreKey(id uint32) string       { return fmt.Sprintf("prekey/%d", id) }

func (s signalStore) GetIdentityKeyPair() *identity.KeyPair { return s.phone.identityPair() }

func (s signalStore) GetLocalRegistrationID() uint32 { return s.phone.self.RegistrationID }

func (s signalStore) SaveIdentity(_ context.Context, address *protocol.SignalAddress, key *identity.Key) error {
	public := key.PublicKey().PublicKey()
	if at := keyKnown(address.String()); string(s.get(at)) != string(public[:]) {
		s.put(at, public[:])
	}
	return nil
}

// IsTrustedIdentity trusts everybody: a sandbox resets accounts all the time.
func (s signalStore) IsTrustedIdentity(context.Context, *protocol.SignalAddress, *identity.Key) (bool, error) {
	return true, nil
}

func (s signalStore) LoadPreKey(_ context.Context, id uint32) (*record.PreKey, error) {
	private := s.get(keyPreKey(id))
	if len(private) != 32 {
		return nil, nil
	}
	return record.NewPreKey(id, signalPair(private), nil), nil
}

func (s signalStore) RemovePreKey(_ context.Context, id uint32) error {
	s.drop(keyPreKey(id))
	return nil
}

func (s signalStore) LoadSignedPreKey(_ context.Context, id uint32) (*record.SignedPreKey, error) {
	if id != s.phone.self.SignedID {
		return nil, nil
	}
	pair := signalPair(s.phone.signed.Priv[:])
	return record.NewSignedPreKey(id, 0, pair, [64]byte(s.phone.self.Signature), nil), nil
}

func (s signalStore) LoadSession(_ context.Context, address *protocol.SignalAddress) (*record.Session, error) {
	raw := s.get(keySession(address.String()))
	if raw == nil {
		return record.NewSession(store.SignalProtobufSerializer.Session, store.SignalProtobufSerializer.State), nil
	}
	return decodeSession(raw)
}

func (s signalStore) ContainsSession(_ context.Context, address *protocol.SignalAddress) (bool, error) {
	return s.get(keySession(address.String())) != nil, nil
}

func (s signalStore) StoreSession(_ context.Context, address *protocol.SignalAddress, session *record.Session) error {
	s.put(keySession(address.String()), session.Serialize())
	return nil
}

func decodeSession(raw []byte) (*record.Session, error) {
	return record.NewSessionFromBytes(raw, store.SignalProtobufSerializer.Session, store.SignalProtobufSerializer.State)
}

func signalPair(private []byte) *ecc.ECKeyPair {
	pair := keyPair(private)
	return ecc.NewECKeyPair(ecc.NewDjbECPublicKey(*pair.Pub), ecc.NewDjbECPrivateKey(*pair.Priv))
}

const recordNextPreKey = "next-prekey"

// lastPreKey is the highest id that fits into the three bytes of a stanza.
const lastPreKey = 1<<24 - 2

// newPreKey makes a one-time pre-key. Ids begin at 1: libsignal takes 0 for none.
func (p *Phone) newPreKey() (PreKey, error) {
	seed, err := p.bytes(32)
	if err != nil {
		return PreKey{}, err
	}
	id := uint32(1)
	if raw := p.records.get(recordNextPreKey); len(raw) == 4 {
		id = binary.BigEndian.Uint32(raw)
	}
	pair := keyPair(seed)
	p.records.put(keyPreKey(id), pair.Priv[:])
	p.records.put(recordNextPreKey, binary.BigEndian.AppendUint32(nil, id%lastPreKey+1))
	return PreKey{ID: id, Public: *pair.Pub}, nil
}

// What follows belongs to libsignal's interfaces, but neither its builder nor its cipher calls it.

func (s signalStore) unused() error { return errors.New("libsignal asked for what it never needed") }

func (s signalStore) StorePreKey(context.Context, uint32, *record.PreKey) error { return s.unused() }

func (s signalStore) ContainsPreKey(context.Context, uint32) (bool, error) { return false, s.unused() }

func (s signalStore) GetSubDeviceSessions(context.Context, string) ([]uint32, error) {
	return nil, s.unused()
}

func (s signalStore) DeleteSession(context.Context, *protocol.SignalAddress) error { return s.unused() }

func (s signalStore) DeleteAllSessions(context.Context) error { return s.unused() }

func (s signalStore) LoadSignedPreKeys(context.Context) ([]*record.SignedPreKey, error) {
	return nil, s.unused()
}

func (s signalStore) StoreSignedPreKey(context.Context, uint32, *record.SignedPreKey) error {
	return s.unused()
}

func (s signalStore) ContainsSignedPreKey(context.Context, uint32) (bool, error) {
	return false, s.unused()
}

func (s signalStore) RemoveSignedPreKey(context.Context, uint32) error { return s.unused() }
