package phone

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mau.fi/libsignal/ecc"
	"go.mau.fi/whatsmeow/proto/waAdv"
	"google.golang.org/protobuf/proto"
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
func ParseQR(text string) (QR, error) {
	text = strings.TrimSpace(text)
	if _, fragment, ok := strings.Cut(text, "#"); ok {
		text = fragment
	}
	fields := strings.Split(text, ",")
	if len(fields) < 4 || len(fields) > 5 || fields[0] == "" {
		return QR{}, ErrQR
	}
	qr := QR{Ref: fields[0]}
	for i, key := range []*[32]byte{&qr.Noise, &qr.Identity, &qr.Secret} {
		raw, err := base64.StdEncoding.DecodeString(fields[i+1])
		if err != nil || len(raw) != len(key) {
			return QR{}, ErrQR
		}
		*key = [32]byte(raw)
	}
	if len(fields) == 5 {
		qr.Client = fields[4]
	}
	return qr, nil
}

// What is signed begins with two bytes that say what it is. The third is known from memory only:
// no client at hand checks a key index list.
const (
	prefixAccount   = "\x06\x00"
	prefixDevice    = "\x06\x01"
	prefixIndexList = "\x06\x02"
)

// Link is the answer to a companion that asked to be linked.
type Link struct {
	Container []byte // ADVSignedDeviceIdentityHMAC, the content of device-identity in pair-success
	KeyIndex  uint32 // of this device, for device lists
}

// Link signs a companion's identity key and authenticates the result with its adv secret, which
// comes from the QR code or from CodeLink.Finish. Each call uses up one key index.
func (p *Phone) Link(identity, secret [32]byte, now time.Time) (Link, error) {
	index := p.nextKeyIndex()
	details, err := proto.Marshal(&waAdv.ADVDeviceIdentity{
		RawID:     proto.Uint32(p.self.RawID),
		Timestamp: proto.Uint64(uint64(now.Unix())),
		KeyIndex:  proto.Uint32(index),
	})
	if err != nil {
		return Link{}, fmt.Errorf("link a device: %w", err)
	}
	signature := p.sign([]byte(prefixAccount), details, identity[:])
	signed, err := proto.Marshal(&waAdv.ADVSignedDeviceIdentity{
		Details: details, AccountSignatureKey: p.identity.Pub[:], AccountSignature: signature,
	})
	if err != nil {
		return Link{}, fmt.Errorf("link a device: %w", err)
	}
	mac := hmac.New(sha256.New, secret[:])
	mac.Write(signed)
	container, err := proto.Marshal(&waAdv.ADVSignedDeviceIdentityHMAC{Details: signed, HMAC: mac.Sum(nil)})
	if err != nil {
		return Link{}, fmt.Errorf("link a device: %w", err)
	}
	return Link{Container: container, KeyIndex: index}, nil
}

// ErrSignature says that a device identity is not signed as it must be.
var ErrSignature = errors.New("the device identity is not signed by its account and its device")

// CheckSign verifies the device-identity that a companion returns in pair-device-sign: our own
// signature over its identity key, and its counter-signature. It returns the key index.
func (p *Phone) CheckSign(identity [32]byte, answer []byte) (uint32, error) {
	return checkDevice(identity, answer, p.identity.Pub[:])
}

// CheckDevice verifies the device-identity that comes with a pkmsg from anyone's companion, whose
// identity key is given (see SenderIdentity).
func CheckDevice(identity [32]byte, signed []byte) error {
	_, err := checkDevice(identity, signed, nil)
	return err
}

// checkDevice takes the account's key from the message when it is not known.
func checkDevice(identity [32]byte, raw, account []byte) (uint32, error) {
	var signed waAdv.ADVSignedDeviceIdentity
	var details waAdv.ADVDeviceIdentity
	if proto.Unmarshal(raw, &signed) != nil || proto.Unmarshal(signed.Details, &details) != nil {
		return 0, ErrSignature
	}
	if account == nil {
		account = signed.GetAccountSignatureKey()
	}
	if !verify(account, signed.AccountSignature, []byte(prefixAccount), signed.Details, identity[:]) ||
		!verify(identity[:], signed.DeviceSignature, []byte(prefixDevice), signed.Details, identity[:], account) {
		return 0, ErrSignature
	}
	return details.GetKeyIndex(), nil
}

// Unlink strikes a key index from the list of valid ones.
func (p *Phone) Unlink(keyIndex uint32) {
	list := p.keyIndexes()
	list.Valid = slices.DeleteFunc(list.Valid, func(i uint32) bool { return i == keyIndex })
	p.putKeyIndexes(list)
}

// KeyIndexes returns the signed list of valid key indexes (ADVSignedKeyIndexList), the content of
// key-index-list in device lists.
func (p *Phone) KeyIndexes(now time.Time) ([]byte, error) {
	list := p.keyIndexes()
	details, err := proto.Marshal(&waAdv.ADVKeyIndexList{
		RawID:        proto.Uint32(p.self.RawID),
		Timestamp:    proto.Uint64(uint64(now.Unix())),
		CurrentIndex: proto.Uint32(list.Last),
		ValidIndexes: append([]uint32{0}, list.Valid...),
	})
	if err != nil {
		return nil, fmt.Errorf("sign the key index list: %w", err)
	}
	return proto.Marshal(&waAdv.ADVSignedKeyIndexList{
		Details: details, AccountSignature: p.sign([]byte(prefixIndexList), details),
	})
}

// keyIndexes is the record of the key indexes given to companions; 0 is the phone itself.
type keyIndexes struct {
	Last  uint32
	Valid []uint32
}

const recordKeyIndexes = "key-indexes"

func (p *Phone) keyIndexes() keyIndexes {
	var list keyIndexes
	// What does not parse was never written: the list is empty then.
	_ = json.Unmarshal(p.records.get(recordKeyIndexes), &list)
	return list
}

func (p *Phone) putKeyIndexes(list keyIndexes) {
	raw, err := json.Marshal(list)
	if err != nil {
		panic(err) // numbers always marshal
	}
	p.records.put(recordKeyIndexes, raw)
}

func (p *Phone) nextKeyIndex() uint32 {
	list := p.keyIndexes()
	list.Last++
	list.Valid = append(list.Valid, list.Last)
	p.putKeyIndexes(list)
	return list.Last
}

func (p *Phone) sign(parts ...[]byte) []byte {
	signature := ecc.CalculateSignature(ecc.NewDjbECPrivateKey(*p.identity.Priv), slices.Concat(parts...))
	return signature[:]
}

func verify(public, signature []byte, parts ...[]byte) bool {
	if len(public) != 32 || len(signature) != 64 {
		return false
	}
	key := ecc.NewDjbECPublicKey([32]byte(public))
	return ecc.VerifySignature(key, slices.Concat(parts...), [64]byte(signature))
}
