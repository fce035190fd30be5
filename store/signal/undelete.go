package signal

import (
	"context"
	"database/sql"

	"wamux/store"
)

// Undeletable returns nil when the session has something to be put back by
// [Container.Undelete], else the reason why not.
func (c *Container) Undeletable(ctx context.Context, session string) error {
	return c.db.View(ctx, func(tx *store.Tx) error {
		_, err := deletedWhen(tx, session)
		return err
	})
}

// Undelete puts back what WhatsApp's word deleted within the last 7 days: the
// credentials, keys and ratchets as they were in use until then, so that chats
// just go on if WhatsApp still knows the device. It ends the stores of the
// session's run, unless it refuses.
func (c *Container) Undelete(ctx context.Context, session string) error {
	if err := c.Undeletable(ctx, session); err != nil {
		return err
	}
	c.retire(session)
	return c.db.Update(ctx, func(tx *store.Tx) error { return putBack(tx, session) })
}

// putBack is Undelete in its transaction. Values come back as they are.
func putBack(tx *store.Tx, session string) error {
	when, err := deletedWhen(tx, session)
	if err != nil {
		return err
	}
	// What was written after the deletion is of no account, and loses.
	if _, err := tx.Exec(`DELETE FROM auth_data WHERE sessionId = ?`, session); err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO auth_data (sessionId, key, value, createdAt, updatedAt)
		SELECT sessionId, key, value, ?1, ?1 FROM deleted_auth WHERE sessionId = ?2 AND deletedAt >= ?3 ORDER BY deletedAt
		ON CONFLICT (sessionId, key) DO NOTHING`, stamp(tx.Now), session, when); err != nil {
		return err
	}
	if _, err = tx.Exec(`DELETE FROM deleted_auth WHERE sessionId = ? AND deletedAt >= ?`, session, when); err != nil {
		return err
	}
	return tx.ConvertAnew()
}

// deletedWhen returns when the newest credentials that are kept aside were deleted.
func deletedWhen(tx *store.Tx, session string) (int64, error) {
	var exists, linked bool
	var when sql.NullInt64
	err := tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM whatsapp_sessions WHERE sessionId = ?1),
		EXISTS (SELECT 1 FROM auth_data WHERE sessionId = ?1 AND key = ?2),
		(SELECT MAX(deletedAt) FROM deleted_auth WHERE sessionId = ?1 AND key = ?2)`, session, keyCreds).Scan(&exists, &linked, &when)
	switch {
	case err != nil:
		return 0, err
	case !exists:
		return 0, store.Errorf(store.CodeNotFound, "session_not_found", "Session not found")
	case linked:
		return 0, &store.Error{Code: store.CodeConflict, Name: "already_linked", Message: "The session is linked, there is nothing to put back"}
	case !when.Valid:
		return 0, &store.Error{Code: store.CodeConflict, Name: "nothing_deleted", Message: "Nothing of this session is kept aside",
			Hint: "What WhatsApp deletes is kept for 7 days. Start the session and scan its QR code to link it."}
	}
	return when.Int64, nil
}
