package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// livedBytes is what [lived] gives everybody: to make it takes long.
var livedBytes struct {
	once sync.Once
	data []byte
}

// lived is a closed database with some of everything that people would miss.
func lived(t *testing.T) (path string) {
	t.Helper()
	livedBytes.once.Do(func() {
		data, err := os.ReadFile(live(t))
		if err != nil {
			t.Fatal(err)
		}
		livedBytes.data = data
	})
	path = freshPath(t)
	if err := os.WriteFile(path, livedBytes.data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func live(t *testing.T) (path string) {
	t.Helper()
	path = freshPath(t)
	db := open(t, path)
	random := rand.New(rand.NewPCG(1, 1))
	for _, id := range []string{"shop", "home"} {
		addTestSession(t, db, id)
		for i := range 20 {
			err := db.Update(t.Context(), func(tx *Tx) error {
				for j := range 25 {
					n := i*25 + j
					if _, err := tx.Record(id, Entry{
						Message: &Message{ID: fmt.Sprint("M", n), Chat: fmt.Sprint(n%9, "@s.whatsapp.net"), Sender: "6281@s.whatsapp.net", Phone: fmt.Sprint(n % 9),
							Text: strings.Repeat("word ", random.IntN(40)), Type: "text", Timestamp: noon, Raw: make([]byte, random.IntN(200)+n%50*n%50*6)},
						Contact: &Contact{ID: fmt.Sprint(n, "@s.whatsapp.net"), Name: fmt.Sprint("Contact ", n)},
						Events:  []Event{{Type: "message.received", Data: json.RawMessage(fmt.Sprintf(`{"id":"M%d"}`, n))}},
					}); err != nil {
						return err
					}
					if _, err := tx.Exec("INSERT INTO auth_data (sessionId, key, value, createdAt, updatedAt) VALUES (?, ?, ?, '', '')", id, fmt.Sprint("pre-key-", n), strings.Repeat("k", 200)); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, _, err := db.AddJob(t.Context(), &Job{Session: "shop", MessageID: "J", To: "1@s.whatsapp.net"}, make([]byte, 20000)); err != nil {
		t.Fatal(err)
	}
	closeDB(t, db)
	return path
}

// statPage is what SQLite says about one page.
type statPage struct {
	number, cells int64
	table, kind   string
}

// rounds is how often a long test repeats: few, or what WAMUX_ROUNDS says.
func rounds(few int) int {
	if n, err := strconv.Atoi(os.Getenv("WAMUX_ROUNDS")); err == nil && n > 0 {
		return n
	}
	return few
}

func statPages(t *testing.T, path string) (pages []statPage) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro&immutable=1")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT pageno, ncell, name, pagetype FROM dbstat")
	pages, err = collect(rows, err, func(row scanner) (p statPage, err error) {
		return p, row.Scan(&p.number, &p.cells, &p.table, &p.kind)
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// contents returns every row of every table as text, without what each start changes.
func contents(t *testing.T, path string) map[string][]string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT name, (SELECT group_concat('quote(' || name || ')', ' || '','' || ') FROM pragma_table_info(t.name)) FROM pragma_table_list AS t WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'epoch'")
	tables, err := collect(rows, err, func(row scanner) (p [2]string, err error) { return p, row.Scan(&p[0], &p[1]) })
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, table := range tables {
		rows, queried := db.Query("SELECT " + table[1] + " FROM " + table[0])
		all[table[0]], err = collect(rows, queried, func(row scanner) (s string, err error) { return s, row.Scan(&s) })
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(all[table[0]])
	}
	return all
}

func overwrite(t *testing.T, path string, page int64, seed uint64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	noise, random := make([]byte, pageBytes), rand.New(rand.NewPCG(seed, uint64(page)))
	for i := range noise {
		noise[i] = byte(random.UintN(256))
	}
	if _, err := f.WriteAt(noise, (page-1)*pageBytes); err != nil {
		t.Fatal(err)
	}
}

// TestRecoverLosesOnlyDamagedPages overwrites pages at random. By SQLite's own
// account of what lay where, no row is missing that was on another page, none is
// new, and the result is a database that passes the check and opens.
func TestRecoverLosesOnlyDamagedPages(t *testing.T) {
	whole := lived(t)
	before, pages := contents(t, whole), statPages(t, whole)
	judged := 0
	// What these hold can be told from all else also where their names are lost.
	distinct := []string{"auth_data", "chat_history", "contacts", "events", "jobs"}
	for seed := range uint64(rounds(5)) {
		path := freshPath(t)
		copyFile(t, whole, path)
		random := rand.New(rand.NewPCG(seed, 3))
		most, hopeless, named := map[string]int64{}, false, true
		for range 1 + random.IntN(8) {
			p := pages[random.IntN(len(pages))]
			overwrite(t, path, p.number, seed)
			hopeless = hopeless || p.number == 1
			named = named && p.table != "sqlite_schema"
			most[p.table] += max(p.cells, 1) // a page of overflow costs a row
		}
		for child, parent := range map[string]string{"job_media": "jobs", "batch_items": "batches"} {
			if most[parent] > 0 { // what belongs to a lost row goes with it
				most[child] = int64(len(before[child]))
			}
		}
		got, err := Recover(t.Context(), path, "")
		if hopeless {
			wantError(t, err, CodeStorage, "Nothing can be saved")
			continue
		}
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		judged++
		after := contents(t, path)
		for table, rows := range before {
			missing := int64(len(rows)) - int64(len(after[table]))
			if missing > most[table] && (named || slices.Contains(distinct, table)) && table != "meta" {
				t.Errorf("seed %d: %s lost %d rows, at most %d were on damaged pages", seed, table, missing, most[table])
			}
			if table != "whatsapp_sessions" && table != "meta" && !isSubset(after[table], rows) {
				t.Errorf("seed %d: %s has rows that were never there", seed, table)
			}
			if said, pages := lostOf(got, table); missing > 0 && named && said < missing && pages == 0 {
				t.Errorf("seed %d: %s lost %d rows and the report says %d", seed, table, missing, said)
			}
		}
		if _, err := os.Stat(got.Aside); err != nil || got.File != path {
			t.Errorf("the report is %+v, %v", got, err)
		}
		reopen(t, path, true)
	}
	if judged < 4 {
		t.Errorf("only %d files could be judged", judged)
	}
}

func lostOf(r *Recovery, table string) (rows int64, pages int) {
	i := slices.IndexFunc(r.Tables, func(t Recovered) bool { return t.Table == table })
	if i < 0 {
		return 0, 0
	}
	return r.Tables[i].Lost, r.Tables[i].Pages
}

// isSubset tells whether all of the sorted some are in the sorted all.
func isSubset(some, all []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { _, ok := slices.BinarySearch(all, s); return !ok })
}

// TestRecoverTruncated cuts the file in the middle.
func TestRecoverTruncated(t *testing.T) {
	path := lived(t)
	before, pages := contents(t, path), statPages(t, path)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	kept := info.Size() / pageBytes * 2 / 3
	if err := os.Truncate(path, kept*pageBytes); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), Options{Path: path})
	wantError(t, err, CodeStorage, "damaged")
	to := filepath.Join(t.TempDir(), "new.db")
	got, err := Recover(t.Context(), path, to)
	if err != nil || got.File != to || got.Aside != "" {
		t.Fatalf("%+v, %v", got, err)
	}
	after := contents(t, to)
	for _, table := range []string{"chat_history", "auth_data", "events", "contacts"} {
		var there int64
		for _, p := range pages {
			if p.number <= kept && p.table == table && p.kind == "leaf" {
				there += p.cells
			}
		}
		if n := int64(len(after[table])); n < there*95/100 || !isSubset(after[table], before[table]) { // a few overflow behind the cut
			t.Errorf("%s: got %d rows, want about %d of those there were", table, n, there)
		}
	}
	if n := len(after["whatsapp_sessions"]); n != 2 {
		t.Errorf("got %d sessions, want 2", n)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != kept*pageBytes {
		t.Errorf("the damaged file was changed: %v", err)
	}
	_, err = Recover(t.Context(), path, to)
	wantError(t, err, CodeConflict, "is there already")
}

// TestRecoverLog takes in what only the log of a killed process holds.
func TestRecoverLog(t *testing.T) {
	path := freshPath(t)
	dieWriting(t, path)
	if !hasLog(path) {
		t.Fatal("there is no log")
	}
	if _, err := Recover(t.Context(), path, ""); err != nil {
		t.Fatal(err)
	}
	if hasLog(path) {
		t.Error("the result needs a log")
	}
	wantMeta(t, reopen(t, path, true), "die", "19")
}

// TestRecoverRevivesSessions destroys the table of sessions: what else there is of
// them is kept under new rows, and media without its job goes.
func TestRecoverRevivesSessions(t *testing.T) {
	path := lived(t)
	for _, p := range statPages(t, path) {
		if p.table == "whatsapp_sessions" || p.table == "jobs" {
			overwrite(t, path, p.number, 1)
		}
	}
	if _, err := Recover(t.Context(), path, ""); err != nil {
		t.Fatal(err)
	}
	db := open(t, path)
	s, err := db.Session(t.Context(), "shop")
	if err != nil || s.State != StateStopped || s.Wanted != WantStopped || s.Code != "recovered" {
		t.Errorf("got %+v, %v", s, err)
	}
	after := contents(t, path)
	if len(after["auth_data"]) != 1000 || len(after["job_media"]) != 0 {
		t.Errorf("got %d keys and %d media, want 1000 and none", len(after["auth_data"]), len(after["job_media"]))
	}
}

// TestRecoverWithoutNames destroys the list of tables, but for its root: what is in
// the tables tells which they are.
func TestRecoverWithoutNames(t *testing.T) {
	path := lived(t)
	before := contents(t, path)
	for _, p := range statPages(t, path) {
		if p.table == "sqlite_schema" && p.number != 1 {
			overwrite(t, path, p.number, 1)
		}
	}
	_, err := Open(t.Context(), Options{Path: path})
	wantError(t, err, CodeStorage, "damaged")
	if _, err := Recover(t.Context(), path, ""); err != nil {
		t.Fatal(err)
	}
	after := contents(t, path)
	for _, table := range []string{"auth_data", "chat_history", "contacts", "events", "jobs", "whatsapp_sessions"} {
		if !slices.Equal(after[table], before[table]) {
			t.Errorf("got %d of %d rows of %s", len(after[table]), len(before[table]), table)
		}
	}
	reopen(t, path, true)
}

func TestRecoverRefuses(t *testing.T) {
	t.Run("InUse", func(t *testing.T) {
		db := fresh(t)
		_, err := Recover(t.Context(), db.Path(), "")
		wantError(t, err, CodeLocked, "already uses")
	})
	t.Run("Missing", func(t *testing.T) {
		_, err := Recover(t.Context(), freshPath(t), "")
		wantError(t, err, CodeNotFound, "is not there")
	})
	t.Run("Foreign", func(t *testing.T) {
		path := freshPath(t)
		raw(t, path, "CREATE TABLE theirs (a)")
		_, err := Recover(t.Context(), path, "")
		wantError(t, err, CodeConflict, "belongs to another program")
	})
	t.Run("Header", func(t *testing.T) {
		path := live(t) // with its sidecar: wamux knows that there was a database
		overwrite(t, path, 1, 1)
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Recover(t.Context(), path, "")
		wantError(t, err, CodeStorage, "Nothing can be saved")
		if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
			t.Error("the file was changed")
		}
		if _, err := os.Stat(path + ".recovering"); !errors.Is(err, fs.ErrNotExist) {
			t.Error("half a file was left behind")
		}
		_, err = Open(t.Context(), Options{Path: path})
		wantError(t, err, CodeStorage, "damaged")
		if e := (*Error)(nil); !errors.As(err, &e) || !strings.Contains(e.Hint, "backup") {
			t.Errorf("the hint is %v", err)
		}
	})
}
