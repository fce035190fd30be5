package phone

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Kind of a media file: decides its keys and the path it is uploaded to.
type Kind string

// The kinds of media, named like the paths of the media servers (/mms/<kind>/…).
const (
	KindImage    Kind = "image" // stickers too
	KindVideo    Kind = "video"
	KindAudio    Kind = "audio" // voice too
	KindDocument Kind = "document"
	KindHistory  Kind = "md-msg-hist"
	KindAppState Kind = "md-app-state"
)

// info is what the keys of this kind are derived with, "" for a kind that does not exist.
func (k Kind) info() string {
	switch k {
	case KindImage:
		return "WhatsApp Image Keys"
	case KindVideo:
		return "WhatsApp Video Keys"
	case KindAudio:
		return "WhatsApp Audio Keys"
	case KindDocument:
		return "WhatsApp Document Keys"
	case KindHistory:
		return "WhatsApp History Keys"
	case KindAppState:
		return "WhatsApp App State Keys"
	default:
		return ""
	}
}

// Media refers to an encrypted file on a media server. SealMedia fills all but the two places,
// which only the server knows, and Mimetype and FileName, which come from the message.
type Media struct {
	Kind       Kind
	URL        string
	DirectPath string // must contain a ?
	Key        []byte
	SHA256     []byte // of the file
	EncSHA256  []byte // of the encrypted file with its MAC
	Length     uint64 // of the file in bytes
	Mimetype   string
	FileName   string
}

// ErrMedia says that a file is not the one its message describes.
var ErrMedia = errors.New("the media file is damaged or is not the one its message describes")

// MediaKind tells which kind of media a Draft of this type carries, and whether it carries any.
func MediaKind(draftType string) (Kind, bool) {
	switch draftType {
	case "image", "sticker":
		return KindImage, true
	case "video":
		return KindVideo, true
	case "audio", "voice":
		return KindAudio, true
	case "document":
		return KindDocument, true
	default:
		return "", false
	}
}

// macLength is how much of the HMAC follows the encrypted file.
const macLength = 10

// SealMedia encrypts a file with a new key and returns what to upload. Random may be nil.
func SealMedia(kind Kind, file []byte, random io.Reader) (*Media, []byte, error) {
	key, err := randomBytes(orRand(random), 32)
	if err != nil {
		return nil, nil, err
	}
	keys, err := deriveMedia(key, kind)
	if err != nil {
		return nil, nil, err
	}
	blob := keys.encrypt(file)
	blob = append(blob, keys.mac(blob)...)
	plain, sealed := sha256.Sum256(file), sha256.Sum256(blob)
	return &Media{
		Kind: kind, Key: key, SHA256: plain[:], EncSHA256: sealed[:], Length: uint64(len(file)),
	}, blob, nil
}

// Open decrypts what was downloaded and verifies both hashes, the MAC and the length.
// What the message does not say (an empty hash, length 0) is not compared.
func (m *Media) Open(blob []byte) ([]byte, error) {
	keys, err := deriveMedia(m.Key, m.Kind)
	if err != nil {
		return nil, err
	}
	if len(blob) <= macLength || !matches(m.EncSHA256, blob) {
		return nil, ErrMedia
	}
	sealed, mac := blob[:len(blob)-macLength], blob[len(blob)-macLength:]
	if len(sealed)%aes.BlockSize != 0 || !hmac.Equal(mac, keys.mac(sealed)) {
		return nil, ErrMedia
	}
	file, ok := keys.decrypt(sealed)
	if !ok || !matches(m.SHA256, file) || m.Length != 0 && m.Length != uint64(len(file)) {
		return nil, ErrMedia
	}
	return file, nil
}

func matches(hash, data []byte) bool {
	sum := sha256.Sum256(data)
	return len(hash) == 0 || bytes.Equal(hash, sum[:])
}

// mediaKeys is what a media key expands to.
type mediaKeys struct {
	block  cipher.Block
	iv     []byte
	macKey []byte
}

func deriveMedia(key []byte, kind Kind) (mediaKeys, error) {
	if len(key) != 32 || kind.info() == "" {
		return mediaKeys{}, ErrMedia
	}
	expanded, err := hkdf.Key(sha256.New, key, nil, kind.info(), 112)
	if err != nil {
		return mediaKeys{}, fmt.Errorf("derive media keys: %w", err)
	}
	block, err := aes.NewCipher(expanded[16:48])
	if err != nil {
		return mediaKeys{}, fmt.Errorf("derive media keys: %w", err)
	}
	return mediaKeys{block: block, iv: expanded[:16], macKey: expanded[48:80]}, nil
}

func (k mediaKeys) mac(sealed []byte) []byte {
	mac := hmac.New(sha256.New, k.macKey)
	mac.Write(k.iv)
	mac.Write(sealed)
	return mac.Sum(nil)[:macLength]
}

// encrypt leaves room for the MAC behind the result.
func (k mediaKeys) encrypt(file []byte) []byte {
	padding := aes.BlockSize - len(file)%aes.BlockSize
	sealed := make([]byte, len(file)+padding, len(file)+padding+macLength)
	copy(sealed, file)
	copy(sealed[len(file):], bytes.Repeat([]byte{byte(padding)}, padding))
	cipher.NewCBCEncrypter(k.block, k.iv).CryptBlocks(sealed, sealed)
	return sealed
}

func (k mediaKeys) decrypt(sealed []byte) ([]byte, bool) {
	file := slices.Clone(sealed)
	cipher.NewCBCDecrypter(k.block, k.iv).CryptBlocks(file, file)
	padding := int(file[len(file)-1])
	if padding == 0 || padding > aes.BlockSize || padding > len(file) {
		return nil, false
	}
	return file[:len(file)-padding], true
}

// expand is HKDF of a secret that is a good key already. It panics when n is over 8,160 bytes.
func expand(secret []byte, info string, n int) []byte {
	key, err := hkdf.Key(sha256.New, secret, nil, info, n)
	if err != nil {
		panic(err)
	}
	return key
}
