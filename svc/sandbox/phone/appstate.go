package phone

import (
	"time"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waSyncAction"
)

// Collections are the five app-state collections, in the order in which a phone fills them.
var Collections = [...]string{"critical_block", "critical_unblock_low", "regular_high", "regular_low", "regular"}

// Contact is an entry of the phone's address book.
type Contact struct {
	Number    string // digits
	LID       string // digits, may be empty
	FullName  string
	FirstName string
}

// Patch is one step of a collection. The server stores Data under Version and serves it as it is:
// Data is a SyncdPatch with its version set.
type Patch struct {
	Collection string
	Version    uint64
	Data       []byte
}

// ShareKeys builds the protocol message that gives a new companion the app-state key. It is sent
// as a peer message (category peer, push_priority high) to that companion alone.
func (p *Phone) ShareKeys() *waE2E.Message { return nil }

// FirstPatches brings every collection that is still at version 0 to version 1: the push name and
// locale, the contacts, and a setting each for the others, so that none stays empty.
func (p *Phone) FirstPatches(pushName string, contacts []Contact, now time.Time) ([]Patch, error) {
	return nil, ErrMalformed
}

// AddPatch encrypts mutations (see the Build functions of whatsmeow's appstate) as the next patch.
func (p *Phone) AddPatch(info appstate.PatchInfo, now time.Time) (Patch, error) {
	return Patch{}, ErrMalformed
}

// ContactPatch says that a contact was added or changed, for AddPatch.
func ContactPatch(c Contact) appstate.PatchInfo { return appstate.PatchInfo{} }

// ApplyPatch takes over a patch that a companion uploaded as the next version; its MACs are
// verified. It returns the patch with its version set, to be stored and served, and what it
// says. ErrMalformed when it does not verify; nothing has changed then.
func (p *Phone) ApplyPatch(collection string, data []byte) (Patch, []Mutation, error) {
	return Patch{}, nil, ErrMalformed
}

// Mutation is one change that a companion made.
type Mutation struct {
	Removed bool
	Index   []string // what is changed, for example ["mute","777@s.whatsapp.net"]
	Value   *waSyncAction.SyncActionValue
}

// Version returns the version of a collection, 0 when nothing was written to it.
func (p *Phone) Version(collection string) uint64 { return 0 }

// Snapshot builds the state of a whole collection (a SyncdSnapshot), which the server encrypts by
// SealMedia with KindAppState and announces by BlobReference.
func (p *Phone) Snapshot(collection string) ([]byte, error) { return nil, ErrMalformed }

// BlobReference is the content of a snapshot node: where the uploaded snapshot is.
func BlobReference(m *Media) ([]byte, error) { return nil, ErrMalformed }
