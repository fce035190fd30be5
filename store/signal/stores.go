package signal

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	wastore "go.mau.fi/whatsmeow/store"

	"wamux/store"
)

// cacheBytes bounds what one session keeps of its ratchets and identities.
const cacheBytes = 2 << 20

// stores is all that whatsmeow remembers of one session, for one run.
type stores struct {
	breaker
	db       *store.DB
	session  string
	lids     *lids
	panics   *panics
	ratchet  *ratchet
	archive  *archive
	cache    *lru[string, []byte] // rows of auth_data by key; nil: there is none
	late     late
	underway *underway
	own      atomic.Pointer[ownAddresses]

	fence   sync.RWMutex // held for reading by commits
	retired bool         // a newer run has taken over

	preKeys  sync.Mutex // one at a time makes pre-keys
	tokens   sync.Mutex // one at a time changes privacy tokens
	appKeys  sync.Mutex // one at a time changes app-state keys
	appState appStage
	moved    migrations
	tidied   tidied
}

var _ wastore.AllSessionSpecificStores = (*stores)(nil)

func newStores(db *store.DB, session string, l *lids, p *panics, log *slog.Logger) *stores {
	return &stores{
		breaker: breaker{log: log.With("session", session)},
		db:      db,
		session: session,
		lids:    l,
		panics:  p,
		ratchet: newRatchet(),
		archive: newArchive(),
		cache: newLRU(cacheBytes, func(key string, value []byte) int {
			return len(key) + len(value) + 64
		}),
		late:     newLate(),
		underway: newUnderway(),
	}
}

// retire ends these stores: it waits for the commit that is under way, and none
// follows.
func (s *stores) retire() {
	s.fence.Lock()
	defer s.fence.Unlock()
	s.retired = true
}

// usable says why the stores no longer work, or nil.
func (s *stores) usable() error {
	if err := s.broken(); err != nil {
		return err
	}
	if s.retired {
		return errRetired
	}
	return nil
}

// view reads on one snapshot, which has all that was handed in before.
func (s *stores) view(ctx context.Context, fn func(*store.Tx) error) error {
	if err := s.caughtUp(ctx); err != nil {
		return err
	}
	return s.db.View(ctx, fn)
}

// read is view for one query, which is a snapshot by itself.
func (s *stores) read(ctx context.Context, fn func(*store.Tx) error) error {
	if err := s.caughtUp(ctx); err != nil {
		return err
	}
	return s.db.Read(ctx, fn)
}

// caughtUp waits for what is on its way to the disk.
func (s *stores) caughtUp(ctx context.Context) error {
	if err := s.readable(); err != nil {
		return err
	}
	n, on := s.underway.mark()
	if on {
		return nil
	}
	if err := s.db.CatchUp(ctx); err != nil {
		return err
	}
	return s.underway.wait(n)
}

// peek is read, without waiting, of what staged would tell if it were on its way.
func (s *stores) peek(ctx context.Context, fn func(*store.Tx) error) error {
	if err := s.readable(); err != nil {
		return err
	}
	return s.db.Read(ctx, fn)
}

func (s *stores) readable() error {
	s.fence.RLock()
	defer s.fence.RUnlock()
	return s.usable()
}

// commit writes b together with what is late, and then, only then, the cache.
func (s *stores) commit(ctx context.Context, b *batch) error {
	s.late.mu.Lock()
	defer s.late.mu.Unlock()
	return s.commitLocked(ctx, b)
}

// commitLocked is commit for those who hold late.mu.
func (s *stores) commitLocked(ctx context.Context, b *batch) error {
	b = b.snapshot(s.late.batch)
	if b.empty() {
		return nil
	}
	if err := s.write(ctx, b); err != nil {
		return err
	}
	s.late.reset()
	return nil
}

// write commits a batch that nobody changes any more.
func (s *stores) write(ctx context.Context, b *batch) error {
	s.fence.RLock()
	defer s.fence.RUnlock()
	if err := s.usable(); err != nil {
		return err
	}
	err := s.db.UpdateSealed(ctx, func(sealer store.Sealer) (func(*store.Tx) error, error) {
		sealed, err := b.sealed(sealer, s.session)
		return func(tx *store.Tx) error {
			if err := s.underway.broken(); err != nil {
				return err
			}
			return sealed.write(tx, s.session)
		}, err
	})
	if err == nil {
		s.fillCache(b)
	}
	return err
}

