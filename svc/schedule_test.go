package svc

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wamux/store"
)

// maker is a database whose backups are small files, or fail.
type maker struct {
	fails int // this many times more
	tries []time.Duration
	began time.Time
}

func (m *maker) Path() string { return "/var/lib/wamux.db" }

func (m *maker) Backup(_ context.Context, path string, _ store.BackupOptions) (*store.BackupInfo, error) {
	m.tries = append(m.tries, time.Since(m.began))
	if m.fails > 0 {
		m.fails--
		return nil, &store.Error{Code: store.CodeDiskFull, Message: "The disk is full", Err: errors.New("cause")}
	}
	return &store.BackupInfo{Size: 1}, os.WriteFile(path, []byte("backup"), 0o600)
}

// planned is a schedule in a bubble of time, with files of these ages in its folder.
type planned struct {
	*testing.T
	*schedule
	maker *maker
	log   *bytes.Buffer
}

func plan(t *testing.T, ages ...time.Duration) *planned {
	t.Helper()
	p := &planned{T: t, maker: &maker{began: time.Now()}, log: &bytes.Buffer{}}
	p.schedule = &schedule{db: p.maker, dir: filepath.Join(t.TempDir(), "backups"), every: 24 * time.Hour, keep: 3, settle: backupSettle,
		log: slog.New(slog.NewTextHandler(p.log, nil))}
	if err := os.Mkdir(p.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, age := range ages {
		p.put(store.BackupName(p.maker.Path(), time.Now().Add(-age), false))
	}
	return p
}

func (p *planned) put(name string) {
	p.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), nil, 0o600); err != nil {
		p.Fatal(err)
	}
}

// goOn runs the schedule for a time, and returns when it tried to make backups.
func (p *planned) goOn(d time.Duration) []time.Duration {
	ctx, cancel := context.WithTimeout(p.Context(), d)
	defer cancel()
	p.run(ctx)
	return p.maker.tries
}

// ages tells how old the backups are that are left.
func (p *planned) ages() (list []time.Duration) {
	for _, f := range p.made() {
		list = append(list, time.Since(f.at))
	}
	return list
}

func (p *planned) names() (list []string) {
	p.Helper()
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		p.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestScheduleTimes(t *testing.T) {
	const hour = time.Hour
	s := backupSettle
	for _, c := range []struct {
		name string
		ages []time.Duration
		run  time.Duration
		want []time.Duration
	}{
		{"None", nil, 49 * hour, []time.Duration{s, s + 24*hour, s + 48*hour}},
		{"Soon", []time.Duration{100 * hour, 20 * hour}, 29 * hour, []time.Duration{4 * hour, 28 * hour}},
		{"AfterDowntime", []time.Duration{500 * hour, 100 * hour}, 25 * hour, []time.Duration{s, s + 24*hour}},
		{"FromTheFuture", []time.Duration{-9000 * hour, 20 * hour}, 5 * hour, []time.Duration{4 * hour}},
		{"OnlyFromTheFuture", []time.Duration{-9000 * hour}, hour, []time.Duration{s}},
		{"NotYet", []time.Duration{hour}, 22 * hour, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := plan(t, c.ages...)
				got := p.goOn(c.run)
				if !slices.EqualFunc(got, c.want, func(a, b time.Duration) bool { return (a - b).Abs() <= time.Hour/60 }) {
					t.Errorf("got %v, want %v\n%s", got, c.want, p.log)
				}
			})
		})
	}
}

// TestScheduleKeeps removes the oldest, and nothing that is not its own.
func TestScheduleKeeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := plan(t, 100*time.Hour, 76*time.Hour, 52*time.Hour, 28*time.Hour)
		others := []string{"notes.txt", "wamux.db", "wamux-sandbox-19990101T000000Z.db", "other-19990101T000000Z.db", "wamux-19990101T000000Z.db.old"}
		for _, name := range others {
			p.put(name)
		}
		for _, name := range []string{"wamux-19990101T000000Z.db.123.partial", "wamux-19990101T000000Z.db.age.4.partial", "wamux-19990101T000000Z.db.123.partial-journal"} {
			p.put(name)
		}
		p.goOn(time.Hour)
		if got := p.ages(); len(got) != 3 || got[2] > time.Hour || got[1] < 28*time.Hour || got[0] > 54*time.Hour {
			t.Errorf("got %v", got)
		}
		left := p.names()
		for _, name := range others {
			if !slices.Contains(left, name) {
				t.Errorf("%s was removed", name)
			}
		}
		if strings.Contains(strings.Join(left, " "), ".partial") {
			t.Errorf("got %v, want nothing unfinished", left)
		}
	})
}

// TestScheduleFails tries again, more and more slowly, and keeps what is there.
func TestScheduleFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := plan(t, 100*time.Hour, 76*time.Hour, 52*time.Hour, 28*time.Hour)
		p.maker.fails = 12
		got := p.goOn(30 * time.Minute)
		want := []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute}
		if !slices.Equal(got, want) || len(p.ages()) != 4 {
			t.Errorf("got %v, and %v are left; want %v", got, p.ages(), want)
		}
		if text := p.log.String(); !strings.Contains(text, "The disk is full") || !strings.Contains(text, "the backup failed") {
			t.Errorf("the log says %s", text)
		}
		p.goOn(24 * time.Hour)
		if got := p.ages(); len(got) != 3 || got[2] > 24*time.Hour || p.maker.fails != 0 {
			t.Errorf("got %v after %d tries", got, len(p.maker.tries))
		}
	})
}

// TestScheduleNoFolder makes the folder, for the owner only, and says when it cannot.
func TestScheduleNoFolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := plan(t)
		p.dir = filepath.Join(p.dir, "deep", "down")
		p.goOn(time.Hour)
		if info, err := os.Stat(p.dir); err != nil || info.Mode().Perm() != 0o700 || len(p.ages()) != 1 {
			t.Errorf("got %v, %v, %v", info, err, p.ages())
		}
		p.put("file")
		p.dir = filepath.Join(p.dir, "file")
		p.goOn(time.Hour)
		if !strings.Contains(p.log.String(), "BACKUP_DIR, cannot be made") {
			t.Errorf("the log says %s", p.log)
		}
	})
}

// TestScheduleNeverRemovesTheNew also holds when the clock went back, and what was
// just made counts as the oldest.
func TestScheduleNeverRemovesTheNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := plan(t, -100*time.Hour, -200*time.Hour, -300*time.Hour)
		p.goOn(time.Minute)
		if got := p.ages(); len(got) != 4 || got[0].Abs() > time.Minute {
			t.Errorf("got %v", got)
		}
	})
}
