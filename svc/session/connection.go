package session

import (
	"context"
	"errors"
	"time"

	"go.mau.fi/whatsmeow"

	"wamux/store"
)

// start connects, unless a connection is there or being made.
func (s *session) start() {
	state := s.seen.state()
	if s.run != nil && (state == store.StateOnline || state == store.StateConnecting || s.seen.look().qr != "") {
		return
	}
	s.attempt, s.policy, s.fights = 0, retryNever, 0
	s.become(store.StateConnecting, diagnosis{}, time.Time{})
	s.dial()
}

// resume takes up what the last run of the program left.
func (s *session) resume(row *store.Session) {
	switch {
	case s.run != nil: // somebody was faster
	case row.Wanted != store.WantRunning:
		s.restStopped(row.State)
	case row.State == store.StateLoggedOut, s.seen.look().expired():
		// a person has to act
	case row.State == store.StateBanned && row.Until.After(time.Now()):
		s.bannedUntil = row.Until
		s.alarms.set(alarmRetry, time.Until(row.Until))
	default:
		s.start()
	}
}

// restStopped corrects what a crash left behind.
func (s *session) restStopped(state store.SessionState) {
	if transient(state) {
		s.become(store.StateStopped, diagnosis{code: "stopped", reason: "The session was stopped.", next: "Start it to connect again."}, time.Time{})
	}
}

// retry connects after a wait. A session that just lost its connection stays
// offline until it is back.
func (s *session) retry() {
	if s.seen.state() == store.StateStorageError && !s.writable() {
		return
	}
	if s.seen.state() != store.StateOffline {
		s.become(store.StateConnecting, diagnosis{}, time.Time{})
	}
	s.dial()
}

// writable looks whether the database can be written again. Until it can, WhatsApp
// is left alone: the first message would end the connection.
func (s *session) writable() bool {
	ctx, cancel := context.WithTimeout(context.Background(), storeTime)
	defer cancel()
	err := s.m.db.Probe(ctx)
	if err != nil {
		s.apply(storeFault(err), err)
	}
	return err == nil
}

// dial makes a run if there is none and lets it connect.
func (s *session) dial() {
	s.alarms.stop(alarmRetry)
	if err := s.m.doom(); err != nil {
		s.apply(condemned(err), nil)
		return
	}
	if s.run == nil && !s.begin() {
		return
	}
	r := s.run
	r.connect(s.m.limiter, func(err error) { s.box.post(opened{r, err}) })
}

// begin makes a new run.
func (s *session) begin() bool {
	ctx, cancel := context.WithTimeout(context.Background(), storeTime)
	defer cancel()
	r, err := s.newRun(ctx)
	if err != nil {
		s.apply(storeFault(err), err)
		return false
	}
	s.run = r
	s.seen.setClient(r.client)
	return true
}

// connected acts on the outcome of an attempt to open the connection.
func (s *session) connected(err error) {
	switch {
	case err == nil, errors.Is(err, whatsmeow.ErrAlreadyConnected):
		if s.seen.state() != store.StateOnline && s.seen.look().qr == "" {
			s.alarms.set(alarmLogin, loginTime)
		}
	default:
		s.apply(dialFailed(err), err)
	}
}

// goOnline is for a connection that WhatsApp let in and made active.
func (s *session) goOnline() {
	s.quiet()
	s.attempt, s.policy = 0, retryNever
	if !s.identify() {
		return
	}
	s.become(store.StateOnline, diagnosis{}, time.Time{})
	s.alarms.set(alarmWatch, watchTime)
	if s.sender == nil {
		s.sender = s.startSender(s.run)
	}
	if s.historian == nil {
		s.historian = s.startHistorian(s.run)
	}
}

// hangUp ends the connection, and keeps the run for the next one.
func (s *session) hangUp() {
	s.alarms.clear()
	s.joinHistorian()
	s.run.hangUp()
	s.joinSender()
}

// endRun ends the connection and the run, if there is one. A gentle end lets
// the message that is just being sent, and the event that is just being
// written, come to their end.
func (s *session) endRun(gentle bool) {
	s.alarms.clear()
	if s.run == nil {
		return
	}
	s.joinHistorian()
	if gentle {
		s.pauseSender()
	}
	s.seen.setClient(nil)
	s.run.end(gentle)
	s.joinSender()
	s.run = nil
}

// pauseSender lets the message that is just being sent come to its end, for
// some time, and starts no other.
func (s *session) pauseSender() {
	if s.sender != nil {
		s.sender.stop()
		await(s.sender.done, s.m.scaled(drainTime))
	}
}

// resumeSender goes on after a pause.
func (s *session) resumeSender() {
	s.joinSender()
	s.sender = s.startSender(s.run)
}

// joinSender waits for the sender to end. Without a connection it has nothing
// to wait for itself.
func (s *session) joinSender() {
	if s.sender != nil {
		s.sender.stop()
		<-s.sender.done
		s.sender = nil
	}
}

// ring acts on an alarm.
func (s *session) ring(kind alarmKind) {
	switch kind {
	case alarmRetry:
		s.retry()
	case alarmCode:
		s.nextCode()
	case alarmRelogin:
		s.apply(diagnosis{trigger: onRelogin}, nil)
	case alarmLogin:
		s.apply(lost("login_timeout", "WhatsApp took the connection but did not let us in."), nil)
	case alarmWatch:
		s.watch()
	}
}

// watch looks whether a session that says it is online really is: the library
// tells of some ends of a connection late, and of some never.
func (s *session) watch() {
	if s.run.up() {
		s.alarms.set(alarmWatch, watchTime)
		return
	}
	s.apply(lost("connection_lost", "The connection to WhatsApp was gone."), nil)
}
