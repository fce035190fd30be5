package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"wamux/store/seal"
)

// A backup is one whole .db file that needs no log. It is written by VACUUM INTO,
// which sees one moment of the database and keeps nobody from writing, then marked
// (see mark.go), checked, and only then given its name. While it is in clear it
// has mode 0600; one that is to be encrypted, or sent away, is in clear beside the
// database only, where everything in it is anyway.

// BackupOptions say how a backup is made.
type BackupOptions struct {
	Version    string   // of this program; the backup tells it
	Recipients []string // age1…: encrypt the whole file to them; none: keep it in clear
}

func (o BackupOptions) check() error {
	if len(o.Recipients) == 0 {
		return nil
	}
	if err := seal.CheckRecipients(o.Recipients); err != nil {
		return &Error{Code: CodeInvalid, Name: "recipient_invalid", Message: "The backup cannot be encrypted: " + err.Error(), Hint: "Name age recipients, such as `age-keygen` prints."}
	}
	return nil
}

// BackupName is the name of a backup of the database at path, made at that time.
func BackupName(path string, at time.Time, encrypted bool) string {
	name := backupStem(path) + at.UTC().Format(backupStamp) + ".db"
	if encrypted {
		name += ".age"
	}
	return name
}

const backupStamp = "20060102T150405Z"

func backupStem(path string) string {
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)) + "-"
}

// BackupTime returns when a backup of the database at path was made, by its name;
// false when it is not the name of one.
func BackupTime(path, name string) (time.Time, bool) {
	rest, found := strings.CutPrefix(name, backupStem(path))
	stamp := strings.TrimSuffix(strings.TrimSuffix(rest, ".age"), ".db")
	at, err := time.Parse(backupStamp, stamp)
	return at, found && err == nil && len(rest) > len(stamp)
}

// Backup makes a backup at path, where nothing may be yet. It is there, checked
// and on disk, when Backup returns nil, and not at all otherwise. Only one is
// made at a time; others wait.
func (db *DB) Backup(ctx context.Context, path string, o BackupOptions) (*BackupInfo, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	var info *BackupInfo
	if len(o.Recipients) == 0 {
		err = savePartial(path, func(partial string) (err error) {
			info, err = db.copyInto(ctx, partial, o)
			return err
		})
	} else if err = refuseExisting(path); err == nil {
		info, err = db.backupSealed(ctx, path, o)
	}
	return info, wrap(err)
}

// backupSealed makes an encrypted backup at path.
func (db *DB) backupSealed(ctx context.Context, path string, o BackupOptions) (*BackupInfo, error) {
	s, err := db.Snapshot(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }()
	if err := roomFor(path, s.Size+s.Size>>10, db.free); err != nil {
		return nil, err
	}
	return &s.BackupInfo, SaveFile(path, func(w io.Writer) error { return s.Send(ctx, w) })
}

