package session

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync/atomic"
	"time"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/types/events"

	"wamux/store"
)

// How long things of a connection may take.
const (
	loginTime    = time.Minute      // from the open socket to being online, or to the first code
	reloginTime  = 10 * time.Second // for WhatsApp to end the connection after pairing
	watchTime    = 30 * time.Second // between two looks of the watchdog
	storeTime    = 20 * time.Second // for one write of the owner
	logoutTime   = 10 * time.Second
	drainTime    = 10 * time.Second // for the message that is just being sent
	replacedTime = time.Hour        // after which being replaced counts as new
)

// session is one WhatsApp account. Its owner goroutine, loop, alone touches
// the fields below "owner" and the life of the client.
type session struct {
	id   string
	m    *Manager
	log  *slog.Logger
	box  *mailbox
	done chan struct{} // closed when the owner is gone

	seen    *view
	sent    *inflight
	direct  *direct
	past    chan struct{} // rings the historian; one slot
	torn    chan appstate.WAPatchName
	mends   map[appstate.WAPatchName]int // steps taken for torn collections; the historian's
	behind  atomic.Bool                  // a connection broke since the app state was last asked for
	askedAt atomic.Int64                 // unix milliseconds of the last question for a code
	poison  poison

	// owner
	run         *run
	sender      *sender
	historian   *historian
	codes       codes
	codesAt     time.Time // when they came
	alarms      alarms
	attempt     int // of the current kind of retry
	policy      retry
	fights      int       // how often it was replaced
	replaced    time.Time // when it was replaced last
	bannedUntil time.Time
	gone        bool
}

// Mail of the owner, beside commands.
type (
	happened struct {
		run *run
		evt any
	}
	opened struct {
		run *run
		err error
	}
	broke struct {
		run *run
		why diagnosis
	}
	asked  struct{}
	resume struct{ row *store.Session }
)

func (m *Manager) newSession(row *store.Session) *session {
	s := &session{
		id: row.ID, m: m, log: m.log.With("session", row.ID), box: newMailbox(),
		done: make(chan struct{}), seen: newView(row), sent: newInflight(), direct: newDirect(), past: make(chan struct{}, 1),
		torn: make(chan appstate.WAPatchName, len(appstate.AllPatchNames)),
	}
	s.alarms.ring = s.box.post
	return s
}

// loop is the owner.
func (s *session) loop() {
	defer close(s.done)
	defer s.alarms.clear()
	for {
		for _, mail := range s.box.take() {
			if s.openSafely(mail); s.gone {
				return
			}
		}
	}
}

// openSafely keeps a fault of ours inside this session.
func (s *session) openSafely(mail any) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		s.log.Error("session broke", "panic", redact(p), "stack", string(debug.Stack()))
		if c, ok := mail.(*command); ok {
			c.reply <- store.Errorf(store.CodeInternal, "internal", "Something went wrong inside wamux")
		}
		if s.run != nil {
			s.box.post(broke{s.run, panicked()})
		}
	}()
	s.open(mail)
}

// open acts on one piece of mail. Mail about an earlier run means nothing.
func (s *session) open(mail any) {
	switch m := mail.(type) {
	case *command:
		m.reply <- s.obey(m.order)
	case happened:
		if m.run == s.run {
			s.meet(m.evt)
		}
	case opened:
		if m.run == s.run {
			s.connected(m.err)
		}
	case broke:
		if m.run == s.run {
			s.apply(m.why, nil)
		}
	case alarm:
		if s.alarms.due(m) {
			s.ring(m.kind)
		}
	case asked:
		s.answerAsked()
	case resume:
		s.resume(m.row)
	}
}

// meet acts on an event of the current run.
func (s *session) meet(evt any) {
	switch e := evt.(type) {
	case *events.QR:
		s.showCodes(e.Codes)
		return
	case *events.RotateADVSecret:
		s.rotateCodes(e.OldSecret, e.NewSecret)
		return
	case *events.Disconnected:
		if s.run.client.IsConnected() {
			return // it tells of an earlier connection
		}
	case *events.Connected:
		if !s.run.up() {
			return // it is gone again already
		}
	}
	if d, ok := diagnose(evt); ok {
		s.apply(d, nil)
	}
}

