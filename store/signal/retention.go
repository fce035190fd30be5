package signal

import (
	"context"
	"time"

	"wamux/store"
)

// How many rows are looked at in one transaction: of its own, and of a message.
const (
	expireChunk = 2000
	tidyChunk   = 200
)

// aging are the tables whose rows are of no use after a while. Their rowids grow with the
// time, but for rows that were written anew.
var aging = []struct {
	table, column string
	life          time.Duration
}{
	{"event_buffer", "insertedAt", bufferLife},
	{"outgoing_events", "createdAt", outgoingLife},
}

// Expire deletes what the protocol has no use for any more, of all sessions and in
// small pieces: hashes of handled events after 14 days, sent messages after 7,
// pre-keys made for one retry receipt after 30, and what WhatsApp deleted 7 days
// ago.
func (c *Container) Expire(ctx context.Context) error {
	for _, old := range aging {
		if err := c.expireRows(ctx, old.table, old.column, old.life); err != nil {
			return err
		}
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

// expireRows looks at the oldest rows of a table, a window at a time, and ends at the first
// that has none to delete: what it costs does not grow with the table.
func (c *Container) expireRows(ctx context.Context, table, column string, life time.Duration) error {
	for after := int64(0); ; {
		var n, last int64
		err := c.db.Update(ctx, func(tx *store.Tx) (err error) {
			n, last = 0, 0
			err = tx.QueryRow(`SELECT COALESCE(MAX(rowid), 0) FROM (SELECT rowid FROM `+table+` WHERE rowid > ? ORDER BY rowid LIMIT ?)`, after, expireChunk).Scan(&last)
			if err != nil || last == 0 {
				return err
			}
			res, err := tx.Exec(`DELETE FROM `+table+` WHERE rowid > ? AND rowid <= ? AND `+column+` < ?`, after, last, tx.Now.Add(-life).UnixMilli())
			if err != nil {
				return err
			}
			n, err = res.RowsAffected()
			return err
		})
		if err != nil || n == 0 {
			return err
		}
		after = last
	}
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
