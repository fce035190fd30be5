package signal

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"go.mau.fi/whatsmeow/types"

	"wamux/store"
)

// tidyEvery is how often old sent messages are looked for: whatsmeow asks with
// every send.
const tidyEvery = time.Hour

// tidied remembers when old sent messages were deleted.
type tidied struct {
	mu   sync.Mutex
	last time.Time
}

// due tells whether it is time again, and takes the turn.
func (t *tidied) due() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.last) < tidyEvery {
		return false
	}
	t.last = time.Now()
	return true
}

// AddOutgoingEvent keeps a message that is being sent, for retry receipts. In a
// send it is on disk before the message leaves.
func (s *stores) AddOutgoingEvent(ctx context.Context, chat types.JID, id types.MessageID, format string, plaintext []byte) (err error) {
	defer s.guard(ctx, &err)
	o := outgoing{format: format, plaintext: append([]byte{}, plaintext...)}
	stage := func(b *batch) { b.outgoing[outgoingID{chat.ToNonAD().String(), id}] = o }
	if encrypted(chat) {
		return s.change(ctx, stage)
	}
	return s.settle(ctx, stage)
}

// encrypted tells whether a message to chat moves a ratchet, which commits what
// is staged before the message leaves. Newsletters have none.
func encrypted(chat types.JID) bool { return chat.Server != types.NewsletterServer }

// GetOutgoingEvent returns a sent message by either form of its chat. It is an
// error when there is none.
func (s *stores) GetOutgoingEvent(ctx context.Context, chat, altChat types.JID, id types.MessageID) (format string, plaintext []byte, err error) {
	defer s.guard(ctx, &err)
	a, b := chat.ToNonAD().String(), altChat.ToNonAD().String()
	err = s.read(ctx, func(tx *store.Tx) error {
		var chat string
		err := tx.QueryRow(`SELECT format, plaintext, chat FROM outgoing_events WHERE sessionId = ? AND messageId = ? AND chat IN (?, ?) LIMIT 1`,
			s.session, id, a, b).Scan(&format, &plaintext, &chat)
		if err == nil {
			plaintext, err = tx.Unseal(s.session, store.ClassOutgoing, outgoingID{chat, id}.key(), plaintext)
		}
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil, refuse("no message %s was sent to %s within the last days", id, a)
	}
	return format, plaintext, err
}

// DeleteOldOutgoingEvents deletes sent messages after a week. It does nothing
// when it ran less than an hour ago, and in a send it joins the send's commit.
func (s *stores) DeleteOldOutgoingEvents(ctx context.Context) (err error) {
	defer s.guard(ctx, &err)
	if !s.tidied.due() {
		return nil
	}
	return s.change(ctx, func(b *batch) { b.run(s.tidyOldest("outgoing_events", "createdAt", outgoingLife)) })
}
