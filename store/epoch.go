package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"
)

// People back up the bare .db file and put it back. A Signal ratchet that steps
// back in this way breaks chats for good, so it has to be noticed. Two things
// are kept both in the database (table epoch) and in a sidecar beside it:
//
//   - boot: a counter with a random part, new at each start;
//   - commits: how many transactions were committed. The sidecar gets it after
//     the commit is on disk, without a sync of its own.
//
// The file was put back or moved when the sidecar is missing beside a used
// database, when the boots differ, or when the database has fewer commits than
// the sidecar. A crash looks like none of these: killed between commit and
// sidecar, or after a power cut that the unsynced sidecar missed, the sidecar
// has fewer commits than the database, never more. And a new boot is first
// announced in the sidecar as next, then committed to the database and folded
// into its main file, then confirmed in the sidecar: in between either is right.
//
// The main file must have the boot of the sidecar too. When it has another, it
// was put back and the log beside it belongs to the file it replaced: SQLite
// would mix the two, so the log is set aside first.
//
// Two things stay hidden: a sidecar that is put back together with its database,
// and a page by page copy of this very run put over the file of a killed process
// whose log is still there.

// sidecar is the content of the file beside the database.
type sidecar struct {
	found   bool
	boot    string // empty before the first one is confirmed
	next    string // announced, perhaps in the database already; may be empty
	commits int64
}

const (
	sidecarTitle  = "wamux epoch 1, never part of a backup"
	commitsFormat = "%020d\n"
)

// text lays the sidecar out so that commits, at its end, can be overwritten in
// place.
func (s sidecar) text() []byte {
	return fmt.Appendf(nil, "%s\nboot %s\nnext %s\ncommits "+commitsFormat, sidecarTitle, s.boot, s.next, s.commits)
}

// readSidecar reads the file at path. One that is missing or damaged is not
// found, which is the safe side.
func readSidecar(path string) (sidecar, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return sidecar{}, nil
	}
	if err != nil {
		return sidecar{}, &Error{Code: CodeReadOnly, Name: "sidecar_unreadable", Message: fmt.Sprintf("The file %s cannot be read", path), Hint: "Check its owner and mode.", Err: err}
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) != 5 || lines[0] != sidecarTitle {
		return sidecar{}, nil
	}
	commits, err := strconv.ParseInt(strings.TrimPrefix(lines[3], "commits "), 10, 64)
	if err != nil {
		return sidecar{}, nil
	}
	return sidecar{found: true, boot: strings.TrimPrefix(lines[1], "boot "), next: strings.TrimPrefix(lines[2], "next "), commits: commits}, nil
}

// knows tells whether boot is one that the database may have.
func (s sidecar) knows(boot string) bool {
	return s.found && boot != "" && (boot == s.boot || boot == s.next)
}

// epoch compares and keeps both sides. After start only the writer changes it.
type epoch struct {
	path    string
	log     *slog.Logger
	side    sidecar
	file    *os.File // the sidecar, open; nil while the restore is not confirmed
	offset  int64    // of commits in it
	boot    string   // as the database has it
	commits int64    // as the database has it
	broken  bool     // the sidecar could not be written, and it was said
}

// next returns the number of the commit that is to come.
func (e *epoch) next() int64 { return e.commits + 1 }

// committed notes that commit n is on disk.
func (e *epoch) committed(n int64) {
	e.commits = n
	if e.file == nil {
		return
	}
	if _, err := e.file.WriteAt(fmt.Appendf(nil, commitsFormat, n), e.offset); err != nil && !e.broken {
		e.broken = true
		e.log.Warn("the file beside the database cannot be written: a database put back later may go unnoticed", "file", e.path, "cause", err)
	}
}