// fillCache takes over what was committed.
func (s *stores) fillCache(b *batch) {
	for key, value := range b.rows {
		if cached(key) {
			s.cache.put(key, value)
		}
	}
}

// change stages fn's writes with the work in ctx, or commits them now.
func (s *stores) change(ctx context.Context, fn func(*batch)) error {
	if w := s.work(ctx); w != nil {
		w.stage(fn)
		return nil
	}
	b := newBatch()
	fn(b)
	return s.commit(ctx, b)
}

// settle is change for what a message about to leave depends on: it is on disk
// when settle returns, with all that the send has staged. Within a decryption
// it is staged all the same, since that commits before anything leaves.
func (s *stores) settle(ctx context.Context, fn func(*batch)) error {
	if w := s.work(ctx); w != nil && w.sending {
		return w.settle(fn)
	}
	return s.change(ctx, fn)
}

// cached tells which rows are worth their memory: those that every message needs.
func cached(key string) bool {
	for _, prefix := range []string{prefixSession, prefixIdentity, prefixSenderKey, prefixPrivacyToken, keyNCTSalt} {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

// row returns a row of auth_data, or nil: as the work in ctx left it, else from
// the cache, else from the database.
func (s *stores) row(ctx context.Context, key string) ([]byte, error) {
	if value, ok := s.staged(ctx, key); ok {
		return value, nil
	}
	value, ok, epoch := s.cache.get(key)
	if ok {
		return value, nil
	}
	err := s.peek(ctx, func(tx *store.Tx) (err error) {
		value, err = readRow(tx, s.session, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	if cached(key) {
		s.cache.fill(key, value, epoch)
	}
	return value, nil
}

// staged returns what was written to a row but not yet committed.
func (s *stores) staged(ctx context.Context, key string) (value []byte, ok bool) {
	if w := s.work(ctx); w != nil {
		if value, ok := w.row(key); ok {
			return value, true
		}
	}
	if value, ok := s.late.row(key); ok {
		return value, true
	}
	return s.underway.row(key)
}

// readRow returns the value of a row, or nil when it is not there.
func readRow(tx *store.Tx, session, key string) ([]byte, error) {
	var value []byte
	err := tx.QueryRow(`SELECT value FROM auth_data WHERE sessionId = ? AND key = ?`, session, key).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return unseal(tx, session, key, value)
}

// unseal returns the value of a row of auth_data as it was before it was sealed.
func unseal(tx *store.Tx, session, key string, value []byte) ([]byte, error) {
	if !secretKey(key) {
		return value, nil
	}
	return tx.Unseal(session, store.ClassAuth, key, value)
}

// secretKey tells whether the value of a row of auth_data is sealed.
func secretKey(key string) bool { return !strings.HasPrefix(key, store.ClearKeys) }

// readRange calls fn for every row whose key begins with prefix, by key.
func readRange(tx *store.Tx, session, prefix string, fn func(key string, value []byte) error) error {
	rows, err := tx.Query(`SELECT key, value FROM auth_data WHERE sessionId = ? AND key >= ? AND key < ? ORDER BY key`,
		session, prefix, after(prefix))
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
		value, err := unseal(tx, session, key, value)
		if err == nil {
			err = fn(key, value)
		}
		if err != nil {
			return err
		}
	}
	return rows.Err()
}

// readKeys returns the keys that begin with prefix, without reading their values.
func readKeys(tx *store.Tx, session, prefix string) ([]string, error) {
	return readStrings(tx, `SELECT key FROM auth_data WHERE sessionId = ? AND key >= ? AND key < ? ORDER BY key`,
		session, prefix, after(prefix))
}

// after returns the first key behind all that begin with prefix, which is not
// empty and ends in an ASCII character.
func after(prefix string) string {
	last := len(prefix) - 1
	return prefix[:last] + string(prefix[last]+1)
}
