package signal

import (
	"context"
	"time"

	"wamux/store"
)

// tidyChunk is how many of the oldest rows are looked at on the way of a message.
const tidyChunk = 200

// Expire deletes what the protocol has no use for any more, of all sessions and in
// small pieces: hashes of handled events after 14 days, sent messages after 7,
// pre-keys made for one retry receipt after 30, and what WhatsApp deleted 7 days
// ago.
func (c *Container) Expire(ctx context.Context) error {
	if _, err := c.db.ExpireRows(ctx, store.Aging{Table: "event_buffer", Old: "insertedAt < ?3"}, bufferLife); err != nil {
		return err
	}
	if _, err := c.db.ExpireRows(ctx, store.Aging{Table: "outgoing_events", Old: "createdAt < ?3"}, outgoingLife); err != nil {
		return err
	}
	sessions, err := c.db.Sessions(ctx)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		if err := c.db.Update(ctx, func(tx *store.Tx) error { return expireSingles(tx, s.ID) }); err != nil {
			return err
		}
	}
	return c.db.Update(ctx, purge)
}

// tidyOldest deletes what is old of the session among the oldest rows of a table, for
// whatsmeow, which asks every now and then; [Container.Expire] does the rest.
func (s *stores) tidyOldest(table, column string, life time.Duration) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		_, err := tx.Exec(`DELETE FROM `+table+` WHERE rowid IN (SELECT rowid FROM `+table+` ORDER BY rowid LIMIT ?) AND sessionId = ? AND `+column+` < ?`,
			tidyChunk, s.session, tx.Now.Add(-life).UnixMilli())
		return err
	}
}

// purge deletes what was kept aside long enough, and the map of LIDs when nobody
// is left to use it.
func purge(tx *store.Tx) error {
	if _, err := tx.Exec(`DELETE FROM deleted_auth WHERE deletedAt < ?`, tx.Now.Add(-deletedLife).UnixMilli()); err != nil {
		return err
	}
	for _, table := range accountTables[1:] {
		if _, err := tx.Exec(`DELETE FROM ` + table + ` WHERE sessionId IN (SELECT sessionId FROM whatsapp_sessions AS s
			WHERE NOT EXISTS (SELECT 1 FROM auth_data WHERE sessionId = s.sessionId) AND NOT EXISTS (SELECT 1 FROM deleted_auth WHERE sessionId = s.sessionId))`); err != nil {
			return err
		}
	}
	_, err := tx.Exec(`DELETE FROM lid_map WHERE NOT EXISTS (SELECT 1 FROM whatsapp_sessions)`)
	return err
}
