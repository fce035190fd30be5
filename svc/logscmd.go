package svc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strconv"
	"time"

	"wamux/store"
)

const logsUsage = `The log.

    wamux logs [--lines N]         the last lines, 100 unless N is given; 0 for all that are kept
      --follow                     and what comes, until it is interrupted

It is read from LOG_FILE, which the gateway writes besides standard error and keeps in two files of 10 MiB. Without LOG_FILE
the command says where the log is. Settings are given as to ` + "`wamux run`" + `.

Example:
    $ wamux run --log-file wamux.log &
    $ wamux logs --log-file wamux.log --follow
`

func (p program) logs(ctx context.Context, args []string) int {
	count := 100
	a, config, ok := p.prepared(args, map[string]bool{"--lines": true, "--follow": false}, func(a arguments) (err error) {
		if a.has("--lines") {
			if count, err = strconv.Atoi(a.last("--lines")); err != nil || count < 0 {
				return fmt.Errorf("--lines is %q, but it must be a whole number", a.last("--lines"))
			}
		}
		return noWords(a)
	}, helpOn("logs"))
	if !ok {
		return exitUsage
	}
	if config.LogFile == "" {
		return p.fail(exitError, errors.New("no LOG_FILE is set, so the log goes to the standard error of the gateway"), elsewhere()...)
	}
	return p.ended(p.showLog(ctx, config.LogFile, count, a.has("--follow")))
}

// elsewhere is where the log of a service is on this system.
func elsewhere() []string {
	hints := []string{"set LOG_FILE, or give --log-file, to keep it in a file too"}
	if runtime.GOOS == "linux" {
		hints = append([]string{"as a systemd service: journalctl -u wamux"}, hints...)
	}
	return hints
}

// showLog prints the last lines of both files, and then what is appended.
func (p program) showLog(ctx context.Context, name string, count int, follow bool) error {
	older, err := os.ReadFile(name + ".1")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unreadableLog(name+".1", err)
	}
	file, err := os.Open(name)
	if err != nil {
		return unreadableLog(name, err)
	}
	newer, err := io.ReadAll(file)
	if err == nil {
		_, err = p.stdout.Write(lastLines(slices.Concat(older, newer), count))
	}
	if err == nil && follow {
		file, err = p.followLog(ctx, name, file)
	}
	return errors.Join(err, file.Close())
}

func unreadableLog(name string, err error) error {
	return &store.Error{Message: name + " cannot be read", Hint: "check LOG_FILE, and that this user may open it", Err: err}
}

// lastLines are at most count of them; 0 means all.
func lastLines(text []byte, count int) []byte {
	start := len(bytes.TrimSuffix(text, []byte("\n")))
	for n := 0; count > 0 && start > 0; n++ {
		if n == count {
			return text[start+1:]
		}
		if start = bytes.LastIndexByte(text[:start], '\n'); start < 0 {
			break
		}
	}
	return text
}

// followLog prints what is appended until ctx ends. When the file was renamed,
// because it was full, it goes on with the new one; it returns the one it has
// open.
func (p program) followLog(ctx context.Context, name string, file *os.File) (*os.File, error) {
	for {
		renamed := false
		if now, err := os.Stat(name); err == nil {
			was, err := file.Stat()
			renamed = err == nil && !os.SameFile(now, was)
		}
		if _, err := io.Copy(p.stdout, file); err != nil { // the rest of the old one, too
			return file, err
		}
		if next, err := os.Open(name); renamed && err == nil {
			file.Close()
			file = next
			continue
		} else if err == nil {
			next.Close()
		}
		if !pause(ctx, 200*time.Millisecond) {
			return file, nil
		}
	}
}
