package phone

import (
	"bytes"
	"compress/gzip"
	"encoding/json"

	"go.mau.fi/whatsmeow/proto/waSyncAction"
	"go.mau.fi/whatsmeow/proto/waSyncdSnapshotRecovery"
	"google.golang.org/protobuf/proto"
)

// Recovery is a whole collection in clear, compressed, for a companion whose own state of it does not add up any more. It goes to
// that companion alone, in an encrypted message. ErrMalformed when there is no such collection.
func (p *Phone) Recovery(collection string) ([]byte, error) {
	found, err := p.decrypt(collection)
	if err != nil || len(found) == 0 {
		return nil, ErrMalformed
	}
	state := readCollection(p.records.get(keyCollection(collection)))
	all := &waSyncdSnapshotRecovery.SyncdSnapshotRecovery{
		Version:        &waSyncdSnapshotRecovery.SyncdVersion{Version: proto.Uint64(state.Version)},
		CollectionName: proto.String(collection), CollectionLthash: state.Hash[:],
	}
	for _, m := range found {
		index, err := json.Marshal(m.Index)
		if err != nil {
			return nil, err
		}
		all.MutationRecords = append(all.MutationRecords, &waSyncdSnapshotRecovery.SyncdPlainTextRecord{
			Value: &waSyncAction.SyncActionData{Index: index, Value: m.Action, Padding: []byte{}, Version: proto.Int32(m.Version)},
			KeyID: m.KeyID, Mac: m.ValueMAC,
		})
	}
	raw, err := proto.Marshal(all)
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(raw); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}
