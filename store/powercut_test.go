package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// imagesPerRecording is how many power cuts one recording serves for.
const imagesPerRecording = 200

// TestPowerCut cuts the power of a database at any moment: what was not synced
// is there, gone or torn, as chance will have it. No commit that was
// acknowledged may be lost, none be there by half, and no start may take what
// is left for a file that was put back.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	images := 200
	if n, err := strconv.Atoi(os.Getenv("WAMUX_ROUNDS")); err == nil && n > 0 {
		images = n
	}
	for done := 0; done < images; done += imagesPerRecording {
		damage := cutPower(t, "full", min(imagesPerRecording, images-done))
		for _, found := range damage.all() {
			t.Errorf("recording %d: %s", done/imagesPerRecording, found)
		}
	}
}

// TestPowerCutControl shows that such a test finds what is lost: without a sync
// at each commit it is something.
func TestPowerCutControl(t *testing.T) {
	t.Parallel()
	damage := cutPower(t, "normal", 40)
	if len(damage.lost) == 0 {
		t.Error("synchronous=NORMAL lost nothing: the power cuts are not real")
	}
	if len(damage.torn) > 0 {
		t.Errorf("torn: %v", damage.torn)
	}
	t.Logf("%d of 40 images lost acknowledged commits", len(damage.lost))
}

// damage is what power cuts did.
type damage struct {
	mu                      sync.Mutex
	lost, torn, broken, put []string // by image
}

func (d *damage) all() []string { return slices.Concat(d.lost, d.torn, d.broken, d.put) }

func (d *damage) add(to *[]string, image, format string, a ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	*to = append(*to, image+": "+fmt.Sprintf(format, a...))
}

// cutPower records one process and cuts it so many times.
func cutPower(t *testing.T, synchronous string, images int) *damage {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	rec := recordCalls(t, childCommand(t, "commit-"+synchronous, filepath.Join(dir, "wamux.db")), dir)
	if len(rec.acks) != commitRuns*commitCallers*commitsEach {
		t.Fatalf("the process acknowledged %d commits", len(rec.acks))
	}
	var d damage
	var wait sync.WaitGroup
	seed := rand.Uint64()
	turns := make(chan int)
	for range runtime.NumCPU() {
		wait.Go(func() {
			for i := range turns {
				r := rand.New(rand.NewPCG(seed, uint64(i)))
				cut := r.IntN(rec.moments)
				if i%10 == 0 { // while the file is made, which is over soon
					cut = r.IntN(min(100, rec.moments))
				}
				d.inspect(t, rec, cut, rec.image(t, cut, r), fmt.Sprintf("image %d of seed %d, cut at %d of %d", i, seed, cut, rec.moments))
			}
		})
	}
	for i := range images {
		turns <- i
	}
	close(turns)
	wait.Wait()
	return &d
}

// inspect opens what a cut left.
func (d *damage) inspect(t *testing.T, rec *recording, cut int, path, image string) {
	defer func() { _ = os.RemoveAll(filepath.Dir(path)) }()
	db, err := Open(t.Context(), Options{Path: path, Log: slog.New(slog.DiscardHandler), Readers: 1})
	if err != nil {
		d.add(&d.broken, image, "it does not open: %v: %v", err, errors.Unwrap(err))
		return
	}
	defer func() {
		if err := db.Close(); err != nil {
			d.add(&d.broken, image, "it does not close: %v", err)
		}
	}()
	if db.Restored() {
		d.add(&d.put, image, "it was taken for a file that was put back")
	}
	var check string
	err = db.View(t.Context(), func(tx *Tx) error { return tx.QueryRow("PRAGMA integrity_check").Scan(&check) })
	if check != "ok" || err != nil {
		d.add(&d.broken, image, "integrity_check says %q, %v", check, err)
	}
	d.compare(t, db, rec.acknowledged(cut), image)
}

// compare looks whether all that was acknowledged is there, and nothing by half.
func (d *damage) compare(t *testing.T, db *DB, acked map[string]int, image string) {
	rows := map[string]int{}
	err := db.View(t.Context(), func(tx *Tx) error {
		clear(rows)
		list, err := tx.Query("SELECT substr(key, 1, instr(key, '/') - 1), count(*) FROM meta WHERE key LIKE 'caller% %/%' GROUP BY 1")
		if err != nil {
			return err
		}
		defer func() { _ = list.Close() }()
		for list.Next() {
			var commit string
			var n int
			if err := list.Scan(&commit, &n); err != nil {
				return err
			}
			rows[commit] = n
		}
		return list.Err()
	})
	if err != nil {
		d.add(&d.broken, image, "it cannot be read: %v", err)
		return
	}
	var lost []string
	for caller, last := range acked {
		for n := 1; n <= last; n++ {
			if commit := fmt.Sprint(caller, " ", n); rows[commit] == 0 {
				lost = append(lost, commit)
			}
		}
	}
	if len(lost) > 0 {
		d.add(&d.lost, image, "%d acknowledged commits are lost: %v", len(lost), lost)
	}
	for commit, n := range rows {
		if n != rowsEach {
			d.add(&d.torn, image, "%s has %d rows of %d", commit, n, rowsEach)
		}
	}
}

// acknowledged gives the last commit of each caller before a cut.
func (r *recording) acknowledged(cut int) map[string]int {
	last := map[string]int{}
	for _, a := range r.acks {
		if caller, n, ok := strings.Cut(a.text, " "); ok && a.at <= cut {
			number, _ := strconv.Atoi(n)
			last[caller] = max(last[caller], number)
		}
	}
	return last
}

// What the recorded process does: it opens the database, lets some callers
// commit at once, closes, and so on; the last time it just ends.
const (
	commitRuns    = 3
	commitCallers = 6
	commitsEach   = 15
	rowsEach      = 3
)

// commitChild is that process. Checkpoints come often, so that the cuts meet
// them too. NORMAL is what the gateway never uses.
func commitChild(mode, path string, out io.Writer) int {
	for i := range writerPragmas {
		switch p := &writerPragmas[i]; {
		case p.name == "synchronous" && mode == "commit-normal":
			p.set, p.want = "NORMAL", "1"
		case p.name == "wal_autocheckpoint":
			p.set, p.want = "60", "60"
		}
	}
	for run := range commitRuns {
		db, err := Open(context.Background(), Options{Path: path, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if err := commitAll(db, run, out); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if run == commitRuns-1 {
			return 0
		}
		if err := db.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return 0
}

func commitAll(db *DB, run int, out io.Writer) error {
	errs := make([]error, commitCallers)
	var wait sync.WaitGroup
	for c := range commitCallers {
		wait.Go(func() {
			for n := run*commitsEach + 1; n <= (run+1)*commitsEach && errs[c] == nil; n++ {
				commit := fmt.Sprintf("caller%d %d", c, n)
				if errs[c] = db.Update(context.Background(), func(tx *Tx) error { return addRows(tx, commit) }); errs[c] == nil {
					fmt.Fprintln(out, commit)
				}
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

// addRows writes the rows of one commit, far enough from each other to be on
// several pages.
func addRows(tx *Tx, commit string) error {
	for part := range rowsEach {
		key := fmt.Sprintf("%s/%d", commit, part)
		if _, err := tx.Exec("INSERT INTO meta (key, value) VALUES (?, ?)", key, strings.Repeat("x", 100+rand.IntN(1200))); err != nil {
			return err
		}
	}
	return nil
}
