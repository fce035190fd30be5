package signal

import (
	"context"
	"database/sql"
	"errors"

	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"wamux/store"
)

// PutMessageSecret keeps the secret of one message, unless there is one. In a
// send it commits with the ratchets, and while a received message is handled
// with its Clear.
func (s *stores) PutMessageSecret(ctx context.Context, chat, sender types.JID, id types.MessageID, secret []byte) (err error) {
	defer s.guard(ctx, &err)
	if chat.IsEmpty() || sender.IsEmpty() || id == "" || len(secret) == 0 {
		return nil
	}
	stage := func(b *batch) { b.secret(chat, sender, id, secret) }
	switch {
	case !encrypted(chat):
		return s.settle(ctx, stage)
	case sender.IsBot(): // their messages are not buffered, so no Clear follows
		return s.change(ctx, stage)
	}
	return s.changeLate(ctx, stage)
}

// PutMessageSecrets keeps the secrets of many messages, all or none. Incomplete
// ones are left out.
func (s *stores) PutMessageSecrets(ctx context.Context, inserts []wastore.MessageSecretInsert) (err error) {
	defer s.guard(ctx, &err)
	return s.change(ctx, func(b *batch) {
		for _, in := range inserts {
			if !in.Chat.IsEmpty() && !in.Sender.IsEmpty() && in.ID != "" && len(in.Secret) > 0 {
				b.secret(in.Chat, in.Sender, in.ID, in.Secret)
			}
		}
	})
}

// GetMessageSecret returns the secret of a message and the sender under whom it
// is kept, nil when there is none. Chat and sender may be given as phone number
// or LID, whichever way the secret came in.
func (s *stores) GetMessageSecret(ctx context.Context, chat, sender types.JID, id types.MessageID) (secret []byte, realSender types.JID, err error) {
	defer s.guard(ctx, &err)
	chats, err := s.forms(ctx, chat)
	if err != nil {
		return nil, types.EmptyJID, err
	}
	senders, err := s.forms(ctx, sender)
	if err != nil {
		return nil, types.EmptyJID, err
	}
	secret, real, err := s.findSecret(ctx, chats, senders, id)
	if err != nil || secret == nil {
		return nil, types.EmptyJID, err
	}
	realSender, err = types.ParseJID(real)
	return secret, realSender, err
}

// forms returns the two ways to write a user, the given one first, or the same
// one twice.
func (s *stores) forms(ctx context.Context, jid types.JID) (forms [2]string, err error) {
	jid = jid.ToNonAD()
	alt, err := s.lids.other(ctx, jid)
	if err != nil {
		return forms, err
	}
	forms = [2]string{jid.String(), jid.String()}
	if !alt.IsEmpty() {
		forms[1] = alt.String()
	}
	return forms, nil
}

// findSecret looks at what is staged, then in the database.
func (s *stores) findSecret(ctx context.Context, chats, senders [2]string, id string) (secret []byte, sender string, err error) {
	for _, chat := range chats {
		for _, sender := range senders {
			if secret := s.stagedSecret(ctx, secretID{chat, sender, id}); secret != nil {
				return secret, sender, nil
			}
		}
	}
	err = s.view(ctx, func(tx *store.Tx) error {
		var chat string
		err := tx.QueryRow(`SELECT secret, sender, chat FROM message_secrets
			WHERE sessionId = ?1 AND messageId = ?2 AND chat IN (?3, ?4) AND sender IN (?5, ?6)
			ORDER BY (chat = ?3) + (sender = ?5) DESC LIMIT 1`,
			s.session, id, chats[0], chats[1], senders[0], senders[1]).Scan(&secret, &sender, &chat)
		if errors.Is(err, sql.ErrNoRows) {
			secret, sender = nil, ""
			return nil
		}
		if err == nil {
			secret, err = tx.Unseal(s.session, store.ClassSecret, secretID{chat, sender, id}.key(), secret)
		}
		return err
	})
	return secret, sender, err
}

func (s *stores) stagedSecret(ctx context.Context, id secretID) []byte {
	batches := []*batch{s.late.batch}
	if w := s.work(ctx); w != nil {
		batches = append(batches, w.batch)
	}
	for _, b := range batches {
		b.mu.Lock()
		secret := b.secrets[id]
		b.mu.Unlock()
		if secret != nil {
			return secret
		}
	}
	return nil
}
