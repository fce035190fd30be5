package store

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the fixtures that are missing")

func fixturePath(version int) string { return fmt.Sprintf("testdata/schema/%04d.sql", version) }

// TestFixtures opens a dump of every schema there was, with a row in each table:
// it must become the schema of today and lose no row. The dumps are made once, when
// the schema is new, and never changed: they stand for the files that people have.
func TestFixtures(t *testing.T) {
	newest := len(migrations())
	for version := 1; *update && version <= newest; version++ {
		if _, err := os.Stat(fixturePath(version)); err != nil {
			writeFixture(t, version)
		}
	}
	want := schema(t, fresh(t))
	for version := 1; version <= newest; version++ {
		dump, err := os.ReadFile(fixturePath(version))
		if err != nil {
			t.Errorf("there is no dump of schema %d: run `go test ./store -run TestFixtures -update` and commit %s with the migration", version, fixturePath(version))
			continue
		}
		t.Run(fmt.Sprintf("%04d", version), func(t *testing.T) {
			path := freshPath(t)
			raw(t, path, string(dump))
			before := tableCounts(t, path)
			for table, n := range before {
				if n == 0 {
					t.Errorf("the dump has no row in %s", table)
				}
			}
			db := open(t, path)
			if got := schema(t, db); got != want {
				t.Errorf("the schema differs from a fresh one:\n%s\n\nwant\n%s", got, want)
			}
			if err := db.Check(t.Context(), CheckFull); err != nil {
				t.Error(err)
			}
			closeDB(t, db)
			after := tableCounts(t, path)
			for table, n := range before {
				if after[table] < n {
					t.Errorf("%d of %d rows of %s are left", after[table], n, table)
				}
			}
		})
	}
	if _, err := os.Stat(fixturePath(newest + 1)); err == nil {
		t.Errorf("%s is of a schema that there is not", fixturePath(newest+1))
	}
}

// TestFixturesAreOfTheirSchema holds each dump against the migrations that led to
// it: neither may be changed afterwards.
func TestFixturesAreOfTheirSchema(t *testing.T) {
	for version := 1; version <= len(migrations()); version++ {
		dump, err := os.ReadFile(fixturePath(version))
		if err != nil {
			continue // TestFixtures tells
		}
		dumped, migrated := freshPath(t), freshPath(t)
		raw(t, dumped, string(dump))
		migrateTo(t, migrated, version)
		if got, want := rawSchema(t, dumped), rawSchema(t, migrated); got != want {
			t.Errorf("%s is not what the migrations make: one of them was changed. Got\n%s\nwant\n%s", fixturePath(version), got, want)
		}
	}
}

// migrateTo makes a database of an older schema.
func migrateTo(t *testing.T, path string, version int) {
	t.Helper()
	pool, err := sql.Open("sqlite", writerDSN(path))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	c, err := openConn(t.Context(), pool, writerPragmas)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for i, m := range migrations()[:version] {
		if err := apply(context.Background(), c, i+1, m, noon); err != nil {
			t.Fatal(err)
		}
	}
}

func tableCounts(t *testing.T, path string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for table, rows := range contents(t, path) {
		counts[table] = len(rows)
	}
	return counts
}

func rawSchema(t *testing.T, path string) string {
	t.Helper()
	return strings.Join(query(t, path, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name"), "\n")
}

// query returns the first column as text.
func query(t *testing.T, path, text string) []string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(text)
	list, err := collect(rows, err, func(row scanner) (s string, err error) { return s, row.Scan(&s) })
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// writeFixture dumps a schema with a row in every table.
func writeFixture(t *testing.T, version int) {
	t.Helper()
	path := freshPath(t)
	migrateTo(t, path, version)
	fillTables(t, path)
	var b strings.Builder
	fmt.Fprintf(&b, "-- The schema after migration %d, with a row in every table. Never change it.\n", version)
	fmt.Fprintf(&b, "PRAGMA application_id = %d;\nPRAGMA user_version = %d;\nBEGIN;\n", applicationID, version)
	for _, line := range query(t, path, "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid") {
		b.WriteString(line + ";\n")
	}
	all := contents(t, path)
	all["epoch"] = []string{"1,'3-fixture',42"}
	for _, table := range query(t, path, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid") {
		for _, row := range all[table] {
			fmt.Fprintf(&b, "INSERT INTO %s VALUES (%s);\n", table, row)
		}
	}
	for _, line := range query(t, path, "SELECT sql FROM sqlite_schema WHERE type <> 'table' AND sql IS NOT NULL ORDER BY rowid") {
		b.WriteString(line + ";\n")
	}
	b.WriteString("COMMIT;\n")
	if err := os.MkdirAll(filepath.Dir(fixturePath(version)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(fixturePath(version), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// known are values that mean something to the program.
var known = map[string]string{
	"sessionId": "'shop'", "jobId": "'job_1'", "batchId": "'batch_1'", "wanted": "'stopped'", "direction": "'incoming'", "content": `'{"type":"text","text":"hello"}'`,
	"metadata": "'{}'", "data": "'{}'", "createdAt": "1798000000000", "updatedAt": "1798000000000", "timestamp": "1798000000000",
	"jobs.id": "'job_1'", "jobs.state": "'sent'", "batches.id": "'batch_1'", "batches.state": "'done'", "batch_items.state": "'sent'", "job_media.data": "x'01'",
	"whatsapp_sessions.state": "'stopped'", "whatsapp_sessions.status": "'disconnected'",
}

// fillTables writes a row into every table that has none.
func fillTables(t *testing.T, path string) {
	t.Helper()
	have := contents(t, path)
	tables := query(t, path, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'epoch' ORDER BY name IN ('batches', 'jobs', 'whatsapp_sessions') DESC, name = 'whatsapp_sessions' DESC, rowid")
	for _, table := range tables {
		if len(have[table]) > 0 {
			continue
		}
		columns := query(t, path, fmt.Sprintf("SELECT name || ' ' || type FROM pragma_table_info('%s')", table))
		values := make([]string, len(columns))
		for i, column := range columns {
			name, kind, _ := strings.Cut(column, " ")
			values[i] = value(table, name, kind)
		}
		raw(t, path, fmt.Sprintf("INSERT INTO %s VALUES (%s)", table, strings.Join(values, ", ")))
	}
}

// value is what a fixture has in a column.
func value(table, column, kind string) string {
	for _, name := range []string{table + "." + column, column} {
		if v, ok := known[name]; ok && !(kind == "TEXT" && strings.HasPrefix(v, "1")) {
			return v
		}
	}
	switch {
	case kind == "INTEGER":
		return "1"
	case kind == "BLOB":
		return "x'0102'"
	case slices.Contains([]string{"createdAt", "updatedAt", "timestamp"}, column):
		return "'2026-11-20T12:00:00.000Z'"
	}
	return "'" + column + "'"
}
