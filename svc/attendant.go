package svc

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"wamux/store"
	"wamux/svc/osservice"
)

const (
	attendEvery = 15 * time.Second // how often the service manager hears of us, where it does not watch
	attendMore  = time.Minute      // what a start and a stop get from each time that it hears of us

	startPatience = time.Hour       // a start that takes longer hangs: an old database is brought up to date within it
	stopPatience  = 5 * time.Minute // likewise for a stop
)

// attendant tells the service manager how the gateway is, from before its start until after its end. Nobody is told where
// there is no such manager.
type attendant struct {
	app   *App
	every time.Duration
	done  sync.WaitGroup
	stop  chan struct{} // closed: say nothing any more

	mu    sync.Mutex
	phase string    // what is begun, "" when the gateway is at work
	until time.Time // when that hangs
}

// startAttendant begins at once. End it last.
func (a *App) startAttendant() *attendant {
	t := &attendant{app: a, every: attendEvery, stop: make(chan struct{})}
	t.begin("starting", startPatience)
	if watch := a.Notify.Watchdog(); watch > 0 {
		t.every = watch / 3 // so that one that is missed kills nobody
	}
	if a.Notify.Listening() {
		t.done.Go(t.run)
	}
	return t
}

// ready tells that sessions are started and requests are answered.
func (t *attendant) ready() {
	t.begin("", 0)
	t.tell("READY=1", t.sentence())
}

// stopping tells that the end has begun.
func (t *attendant) stopping() {
	t.begin("stopping", stopPatience)
	t.tell("STOPPING=1", "STATUS=stopping", osservice.Extend(attendMore))
}

// end ends the telling.
func (t *attendant) end() {
	close(t.stop)
	t.done.Wait()
}

func (t *attendant) run() {
	tick := time.NewTicker(t.every)
	defer tick.Stop()
	t.look()
	for {
		select {
		case <-t.stop:
			return
		case <-tick.C:
			t.look()
		}
	}
}

// look tells how it is now. A gateway that does not answer says nothing: that is what the watchdog waits for.
func (t *attendant) look() {
	within := t.every * 3 / 4
	switch phase, hangs := t.now(); {
	case hangs:
	case phase != "":
		t.tellIn(phase, "STATUS="+phase, osservice.Extend(attendMore+t.every))
	case t.app.Notify.Watchdog() == 0:
		t.tellIn("", t.sentence())
	case t.app.answers(within):
		t.tellIn("", "WATCHDOG=1", t.sentence())
	default:
		if phase, _ := t.now(); phase == "" {
			t.app.Log.Warn("the gateway does not answer itself", "within", within)
		}
	}
}

// tellIn tells what was found in a phase, unless that is over: behind STOPPING=1 nobody wants a sign of life.
func (t *attendant) tellIn(phase string, assignments ...string) {
	t.mu.Lock()
	defer t.mu.Unlock() // what comes next is told after this
	if t.phase == phase {
		t.tell(assignments...)
	}
}

func (t *attendant) tell(assignments ...string) {
	if err := t.app.Notify.Tell(assignments...); err != nil {
		t.app.Log.Warn("the service manager can't be told how the gateway is", "error", err)
	}
}

// begin notes what goes on from now, and how long it may take.
func (t *attendant) begin(phase string, patience time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.phase, t.until = phase, time.Now().Add(patience)
}

// now is what goes on, and whether it takes too long.
func (t *attendant) now() (phase string, hangs bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.phase, t.phase != "" && time.Now().After(t.until)
}

// sentence is what `systemctl status` shows.
func (t *attendant) sentence() string {
	all, err := t.app.db.Sessions(context.Background())
	if err != nil {
		return "STATUS=the database can't be read: " + sentence(err)
	}
	online := 0
	for _, s := range all {
		if s.State == store.StateOnline {
			online++
		}
	}
	return fmt.Sprintf("STATUS=%d of %d sessions online, %s", online, len(all), t.app.URL())
}

// answers tells whether the HTTP server and the writer of the database do, within d. What they answer does not matter: a
// full disk is no reason to start anew.
func (a *App) answers(d time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	written := make(chan struct{})
	go func() {
		_ = a.db.Probe(ctx)
		close(written)
	}()
	if !a.serves(ctx) {
		return false
	}
	select {
	case <-written:
		return ctx.Err() == nil || a.db.AtLength()
	case <-ctx.Done():
		return a.db.AtLength()
	}
}

// serves tells whether the HTTP server answers.
func (a *App) serves(ctx context.Context) bool {
	r := remoteAt(a.way(), "")
	req, err := http.NewRequestWithContext(ctx, "GET", r.base+"/healthz", nil)
	if err != nil {
		return false
	}
	req.Close = true
	resp, err := r.http.Do(req)
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil
}
