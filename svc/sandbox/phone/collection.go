package phone

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waServerSync"
	"go.mau.fi/whatsmeow/store"
	waLog "go.mau.fi/whatsmeow/util/log"
	"google.golang.org/protobuf/proto"
)

func keyCollection(name string) string { return "appstate/" + name }

func keyValue(collection string, indexMAC []byte) string {
	return keyCollection(collection) + "/" + hex.EncodeToString(indexMAC)
}

// readCollection reads the record of a collection: its version and the sum of its values.
func readCollection(raw []byte) appstate.HashState {
	if len(raw) != 8+128 {
		return appstate.HashState{}
	}
	return appstate.HashState{Version: binary.BigEndian.Uint64(raw), Hash: [128]byte(raw[8:])}
}

// processor is whatsmeow's own encoder and decoder over a stage of our records.
func (p *Phone) processor(s *stage) *appstate.Processor {
	device := &store.Device{AppState: collectionStore{s}, AppStateKeys: keyStore{p.key}}
	return appstate.NewProcessor(device, waLog.Noop)
}

// collectionStore is whatsmeow's store.AppStateStore. Values are kept by keepRecords, which knows
// more of them than their MACs.
type collectionStore struct{ *stage }

func (c collectionStore) PutAppStateVersion(_ context.Context, name string, version uint64, hash [128]byte) error {
	c.put(keyCollection(name), append(binary.BigEndian.AppendUint64(nil, version), hash[:]...))
	return nil
}

func (c collectionStore) GetAppStateVersion(_ context.Context, name string) (uint64, [128]byte, error) {
	state := readCollection(c.get(keyCollection(name)))
	return state.Version, state.Hash, nil
}

func (c collectionStore) DeleteAppStateVersion(_ context.Context, name string) error {
	c.drop(keyCollection(name))
	return nil
}

func (c collectionStore) PutAppStateMutationMACs(context.Context, string, uint64, []store.AppStateMutationMAC) error {
	return nil
}

func (c collectionStore) DeleteAppStateMutationMACs(context.Context, string, [][]byte) error {
	return nil
}

func (c collectionStore) GetAppStateMutationMAC(_ context.Context, name string, indexMAC []byte) ([]byte, error) {
	var one waServerSync.SyncdRecord
	if err := proto.Unmarshal(c.get(keyValue(name, indexMAC)), &one); err != nil {
		return nil, fmt.Errorf("read a value of %s: %w", name, err)
	}
	blob := one.GetValue().GetBlob()
	if len(blob) < 32 {
		return nil, nil
	}
	return blob[len(blob)-32:], nil
}

// keyStore is whatsmeow's store.AppStateSyncKeyStore of one key.
type keyStore struct{ key syncKey }

func (k keyStore) PutAppStateSyncKey(context.Context, []byte, store.AppStateSyncKey) error {
	return nil
}

func (k keyStore) GetAppStateSyncKey(_ context.Context, id []byte) (*store.AppStateSyncKey, error) {
	if !slices.Equal(id, k.key.ID) {
		return nil, nil
	}
	return &store.AppStateSyncKey{Data: k.key.Data}, nil
}

func (k keyStore) GetLatestAppStateSyncKeyID(context.Context) ([]byte, error) { return k.key.ID, nil }

func (k keyStore) GetAllAppStateSyncKeys(context.Context) ([]*store.AppStateSyncKey, error) {
	return []*store.AppStateSyncKey{{Data: k.key.Data}}, nil
}
