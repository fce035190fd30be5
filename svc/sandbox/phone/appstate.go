package phone

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waServerSync"
	"go.mau.fi/whatsmeow/proto/waSyncAction"
	"google.golang.org/protobuf/proto"
)

// Collections are the five app-state collections, in the order in which a phone fills them.
var Collections = [...]string{"critical_block", "critical_unblock_low", "regular_high", "regular_low", "regular"}

// Patch is one step of a collection. The server stores Data under Version and serves it as it is:
// Data is a SyncdPatch with its version set.
type Patch struct {
	Collection string
	Version    uint64
	Data       []byte
}

// Mutation is one change that a companion made.
type Mutation struct {
	Removed bool
	Index   []string // what is changed, for example ["mute","777@s.whatsapp.net"]
	Value   *waSyncAction.SyncActionValue
}

// syncKey is the record of the key that all app state of this account is encrypted with.
type syncKey struct {
	ID   []byte
	Data []byte
}

const recordSyncKey = "appstate-key"

// newSyncKey makes the record of a new key. Its id is the number of the device that made it, and a
// counter.
func newSyncKey(random io.Reader) ([]byte, error) {
	data, err := randomBytes(random, 32)
	if err != nil {
		return nil, err
	}
	return json.Marshal(syncKey{ID: []byte{0, 0, 0, 0, 0, 1}, Data: data})
}

// ShareKeys builds the protocol message that gives a new companion the app-state key. It is sent
// as a peer message (category peer, push_priority high) to that companion alone.
func (p *Phone) ShareKeys(now time.Time) *waE2E.Message {
	list := p.keyIndexes()
	share := &waE2E.AppStateSyncKeyShare{Keys: []*waE2E.AppStateSyncKey{{
		KeyID: &waE2E.AppStateSyncKeyId{KeyID: p.key.ID},
		KeyData: &waE2E.AppStateSyncKeyData{
			KeyData: p.key.Data,
			Fingerprint: &waE2E.AppStateSyncKeyFingerprint{
				RawID:         proto.Uint32(p.self.RawID),
				CurrentIndex:  proto.Uint32(list.Last),
				DeviceIndexes: append([]uint32{0}, list.Valid...),
			},
			Timestamp: proto.Int64(now.UnixMilli()),
		},
	}}}
	return &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{
		Type:                 waE2E.ProtocolMessage_APP_STATE_SYNC_KEY_SHARE.Enum(),
		AppStateSyncKeyShare: share,
	}}
}

// AddPatch encrypts mutations (see the Build functions of whatsmeow's appstate) as the next patch.
func (p *Phone) AddPatch(info appstate.PatchInfo, now time.Time) (Patch, error) {
	name := string(info.Type)
	state := readCollection(p.records.get(keyCollection(name)))
	info.Timestamp = now
	data, err := p.processor(p.records.stage()).EncodePatch(context.Background(), p.key.ID, state, info)
	if err != nil {
		return Patch{}, fmt.Errorf("encrypt a patch of %s: %w", name, err)
	}
	patch, _, err := p.ApplyPatch(name, data)
	return patch, err
}

