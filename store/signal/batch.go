package signal

import (
	"bytes"
	"maps"
	"sync"
	"time"

	"go.mau.fi/whatsmeow/types"

	"wamux/store"
)

// batch is a set of finished writes that commit together. Until then its own
// readers see them. Everything in it was computed before, so that the database's
// one writer only runs SQL.
type batch struct {
	mu       sync.Mutex
	rows     map[string][]byte       // rows of auth_data by key; nil deletes
	events   map[[32]byte]incoming   // event_buffer
	secrets  map[secretID][]byte     // message_secrets; the first write wins
	outgoing map[outgoingID]outgoing // outgoing_events
	drop     bool                    // what there is of the account goes first
	more     []func(*store.Tx) error // other writes, in order
	unsealed []unsealed              // other writes that begin with sealing
}

// unsealed seals values and returns the write of them.
type unsealed func(store.Sealer) (func(*store.Tx) error, error)

// incoming is a decrypted event that waits for its handler; plaintext nil: it was handled.
type incoming struct {
	plaintext  []byte
	serverTime int64 // unix seconds
}

type secretID struct{ chat, sender, message string }

// key names a row within its class, as the store's list of secret columns does.
func (id secretID) key() string { return id.message + "|" + id.chat + "|" + id.sender }

type outgoingID struct{ chat, message string }

func (id outgoingID) key() string { return id.message + "|" + id.chat }

// outgoing is a sent message, kept for retry receipts.
type outgoing struct {
	format    string
	plaintext []byte
}

func newBatch() *batch {
	return &batch{
		rows:     make(map[string][]byte),
		events:   make(map[[32]byte]incoming),
		secrets:  make(map[secretID][]byte),
		outgoing: make(map[outgoingID]outgoing),
	}
}

// put writes a row of auth_data.
func (b *batch) put(key string, value []byte) { b.rows[key] = bytes.Clone(value) }

// remove deletes a row of auth_data.
func (b *batch) remove(key string) { b.rows[key] = nil }

// run adds a write that is neither of the named ones.
func (b *batch) run(fn func(*store.Tx) error) { b.more = append(b.more, fn) }

// secret adds a message secret.
func (b *batch) secret(chat, sender types.JID, message string, secret []byte) {
	id := secretID{chat.ToNonAD().String(), sender.ToNonAD().String(), message}
	if _, ok := b.secrets[id]; !ok {
		b.secrets[id] = bytes.Clone(secret)
	}
}

func (b *batch) empty() bool {
	return len(b.rows)+len(b.events)+len(b.secrets)+len(b.outgoing)+len(b.more)+len(b.unsealed) == 0 && !b.drop
}

// row returns what this batch says about a row; ok is false when it says nothing.
func (b *batch) row(key string) (value []byte, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	value, ok = b.rows[key]
	return value, ok
}

// event returns what this batch says about an event.
func (b *batch) event(hash [32]byte) (e incoming, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok = b.events[hash]
	return e, ok
}

// snapshot returns a copy to commit, on top of the writes of below.
func (b *batch) snapshot(below *batch) *batch {
	c := newBatch()
	if below != nil && below != b {
		below.copyTo(c)
	}
	b.copyTo(c)
	return c
}

func (b *batch) copyTo(c *batch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.Copy(c.rows, b.rows)
	maps.Copy(c.events, b.events)
	maps.Copy(c.outgoing, b.outgoing)
	for id, secret := range b.secrets {
		if _, ok := c.secrets[id]; !ok {
			c.secrets[id] = secret
		}
	}
	c.more, c.drop = append(c.more, b.more...), c.drop || b.drop
	c.unsealed = append(c.unsealed, b.unsealed...)
}

// reset empties the batch, after it was committed.
func (b *batch) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.rows)
	clear(b.events)
	clear(b.secrets)
	clear(b.outgoing)
	b.more, b.unsealed, b.drop = nil, nil, false
}

// write runs the batch's SQL for one session.
func (b *batch) write(tx *store.Tx, session string) error {
	now := tx.Now.UnixMilli()
	if b.drop {
		if err := dropAccount(tx, session); err != nil {
			return err
		}
	}
	for key, value := range b.rows {
		if err := writeRow(tx, session, key, value); err != nil {
			return err
		}
	}
	for hash, e := range b.events {
		if err := writeEvent(tx, session, hash, e, now); err != nil {
			return err
		}
	}
	for id, secret := range b.secrets {
		if err := writeSecret(tx, session, id, secret, now); err != nil {
			return err
		}
	}
	for id, o := range b.outgoing {
		if err := writeOutgoing(tx, session, id, o, now); err != nil {
			return err
		}
	}
	for _, fn := range b.more {
		if err := fn(tx); err != nil {
			return err
		}
	}
	return nil
}

func writeRow(tx *store.Tx, session, key string, value []byte) error {
	if value == nil {
		_, err := tx.Exec(`DELETE FROM auth_data WHERE sessionId = ? AND key = ?`, session, key)
		return err
	}
	now := stamp(tx.Now)
	_, err := tx.Exec(`INSERT INTO auth_data (sessionId, key, value, createdAt, updatedAt) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (sessionId, key) DO UPDATE SET value = excluded.value, updatedAt = excluded.updatedAt`,
		session, key, store.SecretText(value), now, now)
	return err
}

func writeEvent(tx *store.Tx, session string, hash [32]byte, e incoming, now int64) error {
	_, err := tx.Exec(`INSERT INTO event_buffer (sessionId, hash, plaintext, serverTime, insertedAt) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (sessionId, hash) DO UPDATE SET plaintext = excluded.plaintext WHERE event_buffer.plaintext IS NOT NULL`,
		session, hash[:], e.plaintext, e.serverTime, now)
	return err
}

func writeSecret(tx *store.Tx, session string, id secretID, secret []byte, now int64) error {
	_, err := tx.Exec(`INSERT INTO message_secrets (sessionId, messageId, chat, sender, secret, createdAt) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`, session, id.message, id.chat, id.sender, secret, now)
	return err
}

func writeOutgoing(tx *store.Tx, session string, id outgoingID, o outgoing, now int64) error {
	_, err := tx.Exec(`INSERT INTO outgoing_events (sessionId, chat, messageId, format, plaintext, createdAt) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (sessionId, messageId, chat) DO UPDATE SET format = excluded.format, plaintext = excluded.plaintext, createdAt = excluded.createdAt`,
		session, id.chat, id.message, o.format, o.plaintext, now)
	return err
}

// stamp writes a time as the public tables keep it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
