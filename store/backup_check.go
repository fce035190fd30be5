package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
)

// checkBackup fails with a sentence unless the file is a backup that is as it was
// written, and that this program can use; name is what people call it. With bare
// set it may also be a copy of a database that holds no sum.
func checkBackup(ctx context.Context, path, name string, bare bool) (*BackupInfo, error) {
	version, err := readHeader(path, name)
	if err != nil {
		return nil, err
	}
	c, done, err := openBeside(ctx, path, "mode=ro&immutable=1", checkerPragmas)
	if err != nil {
		return nil, errUnreadable(ctx, name, err)
	}
	defer done()
	info, sum, err := readBackup(ctx, c, name, version)
	switch {
	case err != nil:
		return nil, err
	case sum == "" && !bare:
		return nil, &Error{Code: CodeInvalid, Name: "backup_bare", Message: name + " is a copy of a database that holds no checksum, so nobody can tell whether it is as it was",
			Hint: "Put it back all the same with --bare, or name a file that `wamux backup` made."}
	case sum != "":
		if err := checkSum(ctx, path, name, sum); err != nil {
			return nil, err
		}
	}
	if stat, err := os.Stat(path); err == nil {
		info.Size = stat.Size()
	}
	return info, checkPages(ctx, c, name)
}

// readHeader returns the number of the last migration, as the first bytes of the
// file tell it, which also a file that was cut has.
func readHeader(path, name string) (version int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, 100)
	if _, err := f.ReadAt(head, 0); err != nil || !bytes.HasPrefix(head, []byte("SQLite format 3\x00")) || binary.BigEndian.Uint32(head[68:]) != applicationID {
		return 0, &Error{Code: CodeInvalid, Name: "backup_foreign", Message: name + " is not a backup of wamux", Hint: "Name a file that `wamux backup` made.", Err: err}
	}
	version = int(binary.BigEndian.Uint32(head[60:]))
	if newest := len(migrations()); version > newest {
		return 0, &Error{Code: CodeConflict, Name: "backup_newer", Hint: "Install the newer wamux, and restore with it.",
			Message: fmt.Sprintf("The backup was made by a newer wamux (schema %d, this one knows %d)", version, newest)}
	}
	return version, nil
}

// readBackup reads what a backup tells of itself, and its sum, "" for a bare copy.
func readBackup(ctx context.Context, c *conn, name string, version int) (*BackupInfo, string, error) {
	info := &BackupInfo{Schema: version}
	said, err := readMeta(ctx, c)
	if err == nil {
		err = c.sql.QueryRowContext(ctx, "SELECT COUNT(*) FROM whatsapp_sessions").Scan(&info.Sessions)
	}
	if err != nil {
		return nil, "", errUnreadable(ctx, name, err)
	}
	info.CreatedAt, info.Version, info.Mode = parseTime(said[metaCreated]), said[metaVersion], said["mode"]
	if row, err := readVault(ctx, c.sql); err == nil {
		info.Sealed = row.Recipients
	}
	if said[metaSum] != "" && (info.CreatedAt.IsZero() || said[metaSchema] != strconv.Itoa(version)) {
		return nil, "", errDamagedBackup(name, errors.New("what the backup says of itself does not fit"))
	}
	return info, said[metaSum], nil
}

func readMeta(ctx context.Context, c *conn) (map[string]string, error) {
	rows, err := c.sql.QueryContext(ctx, "SELECT key, value FROM meta WHERE key IN ('mode', ?, ?, ?, ?)", metaCreated, metaVersion, metaSchema, metaSum)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	said := map[string]string{}
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			return nil, err
		}
		said[key] = value
	}
	return said, rows.Err()
}

func checkSum(ctx context.Context, path, name, sum string) error {
	same, err := sumIs(ctx, path, sum)
	if err != nil && !errors.Is(err, errNoSum) {
		return err
	}
	if !same {
		return errDamagedBackup(name, errors.New("the SHA-256 is another one"))
	}
	return nil
}

// checkPages lets SQLite look at every page.
func checkPages(ctx context.Context, c *conn, name string) error {
	var found string
	if err := c.sql.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&found); err != nil {
		return errUnreadable(ctx, name, err)
	}
	if found != "ok" {
		return errDamagedBackup(name, errors.New(found))
	}
	return nil
}

// errUnreadable is what it means that SQLite cannot read a backup.
func errUnreadable(ctx context.Context, name string, cause error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if e := asError(cause); e.Name == "storage" || e.Code == CodeReadOnly {
		return &Error{Code: CodeReadOnly, Name: "backup_unreadable", Message: name + " cannot be read", Hint: "Check that it is there, and its owner and mode.", Err: cause}
	}
	return errDamagedBackup(name, cause)
}

// damagedBackup is the name of the error for a backup that is not as it was written.
const damagedBackup = "backup_damaged"

func errDamagedBackup(name string, cause error) error {
	return &Error{Code: CodeStorage, Name: damagedBackup, Message: name + " is damaged: it is not as it was written", Hint: "Use another backup.", Err: cause}
}
