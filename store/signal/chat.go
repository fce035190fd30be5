package signal

import (
	"context"
	"database/sql"
	"errors"
	"time"

	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"wamux/store"
)

// mutedForever is how table chat_settings writes whatsmeow's MutedForever.
const mutedForever = -1

// PutMutedUntil mutes a chat; the zero time unmutes it.
func (s *stores) PutMutedUntil(ctx context.Context, chat types.JID, until time.Time) (err error) {
	defer s.guard(ctx, &err)
	var value int64
	switch {
	case until.Equal(wastore.MutedForever):
		value = mutedForever
	case !until.IsZero():
		value = until.Unix()
	}
	return s.putSetting(ctx, chat, "mutedUntil", value)
}

// PutPinned pins or unpins a chat.
func (s *stores) PutPinned(ctx context.Context, chat types.JID, pinned bool) (err error) {
	defer s.guard(ctx, &err)
	return s.putSetting(ctx, chat, "pinned", pinned)
}

// PutArchived archives or unarchives a chat.
func (s *stores) PutArchived(ctx context.Context, chat types.JID, archived bool) (err error) {
	defer s.guard(ctx, &err)
	return s.putSetting(ctx, chat, "archived", archived)
}

func (s *stores) putSetting(ctx context.Context, chat types.JID, column string, value any) error {
	return s.change(ctx, func(b *batch) {
		b.run(func(tx *store.Tx) error {
			_, err := tx.Exec(`INSERT INTO chat_settings (sessionId, chat, `+column+`) VALUES (?, ?, ?)
				ON CONFLICT (sessionId, chat) DO UPDATE SET `+column+` = excluded.`+column, s.session, chat.String(), value)
			return err
		})
	})
}

// GetChatSettings returns the settings of a chat; Found is false when it has none.
func (s *stores) GetChatSettings(ctx context.Context, chat types.JID) (settings types.LocalChatSettings, err error) {
	defer s.guard(ctx, &err)
	var until int64
	err = s.view(ctx, func(tx *store.Tx) error {
		settings = types.LocalChatSettings{Found: true}
		err := tx.QueryRow(`SELECT mutedUntil, pinned, archived FROM chat_settings WHERE sessionId = ? AND chat = ?`,
			s.session, chat.String()).Scan(&until, &settings.Pinned, &settings.Archived)
		if errors.Is(err, sql.ErrNoRows) {
			settings, err = types.LocalChatSettings{}, nil
		}
		return err
	})
	switch {
	case until < 0:
		settings.MutedUntil = wastore.MutedForever
	case until > 0:
		settings.MutedUntil = time.Unix(until, 0)
	}
	return settings, err
}
