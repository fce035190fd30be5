package store

import (
	"context"
	"path/filepath"
	"testing"
)

// TestSmall looks what the connections of a small database keep, and of a usual one.
func TestSmall(t *testing.T) {
	for small, want := range map[bool][3]int{false: {4, -8192, -2000}, true: {2, -smallWriter, -smallReader}} {
		db, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "wamux.db"), Small: small})
		if err != nil {
			t.Fatal(err)
		}
		var got [3]int
		got[0] = cap(db.readers)
		err = db.writer.alone(t.Context(), func(c *conn) error { return cacheOf(t.Context(), c, &got[1]) })
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Read(t.Context(), func(tx *Tx) error { return cacheOf(t.Context(), tx.conn, &got[2]) }); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("small %v: got readers, and pages of writer and reader, %v, want %v", small, got, want)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func cacheOf(ctx context.Context, c *conn, into *int) error {
	return c.sql.QueryRowContext(ctx, "PRAGMA cache_size").Scan(into)
}
