package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// realPath returns where the database really is, as SQLite sees it: the files
// beside it must be the same ones whatever link leads there. It makes the folder.
func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	dir := filepath.Dir(path)
	if err := makeFolder(dir); err != nil {
		return "", err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", err
	}
	path = filepath.Join(dir, filepath.Base(path))
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return "", Errorf(CodeInvalid, "not_a_database", "%s is not a file, choose another one with DATABASE_URL", path)
	}
	return path, nil
}

// makeFolder makes the folder of the database, for its owner only. One that is
// there already keeps its mode: it may be the home of other things.
func makeFolder(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return &Error{Code: CodeReadOnly, Name: "folder_not_writable", Message: fmt.Sprintf("The folder %s cannot be made", dir), Hint: "Make it by hand, or choose another place with DATABASE_URL.", Err: err}
	}
	return nil
}

// lockFile takes the lock that keeps a second process off the database. The
// system frees it when the process ends, however it ends. The file stays: who
// removes it could take away the lock of a third.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, &Error{Code: CodeReadOnly, Name: "folder_not_writable", Message: fmt.Sprintf("The file %s cannot be written", path), Hint: "Check the owner and mode of its folder.", Err: err}
	}
	if err := patientLock(f); err != nil {
		defer func() { _ = f.Close() }()
		return nil, lockedBy(f, err)
	}
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return f, nil
}

// patientLock tries more than once: who asks for the holder of a database, see
// [Holder], has its lock for a moment, and is none.
func patientLock(f *os.File) (err error) {
	for range 10 {
		if err = tryLock(f); err == nil {
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	return err
}

// Announce writes down where the API of this process listens, so that commands
// on the same machine find it with [Announced]. It is gone with the next start.
func (db *DB) Announce(url string) error {
	_, err := db.lock.WriteAt(fmt.Appendf(nil, "%d\n%s\n", os.Getpid(), url), 0)
	return err
}

// Announced returns what the process that uses the database at path announced
// last, or "". It means something only after an [Open] that was refused with
// [CodeLocked]: a process that was killed leaves its words behind.
func Announced(path string) (url string) {
	path, err := realPath(path)
	if err != nil {
		return ""
	}
	f, err := os.Open(path + ".lock")
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	_, url = readLock(f)
	return url
}

// readLock returns what the holder of a lock wrote; 0 and "" for what is not
// there.
func readLock(f *os.File) (pid int, url string) {
	text := make([]byte, 512)
	n, _ := f.ReadAt(text, 0)
	first, rest, _ := strings.Cut(string(text[:n]), "\n")
	pid, _ = strconv.Atoi(first)
	url, _, _ = strings.Cut(rest, "\n")
	return pid, url
}

// lockedBy says who holds the lock, as far as is known.
func lockedBy(f *os.File, cause error) error {
	who := "Another process"
	if pid, _ := readLock(f); pid != 0 {
		who = fmt.Sprintf("Another wamux (process %d)", pid)
	}
	db := strings.TrimSuffix(f.Name(), ".lock")
	return &Error{Code: CodeLocked, Name: "database_in_use", Message: fmt.Sprintf("%s already uses %s", who, db), Hint: "Stop it first, or choose another file with DATABASE_URL.", Err: cause}
}

// unlockFile frees the lock by closing its file.
func unlockFile(f *os.File) {
	unlock(f)
	_ = f.Close()
}

// ownFile makes the database file when it is missing, and takes all rights on
// it and its companions from everybody but the owner. SQLite itself would make
// them readable for all.
func ownFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		return f.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return &Error{Code: CodeReadOnly, Name: "folder_not_writable", Message: fmt.Sprintf("The file %s cannot be made", path), Hint: "Check the owner and mode of its folder.", Err: err}
	}
	for _, name := range []string{path, path + "-wal", path + "-shm", path + "-wal" + staleEnd, path + "-shm" + staleEnd} {
		if err := restrict(name); err != nil {
			return err
		}
	}
	return nil
}

// hasLog tells whether something is in the log of a database: the run before did
// not end in order.
func hasLog(path string) bool {
	info, err := os.Stat(path + "-wal")
	return err == nil && info.Size() > 0
}

// hasJournal tells whether a rollback journal lies beside the file. Ours have one only while
// they are made, before they have a log.
func hasJournal(path string) bool {
	info, err := os.Stat(path + "-journal")
	return err == nil && info.Size() > 0
}

// restrict sets mode 0600. On Windows the folder's rights decide instead.
func restrict(name string) error {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) || runtime.GOOS == "windows" {
		return nil
	}
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return err
	}
	if err := os.Chmod(name, 0o600); err != nil {
		return &Error{Code: CodeReadOnly, Name: "file_open_to_others", Message: fmt.Sprintf("Other users can read %s", name), Hint: "Take it over with chown, and set its mode with chmod 600.", Err: err}
	}
	return nil
}

// replaceFile writes a file for the owner only so that after a crash it is
// either the old or the new one, whole.
func replaceFile(path string, data []byte) error {
	tmp := path + ".new"
	if err := writeSynced(tmp, data); err != nil {
		_ = os.Remove(tmp)
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncFolder(path)
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// syncFolder makes a rename or removal in the folder of path durable. Windows
// has no such call.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Holder tells whether a process has the database at path open, this one
// included, and what it announced; "" when that is nothing yet. It makes nothing,
// and holds the lock itself for no longer than it takes to ask for it.
func Holder(path string) (url string, held bool) {
	if _, err := os.Stat(path); err != nil {
		return "", false // no database, nobody who uses it
	}
	path, err := realPath(path)
	if err != nil {
		return "", false
	}
	f, err := os.OpenFile(path+".lock", os.O_RDWR, 0)
	if err != nil {
		return "", false
	}
	defer unlockFile(f)
	if patientLock(f) == nil {
		return "", false
	}
	_, url = readLock(f)
	return url, true
}
