package signal

import (
	"context"
	"encoding/json"
	"errors"

	"wamux/store"
)

// GetSession returns the ratchet with an address, or nil. Outside of a
// decryption and a send it lends the ratchet lock to the PutSession that
// follows: see the package comment.
func (s *stores) GetSession(ctx context.Context, address string) (record []byte, err error) {
	defer s.guard(ctx, &err)
	if w := s.work(ctx); w != nil {
		if _, err := w.hold(ctx); err != nil {
			return nil, err
		}
		return s.sessionOf(ctx, address)
	}
	if err := s.ratchet.lock(ctx); err != nil {
		return nil, err
	}
	lent := false
	defer func() {
		if !lent { // an error, or a panic
			s.ratchet.unlock()
		}
	}()
	if record, err = s.sessionOf(ctx, address); err != nil {
		return nil, err
	}
	lent = true
	s.ratchet.lend(address, record != nil)
	return record, nil
}

func (s *stores) sessionOf(ctx context.Context, address string) ([]byte, error) {
	value, err := s.movedRow(ctx, sessionKey(address), address)
	if err != nil {
		return nil, err
	}
	return decodeBytes(sessionKey(address), value)
}

// HasSession tells whether there is a ratchet with an address.
func (s *stores) HasSession(ctx context.Context, address string) (has bool, err error) {
	defer s.guard(ctx, &err)
	value, err := s.movedRow(ctx, sessionKey(address), address)
	return value != nil, err
}

// GetManySessions returns the ratchet of every address asked for, nil where
// there is none. A send holds the ratchet lock from here on.
func (s *stores) GetManySessions(ctx context.Context, addresses []string) (records map[string][]byte, err error) {
	defer s.guard(ctx, &err)
	if len(addresses) == 0 {
		return nil, nil
	}
	if w := s.work(ctx); w != nil {
		if _, err := w.hold(ctx); err != nil {
			return nil, err
		}
	}
	return s.many(ctx, addresses)
}

// many reads what the cache lacks in one query.
func (s *stores) many(ctx context.Context, addresses []string) (map[string][]byte, error) {
	records := make(map[string][]byte, len(addresses))
	var missing []string
	epoch := s.cache.now()
	for _, address := range addresses {
		key := sessionKey(address)
		value, ok := s.staged(ctx, key)
		if !ok {
			value, ok, _ = s.cache.get(key)
		}
		if !ok {
			missing = append(missing, key)
			continue
		}
		record, err := decodeBytes(key, value)
		if err != nil {
			return nil, err
		}
		records[address] = record
	}
	if len(missing) == 0 {
		return records, nil
	}
	return records, s.fillMany(ctx, missing, epoch, records)
}

// fillMany reads rows into records and the cache.
func (s *stores) fillMany(ctx context.Context, keys []string, epoch uint64, records map[string][]byte) error {
	found := make(map[string][]byte, len(keys))
	err := s.peek(ctx, func(tx *store.Tx) error { return readRows(tx, s.session, keys, found) })
	if err != nil {
		return err
	}
	for _, key := range keys {
		record, err := decodeBytes(key, found[key])
		if err != nil {
			return err
		}
		records[key[len(prefixSession):]] = record
		s.cache.fill(key, found[key], epoch)
	}
	return nil
}

// readRows reads the rows with these keys into found.
func readRows(tx *store.Tx, session string, keys []string, found map[string][]byte) error {
	list, err := json.Marshal(keys)
	if err != nil {
		return err
	}
	rows, err := tx.Query(`SELECT key, value FROM auth_data WHERE sessionId = ? AND key IN (SELECT value FROM json_each(?))`,
		session, string(list))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var value []byte
		if err := rows.Scan(&key, &value); err != nil {
			return err
		}
		if found[key], err = unseal(tx, session, key, value); err != nil {
			return err
		}
	}
	return rows.Err()
}

// PutSession writes the ratchet with one address; see PutManySessions.
func (s *stores) PutSession(ctx context.Context, address string, record []byte) (err error) {
	defer s.guard(ctx, &err)
	return s.putSessions(ctx, map[string][]byte{address: record}, address)
}

// PutManySessions writes ratchets, all or none. They are on disk when it
// returns, and a send gives the ratchet lock back. Written without the lock
// since they were read, they must follow from what is there now.
func (s *stores) PutManySessions(ctx context.Context, records map[string][]byte) (err error) {
	defer s.guard(ctx, &err)
	if len(records) == 0 {
		return nil
	}
	return s.putSessions(ctx, records, "")
}

// putSessions writes records; lent is the one address that may be on lease.
func (s *stores) putSessions(ctx context.Context, records map[string][]byte, lent string) error {
	stage := func(b *batch) {
		for address, record := range records {
			s.moved.saw(address)
			b.put(sessionKey(address), encodeBytes(s.archive.thin(address, record)))
		}
	}
	w := s.work(ctx)
	if w != nil && !w.sending {
		if err := s.mendAll(ctx, records); err != nil {
			return err
		}
		w.stage(stage)
		return nil
	}
	if w != nil {
		defer w.free()
		taken, err := w.hold(ctx)
		if err == nil && taken {
			err = s.checkFollows(ctx, records)
		}
		if err != nil {
			return err
		}
		if err := w.settle(stage); err != nil {
			return err
		}
		w.tell()
		return nil
	}
	if err := s.ratchet.claim(ctx, lent); err != nil {
		return err
	}
	defer s.ratchet.unlock()
	err := s.checkFollows(ctx, records)
	if errors.Is(err, errForked) && lent != "" {
		return refusal{unacked{err}}
	}
	if err != nil {
		return err
	}
	return s.change(ctx, stage)
}

// checkFollows refuses records that do not follow from what is there now. The
// ratchet lock is held.
func (s *stores) checkFollows(ctx context.Context, records map[string][]byte) error {
	for address, record := range records {
		now, err := s.sessionOf(ctx, address)
		if err != nil {
			return err
		}
		handed := s.ratchet.wasHanded(address)
		if now == nil && handed || now != nil && !follows(now, record) {
			return refusal{errForked}
		}
	}
	return nil
}

// DeleteSession forgets the ratchet with exactly this address.
func (s *stores) DeleteSession(ctx context.Context, address string) (err error) {
	defer s.guard(ctx, &err)
	return s.alone(ctx, func() error {
		return s.change(ctx, func(b *batch) { b.remove(sessionKey(address)) })
	})
}

// DeleteAllSessions forgets the ratchets with all devices of a user.
func (s *stores) DeleteAllSessions(ctx context.Context, user string) (err error) {
	defer s.guard(ctx, &err)
	return s.alone(ctx, func() error { return s.deleteUser(ctx, prefixSession, user) })
}

// alone runs fn under the ratchet lock, which the work in ctx may hold already.
func (s *stores) alone(ctx context.Context, fn func() error) error {
	if w := s.work(ctx); w != nil {
		taken, err := w.hold(ctx)
		if err != nil {
			return err
		}
		if taken {
			defer w.free()
		}
		return fn()
	}
	if err := s.ratchet.lock(ctx); err != nil {
		return err
	}
	defer s.ratchet.unlock()
	return fn()
}
