package svc_test

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// content is what database files hold: their rows as text, by table.
type content map[string][]string

// restless are columns that may change though nothing was done: when a key was used, and how often was written.
func restless() map[string]bool {
	return map[string]bool{"api_keys.lastUsed": true, "epoch.commits": true}
}

// contentOf reads every table of SQLite files that may be in use.
func contentOf(t testing.TB, files ...string) content {
	t.Helper()
	all := content{}
	for _, file := range files {
		db := openFile(t, file)
		for _, table := range column(t, db, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'`) {
			if err := all.add(db, table); err != nil {
				t.Fatalf("%s of %s: %v", table, file, err)
			}
		}
		db.Close()
	}
	return all
}

// openFile opens a file to read. The caller closes it.
func openFile(t testing.TB, file string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro&_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// column is the first column of a query's rows, as text.
func column(t testing.TB, db *sql.DB, query string, args ...any) (texts []string) {
	t.Helper()
	rows, err := db.Query(query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		texts = append(texts, text)
	}
	if rows.Err() != nil {
		t.Fatalf("%s: %v", query, rows.Err())
	}
	return texts
}

func (c content) add(db *sql.DB, table string) error {
	rows, err := db.Query(`SELECT * FROM "` + table + `"`)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	c[table] = nil // also when it is empty
	for rows.Next() {
		values := make([]any, len(names))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			return err
		}
		c[table] = append(c[table], rowText(table, names, values))
	}
	return rows.Err()
}

// rowText is one row. Long bytes, which nobody wants to read, are told by their hash and their length.
func rowText(table string, names []string, values []any) string {
	var parts []string
	for i, name := range names {
		value := *values[i].(*any)
		if b, ok := value.([]byte); ok && len(b) > 64 {
			value = fmt.Sprintf("%d bytes %x", len(b), sha256.Sum256(b))
		} else if ok {
			value = fmt.Sprintf("%q", b)
		}
		if !restless()[table+"."+name] {
			parts = append(parts, fmt.Sprint(name, "=", value))
		}
	}
	return strings.Join(parts, " ")
}

// changes tells which rows are gone and which are new, and is empty when the content is the same.
func (c content) changes(before content) string {
	var told []string
	for _, table := range slices.Sorted(maps.Keys(c)) {
		for mark, rows := range map[string][]string{"gone": beyond(before[table], c[table]), "new": beyond(c[table], before[table])} {
			for i, row := range rows {
				if i == 5 {
					told = append(told, fmt.Sprintf("%s: %d more are %s", table, len(rows)-i, mark))
					break
				}
				told = append(told, fmt.Sprintf("%s: %s: %s", table, mark, cut(row, 600)))
			}
		}
	}
	return strings.Join(told, "\n")
}

// beyond are the rows of a that b does not have as often.
func beyond(a, b []string) (rows []string) {
	left := map[string]int{}
	for _, row := range b {
		left[row]++
	}
	for _, row := range a {
		if left[row]--; left[row] < 0 {
			rows = append(rows, row)
		}
	}
	return rows
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}

// quietContent is contentOf once nothing has changed for a second: a session that was just paired still takes in its app state.
func quietContent(t testing.TB, files ...string) content {
	t.Helper()
	seen, since := contentOf(t, files...), time.Now()
	eventually(t, "content at rest", func() bool {
		if now := contentOf(t, files...); now.changes(seen) != "" {
			seen, since = now, time.Now()
		}
		return time.Since(since) > time.Second
	})
	return seen
}

// TestContentChanges changes one value, and one row, behind the number of rows.
func TestContentChanges(t *testing.T) {
	t.Parallel()
	before := content{"a": {"x=1", "x=1", "x=2"}, "b": nil}
	for _, c := range []struct {
		name  string
		after content
		want  string
	}{
		{"Same", content{"a": {"x=2", "x=1", "x=1"}, "b": nil}, ""},
		{"Value", content{"a": {"x=1", "x=1", "x=3"}, "b": nil}, "a: new: x=3"},
		{"Fewer", content{"a": {"x=1", "x=2"}, "b": nil}, "a: gone: x=1"},
		{"Other", content{"a": {"x=1", "x=2", "x=2"}, "b": nil}, "a: gone: x=1"},
		{"NewTable", content{"a": {"x=1", "x=1", "x=2"}, "b": {"y=1"}}, "b: new: y=1"},
	} {
		if got := c.after.changes(before); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
