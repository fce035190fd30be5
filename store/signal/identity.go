package signal

import (
	"bytes"
	"context"
	"fmt"

	"wamux/store"
)

// PutIdentity remembers the identity key of an address.
func (s *stores) PutIdentity(ctx context.Context, address string, key [32]byte) (err error) {
	defer s.guard(ctx, &err)
	name, value := identityKey(address), encodeBytes(key[:])
	old, err := s.row(ctx, name)
	if err != nil || bytes.Equal(old, value) {
		return err
	}
	s.moved.saw(address)
	return s.change(ctx, func(b *batch) { b.put(name, value) })
}

// IsTrustedIdentity tells whether key is the one remembered, or the first one
// from this address.
func (s *stores) IsTrustedIdentity(ctx context.Context, address string, key [32]byte) (ok bool, err error) {
	defer s.guard(ctx, &err)
	name := identityKey(address)
	value, err := s.row(ctx, name)
	if err != nil || value == nil {
		return err == nil, err
	}
	known, err := decodeBytes(name, value)
	if err != nil {
		return false, err
	}
	if len(known) != len(key) {
		return false, fmt.Errorf("row %s of auth_data is damaged: %d bytes", name, len(known))
	}
	return bytes.Equal(known, key[:]), nil
}

// DeleteIdentity forgets the identity of exactly this address.
func (s *stores) DeleteIdentity(ctx context.Context, address string) (err error) {
	defer s.guard(ctx, &err)
	return s.change(ctx, func(b *batch) { b.remove(identityKey(address)) })
}

// DeleteAllIdentities forgets the identities of all devices of a user, under
// the phone number's form of the address and under the LID's.
func (s *stores) DeleteAllIdentities(ctx context.Context, user string) (err error) {
	defer s.guard(ctx, &err)
	return s.deleteUser(ctx, prefixIdentity, user)
}

// deleteUser deletes the rows under prefix whose address has this user, with
// any agent and any device.
func (s *stores) deleteUser(ctx context.Context, prefix, user string) error {
	keys, err := s.keysOf(ctx, prefix, user)
	if err != nil || len(keys) == 0 {
		return err
	}
	return s.change(ctx, func(b *batch) {
		for _, key := range keys {
			b.remove(key)
		}
	})
}

// keysOf returns the rows under prefix whose address has this user. "user:…"
// and "user_…" are the only beginnings such an address can have.
func (s *stores) keysOf(ctx context.Context, prefix, user string) ([]string, error) {
	var found []string
	if err := s.flush(ctx); err != nil {
		return nil, err
	}
	err := s.view(ctx, func(tx *store.Tx) error {
		found = nil
		for _, begin := range []string{prefix + user + ":", prefix + user + "_"} {
			keys, err := readKeys(tx, s.session, begin)
			if err != nil {
				return err
			}
			found = append(found, keys...)
		}
		return nil
	})
	if w := s.work(ctx); w != nil {
		w.batch.mu.Lock()
		for key := range w.rows {
			found = append(found, key)
		}
		w.batch.mu.Unlock()
	}
	return keepUser(found, prefix, user), err
}

// keepUser keeps the keys under prefix that belong to user.
func keepUser(keys []string, prefix, user string) []string {
	var kept []string
	for _, key := range keys {
		if len(key) < len(prefix) || key[:len(prefix)] != prefix {
			continue
		}
		if a, ok := keyAddress(key); ok && a.user == user {
			kept = append(kept, key)
		}
	}
	return kept
}
