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
//
// libsignal complains on standard output about every message it cannot decrypt, and sets its
// logger up without a lock: a process with phones sets go.mau.fi/libsignal/logger.Logger first.
package phone

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"go.mau.fi/libsignal/ecc"
	"go.mau.fi/libsignal/keys/identity"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/keys"
)

// Phone is one account's primary device, device number 0.
type Phone struct {
	self     self
	identity *keys.KeyPair
	signed   *keys.KeyPair
	key      syncKey // of the app state
	random   io.Reader
	records  *records
	seen     map[string]*seen
}

// self is the record that never changes.
type self struct {
	Number         string
	LID            string
	Identity       []byte // private key
	RegistrationID uint32
	RawID          uint32 // names the account in signed device lists
	SignedID       uint32
	Signed         []byte // private key
	Signature      []byte
}

const recordSelf = "self"

// New makes a phone with fresh keys for a number and a LID, both digits only. Random may be nil,
// which means crypto/rand. (Ratchet keys always come from crypto/rand: libsignal makes them.)
// All records of the new phone are in Changes.
func New(number, lid string, random io.Reader) (*Phone, error) {
	random = orRand(random)
	var seed [72]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return nil, fmt.Errorf("make a phone: %w", err)
	}
	private, signed := keyPair(seed[:32]), keyPair(seed[32:64])
	signature := private.Sign(signed)
	raw, err := json.Marshal(self{
		Number: number, LID: lid,
		Identity:       private.Priv[:],
		RegistrationID: binary.BigEndian.Uint32(seed[64:68])%16380 + 1,
		RawID:          binary.BigEndian.Uint32(seed[68:72]),
		SignedID:       1, Signed: signed.Priv[:], Signature: signature[:],
	})
	if err != nil {
		return nil, fmt.Errorf("make a phone: %w", err)
	}
	key, err := newSyncKey(random)
	if err != nil {
		return nil, fmt.Errorf("make a phone: %w", err)
	}
	records := newRecords(make(map[string][]byte))
	records.put(recordSelf, raw)
	records.put(recordSyncKey, key)
	return open(records, random)
}

// Load brings back a phone from all its records, as Changes gave them; it keeps the map. Random as
// in New.
func Load(all map[string][]byte, random io.Reader) (*Phone, error) {
	return open(newRecords(all), orRand(random))
}

func open(records *records, random io.Reader) (*Phone, error) {
	p := &Phone{random: random, records: records}
	if err := json.Unmarshal(records.get(recordSelf), &p.self); err != nil {
		return nil, fmt.Errorf("load a phone: its record %q: %w", recordSelf, err)
	}
	if len(p.self.Identity) != 32 || len(p.self.Signed) != 32 || len(p.self.Signature) != 64 {
		return nil, fmt.Errorf("load a phone: its record %q has keys of a wrong length", recordSelf)
	}
	if err := json.Unmarshal(records.get(recordSyncKey), &p.key); err != nil {
		return nil, fmt.Errorf("load a phone: its record %q: %w", recordSyncKey, err)
	}
	p.identity, p.signed = keyPair(p.self.Identity), keyPair(p.self.Signed)
	p.seen = loadSeen(records)
	return p, nil
}

// Changes returns the records written since the last call and forgets that they changed. A nil
// value means that the record is to be deleted. Keys are plain ASCII words such as "self",
// "session/777_1:2", "prekey/12"; one message changes three or four of them. Values contain
// secrets and must not be written to. The result is nil when nothing changed.
func (p *Phone) Changes() map[string][]byte { return p.records.take() }

// Number returns the digits of the phone number.
func (p *Phone) Number() string { return p.self.Number }

// JID returns number@s.whatsapp.net.
func (p *Phone) JID() types.JID { return types.NewJID(p.self.Number, types.DefaultUserServer) }

// LID returns digits@lid.
func (p *Phone) LID() types.JID { return types.NewJID(p.self.LID, types.HiddenUserServer) }

// Identity returns the public identity key.
func (p *Phone) Identity() [32]byte { return *p.identity.Pub }

// RegistrationID returns the Signal registration id.
func (p *Phone) RegistrationID() uint32 { return p.self.RegistrationID }

// NewMessageID makes the id of a message as the app on a phone makes it: 32 capital hex digits.
func (p *Phone) NewMessageID() (string, error) {
	id, err := p.bytes(16)
	return strings.ToUpper(hex.EncodeToString(id)), err
}

func (p *Phone) bytes(n int) ([]byte, error) { return randomBytes(p.random, n) }

func (p *Phone) identityPair() *identity.KeyPair {
	public := identity.NewKey(ecc.NewDjbECPublicKey(*p.identity.Pub))
	return identity.NewKeyPair(public, ecc.NewDjbECPrivateKey(*p.identity.Priv))
}

func orRand(random io.Reader) io.Reader {
	if random == nil {
		return rand.Reader
	}
	return random
}

func randomBytes(random io.Reader, n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(random, b); err != nil {
		return nil, fmt.Errorf("read random bytes: %w", err)
	}
	return b, nil
}

// keyPair makes an X25519 pair of 32 random bytes or of a private key.
func keyPair(seed []byte) *keys.KeyPair {
	private := [32]byte(seed)
	private[0] &= 248
	private[31] &= 127
	private[31] |= 64
	return keys.NewKeyPairFromPrivateKey(private)
}
