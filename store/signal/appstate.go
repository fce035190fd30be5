package signal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"

	wastore "go.mau.fi/whatsmeow/store"

	"wamux/store"
)

// whatsmeow writes a patch in three calls: version, deleted MACs, added MACs. A
// crash between them leaves a version whose hash does not match its MACs for
// good. So the first two are staged here, by name of the collection, and the
// third, which always comes, commits all of them. The staged values are read.
type appStage struct {
	mu     sync.Mutex
	staged map[string]*patch
}

// patch is what is staged for one collection.
type patch struct {
	row     appVersionRow
	deleted [][]byte
}

// appVersionRow is the value of a collection's version row in auth_data.
type appVersionRow struct {
	Version uint64 `json:"version"`
	Hash    []byte `json:"hash"`
}

// get returns a copy of what is staged for name; ok is false when nothing is.
func (a *appStage) get(name string) (p patch, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if staged := a.staged[name]; staged != nil {
		return *staged, true
	}
	return patch{}, false
}

// set stages a version, on top of what is staged.
func (a *appStage) set(name string, row appVersionRow) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.staged == nil {
		a.staged = make(map[string]*patch)
	}
	if a.staged[name] == nil {
		a.staged[name] = &patch{}
	}
	a.staged[name].row = row
}

// delete stages the deletion of MACs; false when no version is staged.
func (a *appStage) delete(name string, macs [][]byte) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.staged[name]
	if p == nil {
		return false
	}
	for _, mac := range macs {
		p.deleted = append(p.deleted, slices.Clone(mac))
	}
	return true
}

// drop forgets what is staged.
func (a *appStage) drop(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.staged, name)
}

// PutAppStateVersion stages the version and hash of a collection until
// PutAppStateMutationMACs.
func (s *stores) PutAppStateVersion(ctx context.Context, name string, version uint64, hash [128]byte) (err error) {
	defer s.guard(ctx, &err)
	if version == 0 {
		return refuse("version 0 of the collection %s cannot be stored", name)
	}
	s.appState.set(name, appVersionRow{Version: version, Hash: hash[:]})
	return nil
}

// GetAppStateVersion returns the version and hash of a collection, zero when
// there is none.
func (s *stores) GetAppStateVersion(ctx context.Context, name string) (version uint64, hash [128]byte, err error) {
	defer s.guard(ctx, &err)
	if p, ok := s.appState.get(name); ok {
		return p.row.Version, [128]byte(p.row.Hash), nil
	}
	key := appVersionKey(name)
	value, err := s.row(ctx, key)
	if err != nil || value == nil {
		return 0, hash, err
	}
	var row appVersionRow
	if err := decode(key, value, &row); err != nil {
		return 0, hash, err
	}
	if row.Version == 0 || len(row.Hash) != len(hash) {
		return 0, hash, fmt.Errorf("row %s of auth_data is damaged: version %d, hash of %d bytes", key, row.Version, len(row.Hash))
	}
	return row.Version, [128]byte(row.Hash), nil
}

// DeleteAppStateVersion forgets a collection and its MACs, at once.
func (s *stores) DeleteAppStateVersion(ctx context.Context, name string) (err error) {
	defer s.guard(ctx, &err)
	err = s.change(ctx, func(b *batch) {
		b.remove(appVersionKey(name))
		b.run(func(tx *store.Tx) error {
			_, err := tx.Exec(`DELETE FROM app_state_macs WHERE sessionId = ? AND name = ?`, s.session, name)
			return err
		})
	})
	if err == nil {
		s.appState.drop(name)
	}
	return err
}

// DeleteAppStateMutationMACs stages the deletion of MACs, when a version is
// staged; otherwise it commits at once.
func (s *stores) DeleteAppStateMutationMACs(ctx context.Context, name string, indexMACs [][]byte) (err error) {
	defer s.guard(ctx, &err)
	if len(indexMACs) == 0 || s.appState.delete(name, indexMACs) {
		return nil
	}
	return s.change(ctx, func(b *batch) {
		b.run(func(tx *store.Tx) error { return deleteMACs(tx, s.session, name, indexMACs) })
	})
}

// PutAppStateMutationMACs commits the MACs of a patch with all that is staged
// for the collection, also when there are none. When it fails the patch is
// dropped, and whatsmeow fetches it again.
func (s *stores) PutAppStateMutationMACs(ctx context.Context, name string, version uint64, mutations []wastore.AppStateMutationMAC) (err error) {
	defer s.guard(ctx, &err)
	p, staged := s.appState.get(name)
	defer s.appState.drop(name)
	return s.change(ctx, func(b *batch) {
		if staged {
			b.put(appVersionKey(name), encode(p.row))
		}
		b.run(func(tx *store.Tx) error {
			if err := deleteMACs(tx, s.session, name, p.deleted); err != nil {
				return err
			}
			return putMACs(tx, s.session, name, version, mutations)
		})
	})
}

func deleteMACs(tx *store.Tx, session, name string, macs [][]byte) error {
	for _, mac := range macs {
		if _, err := tx.Exec(`DELETE FROM app_state_macs WHERE sessionId = ? AND name = ? AND indexMac = ?`, session, name, mac); err != nil {
			return err
		}
	}
	return nil
}

// putMACs keeps the newest MAC of each index: no other is ever asked for.
func putMACs(tx *store.Tx, session, name string, version uint64, macs []wastore.AppStateMutationMAC) error {
	for _, m := range macs {
		if _, err := tx.Exec(`INSERT INTO app_state_macs (sessionId, name, indexMac, valueMac, version) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (sessionId, name, indexMac) DO UPDATE SET valueMac = excluded.valueMac, version = excluded.version
			WHERE excluded.version >= app_state_macs.version`, session, name, m.IndexMAC, m.ValueMAC, int64(version)); err != nil {
			return err
		}
	}
	return nil
}

// GetAppStateMutationMAC returns the newest value MAC of an index, or nil.
func (s *stores) GetAppStateMutationMAC(ctx context.Context, name string, indexMAC []byte) (valueMAC []byte, err error) {
	defer s.guard(ctx, &err)
	if p, ok := s.appState.get(name); ok && slices.ContainsFunc(p.deleted, func(mac []byte) bool { return slices.Equal(mac, indexMAC) }) {
		return nil, nil
	}
	err = s.view(ctx, func(tx *store.Tx) error {
		err := tx.QueryRow(`SELECT valueMac FROM app_state_macs WHERE sessionId = ? AND name = ? AND indexMac = ?`,
			s.session, name, indexMAC).Scan(&valueMAC)
		if errors.Is(err, sql.ErrNoRows) {
			valueMAC, err = nil, nil
		}
		return err
	})
	return valueMAC, err
}
