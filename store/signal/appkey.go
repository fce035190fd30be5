package signal

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"slices"

	wastore "go.mau.fi/whatsmeow/store"

	"wamux/store"
)

// appKeyRow is the value of an app-state key's row in auth_data.
type appKeyRow struct {
	KeyData     []byte `json:"keyData"`
	Fingerprint []byte `json:"fingerprint"`
	Timestamp   int64  `json:"timestamp"`
}

func (r appKeyRow) key() *wastore.AppStateSyncKey {
	return &wastore.AppStateSyncKey{Data: r.KeyData, Fingerprint: r.Fingerprint, Timestamp: r.Timestamp}
}

// PutAppStateSyncKey remembers an app-state key, unless we have it as new already.
func (s *stores) PutAppStateSyncKey(ctx context.Context, id []byte, key wastore.AppStateSyncKey) (err error) {
	defer s.guard(ctx, &err)
	s.appKeys.Lock()
	defer s.appKeys.Unlock()
	old, err := s.appKey(ctx, id)
	if err != nil || old != nil && old.Timestamp >= key.Timestamp {
		return err
	}
	row := appKeyRow{KeyData: key.Data, Fingerprint: key.Fingerprint, Timestamp: key.Timestamp}
	return s.change(ctx, func(b *batch) { b.put(appKeyKey(id), encode(row)) })
}

// GetAppStateSyncKey returns an app-state key, or nil.
func (s *stores) GetAppStateSyncKey(ctx context.Context, id []byte) (_ *wastore.AppStateSyncKey, err error) {
	defer s.guard(ctx, &err)
	return s.appKey(ctx, id)
}

func (s *stores) appKey(ctx context.Context, id []byte) (*wastore.AppStateSyncKey, error) {
	key := appKeyKey(id)
	value, err := s.row(ctx, key)
	if err != nil || value == nil {
		return nil, err
	}
	var row appKeyRow
	if err := decode(key, value, &row); err != nil {
		return nil, err
	}
	return row.key(), nil
}

// GetLatestAppStateSyncKeyID returns the id of the newest app-state key, or nil.
func (s *stores) GetLatestAppStateSyncKeyID(ctx context.Context) (id []byte, err error) {
	defer s.guard(ctx, &err)
	all, err := s.allAppKeys(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[0].id, nil
}

// GetAllAppStateSyncKeys returns the app-state keys, newest first.
func (s *stores) GetAllAppStateSyncKeys(ctx context.Context) (list []*wastore.AppStateSyncKey, err error) {
	defer s.guard(ctx, &err)
	all, err := s.allAppKeys(ctx)
	for _, k := range all {
		list = append(list, k.row.key())
	}
	return list, err
}

type appKeyWithID struct {
	id  []byte
	row appKeyRow
}

// allAppKeys reads the few app-state keys, newest first.
func (s *stores) allAppKeys(ctx context.Context) (all []appKeyWithID, err error) {
	err = s.view(ctx, func(tx *store.Tx) error {
		all = nil
		return readRange(tx, s.session, prefixAppKey, func(key string, value []byte) error {
			var k appKeyWithID
			var err error
			if k.id, err = base64.StdEncoding.DecodeString(key[len(prefixAppKey):]); err != nil {
				return fmt.Errorf("row %s of auth_data is damaged: %w", key, err)
			}
			all = append(all, k)
			return decode(key, value, &all[len(all)-1].row)
		})
	})
	slices.SortStableFunc(all, func(a, b appKeyWithID) int { return cmp.Compare(b.row.Timestamp, a.row.Timestamp) })
	return all, err
}
