package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// maxStatements bounds the prepared statements of one connection.
const maxStatements = 512

// A pragma is a setting of a connection and what must be read back.
type pragma struct{ name, set, want string }

// How much of the file is handled at once, and kept. A message touches a page of each of
// some twenty indexes and tables, so what it writes goes by the size of a page; below 2 KiB
// files that are sent take longer. Folding the log less often writes pages that many messages
// share less often.
const (
	pageBytes = 2048     // of files that are made from now on
	logBytes  = 14 << 20 // that the log may grow to before it is folded into the file
)

// busy_timeout comes first so that the others wait for a lock; page_size and auto_vacuum
// come before the first page is written. FULL is what makes a commit survive a
// power cut: NORMAL loses the last ones, and a ratchet that steps back breaks a
// chat for good.
var (
	writerPragmas = []pragma{
		{"busy_timeout", "10000", "10000"},
		{"page_size", strconv.Itoa(pageBytes), ""},
		{"cache_size", "-8192", "-8192"}, // in KiB
		{"auto_vacuum", "INCREMENTAL", ""},
		{"journal_mode", "WAL", "wal"},
		{"synchronous", "FULL", "2"},
		{"foreign_keys", "1", "1"},
		{"wal_autocheckpoint", strconv.Itoa(logPages(pageBytes)), ""}, // see boundLog
		{"journal_size_limit", "16777216", "16777216"},
		{"temp_store", "MEMORY", "2"},
		{"cell_size_check", "1", "1"},
		{"fullfsync", "1", "1"},
		{"checkpoint_fullfsync", "1", "1"},
	}
	readerPragmas = []pragma{
		{"busy_timeout", "10000", "10000"},
		{"journal_mode", "WAL", "wal"},
		{"temp_store", "MEMORY", "2"},
		{"query_only", "1", "1"},
	}
)

func writerDSN(path string) string {
	return fileURI(path) + "?_txlock=immediate&_defensive=1" + settings(writerPragmas)
}

func readerDSN(path string) string {
	return fileURI(path) + "?_defensive=1" + settings(readerPragmas)
}

// settings is for the driver, which runs what it is given in the order of the alphabet. The
// size of a page has to come before auto_vacuum, which writes the first.
func settings(list []pragma) string {
	var b strings.Builder
	for _, p := range list {
		first := ""
		if p.name == "page_size" {
			first = "/**/"
		}
		b.WriteString("&_pragma=" + url.QueryEscape(first+p.name+"("+p.set+")"))
	}
	return b.String()
}

// logPages is how many pages of a size a full log holds, each with its header.
func logPages(size int) int { return logBytes / (size + 24) }

// boundLog makes the log of a file whose pages are of another size as large as that of others.
func boundLog(ctx context.Context, c *conn) error {
	var size int
	if err := c.sql.QueryRowContext(ctx, "PRAGMA page_size").Scan(&size); err != nil {
		return err
	}
	_, err := c.sql.ExecContext(ctx, fmt.Sprintf("PRAGMA wal_autocheckpoint = %d", logPages(size)))
	return err
}

// How many KiB of pages a connection of a small database keeps.
const (
	smallWriter = 1024
	smallReader = 256
)

// shrink bounds what a connection of a small database keeps in memory.
func (db *DB) shrink(ctx context.Context, c *conn, kib int) error {
	if !db.small {
		return nil
	}
	_, err := c.sql.ExecContext(ctx, fmt.Sprintf("PRAGMA cache_size = -%d", kib))
	return err
}

// fileURI names the file as SQLite's URIs do, on every system.
func fileURI(path string) string {
	p := filepath.ToSlash(path)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p // C:/… becomes /C:/…
	}
	return "file://" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(p)
}

// conn is one connection with the statements prepared on it. Preparing is the
// main cost of a statement, so each text is prepared once. It is used by one
// goroutine at a time.
type conn struct {
	sql   *sql.Conn
	stmts map[string]*sql.Stmt
	fault func(query string) error // see [Options]; nil for none
	open  bool                     // a transaction, as far as is known
}

// openConn takes a connection for good and verifies its settings: SQLite
// ignores in silence what it cannot do.
func openConn(ctx context.Context, pool *sql.DB, want []pragma) (*conn, error) {
	c, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range want {
		var got string
		if err := c.QueryRowContext(ctx, "PRAGMA "+p.name).Scan(&got); err != nil {
			_ = c.Close()
			return nil, err
		}
		if p.want != "" && got != p.want {
			_ = c.Close()
			e := Errorf(CodeStorage, "database_setting_refused", "The database cannot be kept safe here: its setting %s is %s and should be %s", p.name, got, p.want)
			e.Hint = "Put the database on a local disk with a common file system."
			return nil, e
		}
	}
	return &conn{sql: c, stmts: make(map[string]*sql.Stmt)}, nil
}

