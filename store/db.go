// Package store is what the gateway remembers: sessions, messages, events,
// jobs and keys in one SQLite file.
package store

import (
	"context"
	"database/sql"
	"log/slog"
	"time"
)

// Options says how to open a database.
type Options struct {
	Path    string           // of the .db file; made when it is missing
	Log     *slog.Logger     // nil means slog.Default
	Now     func() time.Time // nil means time.Now
	Readers int              // connections for reading; 0 means 4
}

// DB is the open database. All methods may be called from any goroutine.
type DB struct{}

// Tx is one transaction. It is valid only inside the function it was given to.
type Tx struct {
	Now time.Time // the one time of this transaction, UTC, in milliseconds
}

var _ = context.Background
var _ sql.Result
