package svc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"wamux/store"
	"wamux/store/seal"
)

const backupUsage = "`wamux backup FILE [--encrypt age1…]`; FILE is - for standard output"

// backupCall is one `wamux backup`.
type backupCall struct {
	program
	file       string // "-" for standard output
	recipients []string
}

// backup writes a backup of the database to a file, whether a gateway runs or not.
func (p program) backup(ctx context.Context, args []string) int {
	a, config, ok := p.prepared(args, map[string]bool{"--encrypt": true}, oneFile, backupUsage)
	if !ok {
		return exitUsage
	}
	b := backupCall{p, a.words[0], a.given["--encrypt"]}
	if len(b.recipients) > 0 {
		if err := seal.CheckRecipients(b.recipients); err != nil {
			return p.fail(exitUsage, fmt.Errorf("nothing can be encrypted to that: %w", err), backupUsage)
		}
	}
	if b.file == "-" && isTerminal(p.stdout) {
		return p.fail(exitUsage, errors.New("a backup is binary, and would spoil the terminal"), "name a file, or send the output into one")
	}
	return p.onFile(ctx, config, func(db *store.DB) error { return b.idle(ctx, db) }, func(r *remote) error { return b.live(ctx, r) })
}

// idle works on the file itself.
func (b backupCall) idle(ctx context.Context, db *store.DB) error {
	o := store.BackupOptions{Version: buildVersion(), Recipients: b.recipients}
	if b.file != "-" {
		info, err := db.Backup(ctx, b.file, o)
		return b.tell(info, err)
	}
	s, err := db.Snapshot(ctx, o)
	if err != nil {
		return err
	}
	err = s.Send(ctx, b.stdout)
	return errors.Join(err, s.Close())
}

// live lets the running gateway make the backup.
func (b backupCall) live(ctx context.Context, r *remote) error {
	pull := func(w io.Writer) error { return b.pull(ctx, r, w) }
	if b.file == "-" {
		return pull(b.stdout)
	}
	info, err := store.ReceiveBackup(ctx, b.file, pull)
	return b.tell(info, err)
}

func (b backupCall) pull(ctx context.Context, r *remote, w io.Writer) error {
	path := "/v1/backup"
	if len(b.recipients) > 0 {
		path += "?" + url.Values{"encrypt": b.recipients}.Encode()
	}
	body, err := r.open(ctx, "GET", path, "", nil)
	if err != nil {
		return err
	}
	defer body.Close()
	from := &watched{Reader: body}
	if _, err = io.Copy(w, from); from.err != nil {
		return &store.Error{Message: "the running gateway broke off in the middle of the backup", Hint: "look at its log, and try again", Err: from.err}
	}
	return err
}

// watched remembers what was wrong with reading, which is not what was wrong with
// writing.
type watched struct {
	io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		w.err = err
	}
	return n, err
}

// tell says what was made. info is nil for one that was encrypted elsewhere.
func (b backupCall) tell(info *store.BackupInfo, err error) error {
	switch {
	case err != nil:
		return err
	case len(b.recipients) > 0:
		fmt.Fprintf(b.stdout, "backup: %s, encrypted to %s\n", b.file, strings.Join(b.recipients, ", "))
	default:
		fmt.Fprintf(b.stdout, "backup: %s, %v\n", b.file, info)
	}
	return nil
}