// apply takes the transition that d stands for, and does what the new state
// needs. cause is for the log and may be nil.
func (s *session) apply(d diagnosis, cause error) {
	to, ok := next(s.seen.state(), d.trigger)
	if !ok || (d.trigger == onNote && d.code == "") {
		return
	}
	if cause != nil {
		s.log.Warn("session has a problem", "code", d.code, "error", redact(cause))
	}
	switch d.trigger {
	case onConnected:
		s.goOnline()
	case onPaired:
		s.paired()
	case onRelogin:
		s.become(to, diagnosis{}, time.Time{})
		s.hangUp()
		s.dial()
	case onPasskey, onNote:
		s.become(to, d, time.Time{})
	default:
		s.fall(to, d)
	}
}

// fall leaves the connection, and tries again when the diagnosis says so.
func (s *session) fall(to store.SessionState, d diagnosis) {
	s.quiet()
	s.behind.Store(true)
	if d.trigger == onLost && s.run != nil {
		s.hangUp()
	} else {
		s.endRun(false)
	}
	if d.trigger == onLoggedOut {
		s.dropCredentials()
	}
	wait, again := s.patience(d)
	if again && s.givesUp(d.retry) {
		d, again = givenUp(d), false
		to, _ = next(store.StateOffline, onGivenUp)
	}
	if !again {
		s.endRun(false)
		s.become(to, d, time.Time{})
		return
	}
	s.become(to, d, s.endOf(to, wait))
	s.alarms.set(alarmRetry, wait)
}

// dropCredentials makes sure that what WhatsApp does not accept any more is out
// of use. The library does so itself, but in a goroutine of the run that just
// ended.
func (s *session) dropCredentials() {
	s.bannedUntil = time.Time{}
	ctx, cancel := context.WithTimeout(context.Background(), storeTime)
	defer cancel()
	device, err := s.m.signal.Device(ctx, s.id)
	if err == nil && device.Paired() {
		err = device.Delete(ctx)
	}
	if err != nil {
		s.log.Warn("credentials could not be dropped", "error", err)
	}
}

// endOf is when a state ends by itself. Where that is a guess that changes with
// every attempt it is not told, so that the attempts are one state.
func (s *session) endOf(to store.SessionState, wait time.Duration) time.Time {
	switch to {
	case store.StateBanned, store.StateReplaced, store.StateFailed, store.StateOutdated:
		until := time.Now().Add(wait)
		if to == store.StateBanned {
			s.bannedUntil = until
		}
		return until
	}
	return time.Time{}
}

// patience tells how long to wait before the next attempt, if there is one.
func (s *session) patience(d diagnosis) (time.Duration, bool) {
	attempt := s.count(d)
	wait, again := d.retry.wait(attempt, s.m.reconnectDelay, d.until, rand.Float64())
	return s.m.scaled(wait), again
}

// count tells how many attempts this kind of retry has had. A fight for the
// same credentials looks like a success in between, so it counts on its own.
func (s *session) count(d diagnosis) int {
	if d.retry == retryTwice {
		if time.Since(s.replaced) > replacedTime {
			s.fights = 0
		}
		s.replaced = time.Now()
		s.fights++
		return s.fights - 1
	}
	if d.retry != s.policy {
		s.attempt, s.policy = 0, d.retry
	}
	s.attempt++
	return s.attempt - 1
}

// givesUp tells whether a session has tried as often as the user allows.
func (s *session) givesUp(r retry) bool {
	return r == retryGrowing && s.m.maxReconnects > 0 && s.attempt > s.m.maxReconnects
}

func givenUp(d diagnosis) diagnosis {
	d.code, d.next = "gave_up", "It has tried as often as MAX_RECONNECT_ATTEMPTS allows: start the session to try again."
	return d
}

// become writes the state down and tells everybody who waits. A database that
// cannot take it does not change what is true.
func (s *session) become(to store.SessionState, d diagnosis, until time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), storeTime)
	defer cancel()
	change := store.StateChange{State: to, Code: d.code, Reason: d.reason, Next: d.next, Until: until}
	if err := s.m.db.SetState(ctx, s.id, change); err != nil {
		s.log.Warn("state could not be saved", "state", string(to), "error", err)
	}
	if s.seen.set(to, d.code) {
		s.log.Info("session state", "state", string(to), "code", d.code)
	}
}
