package svc

import (
	"context"
	"sync"
	"time"

	"wamux/store"
)

const (
	tidyEvery   = time.Hour
	upkeepHour  = 3                // of the local night
	condemnTime = 20 * time.Second // for all sessions to stop
)

// care looks after the file beside all other work: it checks it, deletes what is
// older than wanted, and gives SQLite its daily care. It does one thing at a time.
type care struct {
	app    *App
	ctx    context.Context // ends when it stops
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// startCare begins at once. Stop it before the database is closed.
func (a *App) startCare() *care {
	ctx, cancel := context.WithCancel(context.Background())
	c := &care{app: a, ctx: ctx, cancel: cancel}
	c.done.Go(func() { c.run(ctx) })
	return c
}

// stop breaks off whatever is going on.
func (c *care) stop() {
	c.cancel()
	c.done.Wait()
}

func (c *care) run(ctx context.Context) {
	c.check(ctx, store.CheckQuick)
	c.tidy(ctx)
	hourly := time.NewTicker(tidyEvery)
	defer hourly.Stop()
	nightly := time.NewTimer(untilNight(time.Now()))
	defer nightly.Stop()
	for ctx.Err() == nil {
		c.checkFully(ctx)
		select {
		case <-ctx.Done():
		case <-c.app.db.Suspicion():
			c.check(ctx, store.CheckFull)
		case <-hourly.C:
			c.tidy(ctx)
		case <-nightly.C:
			nightly.Reset(untilNight(time.Now()))
			c.report(ctx, "the daily care of the database", c.app.db.Upkeep(ctx))
		}
	}
}

// untilNight is how long it is until the hour of the upkeep.
func untilNight(now time.Time) time.Duration {
	next := time.Date(now.Year(), now.Month(), now.Day(), upkeepHour, 0, 0, 0, now.Location())
	if !next.After(now) {
		next = next.AddDate(0, 0, 1)
	}
	return next.Sub(now)
}

// checkFully looks through the whole file when that is due.
func (c *care) checkFully(ctx context.Context) {
	due, err := c.app.db.FullCheckDue(ctx)
	if err == nil && due && c.app.db.Trouble(ctx) == nil {
		c.check(ctx, store.CheckFull)
	}
}

func (c *care) check(ctx context.Context, depth store.CheckDepth) {
	if c.app.db.Trouble(ctx) != nil {
		return
	}
	err := c.app.db.Check(ctx, depth)
	if store.IsDamage(err) {
		c.condemn(ctx, err)
		return
	}
	c.report(ctx, "the check of the database", err)
}

// condemn stops the sessions, whose last words are still written, and then all
// writing. The API stays up and says why.
func (c *care) condemn(ctx context.Context, why error) {
	a := c.app
	a.Log.Error(sentence(why)+": no session runs any more; stop wamux, then save what can be read with `wamux recover`, or put back a backup", "file", a.db.Path(), "found", why)
	ctx, cancel := context.WithTimeout(ctx, condemnTime)
	defer cancel()
	c.report(ctx, "stopping the sessions", a.sessions.Condemn(ctx, why))
	a.db.Condemn(ctx, why)
}

// tidy ends jobs that nobody sent in time, and deletes what is older than the settings
// want. Events go without being delivered to anybody: who pulls them has had the time.
func (c *care) tidy(ctx context.Context) {
	a := c.app
	if a.db.Trouble(ctx) != nil {
		return
	}
	late, err := a.sessions.FailOverdue(ctx)
	if c.report(ctx, "ending jobs that are past their deadline", err); late > 0 {
		a.Log.Info("messages were not sent before their deadline", "jobs", late)
	}
	c.report(ctx, "deleting what is old", a.signal.Expire(ctx))
	n, err := a.db.Expire(ctx, a.Config.Retention)
	if c.report(ctx, "deleting what is old", err); n != (store.Expired{}) {
		a.Log.Info("deleted what is older than wanted", "messages", n.Messages, "events", n.Events, "jobs", n.Jobs)
	}
}

// report logs a failure, unless it is that wamux stops.
func (c *care) report(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		c.app.Log.Warn(what+" did not work", "error", err)
	}
}

// checkDamage looks through a file in which damage was found before, and refuses to
// start with it unless that is gone.
func (a *App) checkDamage(ctx context.Context) error {
	found, err := a.db.FoundDamaged(ctx)
	if err != nil || !found {
		return err
	}
	if err := a.db.Check(ctx, store.CheckFull); err != nil {
		return err
	}
	return a.db.Acquit(ctx)
}
