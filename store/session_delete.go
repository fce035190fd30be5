package store

import (
	"context"
	"encoding/json"
)

// deleteChunk is how many rows of the long tables go in one transaction, so that
// no other session waits long for the writer.
const deleteChunk = 2000

// DeleteSession removes the session and, by their foreign keys, all its rows,
// and leaves an event session.deleted that belongs to no session. The long
// tables go first, piece by piece; a crash in between leaves a session that can
// be deleted again.
func (db *DB) DeleteSession(ctx context.Context, id string) error {
	for _, query := range []string{
		"DELETE FROM chat_history WHERE id IN (SELECT id FROM chat_history WHERE sessionId = ? LIMIT ?)",
		"DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE sessionId = ? AND seq < (SELECT MAX(seq) FROM events) LIMIT ?)",
	} {
		if err := db.deletePieces(ctx, query, id); err != nil {
			return err
		}
	}
	return db.Update(ctx, func(tx *Tx) error {
		data, err := json.Marshal(map[string]string{"id": id})
		if err != nil {
			return err
		}
		if err := addEvent(tx, "", Event{Type: "session.deleted", Data: data}); err != nil {
			return err
		}
		return onSession(tx.Exec("DELETE FROM whatsapp_sessions WHERE sessionId = ?", id))
	})
}

// deletePieces runs the query until it finds less than a full piece.
func (db *DB) deletePieces(ctx context.Context, query, id string) error {
	for n := int64(deleteChunk); n == deleteChunk; {
		err := db.Update(ctx, func(tx *Tx) error {
			res, err := tx.Exec(query, id, deleteChunk)
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
	return nil
}
