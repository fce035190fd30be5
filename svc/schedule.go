package svc

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"wamux/store"
)

// schedule makes a backup every so often, and keeps the newest ones. What is due is
// told by the names of the files that are there, so that it also is after a time of
// no service.
type schedule struct {
	db interface {
		Backup(context.Context, string, store.BackupOptions) (*store.BackupInfo, error)
		Path() string
	}
	dir     string
	every   time.Duration
	keep    int           // at least 1
	settle  time.Duration // a start has other things to do first; also the first pause after a failure
	options store.BackupOptions
	log     *slog.Logger
}

// How long a start is left alone, and what bounds every wait: the clock may be set
// meanwhile.
const (
	backupSettle  = 30 * time.Second
	backupRecheck = time.Hour
)

// run makes backups until ctx ends.
func (s *schedule) run(ctx context.Context) {
	for wait := s.settle; pause(ctx, min(wait, backupRecheck)); {
		if wait = s.due(); wait > 0 {
			continue
		}
		wait = s.settle
		for err := s.once(ctx); err != nil && ctx.Err() == nil; err = s.once(ctx) {
			s.log.Error("the backup failed", "again", wait, "error", sentence(err), "cause", errors.Unwrap(err))
			if !pause(ctx, wait) {
				return
			}
			wait = min(2*wait, backupRecheck, max(s.every, s.settle))
		}
		wait = max(s.due(), s.settle)
	}
}

// pause waits; false when ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// due tells how long the next backup has time. Files from the future, of a clock
// that was wrong, do not count.
func (s *schedule) due() time.Duration {
	now := time.Now()
	made := slices.DeleteFunc(s.made(), func(f backupFile) bool { return f.at.After(now.Add(time.Minute)) })
	if len(made) == 0 {
		return 0
	}
	return max(0, s.every-now.Sub(made[len(made)-1].at))
}

// once makes a backup, and then removes what is too old.
func (s *schedule) once(ctx context.Context) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return &store.Error{Code: store.CodeReadOnly, Message: "The folder for backups, BACKUP_DIR, cannot be made", Hint: "Make it, and let this user write there.", Err: err}
	}
	s.sweep()
	began := time.Now()
	name := store.BackupName(s.db.Path(), began, len(s.options.Recipients) > 0)
	info, err := s.db.Backup(ctx, filepath.Join(s.dir, name), s.options)
	if err != nil {
		return err
	}
	s.log.Info("backup made", "file", filepath.Join(s.dir, name), "bytes", info.Size, "took", time.Since(began).Round(time.Millisecond))
	s.retire(name)
	return nil
}

// backupFile is one backup in the folder.
type backupFile struct {
	name string
	at   time.Time
}

// made lists the backups that are there, oldest first. A folder that cannot be read
// has none: making the next one tells why.
func (s *schedule) made() (list []backupFile) {
	entries, _ := os.ReadDir(s.dir)
	for _, e := range entries {
		if at, ok := store.BackupTime(s.db.Path(), e.Name()); ok && e.Type().IsRegular() {
			list = append(list, backupFile{e.Name(), at})
		}
	}
	slices.SortFunc(list, func(a, b backupFile) int { return a.at.Compare(b.at) })
	return list
}

// retire removes the oldest backups, but never the one that was just made.
func (s *schedule) retire(fresh string) {
	made := s.made()
	for _, f := range made[:max(0, len(made)-s.keep)] {
		if f.name == fresh {
			continue
		}
		if err := os.Remove(filepath.Join(s.dir, f.name)); err != nil {
			s.log.Warn("an old backup cannot be removed", "file", filepath.Join(s.dir, f.name), "cause", err)
		}
	}
}

// sweep removes what a crash kept from becoming a backup.
func (s *schedule) sweep() {
	entries, _ := os.ReadDir(s.dir)
	for _, e := range entries {
		of, unfinished := store.PartialOf(e.Name())
		if _, ours := store.BackupTime(s.db.Path(), of); unfinished && ours {
			_ = os.Remove(filepath.Join(s.dir, e.Name()))
		}
	}
}

// backupInterval reads BACKUP_EVERY: hours, or a duration with units.
func backupInterval(s string) (time.Duration, error) {
	if hours, err := strconv.Atoi(s); err == nil {
		s = strconv.Itoa(hours) + "h"
	}
	d, err := time.ParseDuration(strings.ReplaceAll(s, " ", ""))
	if err != nil || d < time.Minute || d > 366*24*time.Hour {
		return 0, errors.New("must be hours, or a duration such as 24h, 90m or 1h30m, from 1m to 8784h")
	}
	return d, nil
}

func isBackupInterval(s string) error {
	_, err := backupInterval(s)
	return err
}

// startBackups begins the schedule, when there is one.
func (a *App) startBackups(ctx context.Context) {
	c := a.Config
	if c.BackupDir == "" {
		return
	}
	ctx, a.stopBackups = context.WithCancel(ctx)
	s := &schedule{db: a.db, dir: c.BackupDir, every: a.scaled(c.BackupEvery), keep: c.BackupKeep, settle: a.scaled(backupSettle),
		options: store.BackupOptions{Version: buildVersion(), Recipients: c.BackupRecipients}, log: a.Log}
	a.backups.Go(func() { s.run(ctx) })
}

// endBackups cuts a backup off that is being made.
func (a *App) endBackups() {
	if a.stopBackups != nil {
		a.stopBackups()
	}
	a.backups.Wait()
}

// scaled is how long something takes when time passes faster in the sandbox.
func (a *App) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / a.Config.Scale)
}
