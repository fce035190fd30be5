package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"wamux/store/salvage"
	"wamux/store/seal"
)

// saving is one table on its way from the damaged file to the new one.
type saving struct {
	Recovered
	source  *salvage.Table
	columns []savedColumn // in the order of the damaged file
	rowid   bool          // the table has one
	had     int64         // rows that it had, as far as is known
}

// savedColumn is a column of a table.
type savedColumn struct {
	name, kind string
	required   bool // neither NULL nor left out
	isRowid    bool
}

// carry copies all rows that can be read.
func (r *rescue) carry(ctx context.Context) error {
	if _, err := r.to.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, s := range r.tables {
		if s.source == nil {
			continue
		}
		refused, err := r.from.Rows(s.source, func(rowid int64, values []any) error { return r.save(ctx, s, rowid, values) })
		if err != nil {
			return err
		}
		s.Lost += refused
		s.Pages = r.from.Unreadable(s.source)
		s.had, _ = r.from.Count(s.source)
	}
	if err := r.carryStrays(ctx); err != nil {
		return err
	}
	_, err := r.to.exec("COMMIT")
	return err
}

// save writes a row, unless it cannot be one of this table, and commits from time
// to time.
func (r *rescue) save(ctx context.Context, s *saving, rowid int64, values []any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !s.takes(values) {
		s.Lost++
		return nil
	}
	values, names := append([]any{}, values...), make([]string, len(values))
	for i := range values {
		if names[i] = s.columns[i].name; s.columns[i].isRowid {
			values[i] = rowid
		}
	}
	_, err := r.to.exec(fmt.Sprintf("INSERT OR REPLACE INTO %s (%s) VALUES (?%s)", s.Table, strings.Join(names, ", "), strings.Repeat(", ?", len(values)-1)), values...)
	if isAnyConstraint(err) {
		s.Lost++
		return nil
	}
	if err != nil {
		return err
	}
	s.Saved++
	return r.commitSome()
}

func (r *rescue) commitSome() error {
	if r.since++; r.since%deleteChunk != 0 {
		return nil
	}
	if _, err := r.to.exec("COMMIT"); err != nil {
		return err
	}
	_, err := r.to.exec("BEGIN IMMEDIATE")
	return err
}

// takes tells whether values may be a row of the table. A row from before a
// column was added lacks it.
func (s *saving) takes(values []any) bool {
	if len(values) == 0 || len(values) > len(s.columns) {
		return false
	}
	for i, c := range s.columns {
		switch {
		case i >= len(values):
			if c.required {
				return false
			}
		case values[i] == nil:
			if c.required && !c.isRowid {
				return false
			}
		case !c.fits(values[i]):
			return false
		}
	}
	return true
}

// fits tells whether a column may hold a value. Sealed text is a BLOB.
func (c savedColumn) fits(value any) bool {
	switch value.(type) {
	case int64:
		return c.kind == "INTEGER" && !c.isRowid
	case string, []byte:
		return c.kind == "TEXT" || c.kind == "BLOB"
	}
	return false
}

// carryStrays saves the rows of pages whose way to their table is lost, where
// only one table can have such rows.
func (r *rescue) carryStrays(ctx context.Context) error {
	pages := map[uint32][]*saving{}
	err := r.from.Strays(func(page uint32, _ int64, values []any) error {
		if _, seen := pages[page]; !seen {
			pages[page] = r.tables
		}
		var left []*saving
		for _, s := range pages[page] {
			if s.rowid && s.takes(values) {
				left = append(left, s)
			}
		}
		pages[page] = left
		return nil
	})
	if err != nil {
		return err
	}
	return r.from.Strays(func(page uint32, rowid int64, values []any) error {
		if len(pages[page]) != 1 {
			r.strays.Lost++
			return nil
		}
		return r.save(ctx, pages[page][0], rowid, values)
	})
}

// repair makes the rows fit together again.
func (r *rescue) repair(ctx context.Context) error {
	links, err := r.links(ctx)
	if err != nil {
		return err
	}
	for _, l := range links {
		if l.parent == "whatsapp_sessions" {
			if err := r.reviveSessions(l); err != nil {
				return err
			}
		}
	}
	for again := true; again; {
		again = false
		for _, l := range links {
			n, err := r.dropOrphans(l)
			if err != nil {
				return err
			}
			again = again || n > 0
		}
	}
	return r.checkSeal(ctx)
}

// link is a foreign key.
type link struct {
	child          *saving
	column, parent string
	key            string
}

func (r *rescue) links(ctx context.Context) (all []link, err error) {
	for _, s := range r.tables {
		rows, err := r.to.sql.QueryContext(ctx, `SELECT "from", "table", "to" FROM pragma_foreign_key_list(?)`, s.Table)
		list, err := collect(rows, err, func(row scanner) (l link, err error) {
			l.child = s
			return l, row.Scan(&l.column, &l.parent, &l.key)
		})
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

// reviveSessions makes the row of each session anew of which only other rows are
// left. Nobody knows whether it was to run.
func (r *rescue) reviveSessions(l link) error {
	rows, err := r.to.sql.QueryContext(context.Background(), fmt.Sprintf("SELECT DISTINCT sessionId FROM %s WHERE sessionId NOT IN (SELECT sessionId FROM whatsapp_sessions)", l.child.Table))
	ids, err := collect(rows, err, func(row scanner) (id string, err error) { return id, row.Scan(&id) })
	for _, id := range ids {
		if err != nil {
			return err
		}
		if ValidSessionID(id) == nil {
			now := formatTime(r.now)
			_, err = r.to.exec(`INSERT INTO whatsapp_sessions (sessionId, status, createdAt, updatedAt, wanted, state, code, reason, next) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
				id, StateStopped.Status(), now, now, WantStopped, StateStopped, "recovered", "What was known of this session was on a damaged page.", "Start it to connect again.")
		}
	}
	return err
}

// dropOrphans deletes the rows that mean nothing without another that is lost.
func (r *rescue) dropOrphans(l link) (int64, error) {
	res, err := r.to.exec(fmt.Sprintf("DELETE FROM %s WHERE %s NOT IN (SELECT %s FROM %s)", l.child.Table, l.column, l.key, l.parent))
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	l.child.Saved -= n
	l.child.Lost += n
	return n, err
}

// checkSeal makes sure that sealed values are still of use: the row that says how
// to check them is one of the rows that may be lost.
func (r *rescue) checkSeal(ctx context.Context) error {
	row, err := readVault(ctx, r.to.sql)
	if err != nil || row.Binding != "" {
		return err
	}
	var value []byte
	err = r.to.sql.QueryRowContext(ctx, "SELECT value FROM auth_data WHERE typeof(value) = 'blob' LIMIT 1").Scan(&value)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !seal.Sealed(value) {
		return nil
	}
	if err != nil {
		return err
	}
	return &Error{Code: CodeStorage, Name: "seal_lost", Message: "The values of this database are sealed, and the row that is needed to open them is destroyed", Hint: "Put back a backup."}
}

// isAnyConstraint tells whether a row was refused for what is in it.
func isAnyConstraint(err error) bool {
	e := (*sqlite.Error)(nil)
	return errors.As(err, &e) && (e.Code()&0xff == sqlite3.SQLITE_CONSTRAINT || e.Code()&0xff == sqlite3.SQLITE_MISMATCH)
}
