package signal

import (
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"

	"github.com/google/uuid"
	"go.mau.fi/util/random"
	"go.mau.fi/whatsmeow/proto/waAdv"
	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/keys"
	waLog "go.mau.fi/whatsmeow/util/log"
)

// credsRow is the value of the row creds: who this device is. Bytes are base64.
type credsRow struct {
	NoiseKey              keyRow       `json:"noiseKey"`
	IdentityKey           keyRow       `json:"identityKey"`
	SignedPreKey          signedKeyRow `json:"signedPreKey"`
	RegistrationID        uint32       `json:"registrationId"`
	AdvSecretKey          []byte       `json:"advSecretKey"`
	Account               *accountRow  `json:"account"`
	Me                    meRow        `json:"me"`
	Platform              string       `json:"platform"`
	BusinessName          string       `json:"businessName,omitempty"`
	LIDMigrationTimestamp int64        `json:"lidMigrationTimestamp,omitempty"`
	CompanionMetaNonce    string       `json:"companionMetaNonce,omitempty"`
	FacebookUUID          uuid.UUID    `json:"facebookUuid,omitzero"`
}

type keyRow struct {
	Private []byte `json:"private"`
	Public  []byte `json:"public"`
}

type signedKeyRow struct {
	KeyID     uint32 `json:"keyId"`
	KeyPair   keyRow `json:"keyPair"`
	Signature []byte `json:"signature"`
}

type accountRow struct {
	Details             []byte `json:"details"`
	AccountSignatureKey []byte `json:"accountSignatureKey"`
	AccountSignature    []byte `json:"accountSignature"`
	DeviceSignature     []byte `json:"deviceSignature"`
}

type meRow struct {
	ID   string `json:"id"`
	LID  string `json:"lid,omitempty"`
	Name string `json:"name,omitempty"`
}

// newDevice makes the keys of a device that is not yet linked.
func newDevice() *wastore.Device {
	d := &wastore.Device{
		Log:            waLog.Noop,
		NoiseKey:       keys.NewKeyPair(),
		IdentityKey:    keys.NewKeyPair(),
		RegistrationID: mathrand.Uint32(),
		AdvSecretKey:   random.Bytes(32),
	}
	d.SignedPreKey = d.IdentityKey.CreateSignedPreKey(1)
	return d
}

// encodeCreds writes a linked device as JSON.
func encodeCreds(d *wastore.Device) ([]byte, error) {
	if d.ID == nil || d.Account == nil || d.NoiseKey == nil || d.IdentityKey == nil || d.SignedPreKey == nil || d.SignedPreKey.Signature == nil {
		return nil, refuse("a device that is not linked cannot be kept")
	}
	row := credsRow{
		NoiseKey:       newKeyRow(d.NoiseKey),
		IdentityKey:    newKeyRow(d.IdentityKey),
		SignedPreKey:   signedKeyRow{KeyID: d.SignedPreKey.KeyID, KeyPair: newKeyRow(&d.SignedPreKey.KeyPair), Signature: d.SignedPreKey.Signature[:]},
		RegistrationID: d.RegistrationID,
		AdvSecretKey:   d.AdvSecretKey,
		Account: &accountRow{
			Details:             d.Account.Details,
			AccountSignatureKey: d.Account.AccountSignatureKey,
			AccountSignature:    d.Account.AccountSignature,
			DeviceSignature:     d.Account.DeviceSignature,
		},
		Me:                    meRow{ID: d.ID.String(), Name: d.PushName},
		Platform:              d.Platform,
		BusinessName:          d.BusinessName,
		LIDMigrationTimestamp: d.LIDMigrationTimestamp,
		CompanionMetaNonce:    d.CompanionMetaNonce,
		FacebookUUID:          d.FacebookUUID,
	}
	if !d.LID.IsEmpty() {
		row.Me.LID = d.LID.String()
	}
	return encode(row), nil
}

func newKeyRow(k *keys.KeyPair) keyRow { return keyRow{Private: k.Priv[:], Public: k.Pub[:]} }

// decodeCreds reads the device that encodeCreds wrote. Its errors name the
// field and nothing of its content.
func decodeCreds(value []byte) (*wastore.Device, error) {
	var row credsRow
	if err := json.Unmarshal(value, &row); err != nil {
		return nil, fmt.Errorf("the credentials are damaged: %w", err)
	}
	d, err := row.device()
	if err != nil {
		return nil, fmt.Errorf("the credentials are damaged: %w", err)
	}
	return d, nil
}

func (r credsRow) device() (*wastore.Device, error) {
	d := &wastore.Device{
		Log:                   waLog.Noop,
		RegistrationID:        r.RegistrationID,
		AdvSecretKey:          r.AdvSecretKey,
		PushName:              r.Me.Name,
		Platform:              r.Platform,
		BusinessName:          r.BusinessName,
		LIDMigrationTimestamp: r.LIDMigrationTimestamp,
		CompanionMetaNonce:    r.CompanionMetaNonce,
		FacebookUUID:          r.FacebookUUID,
		SignedPreKey:          &keys.PreKey{KeyID: r.SignedPreKey.KeyID},
	}
	signed, err := r.SignedPreKey.KeyPair.pair("signedPreKey")
	if err != nil {
		return nil, err
	}
	d.SignedPreKey.KeyPair = *signed
	if d.NoiseKey, err = r.NoiseKey.pair("noiseKey"); err != nil {
		return nil, err
	}
	if d.IdentityKey, err = r.IdentityKey.pair("identityKey"); err != nil {
		return nil, err
	}
	if len(r.SignedPreKey.Signature) != 64 {
		return nil, errors.New("signedPreKey has no signature of 64 bytes")
	}
	d.SignedPreKey.Signature = (*[64]byte)(r.SignedPreKey.Signature)
	return d, r.identify(d)
}

// identify fills in whom the device is linked to.
func (r credsRow) identify(d *wastore.Device) error {
	if r.Account == nil {
		return errors.New("account is missing")
	}
	d.Account = &waAdv.ADVSignedDeviceIdentity{
		Details:             r.Account.Details,
		AccountSignatureKey: r.Account.AccountSignatureKey,
		AccountSignature:    r.Account.AccountSignature,
		DeviceSignature:     r.Account.DeviceSignature,
	}
	id, err := parseJID(r.Me.ID, "me.id")
	if err != nil {
		return err
	}
	d.ID = &id
	if r.Me.LID != "" {
		d.LID, err = parseJID(r.Me.LID, "me.lid")
	}
	return err
}

func parseJID(s, field string) (types.JID, error) {
	jid, err := types.ParseJID(s)
	if err != nil || jid.User == "" || jid.Server == "" {
		return types.EmptyJID, fmt.Errorf("%s is no WhatsApp id", field)
	}
	return jid, nil
}

func (r keyRow) pair(field string) (*keys.KeyPair, error) {
	pair, err := keyPair(r.Private)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", field, err)
	}
	if len(r.Public) != 0 && string(r.Public) != string(pair.Pub[:]) {
		return nil, fmt.Errorf("%s: the public key is not that of the private one", field)
	}
	return pair, nil
}
