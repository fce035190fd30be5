package sandbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"

	_ "modernc.org/sqlite" // the driver of the state file
)

// schema is the state file. It belongs to one version of the sandbox: another version starts a new file.
const schema = `
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS accounts(number TEXT PRIMARY KEY, lid TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
	last_device INTEGER NOT NULL DEFAULT 0, undecryptable INTEGER NOT NULL DEFAULT 0, reused INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS records(number TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY(number,key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS devices(number TEXT NOT NULL, device INTEGER NOT NULL, info TEXT NOT NULL,
	used INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(number,device)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS prekeys(id INTEGER PRIMARY KEY, number TEXT NOT NULL, device INTEGER NOT NULL, data BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS prekeys_device ON prekeys(number,device);
CREATE TABLE IF NOT EXISTS queue(seq INTEGER PRIMARY KEY, number TEXT NOT NULL, device INTEGER NOT NULL, stanza BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS seen(number TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(number,id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inbox(seq INTEGER PRIMARY KEY, number TEXT NOT NULL, chat TEXT NOT NULL, sender TEXT NOT NULL, id TEXT NOT NULL,
	from_me INTEGER NOT NULL, status INTEGER NOT NULL, at INTEGER NOT NULL, message BLOB NOT NULL, UNIQUE(number,id,sender,chat));
CREATE INDEX IF NOT EXISTS inbox_phone ON inbox(number,seq,from_me);
CREATE TABLE IF NOT EXISTS media(path TEXT PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS patches(number TEXT NOT NULL, collection TEXT NOT NULL, version INTEGER NOT NULL, data BLOB NOT NULL,
	PRIMARY KEY(number,collection,version)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS snapshots(number TEXT NOT NULL, collection TEXT NOT NULL, version INTEGER NOT NULL, reference BLOB NOT NULL,
	PRIMARY KEY(number,collection)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notices(number TEXT NOT NULL, device INTEGER NOT NULL, id TEXT NOT NULL, message BLOB NOT NULL,
	PRIMARY KEY(number,device,id)) WITHOUT ROWID; -- of history syncs
CREATE TABLE IF NOT EXISTS watchers(number TEXT NOT NULL, watcher TEXT NOT NULL, device INTEGER NOT NULL, PRIMARY KEY(number,watcher,device)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS contacts(number TEXT NOT NULL, contact TEXT NOT NULL, PRIMARY KEY(number,contact)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ratchets(sender TEXT NOT NULL, recipient TEXT NOT NULL, key BLOB NOT NULL, highest INTEGER NOT NULL,
	PRIMARY KEY(sender,recipient,key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS groups(id TEXT PRIMARY KEY, info TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS profiles(number TEXT PRIMARY KEY, info TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS newsletters(id TEXT PRIMARY KEY, info TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS calls(id TEXT PRIMARY KEY, info TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS revoked(code TEXT PRIMARY KEY) WITHOUT ROWID; -- codes of invite links that lead nowhere any more
`

// state is the state file. Only the committer writes, apart from starting up; reads see what is committed.
type state struct {
	pool  *sql.DB
	write *sql.Conn // the one connection that writes; prepared statements stay with it
	stmts map[string]*sql.Stmt
	read  *sql.DB
}

// openState opens or makes the file. A lost last commit after a power cut is fine here (synchronous NORMAL): it is a simulation.
func openState(path string) (*state, error) {
	if path == "" {
		return nil, errors.New("sandbox: no state file is named")
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sandbox: the state file cannot be opened: %w", err)
	}
	f.Close()
	dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}).String() +
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=temp_store(MEMORY)"
	st := &state{stmts: map[string]*sql.Stmt{}}
	if st.pool, err = sql.Open("sqlite", dsn); err != nil {
		return nil, err
	}
	if st.write, err = st.pool.Conn(context.Background()); err == nil {
		_, err = st.write.ExecContext(context.Background(), schema)
	}
	if err != nil {
		st.pool.Close()
		return nil, fmt.Errorf("sandbox: the state file cannot be used: %w", err)
	}
	if st.read, err = sql.Open("sqlite", dsn+"&_pragma=query_only(1)"); err != nil {
		st.pool.Close()
		return nil, err
	}
	st.read.SetMaxOpenConns(4)
	return st, nil
}

func (st *state) close() error {
	for _, stmt := range st.stmts {
		stmt.Close()
	}
	return errors.Join(st.read.Close(), st.write.Close(), st.pool.Close())
}

// commit writes everything in one transaction.
func (st *state) commit(writes []write) error {
	if len(writes) == 0 {
		return nil
	}
	if err := st.exec(write{query: "BEGIN IMMEDIATE"}); err != nil {
		return err
	}
	for _, w := range writes {
		if err := st.exec(w); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", w.query, err), st.exec(write{query: "ROLLBACK"}))
		}
	}
	return st.exec(write{query: "COMMIT"})
}

func (st *state) exec(w write) error {
	stmt, ok := st.stmts[w.query]
	if !ok {
		made, err := st.write.PrepareContext(context.Background(), w.query)
		if err != nil {
			return err
		}
		stmt = made
		st.stmts[w.query] = stmt
	}
	_, err := stmt.Exec(w.args...)
	return err
}

func (st *state) meta(key string) (string, error) {
	var value string
	err := st.read.QueryRow(`SELECT value FROM meta WHERE key=?`, key).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return value, err
}

func (st *state) setMeta(key, value string) error {
	_, err := st.write.ExecContext(context.Background(), `INSERT INTO meta(key,value) VALUES(?,?) ON CONFLICT(key) DO UPDATE SET value=excluded.value`, key, value)
	return err
}

// each runs fn for every row of a query.
func each(db *sql.DB, query string, args []any, fn func(scan func(...any) error) error) error {
	rows, err := db.Query(query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
