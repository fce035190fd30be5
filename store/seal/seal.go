// Package seal keeps secret values as age files. Whoever holds the identity can
// read a value with the stock tool: age -d -i key.txt value | tail -n +2.
//
// An age file says nothing about who wrote it or where it belongs: anybody who
// knows the recipient can make one, and a row can be copied over another. So the
// plaintext begins with one line that names the value's place, with a MAC over
// place and value under a random binding key. That key is itself sealed to all
// recipients, so that a recovery identity can check values, too.
package seal

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// Errors of [Seal.Open].
var (
	ErrWrongKey = errors.New("the value is not sealed to this key")
	ErrDamaged  = errors.New("the sealed value is damaged")
	ErrMoved    = errors.New("the sealed value belongs to another place, or was forged")
)

const (
	magic   = "age-encryption.org/v1\n" // how every age file in binary begins
	header  = "wamux1"
	macSize = 16
)

// Place says where a value lives; it opens nowhere else. The parts may hold any
// text.
type Place struct {
	Session string // "" where the value belongs to no session
	Class   string // what it is, such as auth_data
	Key     string // which one
}

// Seal closes and opens values. Its methods may be called from any goroutine.
type Seal struct {
	keys  *Keys
	bind  []byte
	heads *heads // of files to these keys
}

// NewBinding makes a binding key and returns the Seal of it, with the key
// itself, sealed to all recipients, as text to be kept beside the values.
func NewBinding(keys *Keys) (*Seal, string, error) {
	s := &Seal{keys: keys, bind: make([]byte, 32), heads: newHeads()}
	rand.Read(s.bind) // never fails
	text, err := s.Binding()
	return s, text, err
}

// WithBinding returns the Seal of a binding key that NewBinding or
// [Seal.Binding] made. Its error is ErrWrongKey when none of the keys opens it.
func WithBinding(keys *Keys, text string) (*Seal, error) {
	bind, err := decrypt(armor.NewReader(strings.NewReader(text)), keys.identities...)
	if err != nil {
		return nil, err
	}
	if len(bind) != 32 {
		return nil, ErrDamaged
	}
	return &Seal{keys: keys, bind: bind, heads: newHeads()}, nil
}

// Binding returns the binding key, sealed to the recipients of now.
func (s *Seal) Binding() (string, error) {
	var out strings.Builder
	w := armor.NewWriter(&out)
	if err := encrypt(w, s.keys, s.bind); err != nil {
		return "", err
	}
	err := w.Close()
	return out.String(), err
}

// Keys returns the keys in use.
func (s *Seal) Keys() *Keys { return s.keys }

// With returns a Seal of the same binding under other keys.
func (s *Seal) With(keys *Keys) *Seal { return &Seal{keys: keys, bind: s.bind, heads: newHeads()} }

// Sealed tells whether a value has the form of an age file.
func Sealed(value []byte) bool { return bytes.HasPrefix(value, []byte(magic)) }

// Close seals a value for its place.
func (s *Seal) Close(p Place, value []byte) ([]byte, error) {
	line := p.line(s.mac(p, value))
	if len(line)+len(value) <= chunkSize {
		return s.heads.encrypt(s.keys.recipients, append([]byte(line), value...))
	}
	var out bytes.Buffer
	out.Grow(len(magic) + 300*len(s.keys.recipients) + len(line) + len(value))
	err := encrypt(&out, s.keys, []byte(line), value)
	return out.Bytes(), err
}

// Open returns the value that was sealed for this place. Its errors are
// ErrWrongKey, ErrDamaged and ErrMoved.
func (s *Seal) Open(p Place, sealed []byte) ([]byte, error) {
	plain, err := s.heads.decrypt(s.keys.identities, sealed)
	if err != nil {
		return nil, err
	}
	line, value, found := bytes.Cut(plain, []byte("\n"))
	if !found {
		return nil, ErrMoved
	}
	if want := p.line(s.mac(p, value)); !hmac.Equal([]byte(want), append(line, '\n')) {
		return nil, ErrMoved
	}
	return value, nil
}

func (p Place) line(mac string) string {
	return fmt.Sprintf("%s %s %s %s mac=%s\n", header, url.QueryEscape(p.Session), url.QueryEscape(p.Class), url.QueryEscape(p.Key), mac)
}

// mac binds a value to its place. Every part is preceded by its length.
func (s *Seal) mac(p Place, value []byte) string {
	h := hmac.New(sha256.New, s.bind)
	for _, part := range []string{header, p.Session, p.Class, p.Key} {
		_ = binary.Write(h, binary.BigEndian, uint64(len(part))) // a hash takes everything
		h.Write([]byte(part))
	}
	h.Write(value)
	return hex.EncodeToString(h.Sum(nil)[:macSize])
}

func encrypt(out io.Writer, keys *Keys, parts ...[]byte) error {
	w, err := age.Encrypt(out, keys.recipients...)
	if err != nil {
		return err
	}
	for _, part := range parts {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return w.Close()
}

// refusal is what age's error for a file means.
func refusal(err error) error {
	if mismatch := (*age.NoIdentityMatchError)(nil); errors.As(err, &mismatch) {
		return ErrWrongKey
	}
	return ErrDamaged
}

func decrypt(in io.Reader, identities ...age.Identity) ([]byte, error) {
	r, err := age.Decrypt(in, identities...)
	if err != nil {
		return nil, refusal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		return nil, ErrDamaged
	}
	return plain, nil
}