// ReceiveBackup makes the file at path, as [SaveFile] does, of a backup that comes
// from elsewhere, and checks it unless it is encrypted; then it returns nil for what
// the backup tells.
func ReceiveBackup(ctx context.Context, path string, write func(io.Writer) error) (info *BackupInfo, err error) {
	err = savePartial(path, func(partial string) error {
		f, err := os.OpenFile(partial, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		head := make([]byte, 64)
		err = write(f)
		n, _ := f.ReadAt(head, 0)
		if err = errors.Join(err, f.Close()); err != nil || seal.Protected(head[:n]) {
			return err
		}
		info, err = checkBackup(ctx, partial, "The backup", false)
		return err
	})
	return info, wrap(err)
}

// Snapshot is a backup on its way to somewhere else. Who asked for it closes it.
type Snapshot struct {
	BackupInfo
	file       *os.File
	partial    string
	recipients []string
}

// Snapshot makes a backup beside the database, to be sent away. On most systems
// it has no name any more, so that nothing is left of it however the process ends.
func (db *DB) Snapshot(ctx context.Context, o BackupOptions) (_ *Snapshot, err error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	partial, err := makePartial(db.path + backupEnd)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{partial: partial, recipients: o.Recipients}
	defer func() {
		if err != nil {
			_ = s.Close()
		}
	}()
	info, err := db.copyInto(ctx, partial, o)
	if err != nil {
		return nil, wrap(err)
	}
	s.BackupInfo = *info
	if s.file, err = os.Open(partial); err == nil {
		_ = os.Remove(partial) // Windows keeps it until Close
	}
	return s, err
}

// Encrypted tells whether Send encrypts. If not, it writes Size bytes.
func (s *Snapshot) Encrypted() bool { return len(s.recipients) > 0 }

// Send writes the backup to w, once. When it fails, what was written is no backup.
func (s *Snapshot) Send(ctx context.Context, w io.Writer) error {
	if !s.Encrypted() {
		_, err := copyBytes(ctx, w, s.file)
		return err
	}
	age, err := seal.EncryptTo(w, s.recipients)
	if err != nil {
		return err
	}
	if _, err := copyBytes(ctx, age, s.file); err != nil {
		return err
	}
	return age.Close()
}

// Close removes the backup.
func (s *Snapshot) Close() error {
	var err error
	if s.file != nil {
		err = s.file.Close()
	}
	removePartial(s.partial)
	return err
}

// Unfinished files beside the database are called after it and one of these.
const (
	backupEnd  = ".backup"
	restoreEnd = ".restore"
)

// copyInto makes a backup in clear of the empty file partial, and checks it.
func (db *DB) copyInto(ctx context.Context, partial string, o BackupOptions) (*BackupInfo, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(db.stopping, cancel)()
	release, err := db.copyAlone(ctx)
	var info *BackupInfo
	if err == nil {
		defer release()
		info, err = db.copyAndCheck(ctx, partial, o)
	}
	switch {
	case err == nil:
		return info, nil
	case db.stopping.Err() != nil:
		return nil, errStopping()
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, err
}

func (db *DB) copyAndCheck(ctx context.Context, partial string, o BackupOptions) (*BackupInfo, error) {
	if err := db.catchUp(ctx); err != nil && ctx.Err() == nil { // a disk that is full is no reason to have no backup
		db.log.Warn("the backup is made without what waits to be written, which cannot be", "cause", err)
	}
	if err := db.vacuumInto(ctx, partial); err != nil {
		return nil, err
	}
	if err := mark(ctx, partial, db.time(), o.Version); err != nil {
		return nil, err
	}
	info, err := checkBackup(ctx, partial, "The backup", false)
	if e := (*Error)(nil); errors.As(err, &e) && e.Name == damagedBackup {
		return nil, &Error{Code: CodeStorage, Name: damagedBackup, Message: "The backup came out damaged and was thrown away", Hint: "The database may be damaged itself, or the disk: keep the backups that you have.", Err: err}
	}
	return info, err
}

// copyAlone waits until nobody copies or rewrites the file, and keeps others from
// it until release is called.
func (db *DB) copyAlone(ctx context.Context) (release func(), err error) {
	select {
	case db.copying <- struct{}{}:
		return func() { <-db.copying }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// vacuumInto copies one moment of the database over a connection of its own. A
// writer that goes on meanwhile is not waited for; its log grows.
func (db *DB) vacuumInto(ctx context.Context, partial string) error {
	pool, err := sql.Open("sqlite", fileURI(db.path)+"?_defensive=1"+settings(copierPragmas))
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }()
	c, err := openConn(ctx, pool, copierPragmas)
	if err != nil {
		return err
	}
	defer c.close()
	var pages, free, size int64
	err = c.sql.QueryRowContext(ctx, "SELECT page_count, freelist_count, page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size").Scan(&pages, &free, &size)
	if err != nil {
		return err
	}
	if err := roomFor(partial, (pages-free)*size, db.free); err != nil {
		return err
	}
	_, err = c.sql.ExecContext(ctx, "VACUUM INTO ?", partial)
	return err
}

// openBeside opens a file that is not the live database. Nobody else uses it.
func openBeside(ctx context.Context, path, options string, pragmas []pragma) (*conn, func(), error) {
	pool, err := sql.Open("sqlite", fileURI(path)+"?"+options+settings(pragmas))
	if err != nil {
		return nil, nil, err
	}
	c, err := openConn(ctx, pool, pragmas)
	if err != nil {
		return nil, nil, errors.Join(err, pool.Close())
	}
	return c, func() { c.close(); _ = pool.Close() }, nil
}

// What a connection is set to that copies the live database, that finishes a copy,
// and that looks at one.
var (
	copierPragmas  = []pragma{{"busy_timeout", "10000", "10000"}, {"journal_mode", "WAL", "wal"}, {"cell_size_check", "1", "1"}}
	markerPragmas  = []pragma{{"busy_timeout", "10000", "10000"}, {"journal_mode", "DELETE", "delete"}, {"synchronous", "FULL", "2"}}
	checkerPragmas = []pragma{{"query_only", "1", "1"}, {"cell_size_check", "1", "1"}, {"temp_store", "MEMORY", "2"}}
)

// String tells people where a backup comes from.
func (b *BackupInfo) String() string {
	if b.CreatedAt.IsZero() {
		return fmt.Sprintf("a copy of a database, schema %d, %d sessions", b.Schema, b.Sessions)
	}
	return fmt.Sprintf("made %s by wamux %s, schema %d, %d sessions", b.CreatedAt.Format("2006-01-02 15:04:05 UTC"), b.Version, b.Schema, b.Sessions)
}
