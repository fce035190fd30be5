package sandbox

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"go.mau.fi/whatsmeow/proto/waWa6"
	"go.mau.fi/whatsmeow/util/keys"
	"golang.org/x/crypto/curve25519"
	"google.golang.org/protobuf/proto"
)

// noisePattern names the handshake; 32 bytes, so it is the first hash as it stands.
const noisePattern = "Noise_XX_25519_AESGCM_SHA256\x00\x00\x00\x00"

var errHandshake = errors.New("the Noise handshake failed")

// handshake is the responder's side of Noise XX.
type handshake struct {
	hash, salt []byte
	key        cipher.AEAD
	counter    uint32
}

func newHandshake(prologue []byte) *handshake {
	h := &handshake{hash: []byte(noisePattern), salt: []byte(noisePattern)}
	h.key = gcm([]byte(noisePattern))
	h.mixHash(prologue)
	return h
}

func (h *handshake) mixHash(data []byte) {
	sum := sha256.New()
	sum.Write(h.hash)
	sum.Write(data)
	h.hash = sum.Sum(nil)
}

func (h *handshake) mixKey(private, public []byte) error {
	secret, err := curve25519.X25519(private, public)
	if err != nil {
		return fmt.Errorf("%w: %w", errHandshake, err)
	}
	var key []byte
	h.salt, key = expand(h.salt, secret)
	h.key, h.counter = gcm(key), 0
	return nil
}

func (h *handshake) seal(plain []byte) []byte {
	sealed := h.key.Seal(nil, nonce(h.counter), plain, h.hash)
	h.counter++
	h.mixHash(sealed)
	return sealed
}

func (h *handshake) open(sealed []byte) ([]byte, error) {
	plain, err := h.key.Open(nil, nonce(h.counter), sealed, h.hash)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errHandshake, err)
	}
	h.counter++
	h.mixHash(sealed)
	return plain, nil
}

// hello answers a ClientHello with a ServerHello. Ephemeral is fresh for each connection.
func (h *handshake) hello(frame []byte, ephemeral, static *keys.KeyPair, certificate []byte) ([]byte, error) {
	var m waWa6.HandshakeMessage
	if err := proto.Unmarshal(frame, &m); err != nil || len(m.GetClientHello().GetEphemeral()) != 32 {
		return nil, errHandshake
	}
	theirs := m.GetClientHello().GetEphemeral()
	h.mixHash(theirs)
	h.mixHash(ephemeral.Pub[:])
	if err := h.mixKey(ephemeral.Priv[:], theirs); err != nil {
		return nil, err
	}
	sealedStatic := h.seal(static.Pub[:])
	if err := h.mixKey(static.Priv[:], theirs); err != nil {
		return nil, err
	}
	return proto.Marshal(&waWa6.HandshakeMessage{ServerHello: &waWa6.HandshakeMessage_ServerHello{
		Ephemeral: ephemeral.Pub[:],
		Static:    sealedStatic,
		Payload:   h.seal(certificate),
	}})
}

// finish reads a ClientFinish: the client's static key and what it wants.
func (h *handshake) finish(frame []byte, ephemeral *keys.KeyPair) (static [32]byte, p *waWa6.ClientPayload, err error) {
	var m waWa6.HandshakeMessage
	if err := proto.Unmarshal(frame, &m); err != nil {
		return static, nil, errHandshake
	}
	theirs, err := h.open(m.GetClientFinish().GetStatic())
	if err != nil || len(theirs) != 32 {
		return static, nil, errHandshake
	}
	if err := h.mixKey(ephemeral.Priv[:], theirs); err != nil {
		return static, nil, err
	}
	plain, err := h.open(m.GetClientFinish().GetPayload())
	if err != nil {
		return static, nil, err
	}
	p = new(waWa6.ClientPayload)
	return [32]byte(theirs), p, proto.Unmarshal(plain, p)
}

// split gives the two ciphers of the connection, from the server's point of view.
func (h *handshake) split() (read, write *transport) {
	first, second := expand(h.salt, nil)
	return &transport{key: gcm(first)}, &transport{key: gcm(second)}
}

// transport is one direction of an established connection.
type transport struct {
	key     cipher.AEAD
	counter uint32
}

func (t *transport) seal(plain []byte) []byte {
	t.counter++
	return t.key.Seal(nil, nonce(t.counter-1), plain, nil)
}

func (t *transport) open(sealed []byte) ([]byte, error) {
	t.counter++
	return t.key.Open(nil, nonce(t.counter-1), sealed, nil)
}

func nonce(counter uint32) []byte {
	n := make([]byte, 12)
	binary.BigEndian.PutUint32(n[8:], counter)
	return n
}

func expand(salt, secret []byte) (first, second []byte) {
	out, err := hkdf.Key(sha256.New, secret, salt, "", 64)
	if err != nil {
		panic(err) // only for lengths above 8160
	}
	return out[:32], out[32:]
}

func gcm(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // only for keys that are not 32 bytes
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}
