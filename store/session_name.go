package store

// SetName writes the name that the session's account shows to others; "" takes
// that of an earlier account away. Nothing is written when it is not new.
func (tx *Tx) SetName(session, name string) error {
	_, err := tx.Exec(`UPDATE whatsapp_sessions SET name = ?1, updatedAt = ?2 WHERE sessionId = ?3 AND name <> ?1`, name, formatTime(tx.Now), session)
	return err
}
