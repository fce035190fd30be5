package session

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"wamux/store"
)

// How long a code is shown. WhatsApp gives six at once and closes the
// connection after they are used up.
const (
	firstCodeTime = time.Minute
	nextCodeTime  = 20 * time.Second
	interestTime  = 3 * time.Minute // how long one question for a code keeps new ones coming
	codeExpired   = "qr_expired"
)

// codes are the codes to scan that are left, the showing one first.
type codes []string

// time is how long they can be used, from when they came: WhatsApp ends the
// connection after the last one, and a code to type ends with it.
func (c codes) time() time.Duration {
	return firstCodeTime + time.Duration(len(c)-1)*nextCodeTime
}

// rotate puts a new secret into codes made with an old one.
func (c codes) rotate(old, new string) {
	for i := range c {
		c[i] = strings.Replace(c[i], old, new, 1)
	}
}

// showCodes starts to show a fresh list of codes.
func (s *session) showCodes(list []string) {
	if to, ok := next(s.seen.state(), onQR); ok && len(list) > 0 {
		s.alarms.stop(alarmLogin)
		s.attempt, s.policy = 0, retryNever
		s.codes, s.codesAt = append(codes(nil), list...), time.Now()
		s.seen.setEnd(s.codesAt.Add(s.m.scaled(s.codes.time())))
		s.become(to, diagnosis{code: "scan_qr", reason: "Waiting for a phone to scan the QR code.",
			next: "On the phone: WhatsApp, Linked devices, Link a device."}, time.Time{})
		s.showCode(s.m.scaled(firstCodeTime))
	}
}

// showCode shows the first of the codes that are left, for d.
func (s *session) showCode(d time.Duration) {
	until := time.Now().Add(d)
	s.alarms.set(alarmCode, d)
	s.announceCode(until)
	s.seen.showCode(s.codes[0], until)
}

// rotateCodes puts a new secret into the codes; the showing one keeps its time.
func (s *session) rotateCodes(old, new string) {
	s.codes.rotate(old, new)
	if len(s.codes) > 0 {
		s.seen.showCode(s.codes[0], s.seen.look().until)
	}
}

// announceCode writes the event session.qr.
func (s *session) announceCode(until time.Time) {
	data, _ := json.Marshal(map[string]any{"qr": s.codes[0], "expiresAt": until.UTC().Format(time.RFC3339)})
	ctx, cancel := context.WithTimeout(context.Background(), storeTime)
	defer cancel()
	entry := store.Entry{Events: []store.Event{{Type: "session.qr", Data: data}}}
	if _, err := s.m.db.Record(ctx, s.id, entry); err != nil {
		s.log.Warn("event could not be saved", "event", "session.qr", "error", err)
	}
}

// nextCode shows the next code. When there is none left, new ones are fetched
// as long as somebody asks for them.
func (s *session) nextCode() {
	if len(s.codes) > 1 {
		s.codes = s.codes[1:]
		s.showCode(s.m.scaled(nextCodeTime))
		return
	}
	if s.interest() {
		s.renewCodes()
		return
	}
	s.apply(diagnosis{trigger: onQRExpired, code: codeExpired, reason: "Nobody scanned the QR code in time.",
		next: "Ask for the QR code again: a new one is made then."}, nil)
}

// renewCodes connects again, because only that gives new codes.
func (s *session) renewCodes() {
	s.quiet()
	s.hangUp()
	s.dial()
}

// freshen renews codes that have been showing for a while, or whose connection is
// gone: a code to type dies with them.
func (s *session) freshen() {
	if s.seen.state() == store.StatePairing && (time.Since(s.codesAt) > s.m.scaled(firstCodeTime)/2 || !s.run.client.IsConnected()) {
		s.renewCodes()
	}
}

// interest tells whether somebody asked for a code not long ago.
func (s *session) interest() bool {
	asked := time.UnixMilli(s.askedAt.Load())
	return time.Since(asked) < s.m.scaled(interestTime)
}

// ask notes that somebody wants a code, and wakes pairing that had stopped.
func (s *session) ask() {
	s.askedAt.Store(time.Now().UnixMilli())
	if s.seen.look().expired() {
		s.box.post(asked{})
	}
}

func (s *session) answerAsked() {
	if s.seen.look().expired() {
		s.start()
	}
}

// paired notes who we are now. WhatsApp then ends the connection and wants us
// to log in; if it forgets to, we do it by ourselves.
func (s *session) paired() {
	s.quiet()
	s.become(store.StateConnecting, diagnosis{code: "paired", reason: "A phone linked this session; logging in."}, time.Time{})
	s.identify()
	s.alarms.set(alarmRelogin, s.m.scaled(reloginTime))
}

// identify writes down who we are. The name comes later, from the phone, with the
// device that is saved then. What cannot be written ends the run, which false tells:
// the next one that is online writes it.
func (s *session) identify() bool {
	account := s.run.who.Load()
	own := account.own
	if own.JID.IsEmpty() {
		return true
	}
	who := store.Identity{JID: own.JID.String(), Phone: own.JID.User, Platform: account.platform}
	if !own.LID.IsEmpty() {
		who.LID = own.LID.String()
	}
	s.seen.setPhone(who.Phone)
	ctx, cancel := context.WithTimeout(context.Background(), storeTime)
	defer cancel()
	err := s.m.db.SetIdentity(ctx, s.id, who)
	if err != nil {
		s.fail(s.run, storeFault(err), err)
	}
	return err == nil
}
