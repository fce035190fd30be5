package signal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"go.mau.fi/whatsmeow/util/keys"

	"wamux/store"
)

// The states of a pre-key, as table pre_keys has them.
const (
	preKeyNew      = 0
	preKeyUploaded = 1
	preKeySingle   = 2 // made for one retry receipt, not one of the server's stock
	preKeyKept     = 3 // from before a restore: decrypts, but is never offered again
)

const (
	// maxPreKeyID is the greatest id that fits WhatsApp's three bytes.
	maxPreKeyID = 1<<24 - 1
	// singleLife is how long a key from a retry receipt waits for its message.
	singleLife = 30 * 24 * time.Hour
)

// preKeyRow is the value of a pre-key's row in auth_data.
type preKeyRow struct {
	KeyID   uint32 `json:"keyId"`
	Private []byte `json:"private"`
	Public  []byte `json:"public"`
}

func decodePreKey(key string, value []byte) (*keys.PreKey, error) {
	var row preKeyRow
	if err := decode(key, value, &row); err != nil {
		return nil, err
	}
	pair, err := keyPair(row.Private)
	if err != nil {
		return nil, fmt.Errorf("row %s of auth_data is damaged: %w", key, err)
	}
	return &keys.PreKey{KeyPair: *pair, KeyID: row.KeyID}, nil
}

// keyPair makes the pair of a private key.
func keyPair(private []byte) (*keys.KeyPair, error) {
	if len(private) != 32 {
		return nil, fmt.Errorf("a private key of %d bytes", len(private))
	}
	return keys.NewKeyPairFromPrivateKey([32]byte(private)), nil
}

// GetPreKey returns a pre-key, or nil when it is not there or used up.
func (s *stores) GetPreKey(ctx context.Context, id uint32) (_ *keys.PreKey, err error) {
	defer s.guard(ctx, &err)
	key := preKeyKey(id)
	value, err := s.row(ctx, key)
	if err != nil || value == nil {
		return nil, err
	}
	return decodePreKey(key, value)
}

// RemovePreKey deletes a pre-key that was used.
func (s *stores) RemovePreKey(ctx context.Context, id uint32) (err error) {
	defer s.guard(ctx, &err)
	return s.change(ctx, func(b *batch) {
		b.remove(preKeyKey(id))
		b.run(func(tx *store.Tx) error {
			_, err := tx.Exec(`DELETE FROM pre_keys WHERE sessionId = ? AND id = ?`, s.session, id)
			return err
		})
	})
}

// GetOrGenPreKeys returns count pre-keys that were not uploaded: those there
// are, then new ones, which are on disk in one transaction when it returns.
func (s *stores) GetOrGenPreKeys(ctx context.Context, count uint32) (list []*keys.PreKey, err error) {
	defer s.guard(ctx, &err)
	if count > maxPreKeyID {
		return nil, refuse("%d pre-keys are more than there are ids", count)
	}
	s.preKeys.Lock()
	defer s.preKeys.Unlock()
	if list, err = s.newPreKeys(ctx, count); err != nil {
		return nil, err
	}
	made, err := s.makePreKeys(ctx, int(count)-len(list), preKeyNew)
	return append(list, made...), err
}

// GenOnePreKey makes a pre-key for a retry receipt. It does not count as one of
// the server's stock, and old ones that nobody used are deleted.
func (s *stores) GenOnePreKey(ctx context.Context) (_ *keys.PreKey, err error) {
	defer s.guard(ctx, &err)
	s.preKeys.Lock()
	defer s.preKeys.Unlock()
	made, err := s.makePreKeys(ctx, 1, preKeySingle)
	if err != nil {
		return nil, err
	}
	return made[0], nil
}

// newPreKeys returns up to count pre-keys that were not uploaded, oldest first.
func (s *stores) newPreKeys(ctx context.Context, count uint32) (list []*keys.PreKey, err error) {
	err = s.view(ctx, func(tx *store.Tx) error {
		list = nil
		rows, err := tx.Query(`SELECT a.key, a.value FROM pre_keys AS p
			JOIN auth_data AS a ON a.sessionId = p.sessionId AND a.key = 'pre-key-' || p.id
			WHERE p.sessionId = ? AND p.state = ? ORDER BY p.seq LIMIT ?`, s.session, preKeyNew, count)
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
			if value, err = unseal(tx, s.session, key, value); err != nil {
				return err
			}
			k, err := decodePreKey(key, value)
			if err != nil {
				return err
			}
			list = append(list, k)
		}
		return rows.Err()
	})
	return list, err
}

