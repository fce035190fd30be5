package svc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// logFileSize is how large a log file grows before it becomes the old one.
const logFileSize = 10 << 20

// logFile is LOG_FILE: appended to, readable by its owner only, and renamed to
// NAME.1 when it is full, over the one from before. Two files are all there is.
type logFile struct {
	name string
	max  int64

	mu   sync.Mutex
	file *os.File // nil when it could not be opened again
	size int64
}

// openLogFile opens the file or makes it; the caller closes it. Its error is a
// sentence for the person who started the program.
func openLogFile(name string, max int64) (*logFile, error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("LOG_FILE is %s, which is no ordinary file: name one, or leave it out, since the log always goes to standard error too", name)
	}
	l := &logFile{name: name, max: max}
	if err := l.open(); err != nil {
		return nil, fmt.Errorf("LOG_FILE is %s, which can't be written: check that its folder exists and this user may write there", name)
	}
	return l, nil
}

// open fails with a nil file, or keeps it open and knows its size.
func (l *logFile) open() (err error) {
	if l.file, err = os.OpenFile(l.name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		l.file = nil // or it would be a typed nil
		return err
	}
	info, err := l.file.Stat()
	if err != nil {
		l.file.Close()
		l.file = nil
		return err
	}
	l.size = info.Size()
	if info.Mode().Perm()&0o077 != 0 {
		_ = l.file.Chmod(0o600) // another program's file stays as it is
	}
	return nil
}

// Write appends whole lines. A full file makes room first; when that fails it
// grows on, since a long log is better than none.
func (l *logFile) Write(lines []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil && l.size > 0 && l.size+int64(len(lines)) > l.max {
		l.rotate()
	}
	if l.file == nil {
		if err := l.open(); err != nil {
			return 0, err
		}
	}
	n, err := l.file.Write(lines)
	l.size += int64(n)
	return n, err
}

// rotate closes before it renames: Windows renames no open file.
func (l *logFile) rotate() {
	l.file.Close()
	l.file = nil
	renamed := os.Rename(l.name, l.name+".1")
	if l.open() == nil && renamed != nil {
		l.size = 0 // try again after as much once more, not at every line
	}
}

func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

// both writes to each, whatever becomes of the other: a closed terminal must
// not end the log file, nor a full disk the journal.
type both struct{ a, b io.Writer }

func (w both) Write(p []byte) (int, error) {
	_, err1 := w.a.Write(p)
	_, err2 := w.b.Write(p)
	return len(p), errors.Join(err1, err2)
}
