package phone

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/pbkdf2"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
)

var (
	// ErrCode says that a text cannot be a linking code.
	ErrCode = errors.New("a linking code has eight letters and digits: type it as the other device shows it")
	// ErrWrongCode says that the companion knows another code than the one that was typed.
	ErrWrongCode = errors.New("the linking code is wrong: type it as the other device shows it")
)

// CodeLink is a linking by phone code under way: the companion has said hello, a person has typed
// the code. It lives in memory only; when the process ends, linking starts over.
type CodeLink struct {
	// Wrapped is link_code_pairing_wrapped_primary_ephemeral_pub of the notification, 80 bytes.
	Wrapped []byte
	// Identity is primary_identity_pub of the same notification, 32 bytes.
	Identity []byte

	identity *ecdh.PrivateKey
	shared   []byte // by the two ephemeral keys
}

const (
	codeAlphabet   = "123456789ABCDEFGHJKLMNPQRSTVWXYZ"
	codeIterations = 2 << 16
	bundleInfo     = "link_code_pairing_key_bundle_encryption_key"
	secretInfo     = "adv_secret"
)

// ParseCode brings a typed code into the form XXXXXXXX: capital letters, no dash, no spaces.
func ParseCode(text string) (string, error) {
	code := strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(strings.TrimSpace(text)))
	if len(code) != 8 || strings.Trim(code, codeAlphabet) != "" {
		return "", ErrCode
	}
	return code, nil
}

// EnterCode answers a companion's hello (link_code_pairing_wrapped_companion_ephemeral_pub, 80
// bytes) with the code a person typed. A wrong code is noticed in Finish only: nothing before it
// depends on a secret. It takes about 50 ms of one CPU.
func (p *Phone) EnterCode(code string, wrapped []byte) (*CodeLink, error) {
	code, err := ParseCode(code)
	if err != nil {
		return nil, err
	}
	if len(wrapped) != 80 {
		return nil, ErrMalformed
	}
	companion, err := underCode(code, wrapped[:32], wrapped[32:48], wrapped[48:])
	if err != nil {
		return nil, err
	}
	seed, err := p.bytes(80)
	if err != nil {
		return nil, err
	}
	ephemeral := keyPair(seed[:32])
	ours, err := underCode(code, seed[32:64], seed[64:80], ephemeral.Pub[:])
	if err != nil {
		return nil, err
	}
	link := &CodeLink{Wrapped: slices.Concat(seed[32:80], ours), Identity: p.identity.Pub[:]}
	return link, link.agree(p.identity.Priv[:], ephemeral.Priv[:], companion)
}

func (c *CodeLink) agree(identity, ephemeral, companion []byte) error {
	var err error
	if c.identity, err = ecdh.X25519().NewPrivateKey(identity); err != nil {
		return fmt.Errorf("enter a linking code: %w", err)
	}
	private, err := ecdh.X25519().NewPrivateKey(ephemeral)
	if err != nil {
		return fmt.Errorf("enter a linking code: %w", err)
	}
	if c.shared, err = agree(private, companion); err != nil {
		return ErrWrongCode // a key of low order: not what the companion made
	}
	return nil
}

// Finish opens companion_finish: link_code_pairing_wrapped_key_bundle and companion_identity_public.
// It returns the companion's identity key and the adv secret, both for Link; ErrWrongCode when the
// bundle does not open.
func (c *CodeLink) Finish(bundle, companion []byte) (identity, secret [32]byte, err error) {
	if len(bundle) < 44 {
		return identity, secret, ErrMalformed
	}
	plain, err := c.open(bundle[:32], bundle[32:44], bundle[44:])
	if err != nil {
		return identity, secret, err
	}
	if len(plain) != 96 || !bytes.Equal(plain[:32], companion) || !bytes.Equal(plain[32:64], c.Identity) {
		return identity, secret, ErrMalformed
	}
	shared, err := agree(c.identity, companion)
	if err != nil {
		return identity, secret, ErrMalformed
	}
	key, err := hkdf.Key(sha256.New, slices.Concat(c.shared, shared, plain[64:]), nil, secretInfo, 32)
	if err != nil {
		return identity, secret, fmt.Errorf("derive the adv secret: %w", err)
	}
	return [32]byte(companion), [32]byte(key), nil
}

// open decrypts the companion's key bundle.
func (c *CodeLink) open(salt, nonce, sealed []byte) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, c.shared, salt, bundleInfo, 32)
	if err != nil {
		return nil, fmt.Errorf("derive the bundle key: %w", err)
	}
	gcm, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, nonce, sealed, nil)
	if err != nil {
		return nil, ErrWrongCode
	}
	return plain, nil
}

// underCode encrypts or decrypts a key with the code; the two are the same.
func underCode(code string, salt, iv, key []byte) ([]byte, error) {
	derived, err := pbkdf2.Key(sha256.New, code, salt, codeIterations, 32)
	if err != nil {
		return nil, fmt.Errorf("derive the code key: %w", err)
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, fmt.Errorf("derive the code key: %w", err)
	}
	out := make([]byte, len(key))
	cipher.NewCTR(block, iv).XORKeyStream(out, key)
	return out, nil
}

func agree(private *ecdh.PrivateKey, public []byte) ([]byte, error) {
	key, err := ecdh.X25519().NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	return private.ECDH(key)
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make a cipher: %w", err)
	}
	return cipher.NewGCM(block)
}
