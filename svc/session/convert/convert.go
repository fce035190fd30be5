// Package convert translates between WhatsApp and the store: an event of the
// client becomes the rows and events it leaves behind, a content that a person
// wants to send becomes the protocol message, and a message that went out
// becomes its own rows.
//
// Everything here is a pure function of its arguments: no client, no clock, no
// database, no randomness. The same event gives the same entries with the same
// ids, so an event that WhatsApp offers again after a crash changes nothing.
package convert

import "go.mau.fi/whatsmeow/types"

// Own names our own account, both identities, without device. Either may be
// empty when it is not known yet.
type Own struct {
	JID types.JID // phone number, at s.whatsapp.net
	LID types.JID // hidden identity, at lid
}

// Is tells whether jid is our own account, on whichever device and under
// whichever of its two identities.
func (o Own) Is(jid types.JID) bool {
	if jid.IsEmpty() {
		return false
	}
	return same(jid, o.JID) || same(jid, o.LID)
}

// other is the other identity of jid, which must be ours.
func (o Own) other(jid types.JID) types.JID {
	if same(jid, o.LID) {
		return o.JID
	}
	return o.LID
}

func same(a, b types.JID) bool { return a.User == b.User && a.Server == b.Server && !b.IsEmpty() }

// Uploaded is where WhatsApp's media servers keep a file, and the key that
// opens it. URL, DirectPath and the hashes come from the upload as they are.
type Uploaded struct {
	URL           string
	DirectPath    string
	MediaKey      []byte
	FileEncSHA256 []byte
	FileSHA256    []byte
	FileLength    uint64 // bytes of the clear file
}
