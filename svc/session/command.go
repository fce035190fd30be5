package session

import (
	"context"
	"errors"
	"time"

	"go.mau.fi/whatsmeow"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"

	"wamux/store"
)

// order is what a caller wants of an owner.
type order string

const (
	orderStart    order = "start"
	orderStop     order = "stop"
	orderRestart  order = "restart"
	orderLogout   order = "logout"
	orderDelete   order = "delete"
	orderFresh    order = "fresh" // codes that have their whole life before them
	orderShutdown order = "shutdown"
	orderUndelete order = "undelete"
	orderCondemn  order = "condemn"
)

// command is an order with the place for its outcome.
type command struct {
	order order
	reply chan error // one slot
}

// tell gives the owner an order and waits for its outcome. An order that was
// given is carried out, also when ctx ends before.
func (s *session) tell(ctx context.Context, o order) error {
	c := &command{o, make(chan error, 1)}
	s.box.post(c)
	select {
	case err := <-c.reply:
		return err
	case <-s.done:
		return errGone
	case <-ctx.Done():
		return ctx.Err()
	}
}

// errGone is for an order to an owner that has ended meanwhile.
var errGone = errors.New("session: its owner is gone")

func (s *session) obey(o order) error {
	switch o {
	case orderStart:
		return s.startUnlessBanned()
	case orderStop:
		s.halt()
	case orderRestart:
		s.halt()
		return s.startUnlessBanned()
	case orderLogout:
		return s.logout()
	case orderDelete:
		return s.remove()
	case orderFresh:
		s.freshen()
	case orderShutdown:
		s.shutdown()
	case orderUndelete:
		return s.undelete()
	case orderCondemn:
		s.apply(condemned(s.m.doom()), nil)
	}
	return nil
}

// startUnlessBanned refuses to connect before a ban ends: WhatsApp would
// prolong it.
func (s *session) startUnlessBanned() error {
	if err := s.m.doom(); err != nil {
		return err
	}
	if time.Now().Before(s.bannedUntil) {
		return &store.Error{Code: store.CodeConflict, Name: "session_banned", Message: "WhatsApp banned this account for some time",
			Hint: "It can connect again when the ban ends, at " + s.bannedUntil.UTC().Format(time.RFC3339) + "."}
	}
	s.start()
	return nil
}

// halt stops: linked, but not connected and not coming back by itself.
func (s *session) halt() {
	to, _ := next(s.seen.state(), onStop)
	if to == store.StateStopping {
		s.become(to, diagnosis{code: "stopping"}, time.Time{})
	}
	s.quiet()
	s.endRun(true)
	if to, ok := next(s.seen.state(), onStopped); ok && to == store.StateStopped {
		s.become(to, diagnosis{code: "stopped", reason: "The session was stopped.", next: "Start it to connect again."}, time.Time{})
	}
}

// quiet stops everything that would happen by itself.
func (s *session) quiet() {
	s.alarms.clear()
	s.codes = nil
	s.seen.hideCode()
}

// shutdown is for the end of the program.
func (s *session) shutdown() {
	s.quiet()
	s.endRun(true)
	if state := s.seen.state(); transient(state) {
		s.become(store.StateOffline, diagnosis{code: "not_running", reason: "wamux is not running.", next: "It connects when wamux starts."}, time.Time{})
	}
	s.gone = true
}

// transient tells whether a state says that a client is at work.
func transient(state store.SessionState) bool {
	switch state {
	case store.StateConnecting, store.StatePairing, store.StatePasskeyRequired, store.StateOnline, store.StateStopping, store.StateOffline:
		return true
	}
	return false
}

// logout unlinks the device at WhatsApp, which takes a connection.
func (s *session) logout() error {
	if s.run == nil || !s.run.up() {
		return &store.Error{Code: store.CodeOffline, Name: "session_offline", Message: "The session is not connected, so WhatsApp cannot be told",
			Hint: "Start the session first, or remove the linked device on the phone."}
	}
	if err := s.unlink(); err != nil {
		s.resumeSender()
		return &store.Error{Code: store.CodeTimeout, Name: "logout_failed", Message: "WhatsApp did not confirm that the device is unlinked",
			Hint: "Try again, or remove the linked device on the phone.", Err: err}
	}
	s.quiet()
	s.endRun(false)
	s.dropCredentials()
	s.become(store.StateLoggedOut, diagnosis{code: "logged_out", reason: "The session was logged out.",
		next: "Start it and scan its QR code to link it again."}, time.Time{})
	return nil
}

// unlink tells WhatsApp to forget this device. The library's own way would drop
// the credentials in two goroutines at once, as WhatsApp confirms it twice.
func (s *session) unlink() error {
	s.pauseSender()
	ctx, cancel := context.WithTimeout(context.Background(), logoutTime)
	defer cancel()
	device := waBinary.Node{Tag: "remove-companion-device", Attrs: waBinary.Attrs{"jid": s.run.who.Load().device, "reason": "user_initiated"}}
	//lint:ignore SA1019 Client.Logout races with WhatsApp's second confirmation, and there is no other way to ask this
	_, err := s.run.client.DangerousInternals().SendIQ(ctx, whatsmeow.DangerousInfoQuery{
		Namespace: "md", Type: "set", To: types.ServerJID, Content: []waBinary.Node{device}, NoRetry: true})
	return err
}

// undelete puts back what WhatsApp's word deleted, and connects with it. A code
// that is showing is of no use then.
func (s *session) undelete() error {
	ctx, cancel := context.WithTimeout(context.Background(), storeTime)
	defer cancel()
	if err := s.m.signal.Undeletable(ctx, s.id); err != nil {
		return err
	}
	s.quiet()
	s.endRun(false)
	if err := s.m.signal.Undelete(ctx, s.id); err != nil {
		return err
	}
	if err := s.m.db.SetWanted(ctx, s.id, store.WantRunning); err != nil {
		return err
	}
	return s.startUnlessBanned()
}

// remove logs out when that is possible, stops the client, and deletes all
// rows. The owner is gone then.
func (s *session) remove() error {
	if s.run != nil && s.run.up() {
		if err := s.unlink(); err != nil {
			s.log.Warn("deleted without logging out", "error", redact(err))
		}
	}
	s.quiet()
	s.endRun(false)
	ctx, cancel := context.WithTimeout(context.Background(), storeTime)
	defer cancel()
	if err := s.m.db.DeleteSession(ctx, s.id); err != nil && store.ErrorCode(err) != store.CodeNotFound {
		s.apply(storeFault(err), err)
		return err
	}
	s.m.signal.Deleted(s.id)
	s.m.forget(s)
	s.seen.set(store.StateStopped, "deleted")
	s.gone = true
	return nil
}