// makePreKeys makes n pre-keys and commits them with the counter. preKeys is
// held, so the counter stands still between its read and its write.
func (s *stores) makePreKeys(ctx context.Context, n, state int) ([]*keys.PreKey, error) {
	if n <= 0 {
		return nil, nil
	}
	ids, next, err := s.freeIDs(ctx, n)
	if err != nil {
		return nil, err
	}
	b := newBatch()
	made := make([]*keys.PreKey, n)
	for i, id := range ids {
		made[i] = keys.NewPreKey(id)
		b.put(preKeyKey(id), encode(preKeyRow{KeyID: id, Private: made[i].Priv[:], Public: made[i].Pub[:]}))
	}
	b.run(func(tx *store.Tx) error { return writePreKeys(tx, s.session, ids, next, state) })
	return made, s.commit(ctx, b)
}

func writePreKeys(tx *store.Tx, session string, ids []uint32, next uint32, state int) error {
	for _, id := range ids {
		if _, err := tx.Exec(`INSERT INTO pre_keys (sessionId, id, state, createdAt) VALUES (?, ?, ?, ?)`,
			session, id, state, tx.Now.UnixMilli()); err != nil {
			return err
		}
	}
	if err := writeCounter(tx, session, next); err != nil {
		return err
	}
	return expireSingles(tx, session)
}

func writeCounter(tx *store.Tx, session string, next uint32) error {
	_, err := tx.Exec(`INSERT INTO pre_key_counters (sessionId, next) VALUES (?, ?)
		ON CONFLICT (sessionId) DO UPDATE SET next = excluded.next`, session, next)
	return err
}

// expireSingles deletes the keys of retry receipts whose message never came.
func expireSingles(tx *store.Tx, session string) error {
	before := tx.Now.Add(-singleLife).UnixMilli()
	_, err := tx.Exec(`DELETE FROM auth_data WHERE sessionId = ?1 AND key IN
		(SELECT 'pre-key-' || id FROM pre_keys WHERE sessionId = ?1 AND state = ?2 AND createdAt < ?3)`, session, preKeySingle, before)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`DELETE FROM pre_keys WHERE sessionId = ? AND state = ? AND createdAt < ?`, session, preKeySingle, before)
	return err
}

// freeIDs returns the next n ids that no key has, and the one that follows.
func (s *stores) freeIDs(ctx context.Context, n int) (ids []uint32, next uint32, err error) {
	var used map[uint32]bool
	err = s.view(ctx, func(tx *store.Tx) error {
		if next, err = readCounter(tx, s.session); err != nil {
			return err
		}
		used, err = usedIDs(tx, s.session)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	if len(used)+n > maxPreKeyID {
		return nil, 0, errors.New("all pre-key ids are in use")
	}
	for len(ids) < n {
		if !used[next] {
			ids = append(ids, next)
		}
		next = followingID(next)
	}
	return ids, next, nil
}

// followingID counts 1 … 2^24-1, 1 …
func followingID(id uint32) uint32 { return id%maxPreKeyID + 1 }

// readCounter returns the id that comes next, 1 when none was given yet.
func readCounter(tx *store.Tx, session string) (uint32, error) {
	var next uint32
	err := tx.QueryRow(`SELECT next FROM pre_key_counters WHERE sessionId = ?`, session).Scan(&next)
	if errors.Is(err, sql.ErrNoRows) || err == nil && (next == 0 || next > maxPreKeyID) {
		return 1, nil
	}
	return next, err
}

// usedIDs returns the ids of all keys there are, in either table.
func usedIDs(tx *store.Tx, session string) (map[uint32]bool, error) {
	keys, err := readKeys(tx, session, prefixPreKey)
	if err != nil {
		return nil, err
	}
	used := make(map[uint32]bool, len(keys))
	for _, key := range keys {
		if id, err := strconv.ParseUint(key[len(prefixPreKey):], 10, 32); err == nil {
			used[uint32(id)] = true
		}
	}
	return used, nil
}

// MarkPreKeysAsUploaded notes that the server has all keys made up to this one.
// The order is that of their making: ids start again at 1 some day.
func (s *stores) MarkPreKeysAsUploaded(ctx context.Context, upToID uint32) (err error) {
	defer s.guard(ctx, &err)
	return s.change(ctx, func(b *batch) {
		b.run(func(tx *store.Tx) error {
			_, err := tx.Exec(`UPDATE pre_keys SET state = ?1 WHERE sessionId = ?2 AND state = ?3
				AND seq <= (SELECT seq FROM pre_keys WHERE sessionId = ?2 AND id = ?4)`, preKeyUploaded, s.session, preKeyNew, upToID)
			return err
		})
	})
}

// UploadedPreKeyCount counts the keys of the server's stock that we have. Keys
// made for retry receipts are none of them, nor those from before a restore.
func (s *stores) UploadedPreKeyCount(ctx context.Context) (count int, err error) {
	defer s.guard(ctx, &err)
	err = s.view(ctx, func(tx *store.Tx) error {
		return tx.QueryRow(`SELECT COUNT(*) FROM pre_keys WHERE sessionId = ? AND state = ?`, s.session, preKeyUploaded).Scan(&count)
	})
	return count, err
}
