package store

import (
	"fmt"
	"strings"
	"testing"
)

func TestMigrations(t *testing.T) {
	list := migrations()
	for i, m := range list {
		if want := fmt.Sprintf("%04d_", i+1); !strings.HasPrefix(m.name, want) {
			t.Errorf("%s should begin with %s: numbers have no gaps", m.name, want)
		}
	}
	db := fresh(t)
	var owner, version, recorded int
	err := db.View(t.Context(), func(tx *Tx) error {
		if err := tx.QueryRow("PRAGMA application_id").Scan(&owner); err != nil {
			return err
		}
		if err := tx.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		return tx.QueryRow("SELECT COUNT(*) FROM meta WHERE key LIKE 'migration:%'").Scan(&recorded)
	})
	if err != nil || owner != applicationID || version != len(list) || recorded != len(list) {
		t.Errorf("owner %x, version %d, %d recorded, %v", owner, version, recorded, err)
	}
}

// TestUpgrade opens a database of the first schema with rows in it.
func TestUpgrade(t *testing.T) {
	path := freshPath(t)
	raw(t, path, migrations()[0].script, "PRAGMA user_version = 1", fmt.Sprintf("PRAGMA application_id = %d", applicationID),
		"INSERT INTO whatsapp_sessions (sessionId, status, createdAt, updatedAt, wanted, state) VALUES ('user001', 'connected', '', '', 'running', 'online')")
	upgraded, made := open(t, path), fresh(t)
	if s, err := upgraded.Session(t.Context(), "user001"); err != nil || s.State != StateOffline {
		t.Errorf("the row is %+v, %v", s, err)
	}
	if got, want := schema(t, upgraded), schema(t, made); got != want {
		t.Errorf("the schemas differ:\n%s\n\n%s", got, want)
	}
}

func schema(t *testing.T, db *DB) string {
	t.Helper()
	var lines []string
	err := db.View(t.Context(), func(tx *Tx) error {
		rows, err := tx.Query("SELECT COALESCE(sql, name) FROM sqlite_schema ORDER BY type, name")
		lines, err = collect(rows, err, func(row scanner) (s string, err error) { return s, row.Scan(&s) })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

func TestApplyIsAllOrNothing(t *testing.T) {
	db := fresh(t)
	err := db.writer.alone(t.Context(), func(c *conn) error {
		return apply(t.Context(), c, 9, migration{"0009_broken.sql", "CREATE TABLE half (id INTEGER); SELEKT"}, noon)
	})
	if err == nil || strings.Contains(schema(t, db), "half") {
		t.Errorf("a broken step left its half: %v", err)
	}
	if err := db.SetMeta(t.Context(), "a", "1"); err != nil {
		t.Error("the transaction is still open:", err)
	}
}

// TestPlans asks SQLite how it would run the queries that must stay fast.
func TestPlans(t *testing.T) {
	db := fresh(t)
	all, open := "WHERE sessionId = 'x'", "WHERE sessionId = 'x' AND state IN ('queued', 'sending')"
	const newest = " ORDER BY timestamp DESC, id DESC"
	for query, want := range map[string]string{
		"SELECT COUNT(*) FROM chat_history " + all:                                                                  "COVERING INDEX",
		"SELECT COUNT(*) FROM chat_history " + all + " AND phoneNumber = '1'":                                       "COVERING INDEX chat_history_phone",
		"SELECT COUNT(*) FROM chat_history " + all + " AND chat = '1'":                                              "COVERING INDEX chat_history_chat",
		"SELECT raw FROM chat_history " + all + newest + " LIMIT 25 OFFSET 5":                                       "INDEX chat_history_session (sessionId=?)",
		"SELECT raw FROM chat_history " + all + " AND phoneNumber = '1' AND (timestamp, id) < ('2026', 9)" + newest: "INDEX chat_history_phone (sessionId=? AND phoneNumber=? AND timestamp<?)",
		"SELECT raw FROM chat_history " + all + " AND chat = '1'" + newest:                                          "INDEX chat_history_chat (sessionId=? AND chat=?)",
		"SELECT raw FROM chat_history " + all + " AND messageId = '1'":                                              "INDEX sqlite_autoindex_chat_history_1 (sessionId=? AND messageId=?)",
		"SELECT content FROM jobs INDEXED BY jobs_open " + open + " ORDER BY seq LIMIT 1":                           "INDEX jobs_open (sessionId=?)",
		"SELECT 1 FROM jobs INDEXED BY jobs_open " + open + " AND messageId = '1'":                                  "INDEX jobs_open (sessionId=?)",
		"SELECT DISTINCT sessionId FROM jobs WHERE state IN ('queued', 'sending') ORDER BY sessionId":               "INDEX jobs_open",
		"SELECT id FROM jobs WHERE sessionId = 'x' AND key = 'k' AND key <> ''":                                     "INDEX jobs_key (sessionId=? AND key=?)",
		"SELECT data FROM events WHERE seq > 5 ORDER BY seq LIMIT 10":                                               "INTEGER PRIMARY KEY (rowid>?)",
		"SELECT name FROM contacts " + all + " AND id > 5 ORDER BY id LIMIT 10":                                     "INDEX contacts_session (sessionId=? AND rowid>?)",
		"SELECT DISTINCT status FROM message_receipts WHERE sessionId = 'x' AND messageId = '1'":                    "PRIMARY KEY (sessionId=? AND messageId=?)",
		"SELECT seq FROM events WHERE sessionId = 'x' AND seq < (SELECT MAX(seq) FROM events) LIMIT 2000":           "COVERING INDEX events_session",
	} {
		if got := plan(t, db, query); !strings.Contains(got, want) || strings.Contains(got, "ORDER BY") {
			t.Errorf("%s\nruns as %q, want %q", query, got, want)
		}
	}
}

func plan(t *testing.T, db *DB, query string) string {
	t.Helper()
	var steps []string
	err := db.View(t.Context(), func(tx *Tx) error {
		rows, err := tx.Query("EXPLAIN QUERY PLAN " + query)
		steps, err = collect(rows, err, func(row scanner) (s string, err error) {
			var a, b, c int
			return s, row.Scan(&a, &b, &c, &s)
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(steps, "; ")
}