// ApplyPatch takes over a patch that a companion uploaded as the next version; its MACs are
// verified. It returns the patch with its version set, to be stored and served, and what it
// says. ErrMalformed when it does not verify; nothing has changed then.
func (p *Phone) ApplyPatch(collection string, data []byte) (patch Patch, said []Mutation, err error) {
	// The decoder takes the length of encrypted values for granted.
	defer func() {
		if recover() != nil {
			patch, said, err = Patch{}, nil, ErrMalformed
		}
	}()
	var next waServerSync.SyncdPatch
	if !slices.Contains(Collections[:], collection) || proto.Unmarshal(data, &next) != nil {
		return Patch{}, nil, ErrMalformed
	}
	s, state := p.records.stage(), readCollection(p.records.get(keyCollection(collection)))
	next.Version = &waServerSync.SyncdVersion{Version: proto.Uint64(state.Version + 1)}
	list := &appstate.PatchList{Name: appstate.WAPatchName(collection), Patches: []*waServerSync.SyncdPatch{&next}}
	mutations, _, err := p.processor(s).DecodePatches(context.Background(), list, state, true)
	if err != nil {
		return Patch{}, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if data, err = proto.Marshal(&next); err != nil {
		return Patch{}, nil, fmt.Errorf("write a patch of %s: %w", collection, err)
	}
	if err := keepRecords(s, collection, next.GetMutations()); err != nil {
		return Patch{}, nil, err
	}
	s.commit()
	return Patch{Collection: collection, Version: state.Version + 1, Data: data}, readMutations(mutations), nil
}

// keepRecords writes what a patch sets and deletes what it removes, for snapshots.
func keepRecords(s *stage, collection string, mutations []*waServerSync.SyncdMutation) error {
	for _, m := range mutations {
		at := keyValue(collection, m.GetRecord().GetIndex().GetBlob())
		if m.GetOperation() == waServerSync.SyncdMutation_REMOVE {
			s.drop(at)
			continue
		}
		raw, err := proto.Marshal(m.GetRecord())
		if err != nil {
			return fmt.Errorf("write a value of %s: %w", collection, err)
		}
		s.put(at, raw)
	}
	return nil
}

func readMutations(mutations []appstate.Mutation) []Mutation {
	said := make([]Mutation, 0, len(mutations))
	for _, m := range mutations {
		said = append(said, Mutation{
			Removed: m.Operation == waServerSync.SyncdMutation_REMOVE, Index: m.Index, Value: m.Action,
		})
	}
	return said
}

// Version returns the version of a collection, 0 when nothing was written to it.
func (p *Phone) Version(collection string) uint64 {
	return readCollection(p.records.get(keyCollection(collection))).Version
}

// Snapshot builds the state of a whole collection (a SyncdSnapshot), which the server encrypts by
// SealMedia with KindAppState and announces by BlobReference. A collection at
// version 0 has no snapshot: ErrMalformed.
func (p *Phone) Snapshot(collection string) ([]byte, error) {
	snapshot, err := p.snapshot(collection)
	if err != nil {
		return nil, err
	}
	return proto.Marshal(snapshot)
}

func (p *Phone) snapshot(collection string) (*waServerSync.SyncdSnapshot, error) {
	state := readCollection(p.records.get(keyCollection(collection)))
	if state.Version == 0 {
		return nil, ErrMalformed
	}
	snapshot := &waServerSync.SyncdSnapshot{
		Version: &waServerSync.SyncdVersion{Version: proto.Uint64(state.Version)},
		KeyID:   &waServerSync.KeyId{ID: p.key.ID},
		Mac:     snapshotMAC(p.key.Data, state, collection),
	}
	for _, raw := range p.records.under(keyCollection(collection) + "/") {
		var one waServerSync.SyncdRecord
		if err := proto.Unmarshal(raw, &one); err != nil {
			return nil, fmt.Errorf("read a value of %s: %w", collection, err)
		}
		snapshot.Records = append(snapshot.Records, &one)
	}
	return snapshot, nil
}

// snapshotMAC is over the sum of all values, the version and the name, with the fourth of the keys
// that the app-state key expands to.
func snapshotMAC(key []byte, state appstate.HashState, collection string) []byte {
	mac := hmac.New(sha256.New, expand(key, "WhatsApp Mutation Keys", 160)[96:128])
	mac.Write(state.Hash[:])
	mac.Write(binary.BigEndian.AppendUint64(nil, state.Version))
	mac.Write([]byte(collection))
	return mac.Sum(nil)
}

// BlobReference is the content of a snapshot node: where the uploaded snapshot is.
func BlobReference(m *Media) ([]byte, error) {
	return proto.Marshal(&waServerSync.ExternalBlobReference{
		MediaKey: m.Key, DirectPath: proto.String(m.DirectPath), FileSizeBytes: proto.Uint64(m.Length),
		FileSHA256: m.SHA256, FileEncSHA256: m.EncSHA256,
	})
}
