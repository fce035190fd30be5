package salvage

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"
)

// pageInfo is what SQLite itself says about a page, for a judgement that owes
// nothing to this package.
type pageInfo struct {
	table, kind, path string
	cells             int64
}

// made is a database with tables of every form, and what is in it.
type made struct {
	path  string
	rows  map[string]map[string]string // by table: rows by their first value
	pages map[uint32]pageInfo
}

// makeFile fills a database so that its trees have inner pages and overflow.
func makeFile(t testing.TB, seed uint64, logged bool) *made {
	t.Helper()
	m := &made{path: filepath.Join(t.TempDir(), "a.db"), rows: map[string]map[string]string{}, pages: map[uint32]pageInfo{}}
	db, err := sql.Open("sqlite", m.path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	run := func(query string, args ...any) {
		t.Helper()
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	for _, pragma := range []string{"page_size = 1024", "auto_vacuum = INCREMENTAL", "journal_mode = WAL", "wal_autocheckpoint = 0"} {
		run("PRAGMA " + pragma)
	}
	run("CREATE TABLE plain (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, data BLOB, n INTEGER, f REAL)")
	run("CREATE TABLE keyed (a TEXT NOT NULL, b INTEGER NOT NULL, c BLOB, PRIMARY KEY (b, a)) WITHOUT ROWID")
	run("CREATE TABLE loose (x TEXT)")
	random := rand.New(rand.NewPCG(seed, 1))
	fill := func(from, to int) {
		run("BEGIN")
		for i := from; i < to; i++ {
			size := random.IntN(300)
			if i%40 == 0 {
				size = 1500 + random.IntN(9000)
			}
			data := make([]byte, size)
			for j := range data {
				data[j] = byte(random.UintN(256))
			}
			run("INSERT INTO plain VALUES (?, ?, ?, ?, ?)", i*3, fmt.Sprint("name ", i), data, random.Int64()>>random.UintN(63), random.NormFloat64())
			run("INSERT INTO keyed VALUES (?, ?, ?)", fmt.Sprint("key ", i), i%7, data)
			run("INSERT INTO loose VALUES (?)", strings.Repeat("x", i%90)+fmt.Sprint(i))
		}
		run("DELETE FROM plain WHERE id BETWEEN ? AND ?", from*3, from*3+60) // leaves free pages
		run("COMMIT")
	}
	fill(1, 600)
	if logged {
		run("PRAGMA wal_checkpoint(TRUNCATE)")
	}
	fill(600, 1200)
	m.look(t, db)
	if !logged {
		run("PRAGMA wal_checkpoint(TRUNCATE)")
	}
	m.copy(t)
	return m
}

// look asks SQLite for all rows and pages.
func (m *made) look(t testing.TB, db *sql.DB) {
	t.Helper()
	for table, columns := range map[string]string{"plain": "name, id, hex(data), n, f", "keyed": "a, b, hex(c)", "loose": "x"} {
		m.rows[table] = map[string]string{}
		rows, err := db.Query("SELECT " + columns + " FROM " + table)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values := make([]any, strings.Count(columns, ",")+1)
			into := make([]any, len(values))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			m.rows[table][fmt.Sprint(values[0])] = fmt.Sprint(values...)
		}
		rows.Close()
	}
	rows, err := db.Query("SELECT name, pageno, pagetype, path, ncell FROM dbstat")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var p pageInfo
		var number uint32
		if err := rows.Scan(&p.table, &number, &p.kind, &p.path, &p.cells); err != nil {
			t.Fatal(err)
		}
		m.pages[number] = p
	}
}