// write replaces the sidecar and keeps it open.
func (e *epoch) write(s sidecar) error {
	e.close()
	s.found = true
	text := s.text()
	if err := replaceFile(e.path, text); err != nil {
		return &Error{Code: CodeReadOnly, Name: "sidecar_not_writable", Message: fmt.Sprintf("The file %s cannot be written", e.path), Hint: "Check the owner and mode of its folder, and the space on the disk.", Err: err}
	}
	f, err := os.OpenFile(e.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	e.side, e.file, e.offset = s, f, int64(len(text)-len(fmt.Sprintf(commitsFormat, 0)))
	return nil
}

func (e *epoch) sync() error {
	if e.file == nil {
		return nil
	}
	return e.file.Sync()
}

func (e *epoch) close() {
	if e.file != nil {
		_ = e.file.Close()
		e.file = nil
	}
}

// forget removes the sidecar, so that a crash before the restore is confirmed
// is followed by another start that knows of it.
func (e *epoch) forget() error {
	e.side = sidecar{}
	if err := os.Remove(e.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncFolder(e.path)
}

// compareEpochs reads the epoch of the database and decides whether the file
// was put back.
func (db *DB) compareEpochs(ctx context.Context) error {
	e := db.epoch
	err := db.Read(ctx, func(tx *Tx) error {
		return tx.QueryRow("SELECT boot, commits FROM epoch WHERE id = 1").Scan(&e.boot, &e.commits)
	})
	if err != nil || e.boot == "" {
		return err
	}
	if e.side.knows(e.boot) && e.commits >= e.side.commits {
		return nil
	}
	db.log.Warn("the database was put back or moved since it last ran", "file", db.path,
		"epochFileFound", e.side.found, "commits", e.commits, "commitsBefore", e.side.commits)
	db.needsConfirm.Store(true)
	return errors.Join(e.forget(), db.forgetBackup(ctx))
}

// beginEpoch gives database and sidecar a new boot, in the order that makes a
// crash in between harmless. It runs in the writer, which alone touches both.
func (db *DB) beginEpoch(ctx context.Context) error {
	return db.writer.alone(ctx, func(c *conn) error {
		e := db.epoch
		folded, err := checkpoint(ctx, c)
		if err != nil {
			return err
		}
		if !folded {
			return e.keep()
		}
		boot := nextBoot(e.boot)
		if err := e.write(sidecar{boot: e.boot, next: boot, commits: e.commits}); err != nil {
			return err
		}
		if _, err := c.exec("UPDATE epoch SET boot = ? WHERE id = 1", boot); err != nil {
			return err
		}
		e.boot = boot
		if folded, err = checkpoint(ctx, c); err != nil || !folded {
			return err
		}
		return e.write(sidecar{boot: boot, commits: e.commits})
	})
}

// keep goes on with the boot before, because a reader of another process keeps
// the main file from getting a new one.
func (e *epoch) keep() error {
	if !e.side.found {
		return &Error{Code: CodeLocked, Name: "database_locked", Message: "Another program is reading the database", Hint: "Close it and start wamux again."}
	}
	s := e.side
	s.commits = e.commits
	return e.write(s)
}

// nextBoot counts up and adds a random part: two copies of one file that both
// went on must not agree.
func nextBoot(boot string) string {
	number, _, _ := strings.Cut(boot, "-")
	n, _ := strconv.Atoi(number) // "" for the first
	return fmt.Sprintf("%d-%s", n+1, strings.ToLower(rand.Text()))
}

// Restored tells whether the file was put back or moved since it last ran.
// Nothing may connect to WhatsApp then before the rules for that were applied
// and [DB.ConfirmRestore] was called; until it was, each start tells it anew.
func (db *DB) Restored() bool { return db.needsConfirm.Load() }

// ConfirmRestore says that the rules for a restored file were applied and are
// committed. It begins a new epoch. It does nothing when nothing was restored.
func (db *DB) ConfirmRestore(ctx context.Context) error {
	if !db.needsConfirm.Load() {
		return nil
	}
	if err := db.beginEpoch(ctx); err != nil {
		return err
	}
	db.needsConfirm.Store(false)
	return nil
}

// staleEnd is what the name of a log gets that was set aside, and staleLife how long
// it is kept: who moved the file of before away may want to put both together again.
const (
	staleEnd  = ".stale"
	staleLife = 7 * 24 * time.Hour
)

// setStaleWALAside moves a log away that belongs to another state of the file. It
// may have come with the file, with any mode.
func (db *DB) setStaleWALAside() error {
	for _, end := range []string{"-wal", "-shm"} {
		name := db.path + end
		if err := restrict(name); err != nil {
			return err
		}
		err := os.Rename(name, name+staleEnd)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.Chtimes(name+staleEnd, time.Time{}, db.now()) // from when on it is kept
		}
		if err != nil {
			return err
		}
		db.log.Warn("the log beside the database belongs to the file that was there before, it was set aside for a week", "file", name+staleEnd)
	}
	return syncFolder(db.path)
}

// dropStale removes a log that was set aside before that time.
func (db *DB) dropStale(before time.Time) error {
	for _, end := range []string{"-wal", "-shm"} {
		name := db.path + end + staleEnd
		info, err := os.Stat(name)
		if err == nil && info.ModTime().Before(before) {
			err = os.Remove(name)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
