package signal

import (
	"context"
	"sync"

	"go.mau.fi/whatsmeow/types"

	"wamux/store"
)

// migrations knows which users still have rows under their phone number, so
// that the move to the LID, which whatsmeow asks for with every message, costs
// nothing when there is nothing to move.
type migrations struct {
	mu      sync.Mutex
	learned bool                // users has what the database had
	users   map[string]struct{} // may have rows
}

// saw notes that rows with these addresses are there or about to be.
func (m *migrations) saw(addresses ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.users == nil {
		m.users = make(map[string]struct{})
	}
	for _, s := range addresses {
		if a, ok := parseAddress(s); ok && a.agent != lidAgent {
			m.users[a.name()] = struct{}{}
		}
	}
}

// learn ends not knowing what the database has.
func (m *migrations) learn() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.learned = true
}

// may tells whether a user may have rows, and whether that is known at all.
func (m *migrations) may(user string) (may, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, may = m.users[user]
	return may, m.learned
}

// done notes that nothing is left of a user.
func (m *migrations) done(user string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.users, user)
}

// MigratePNToLID moves the ratchets, identities and sender keys of a user from
// the phone number's addresses to the LID's. Where both have one the newer
// stays. That it was done is noted only after the commit.
func (s *stores) MigratePNToLID(ctx context.Context, pn, lid types.JID) (err error) {
	defer s.guard(ctx, &err)
	from, to := pn.SignalAddressUser(), lid.SignalAddressUser()
	if from == to || pn.IsEmpty() || lid.IsEmpty() {
		return nil
	}
	may, known := s.moved.may(from)
	if known && !may {
		return nil
	}
	return s.alone(ctx, func() error { return s.migrate(ctx, from, to, known) })
}

// migrate runs under the ratchet lock.
func (s *stores) migrate(ctx context.Context, from, to string, known bool) error {
	if !known {
		if err := s.learnMoves(ctx); err != nil {
			return err
		}
		if may, _ := s.moved.may(from); !may {
			return nil
		}
	}
	rows, err := s.movesOf(ctx, from, to)
	if err != nil {
		return err
	}
	b := newBatch()
	for _, m := range rows {
		b.remove(m.from)
		if !m.stays {
			b.put(m.to, m.value)
		}
	}
	if err := s.commit(ctx, b); err != nil {
		return err
	}
	s.moved.done(from)
	return nil
}

// learnMoves reads which users have rows under their phone number.
func (s *stores) learnMoves(ctx context.Context) error {
	if err := s.flush(ctx); err != nil {
		return err
	}
	err := s.view(ctx, func(tx *store.Tx) error {
		for _, prefix := range []string{prefixSession, prefixIdentity, prefixSenderKey} {
			keys, err := readKeys(tx, s.session, prefix)
			if err != nil {
				return err
			}
			for _, key := range keys {
				if a, ok := keyAddress(key); ok {
					s.moved.saw(a.String())
				}
			}
		}
		return nil
	})
	if err == nil {
		s.moved.learn()
	}
	return err
}

// move is one row that changes its name.
type move struct {
	from, to string
	value    []byte
	stays    bool // the row at to is newer
}

// movesOf reads the rows whose address has the user name from.
func (s *stores) movesOf(ctx context.Context, from, to string) (moves []move, err error) {
	if err := s.flush(ctx); err != nil {
		return nil, err
	}
	err = s.view(ctx, func(tx *store.Tx) error {
		moves = nil
		for _, prefix := range []string{prefixSession + from + ":", prefixIdentity + from + ":", prefixSenderKey} {
			keys, err := readKeys(tx, s.session, prefix)
			if err != nil {
				return err
			}
			for _, key := range keys {
				a, ok := keyAddress(key)
				if !ok || a.name() != from {
					continue
				}
				m, err := s.readMove(tx, key, key[:len(key)-len(a.String())]+to+":"+a.device)
				if err != nil {
					return err
				}
				moves = append(moves, m)
			}
		}
		return nil
	})
	return moves, err
}

func (s *stores) readMove(tx *store.Tx, from, to string) (move, error) {
	m := move{from: from, to: to}
	err := tx.QueryRow(`SELECT value, EXISTS (SELECT 1 FROM auth_data AS other
			WHERE other.sessionId = auth_data.sessionId AND other.key = ? AND other.updatedAt >= auth_data.updatedAt)
		FROM auth_data WHERE sessionId = ? AND key = ?`, to, s.session, from).Scan(&m.value, &m.stays)
	if err == nil {
		m.value, err = unseal(tx, s.session, from, m.value)
	}
	return m, err
}
