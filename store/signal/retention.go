package signal

import (
	"context"

	"wamux/store"
)

// expireChunk is how many rows go in one transaction.
const expireChunk = 2000

// Expire deletes what the protocol has no use for any more, of all sessions and in
// small pieces: hashes of handled events after 14 days, sent messages after 7,
// pre-keys made for one retry receipt after 30, and what WhatsApp deleted 7 days
// ago.
func (c *Container) Expire(ctx context.Context) error {
	sessions, err := c.db.Sessions(ctx)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		if err := c.expireSession(ctx, s.ID); err != nil {
			return err
		}
	}
	return c.db.Update(ctx, purge)
}

func (c *Container) expireSession(ctx context.Context, session string) error {
	for _, old := range []struct {
		table, column string
		before        func(*store.Tx) int64
	}{
		{"event_buffer", "insertedAt", func(tx *store.Tx) int64 { return tx.Now.Add(-bufferLife).UnixMilli() }},
		{"outgoing_events", "createdAt", func(tx *store.Tx) int64 { return tx.Now.Add(-outgoingLife).UnixMilli() }},
	} {
		for n := int64(expireChunk); n == expireChunk; {
			err := c.db.Update(ctx, func(tx *store.Tx) error {
				res, err := tx.Exec(`DELETE FROM `+old.table+` WHERE rowid IN (SELECT rowid FROM `+old.table+` WHERE sessionId = ? AND `+old.column+` < ? LIMIT ?)`,
					session, old.before(tx), expireChunk)
				if err != nil {
					return err
				}
				n, err = res.RowsAffected()
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return c.db.Update(ctx, func(tx *store.Tx) error { return expireSingles(tx, session) })
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
