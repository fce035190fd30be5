package signal

import (
	"context"
	"time"

	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"wamux/store"
)

// tokenRow is the value of a privacy token's row in auth_data. Times are unix
// seconds; senderTimestamp 0 means none.
type tokenRow struct {
	Token           []byte `json:"token"`
	Timestamp       int64  `json:"timestamp"`
	SenderTimestamp int64  `json:"senderTimestamp,omitempty"`
}

func (r tokenRow) token(user types.JID) *wastore.PrivacyToken {
	t := &wastore.PrivacyToken{User: user, Token: r.Token, Timestamp: time.Unix(r.Timestamp, 0)}
	if r.SenderTimestamp != 0 {
		t.SenderTimestamp = time.Unix(r.SenderTimestamp, 0)
	}
	return t
}

// PutPrivacyTokens keeps tokens, all or none. An older one changes nothing, and
// one without sender timestamp keeps the sender timestamp there is.
func (s *stores) PutPrivacyTokens(ctx context.Context, tokens ...wastore.PrivacyToken) (err error) {
	defer s.guard(ctx, &err)
	s.tokens.Lock()
	defer s.tokens.Unlock()
	changed := make(map[string]tokenRow)
	for _, t := range tokens {
		key := privacyTokenKey(t.User)
		old, known := changed[key]
		if !known {
			if old, known, err = s.tokenRow(ctx, key); err != nil {
				return err
			}
		}
		row := tokenRow{Token: t.Token, Timestamp: t.Timestamp.Unix(), SenderTimestamp: old.SenderTimestamp}
		if known && row.Timestamp < old.Timestamp {
			continue
		}
		if !t.SenderTimestamp.IsZero() {
			row.SenderTimestamp = t.SenderTimestamp.Unix()
		}
		changed[key] = row
	}
	return s.change(ctx, func(b *batch) {
		for key, row := range changed {
			b.put(key, encode(row))
		}
	})
}

func (s *stores) tokenRow(ctx context.Context, key string) (row tokenRow, found bool, err error) {
	value, err := s.row(ctx, key)
	if err != nil || value == nil {
		return row, false, err
	}
	return row, true, decode(key, value, &row)
}

// GetPrivacyToken returns the token of a user, the newer of the one kept under
// the phone number and the one kept under the LID, or nil. whatsmeow asks for
// it when a direct message is encrypted, just before it leaves: a send commits
// what is still staged and gives the ratchet lock back.
func (s *stores) GetPrivacyToken(ctx context.Context, user types.JID) (_ *wastore.PrivacyToken, err error) {
	defer s.guard(ctx, &err)
	if w := s.work(ctx); w != nil && w.sending {
		if err := w.settle(func(*batch) {}); err != nil {
			return nil, err
		}
		w.free()
	}
	user = user.ToNonAD()
	row, found, err := s.tokenRow(ctx, privacyTokenKey(user))
	if err != nil {
		return nil, err
	}
	alt, err := s.lids.other(ctx, user)
	if err != nil {
		return nil, err
	}
	if !alt.IsEmpty() {
		other, known, err := s.tokenRow(ctx, privacyTokenKey(alt))
		if err != nil {
			return nil, err
		}
		if known && (!found || other.Timestamp > row.Timestamp) {
			row, found = other, true
		}
	}
	if !found {
		return nil, nil
	}
	return row.token(user), nil
}

// DeleteExpiredPrivacyTokens deletes the tokens from before cutoff and returns
// how many those were.
func (s *stores) DeleteExpiredPrivacyTokens(ctx context.Context, cutoff time.Time) (n int64, err error) {
	defer s.guard(ctx, &err)
	s.tokens.Lock()
	defer s.tokens.Unlock()
	var expired []string
	err = s.view(ctx, func(tx *store.Tx) error {
		expired = nil
		return readRange(tx, s.session, prefixPrivacyToken, func(key string, value []byte) error {
			var row tokenRow
			if err := decode(key, value, &row); err != nil {
				return err
			}
			if row.Timestamp < cutoff.Unix() {
				expired = append(expired, key)
			}
			return nil
		})
	})
	if err != nil {
		return 0, err
	}
	err = s.change(ctx, func(b *batch) {
		for _, key := range expired {
			b.remove(key)
		}
	})
	return int64(len(expired)), err
}

// PutNCTSalt keeps the salt from which tokens for new contacts are made.
func (s *stores) PutNCTSalt(ctx context.Context, salt []byte) (err error) {
	defer s.guard(ctx, &err)
	return s.change(ctx, func(b *batch) { b.put(keyNCTSalt, encodeBytes(salt)) })
}

// GetNCTSalt returns the salt, or nil.
func (s *stores) GetNCTSalt(ctx context.Context) (salt []byte, err error) {
	defer s.guard(ctx, &err)
	value, err := s.row(ctx, keyNCTSalt)
	if err != nil {
		return nil, err
	}
	return decodeBytes(keyNCTSalt, value)
}

// DeleteNCTSalt forgets the salt.
func (s *stores) DeleteNCTSalt(ctx context.Context) (err error) {
	defer s.guard(ctx, &err)
	return s.change(ctx, func(b *batch) { b.remove(keyNCTSalt) })
}
