package seal

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"

	"filippo.io/age"
	"golang.org/x/crypto/chacha20poly1305"
)

// How many values share a header at most, for how long, and how many headers are kept
// that values were opened with.
const (
	headValues = 1 << 16
	headLife   = time.Hour
	keptHeads  = 1024
)

// What the age format says of a payload: the length of its nonce and of its pieces, and
// the nonce of the first piece when it is the last (C2SP age.md, "Payload").
const (
	nonceSize = 16
	chunkSize = 64 << 10
	onlyChunk = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
)

// heads are headers of age files, with the file keys that they hold. To make one, or to
// open it, costs a multiplication on a curve for every recipient, many times what a value
// itself does, and a text makes some six values. So what is sealed within an hour shares a
// header and its file key. The format allows for that: the key of a payload comes from the
// file key and from 16 random bytes of the file's own. Each value stays a file by itself,
// which any age opens. All that it tells is which values were sealed in the same hour.
type heads struct {
	mu    sync.Mutex
	now   head
	known map[string][]byte // file keys by header
}

// head is the header for what is sealed now.
type head struct {
	text, key []byte
	left      int // values that may still be sealed with it
	until     time.Time
}

func newHeads() *heads { return &heads{known: map[string][]byte{}} }

// take returns the header for one more value.
func (h *heads) take(recipients []age.Recipient) (text, key []byte, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.now.left == 0 || time.Now().After(h.now.until) {
		if h.now, err = newHead(recipients); err != nil {
			return nil, nil, err
		}
	}
	h.now.left--
	return h.now.text, h.now.key, nil
}

func newHead(recipients []age.Recipient) (head, error) {
	var file bytes.Buffer
	tap := &tap{to: recipients[0]}
	if _, err := age.Encrypt(&file, append([]age.Recipient{tap}, recipients[1:]...)...); err != nil {
		return head{}, err
	}
	text, err := age.ExtractHeader(&file)
	return head{text: text, key: tap.key, left: headValues, until: time.Now().Add(headLife)}, err
}

// tap is a recipient that keeps the file key which another is given.
type tap struct {
	to  age.Recipient
	key []byte
}

func (t *tap) Wrap(key []byte) ([]*age.Stanza, error) {
	t.key = bytes.Clone(key)
	return t.to.Wrap(key)
}

// WrapWithLabels is for kinds of recipients that do not go with all others.
func (t *tap) WrapWithLabels(key []byte) ([]*age.Stanza, []string, error) {
	if to, ok := t.to.(age.RecipientWithLabels); ok {
		t.key = bytes.Clone(key)
		return to.WrapWithLabels(key)
	}
	stanzas, err := t.Wrap(key)
	return stanzas, nil, err
}

// encrypt makes an age file of a text of at most one piece.
func (h *heads) encrypt(recipients []age.Recipient, text []byte) ([]byte, error) {
	header, key, err := h.take(recipients)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, nonceSize)
	rand.Read(nonce) // never fails
	aead, err := payload(key, nonce)
	if err != nil {
		return nil, err
	}
	file := make([]byte, 0, len(header)+nonceSize+len(text)+aead.Overhead())
	file = append(append(file, header...), nonce...)
	return aead.Seal(file, []byte(onlyChunk), text, nil), nil
}

// payload is the cipher of what follows a header.
func payload(key, nonce []byte) (cipher.AEAD, error) {
	k, err := hkdf.Key(sha256.New, key, nonce, "payload", chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	return chacha20poly1305.New(k)
}

// decrypt opens an age file. Its errors are ErrWrongKey and ErrDamaged.
func (h *heads) decrypt(identities []age.Identity, file []byte) ([]byte, error) {
	header := headerOf(file)
	key, err := h.open(identities, header)
	if err != nil {
		return nil, refusal(err)
	}
	rest := file[len(header):]
	if len(rest) > nonceSize+chunkSize+chacha20poly1305.Overhead {
		return decrypt(bytes.NewReader(file), age.NewInjectedFileKeyIdentity(key))
	}
	if len(rest) < nonceSize {
		return nil, ErrDamaged
	}
	aead, err := payload(key, rest[:nonceSize])
	if err != nil {
		return nil, err
	}
	text, err := aead.Open(nil, []byte(onlyChunk), rest[nonceSize:], nil)
	if err != nil {
		return nil, ErrDamaged
	}
	return text, nil
}

// open returns the file key that a header holds. age checks a header when it is seen
// first; it is known again by each of its bytes. The error is age's.
func (h *heads) open(identities []age.Identity, header []byte) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if key, ok := h.known[string(header)]; ok {
		return key, nil
	}
	key, err := age.DecryptHeader(header, identities...)
	if err != nil {
		return nil, err
	}
	if len(h.known) >= keptHeads {
		clear(h.known)
	}
	h.known[string(header)] = key
	return key, nil
}

// headerOf is the beginning of an age file up to the line with the MAC of the header, or
// nothing.
func headerOf(file []byte) []byte {
	last := bytes.Index(file, []byte("\n--- "))
	if last < 0 {
		return nil
	}
	end := bytes.IndexByte(file[last+1:], '\n')
	return file[:last+1+end+1]
}
