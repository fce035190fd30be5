package phone

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/json"
	"time"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/appstate/lthash"
	"go.mau.fi/whatsmeow/proto/waServerSync"
	"go.mau.fi/whatsmeow/proto/waSyncAction"
	"go.mau.fi/whatsmeow/util/cbcutil"
	"google.golang.org/protobuf/proto"
)

// RemovePatch takes one value out of a collection as its next patch: whatsmeow's encoder can only set values. ErrChoice when
// there is no such value.
func (p *Phone) RemovePatch(collection string, index []string, now time.Time) (Patch, error) {
	keys := expand(p.key.Data, "WhatsApp Mutation Keys", 160)
	name, err := json.Marshal(index)
	if err != nil {
		return Patch{}, err
	}
	indexMAC := sum256(keys[:32], name)
	old, err := collectionStore{p.records.stage()}.GetAppStateMutationMAC(context.Background(), collection, indexMAC)
	if err != nil {
		return Patch{}, err
	}
	if old == nil {
		return Patch{}, ErrChoice
	}
	value, err := p.removal(keys, name, now)
	if err != nil {
		return Patch{}, err
	}
	state := readCollection(p.records.get(keyCollection(collection)))
	lthash.WAPatchIntegrity.SubtractThenAddInPlace(state.Hash[:], [][]byte{old}, nil)
	state.Version++
	data, err := p.removePatch(keys, collection, state, &waServerSync.SyncdRecord{
		Index: &waServerSync.SyncdIndex{Blob: indexMAC}, Value: &waServerSync.SyncdValue{Blob: value}, KeyID: &waServerSync.KeyId{ID: p.key.ID},
	})
	if err != nil {
		return Patch{}, err
	}
	patch, _, err := p.ApplyPatch(collection, data)
	return patch, err
}

// removal is the encrypted content of a removal with its MAC.
func (p *Phone) removal(keys, index []byte, now time.Time) ([]byte, error) {
	plain, err := proto.Marshal(&waSyncAction.SyncActionData{
		Index: index, Value: &waSyncAction.SyncActionValue{Timestamp: proto.Int64(now.UnixMilli())}, Padding: []byte{}, Version: proto.Int32(2),
	})
	if err != nil {
		return nil, err
	}
	sealed, err := cbcutil.Encrypt(keys[32:64], nil, plain)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha512.New, keys[64:96])
	mac.Write([]byte{byte(waServerSync.SyncdMutation_REMOVE) + 1})
	mac.Write(p.key.ID)
	mac.Write(sealed)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p.key.ID)+1)))
	return append(sealed, mac.Sum(nil)[:32]...), nil
}

func (p *Phone) removePatch(keys []byte, collection string, state appstate.HashState, record *waServerSync.SyncdRecord) ([]byte, error) {
	snapshot, value := snapshotMAC(p.key.Data, state, collection), record.GetValue().GetBlob()
	return proto.Marshal(&waServerSync.SyncdPatch{
		SnapshotMAC: snapshot, KeyID: &waServerSync.KeyId{ID: p.key.ID},
		PatchMAC:  sum256(keys[128:160], snapshot, value[len(value)-32:], binary.BigEndian.AppendUint64(nil, state.Version), []byte(collection)),
		Mutations: []*waServerSync.SyncdMutation{{Operation: waServerSync.SyncdMutation_REMOVE.Enum(), Record: record}},
	})
}

func sum256(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(nil)
}
