package sandbox

import (
	"bytes"
	"compress/zlib"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// attrs are the attributes of a stanza. The encoder knows string, int, int64, uint32, bool and JID; others panic.
type attrs = waBinary.Attrs

// el makes an element with children.
func el(tag string, a attrs, children ...waBinary.Node) waBinary.Node {
	n := waBinary.Node{Tag: tag, Attrs: a}
	if len(children) > 0 {
		n.Content = children
	}
	return n
}

// body makes an element with bytes in it. Clients expect bytes even where they are text.
func body(tag string, a attrs, data []byte) waBinary.Node {
	return waBinary.Node{Tag: tag, Attrs: a, Content: data}
}

// content returns the bytes of an element; the decoder gives some texts as strings.
func content(n waBinary.Node) []byte {
	switch c := n.Content.(type) {
	case []byte:
		return c
	case string:
		return []byte(c)
	}
	return nil
}

// str returns an attribute as text, "" when it is missing.
func str(n *waBinary.Node, key string) string {
	switch v := n.Attrs[key].(type) {
	case string:
		return v
	case types.JID:
		return v.String()
	}
	return ""
}

// jid returns an attribute as JID, empty when it is missing or is none.
func jid(n *waBinary.Node, key string) types.JID {
	switch v := n.Attrs[key].(type) {
	case types.JID:
		return v
	case string:
		if j, err := types.ParseJID(v); err == nil {
			return j
		}
	}
	return types.JID{}
}

// maxStanza is how large a stanza may be, unpacked.
const maxStanza = 64 << 20

var errStanza = errors.New("a stanza is empty, too large or damaged")

// unmarshal reads a stanza: a byte of flags, and the stanza, which may be packed. The library's decoder panics over some that no client
// makes.
func unmarshal(plain []byte) (n *waBinary.Node, err error) {
	defer func() {
		if recover() != nil {
			n, err = nil, errStanza
		}
	}()
	if len(plain) == 0 {
		return nil, errStanza
	}
	data := plain[1:]
	if plain[0]&packed != 0 {
		if data, err = unpack(data); err != nil {
			return nil, err
		}
	}
	return waBinary.Unmarshal(data)
}

// packed is the flag of a stanza that is compressed with zlib.
const packed = 2

func unpack(data []byte) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out, err := io.ReadAll(io.LimitReader(r, maxStanza+1))
	if err == nil && len(out) > maxStanza {
		err = errStanza
	}
	return out, err
}

func unix(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// randomID makes an id for a stanza of the server or a message of a phone.
func randomID(size int) string {
	b := make([]byte, size)
	rand.Read(b)
	return strings.ToUpper(hex.EncodeToString(b))
}

// number24 is the form of pre-key ids on the wire.
func number24(id uint32) []byte {
	b := binary.BigEndian.AppendUint32(nil, id)
	return b[1:]
}

func number32(id uint32) []byte { return binary.BigEndian.AppendUint32(nil, id) }

// parseNumber reads a big-endian number of up to four bytes.
func parseNumber(b []byte) (n uint32) {
	for _, x := range b {
		n = n<<8 | uint32(x)
	}
	return n
}
