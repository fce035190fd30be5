package signal

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	wastore "go.mau.fi/whatsmeow/store"

	"wamux/store"
)

const (
	// bufferLife is how long a handled event is recognised: WhatsApp's servers
	// keep what they could not deliver for as long.
	bufferLife = 14 * 24 * time.Hour
	// outgoingLife is how long a sent message can be asked for again.
	outgoingLife = 7 * 24 * time.Hour
)

// DoDecryptionTxn runs fn, which decrypts one message. Its writes belong
// together: everybody sees them when it returns nil, and the next commit of the
// session takes them along, which comes before the message is acked. When it
// returns an error nothing has changed and fn may run again. fn's reads see its
// own writes. No crypto holds up the database's writer, and no other send or
// decryption of this account moves a ratchet meanwhile.
func (s *stores) DoDecryptionTxn(ctx context.Context, fn func(context.Context) error) (err error) {
	defer s.guard(ctx, &err)
	if w := s.work(ctx); w != nil && !w.sending {
		return s.attempt(ctx, fn)
	}
	if err := s.ratchet.lock(ctx); err != nil {
		return err
	}
	defer s.ratchet.unlock()
	w := &work{batch: newBatch(), owner: s, holds: true}
	if err := s.attempt(context.WithValue(ctx, workKey{}, w), fn); err != nil {
		return err
	}
	if len(w.events) == 0 { // nothing is bound to commit it
		return s.commit(ctx, w.batch)
	}
	s.late.hold(w.batch)
	return nil
}

// attempt runs fn. Its error is an answer: if it was a fault of the stores, the
// method that failed has told so. A panic, which is libsignal's, ends the run
// the first time: nothing was acked, and the message comes again. The second
// time it is the message's: whatsmeow asks its sender for another.
func (s *stores) attempt(ctx context.Context, fn func(context.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.log.Error("panic while decrypting", "panic", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic while decrypting: %v", r)
			if s.panics.again(s.session, fmt.Sprint(r)) {
				err = refusal{err}
			}
		}
	}()
	if err := fn(ctx); err != nil {
		return refusal{err}
	}
	return nil
}

// panics remembers, beyond one run, the last panic of each session.
type panics struct {
	mu   sync.Mutex
	last map[string]string
}

// again tells whether the session's last panic was the same, and forgets it then.
func (p *panics) again(session, what string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last[session] == what {
		delete(p.last, session)
		return true
	}
	p.last[session] = what
	return false
}

// PutBufferedEvent keeps the plaintext of an event until it was handled.
func (s *stores) PutBufferedEvent(ctx context.Context, hash [32]byte, plaintext []byte, serverTime time.Time) (err error) {
	defer s.guard(ctx, &err)
	e := incoming{plaintext: append([]byte{}, plaintext...), serverTime: serverTime.Unix()}
	return s.change(ctx, func(b *batch) { b.events[hash] = e })
}

// GetBufferedEvent returns an event that was decrypted before, or nil. Its
// plaintext is nil when it was handled, too.
func (s *stores) GetBufferedEvent(ctx context.Context, hash [32]byte) (e *wastore.BufferedEvent, err error) {
	defer s.guard(ctx, &err)
	if e := s.stagedEvent(ctx, hash); e != nil {
		return e, nil
	}
	err = s.peek(ctx, func(tx *store.Tx) (err error) {
		e, err = readEvent(tx, s.session, hash)
		return err
	})
	if err == nil && e != nil && e.Plaintext != nil {
		s.late.begin(hash, e.Plaintext)
	}
	return e, err
}

// stagedEvent returns an event that is not on disk yet, or nil.
func (s *stores) stagedEvent(ctx context.Context, hash [32]byte) *wastore.BufferedEvent {
	e, ok := s.late.event(hash)
	if !ok {
		e, ok = s.underway.event(hash)
	}
	if w := s.work(ctx); w != nil && !ok {
		e, ok = w.event(hash)
	}
	if !ok {
		return nil
	}
	return &wastore.BufferedEvent{Plaintext: bytes.Clone(e.plaintext), ServerTime: time.Unix(e.serverTime, 0), InsertTime: time.Now()}
}

func readEvent(tx *store.Tx, session string, hash [32]byte) (*wastore.BufferedEvent, error) {
	var e wastore.BufferedEvent
	var server, inserted int64
	err := tx.QueryRow(`SELECT plaintext, serverTime, insertedAt FROM event_buffer WHERE sessionId = ? AND hash = ?`,
		session, hash[:]).Scan(&e.Plaintext, &server, &inserted)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	e.ServerTime, e.InsertTime = time.Unix(server, 0), time.UnixMilli(inserted)
	e.Plaintext, err = tx.Unseal(session, store.ClassIncoming, hex.EncodeToString(hash[:]), e.Plaintext)
	return &e, err
}

// ClearBufferedEventPlaintext says that an event was handled; that is on disk
// when it returns, with all that belongs to it.
func (s *stores) ClearBufferedEventPlaintext(ctx context.Context, hash [32]byte) (err error) {
	defer s.guard(ctx, &err)
	return s.settleEvent(ctx, hash)
}

// DeleteOldBufferedHashes forgets events so old that they cannot come again.
func (s *stores) DeleteOldBufferedHashes(ctx context.Context) (err error) {
	defer s.guard(ctx, &err)
	return s.change(ctx, func(b *batch) { b.run(s.tidyOldest("event_buffer", "insertedAt", bufferLife)) })
}
