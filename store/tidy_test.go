package store

import (
	"database/sql"
	"database/sql/driver"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"modernc.org/sqlite"
)

// reads lets another program have a snapshot open until end is called.
func (v *vaultTest) reads() (end func()) {
	v.Helper()
	pool, err := sql.Open("sqlite", fileURI(v.path)+"?mode=ro")
	if err != nil {
		v.Fatal(err)
	}
	tx, err := pool.Begin()
	if err != nil {
		v.Fatal(err)
	}
	var n int
	if err := tx.QueryRow("SELECT COUNT(*) FROM auth_data").Scan(&n); err != nil {
		v.Fatal(err)
	}
	return func() { _, _ = tx.Rollback(), pool.Close() }
}

// converts lets the work go on in the background up to what readers hold up. ended
// waits for its end.
func (v *vaultTest) converts(db *DB) (ended func()) {
	v.Helper()
	done := make(chan error, 1)
	go func() { done <- db.Convert(v.Context()) }()
	for {
		wrote := db.Wrote()
		if state, _, _ := db.SealState(); state == SealOn {
			break
		}
		<-wrote
	}
	return func() {
		v.Helper()
		if err := <-done; err != nil {
			v.Fatal(err)
		}
	}
}

// killed returns what is on disk, as a process leaves it that is killed now.
func (v *vaultTest) killed() *vaultTest {
	v.Helper()
	k := &vaultTest{T: v.T, path: filepath.Join(v.TempDir(), "wamux.db"), secrets: v.secrets}
	for _, end := range []string{"", "-wal", ".epoch"} {
		copyFile(v, v.path+end, k.path+end)
	}
	return k
}

// TestSealBesideReader seals while another program has a snapshot open: as long as
// the file holds values in clear the work is not done.
func TestSealBesideReader(t *testing.T) {
	t.Parallel()
	v, line := newVaultTest(t), newIdentity(t)
	db, err := v.open()
	if err != nil {
		t.Fatal(err)
	}
	end := v.reads()
	defer end()
	if err := db.BeginSeal(t.Context(), keysOf(t, line)); err != nil {
		t.Fatal(err)
	}
	ended := v.converts(db)
	if _, _, pending := db.SealState(); !pending {
		t.Error("the change counts as done")
	}
	k := v.killed()
	end()
	ended()
	if seen := v.scan(); len(seen) > 0 {
		t.Errorf("%d secrets lie in clear, such as %s", len(seen), seen[0])
	}
	v.readsAll(db)
	v.shut(db)
	k.refused("key_missing") // as the log alone tells
	k.converted(SealOn, line)
}

// TestRotateBesideReader changes the key while another program has a snapshot open,
// so that the main file goes on telling of the key of before. Killed then, the
// database opens with the new key, and with that alone.
func TestRotateBesideReader(t *testing.T) {
	t.Parallel()
	v, first, second := newVaultTest(t), newIdentity(t), newIdentity(t)
	v.converted(SealOn, first)
	db, err := v.open(first)
	if err != nil {
		t.Fatal(err)
	}
	end := v.reads()
	defer end()
	if err := db.BeginRotate(t.Context(), keysOf(t, second, first)); err != nil {
		t.Fatal(err)
	}
	ended := v.converts(db)
	k := v.killed()
	end()
	ended()
	v.shut(db)
	v.converted(SealOn, second)
	if f, err := inspect(t.Context(), k.path); err != nil || f.vault.Recipients[0] != keysOf(t, first).Recipients()[0] {
		t.Fatalf("the main file tells of %v, %v", f.vault.Recipients, err)
	}
	k.refused("key_wrong", first)
	k.converted(SealOn, second)
}

// slowDisk is what the SQL function slow_disk calls, which a check evaluates for each
// row of a table that has it as a constraint; nil for nothing.
var (
	slowDisk     atomic.Pointer[func()]
	makeSlowDisk = sync.OnceFunc(func() {
		sqlite.MustRegisterScalarFunction("slow_disk", 1, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
			if wait := slowDisk.Load(); wait != nil {
				(*wait)()
			}
			return int64(1), nil
		})
	})
)

// TestCheckGivesWay begins to seal while a check reads the file, for long: that ends,
// the log is folded, and the check begins anew.
func TestCheckGivesWay(t *testing.T) {
	makeSlowDisk()
	db := fresh(t)
	err := db.Update(t.Context(), func(tx *Tx) error {
		if _, err := tx.Exec("CREATE TABLE long (n CHECK (slow_disk(n)))"); err != nil {
			return err
		}
		_, err := tx.Exec("INSERT INTO long WITH r (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM r LIMIT 100000) SELECT n FROM r")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	began, well := make(chan struct{}, 1), make(chan struct{})
	slow := func() {
		select {
		case began <- struct{}{}:
		default:
		}
		select {
		case <-well:
		case <-time.After(time.Millisecond):
		}
	}
	slowDisk.Store(&slow)
	defer slowDisk.Store(nil)
	done := make(chan error, 1)
	go func() { done <- db.Check(t.Context(), CheckFull) }()
	select {
	case <-began:
	case err := <-done:
		t.Fatalf("the check is over already: %v", err)
	}
	if err := db.BeginSeal(t.Context(), keysOf(t, newIdentity(t))); err != nil {
		t.Fatal(err)
	}
	if hasLog(db.path) {
		t.Error("the log could not be folded")
	}
	close(well)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if due, err := db.FullCheckDue(t.Context()); due || err != nil {
		t.Errorf("a full check is still due: %v, %v", due, err)
	}
}