// stmt returns the prepared statement for query. Statements run without a
// cancellable context: the driver would start a goroutine for each.
func (c *conn) stmt(query string) (*sql.Stmt, error) {
	if c.fault != nil {
		if err := c.fault(query); err != nil {
			return nil, err
		}
	}
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	if len(c.stmts) >= maxStatements {
		c.forget()
	}
	s, err := c.sql.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	c.stmts[query] = s
	return s, nil
}

func (c *conn) exec(query string, args ...any) (sql.Result, error) {
	s, err := c.stmt(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(context.Background(), args...)
}

// begin opens a transaction. One that could not be ended, because the disk
// failed just then, may still be open and ends first.
func (c *conn) begin(query string) error {
	if c.open {
		_, _ = c.exec("ROLLBACK") // fails when SQLite has ended it by itself
	}
	_, err := c.exec(query)
	c.open = c.open || err == nil
	return err
}

// settle ends a transaction that could not be ended: without one of its own, who reads
// would see what was there when that began, and keep the log from being written back.
func (c *conn) settle() error {
	if !c.open {
		return nil
	}
	if err := c.begin("BEGIN"); err != nil {
		return err
	}
	return c.end("ROLLBACK")
}

// end closes the transaction with COMMIT or ROLLBACK.
func (c *conn) end(query string) error {
	_, err := c.exec(query)
	c.open = err != nil
	return err
}

// forget closes all prepared statements.
func (c *conn) forget() {
	for _, s := range c.stmts {
		_ = s.Close()
	}
	clear(c.stmts)
}

func (c *conn) close() {
	c.forget()
	_ = c.sql.Close()
}

// Tx is one transaction. It is valid only inside the function it was given to.
// Rows must be closed before the same query is made again.
type Tx struct {
	Now time.Time // the one time of this transaction, UTC, in milliseconds

	conn    *conn
	vault   *vault
	history History
	dirty   bool   // something was written
	rows    bool   // perhaps to whatsapp_sessions
	counts  counts // of what it will have done
	fatal   error  // SQLite may have rolled back the whole group by itself
}

// Exec runs a query that returns no rows.
func (tx *Tx) Exec(query string, args ...any) (sql.Result, error) {
	if tx.fatal != nil {
		return nil, tx.fatal
	}
	tx.rows = tx.rows || writesSessions(query)
	res, err := tx.conn.exec(query, args...)
	if err != nil {
		return nil, tx.note(err)
	}
	if n, err := res.RowsAffected(); n != 0 || err != nil {
		tx.dirty = true
	}
	return res, nil
}

// Query runs a query that returns rows. The caller closes them.
func (tx *Tx) Query(query string, args ...any) (*sql.Rows, error) {
	if tx.fatal != nil {
		return nil, tx.fatal
	}
	s, err := tx.conn.stmt(query)
	if err != nil {
		return nil, tx.note(err)
	}
	tx.dirty = tx.dirty || writes(query)
	rows, err := s.QueryContext(context.Background(), args...)
	return rows, tx.note(err)
}

// QueryRow runs a query that returns one row; its errors come from Scan.
func (tx *Tx) QueryRow(query string, args ...any) Row {
	if tx.fatal != nil {
		return Row{tx: tx, err: tx.fatal}
	}
	s, err := tx.conn.stmt(query)
	if err != nil {
		return Row{tx: tx, err: tx.note(err)}
	}
	tx.dirty = tx.dirty || writes(query)
	return Row{tx: tx, row: s.QueryRowContext(context.Background(), args...)}
}

// Row is the one row of a query. It is valid as long as its transaction.
type Row struct {
	tx  *Tx
	row *sql.Row // nil after an error
	err error
}

// Scan copies the row's columns. The error is [sql.ErrNoRows] when there is no row.
func (r Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	return r.tx.note(r.row.Scan(dest...))
}

// note remembers errors that concern more than the statement.
func (tx *Tx) note(err error) error {
	if err != nil && isFatal(err) {
		tx.fatal = err
	}
	return err
}

// writes tells whether a query that returns rows also writes.
func writes(query string) bool {
	q := strings.TrimLeft(query, " \t\n")
	return len(q) < 6 || !strings.EqualFold(q[:6], "SELECT")
}

// isFatal tells whether SQLite may have rolled back the whole transaction.
func isFatal(err error) bool {
	e := (*sqlite.Error)(nil)
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_BUSY,
		sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_CANTOPEN:
		return true
	}
	return false
}

// checkpoint folds the log into the .db file; false when a reader of another
// process kept it from finishing.
func checkpoint(ctx context.Context, c *conn) (bool, error) {
	var busy, frames, moved int
	err := c.sql.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved)
	if err != nil {
		return false, fmt.Errorf("checkpoint: %w", err)
	}
	return busy == 0 && frames == moved, nil
}
