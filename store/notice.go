package store

import (
	"context"
	"database/sql"
	"errors"
)

// Notice tells where WhatsApp keeps a part of an account's history. It stays
// until that part is in the database, or cannot be had.
type Notice struct {
	Seq       int64
	Session   string
	MessageID string // of the message that brought it
	Data      []byte // protobuf waE2E.HistorySyncNotification
	Attempts  int    // that failed
}

// AddNotice keeps a notice. A repeat changes nothing.
func (db *DB) AddNotice(ctx context.Context, n Notice) error {
	return db.UpdateSealed(ctx, func(s Sealer) (func(*Tx) error, error) {
		data, err := s.Seal(n.Session, classNotice, n.MessageID, n.Data)
		if err != nil {
			return nil, err
		}
		return func(tx *Tx) error {
			_, err := tx.Exec(`INSERT INTO history_notices (sessionId, messageId, notice) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, n.Session, n.MessageID, data)
			return noSession(err)
		}, nil
	})
}

// NextNotice returns the session's oldest notice, nil when there is none.
func (db *DB) NextNotice(ctx context.Context, session string) (n *Notice, err error) {
	err = db.View(ctx, func(tx *Tx) error {
		n = &Notice{Session: session}
		err := tx.QueryRow(`SELECT seq, messageId, notice, attempts FROM history_notices WHERE sessionId = ? ORDER BY seq LIMIT 1`, session).
			Scan(&n.Seq, &n.MessageID, &n.Data, &n.Attempts)
		if errors.Is(err, sql.ErrNoRows) {
			n = nil
			return nil
		}
		if err == nil {
			n.Data, err = tx.Unseal(session, classNotice, n.MessageID, n.Data)
		}
		return err
	})
	return n, err
}

// FailNotice notes that an attempt to fetch a part failed.
func (db *DB) FailNotice(ctx context.Context, seq int64) error {
	return db.Update(ctx, func(tx *Tx) error {
		_, err := tx.Exec(`UPDATE history_notices SET attempts = attempts + 1 WHERE seq = ?`, seq)
		return err
	})
}

// EndNotice forgets a notice, with what is left of its part.
func (db *DB) EndNotice(ctx context.Context, n *Notice, entries ...Entry) error {
	return db.Update(ctx, func(tx *Tx) error {
		if _, err := tx.Exec(`DELETE FROM history_notices WHERE seq = ?`, n.Seq); err != nil {
			return err
		}
		_, err := tx.Record(n.Session, entries...)
		return err
	})
}
