package phone

import (
	"errors"
	"io"
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
func MediaKind(draftType string) (Kind, bool) { return "", false }

// SealMedia encrypts a file with a new key and returns what to upload. Random may be nil.
func SealMedia(kind Kind, file []byte, random io.Reader) (*Media, []byte, error) {
	return nil, nil, ErrMedia
}

// Open decrypts what was downloaded and verifies both hashes, the MAC and the length.
// What the message does not say (an empty hash, length 0) is not compared.
func (m *Media) Open(blob []byte) ([]byte, error) { return nil, ErrMedia }