// copy leaves SQLite's own files alone: closing them would change them.
func (m *made) copy(t testing.TB) {
	t.Helper()
	to := filepath.Join(t.TempDir(), "b.db")
	for _, end := range []string{"", "-wal"} {
		data, err := os.ReadFile(m.path + end)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if err := os.WriteFile(to+end, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m.path = to
}

// damage overwrites pages with noise and tells how many rows of each table that
// destroys, or false when that cannot be told by SQLite's figures.
func (m *made) damage(t *testing.T, random *rand.Rand, count int) (lost map[string]int64, hit []uint32, sure bool) {
	t.Helper()
	f, err := os.OpenFile(m.path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, _ := f.Stat()
	lost, sure = map[string]int64{}, true
	inner, mapped := false, false
	gone := map[string]pageInfo{} // by path
	for range count {
		number := 3 + random.Uint32N(uint32(info.Size()/1024)-2)
		noise := make([]byte, 1024)
		for i := range noise {
			noise[i] = byte(random.UintN(256))
		}
		if _, err := f.WriteAt(noise, int64(number-1)*1024); err != nil {
			t.Fatal(err)
		}
		p, known := m.pages[number]
		hit, gone[p.table+p.path] = append(hit, number), p
		mapped = mapped || !known && (number-2)%(1024/5+1) == 0
		inner = inner || p.kind == "internal"
		sure = sure && p.table != "sqlite_schema"
	}
	rows := map[string]bool{} // that overflow to a page that is gone, by the place of their cell
	for _, p := range gone {
		cell, _, over := strings.Cut(p.path, "+")
		_, leaf := gone[p.table+cell[:strings.LastIndex(cell, "/")+1]]
		switch {
		case over && !leaf && !rows[p.table+cell]:
			rows[p.table+cell] = true
			lost[p.table]++
		case p.kind == "leaf" || p.kind == "internal" && p.table == "keyed":
			lost[p.table] += p.cells
		}
	}
	return lost, hit, sure && !(inner && mapped)
}

func (m *made) read(t *testing.T) (got map[string]map[string]string, f *File, tables []*Table) {
	t.Helper()
	f, err := Open(m.path, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	if tables, err = f.Tables(); err != nil {
		t.Fatal(err)
	}
	got = map[string]map[string]string{}
	for _, table := range tables {
		seen := map[string]string{}
		_, err := f.Rows(table, func(rowid int64, v []any) error {
			switch table.Name {
			case "plain":
				seen[fmt.Sprint(v[1])] = fmt.Sprint(v[1], rowid, fmt.Sprintf("%X", v[2]), v[3], v[4])
			case "keyed":
				seen[fmt.Sprint(v[1])] = fmt.Sprint(v[1], v[0], fmt.Sprintf("%X", v[2]))
			default:
				seen[fmt.Sprint(v[0])] = fmt.Sprint(v[0])
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		got[table.Name] = seen
	}
	return got, f, tables
}

// TestWholeFile reads a file without damage, with and without a log, as SQLite does.
func TestWholeFile(t *testing.T) {
	for _, logged := range []bool{false, true} {
		m := makeFile(t, 7, logged)
		got, f, tables := m.read(t)
		for _, table := range tables {
			m.compare(t, table.Name, got[table.Name], 0)
			if n, ok := f.Count(table); table.Name == "plain" && (!ok || n != int64(len(m.rows["plain"]))) {
				t.Errorf("Count is %d, %v, want %d", n, ok, len(m.rows["plain"]))
			}
			if n := f.Unreadable(table); n != 0 {
				t.Errorf("%s: %d pages unreadable in a sound file", table.Name, n)
			}
			m.find(t, table.Name)
		}
	}
}

// find reads one table alone.
func (m *made) find(t *testing.T, name string) {
	t.Helper()
	f, err := Open(m.path, true)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Find(name+"s") != nil {
		t.Errorf("a table was found that is not there")
	}
	table, count := f.Find(name), 0
	if table == nil || table.Name != name {
		t.Fatalf("%s was not found: %v", name, table)
	}
	if _, err := f.Rows(table, func(int64, []any) error { count++; return nil }); err != nil || count != len(m.rows[name]) {
		t.Errorf("%s has %d rows, %v, want %d", name, count, err, len(m.rows[name]))
	}
}

// compare wants all rows but so many, each as it was.
func (m *made) compare(t *testing.T, table string, got map[string]string, lost int64) {
	t.Helper()
	want := m.rows[table]
	for key, row := range got {
		if want[key] != row {
			t.Errorf("%s: got a row %.80q that was never there, want %.80q", table, row, want[key])
		}
	}
	if len(want)-len(got) != int(lost) {
		t.Errorf("%s: %d of %d rows are lost, want %d", table, len(want)-len(got), len(want), lost)
	}
}

// TestDamagedPages overwrites pages at random: what was on other pages is there,
// to the last row, also below a page that is gone.
func TestDamagedPages(t *testing.T) {
	sure := 0
	whole := makeFile(t, 7, false)
	for seed := range uint64(40) {
		m := *whole
		m.copy(t)
		random := rand.New(rand.NewPCG(seed, 2))
		lost, hit, known := m.damage(t, random, 1+random.IntN(6))
		if !known {
			continue
		}
		sure++
		got, _, _ := m.read(t)
		for table := range m.rows {
			m.compare(t, table, got[table], lost[table])
		}
		if t.Failed() {
			for _, n := range hit {
				t.Logf("seed %d: page %d was %+v", seed, n, m.pages[n])
			}
			return
		}
	}
	if sure < 20 {
		t.Errorf("only %d of 40 files could be judged", sure)
	}
}

// TestTruncated cuts the file: what was before the cut is there.
func TestTruncated(t *testing.T) {
	m := makeFile(t, 7, false)
	info, err := os.Stat(m.path)
	if err != nil {
		t.Fatal(err)
	}
	keep := info.Size() / 1024 / 2
	if err := os.Truncate(m.path, keep*1024+300); err != nil {
		t.Fatal(err)
	}
	got, f, tables := m.read(t)
	strays := map[string]int{}
	if err := f.Strays(func(_ uint32, _ int64, values []any) error {
		strays[map[int]string{5: "plain", 1: "loose"}[len(values)]]++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		if table.Name == "keyed" {
			continue // has no rowid: what nobody points to is lost
		}
		var before int64
		for number, p := range m.pages {
			if int64(number) <= keep && p.table == table.Name && p.kind == "leaf" {
				before += p.cells
			}
		}
		// Rows that overflow behind the cut are lost although they begin before it.
		if n := int64(len(got[table.Name]) + strays[table.Name]); m.rows[table.Name] != nil && (n < before*9/10 || f.Unreadable(table) == 0) {
			t.Errorf("%s: got %d rows and %d unreadable pages, want about %d and some", table.Name, n, f.Unreadable(table), before)
		}
	}
}

// TestDestroyedBeginning: without a header nothing can be read, without the list of
// tables what is in them can, under no name.
func TestDestroyedBeginning(t *testing.T) {
	for _, tt := range []struct {
		at  int64
		err error
	}{{0, ErrHeader}, {100, nil}} {
		m := makeFile(t, 7, false)
		f, err := os.OpenFile(m.path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteAt(bytes.Repeat([]byte{0xa5}, 400), tt.at)
		if f.Close(); err != nil {
			t.Fatal(err)
		}
		file, err := Open(m.path, true)
		if !errors.Is(err, tt.err) {
			t.Fatalf("got %v, want %v", err, tt.err)
		}
		if err != nil {
			continue
		}
		defer file.Close()
		tables, err := file.Tables()
		if err != nil {
			t.Fatal(err)
		}
		rows := map[bool]int{}
		for _, table := range tables {
			if _, err := file.Rows(table, func(int64, []any) error { rows[table.Rowid]++; return nil }); err != nil || table.Name != "" {
				t.Errorf("%q: %v", table.Name, err)
			}
		}
		// The table without rowid, and the index of the one with a unique name.
		if rows[true] != len(m.rows["plain"])+len(m.rows["loose"]) || rows[false] != len(m.rows["keyed"])+len(m.rows["plain"]) {
			t.Errorf("got %v rows with and without rowid", rows)
		}
	}
}

// FuzzRead reads any damage without breaking.
func FuzzRead(f *testing.F) {
	f.Add(uint32(200), []byte{0xff, 0, 0xff})
	whole := makeFile(f, 7, true)
	f.Fuzz(func(t *testing.T, at uint32, noise []byte) {
		m := *whole
		m.copy(t)
		file, err := os.OpenFile(m.path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		info, _ := file.Stat()
		_, err = file.WriteAt(noise, int64(at)%info.Size())
		if file.Close(); err != nil {
			t.Fatal(err)
		}
		read, err := Open(m.path, true)
		if err != nil {
			return
		}
		defer read.Close()
		tables, err := read.Tables()
		for _, table := range tables {
			_, _ = read.Rows(table, func(int64, []any) error { return nil })
		}
		_ = err
	})
}
