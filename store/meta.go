package store

import (
	"context"
	"database/sql"
	"errors"
)

// Meta returns a value that belongs to the whole installation; "" when it was
// never set.
func (db *DB) Meta(ctx context.Context, key string) (value string, err error) {
	err = db.Read(ctx, func(tx *Tx) error {
		err := tx.QueryRow("SELECT value FROM meta WHERE key = ?", key).Scan(&value)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return value, err
}

// SetMeta writes a value that belongs to the whole installation.
func (db *DB) SetMeta(ctx context.Context, key, value string) error {
	return db.Update(ctx, func(tx *Tx) error {
		_, err := tx.Exec("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value)
		return err
	})
}
