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
		if _, err := addEvent(tx, "", Event{Type: "session.deleted", Data: data}); err != nil {
			return err
		}
		if err := dropOwnPair(tx, id); err != nil {
			return err
		}
		return onSession(tx.Exec("DELETE FROM whatsapp_sessions WHERE sessionId = ?", id))
	})
}

// dropOwnPair takes the number and the LID of a session that goes out of the map
// that all sessions share, unless another session knows them too: it would have
// to ask for them again. With the last session the whole map goes.
func dropOwnPair(tx *Tx, id string) error {
	_, err := tx.Exec(`DELETE FROM lid_map WHERE NOT EXISTS (SELECT 1 FROM whatsapp_sessions WHERE sessionId <> ?)`, id)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`DELETE FROM lid_map WHERE pn = (SELECT phone FROM whatsapp_sessions WHERE sessionId = ?1)
		AND NOT EXISTS (SELECT 1 FROM whatsapp_sessions AS o WHERE o.sessionId <> ?1 AND (o.phone = pn
			OR EXISTS (SELECT 1 FROM contacts WHERE sessionId = o.sessionId AND jid IN (pn || '@s.whatsapp.net', lid_map.lid || '@lid'))
			OR EXISTS (SELECT 1 FROM chats WHERE sessionId = o.sessionId AND chats.id IN (pn || '@s.whatsapp.net', lid_map.lid || '@lid'))
			OR EXISTS (SELECT 1 FROM auth_data WHERE sessionId = o.sessionId AND key >= 'session-' || lid_map.lid AND key < 'session-' || lid_map.lid || '~')))`, id)
	return err
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
