package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"

	"wamux/store"
)

// Add makes the session's row when there is none, wants it running and starts
// it. It is idempotent. Its errors are code invalid for a bad id and code limit
// when there are as many sessions as are allowed.
func (m *Manager) Add(ctx context.Context, id string) (*store.Session, error) {
	if err := store.ValidSessionID(id); err != nil {
		return nil, err
	}
	if _, _, err := m.db.AddSession(ctx, id, m.maxSessions); err != nil {
		return nil, err
	}
	if err := m.Start(ctx, id); err != nil {
		return nil, err
	}
	return m.db.Session(ctx, id)
}

// Start wants the session running and connects it, or starts pairing when it
// is not linked. It does not wait for either.
func (m *Manager) Start(ctx context.Context, id string) error {
	return m.want(ctx, id, store.WantRunning, orderStart)
}

// Stop disconnects and stays linked. The session does not come back by itself.
func (m *Manager) Stop(ctx context.Context, id string) error {
	return m.want(ctx, id, store.WantStopped, orderStop)
}

// Restart disconnects and connects again, with a fresh client.
func (m *Manager) Restart(ctx context.Context, id string) error {
	return m.want(ctx, id, store.WantRunning, orderRestart)
}

func (m *Manager) want(ctx context.Context, id, wanted string, o order) error {
	if _, err := m.find(ctx, id); err != nil {
		return err
	}
	if err := m.db.SetWanted(ctx, id, wanted); err != nil {
		return err
	}
	if o != orderStop {
		m.noteInterest(id)
	}
	return m.tell(ctx, id, o)
}

// Logout unlinks the device at WhatsApp, for which the session must be
// connected; its row and history stay.
func (m *Manager) Logout(ctx context.Context, id string) error {
	return m.tell(ctx, id, orderLogout)
}

// Undelete puts back the credentials that were dropped because WhatsApp said that
// the device is unlinked, and connects with them. Its errors are of code conflict
// when the session is linked or nothing is kept aside.
func (m *Manager) Undelete(ctx context.Context, id string) error {
	return m.tell(ctx, id, orderUndelete)
}

// Delete logs out when it is connected and WhatsApp answers within 10 s, then
// removes the session with all its rows.
func (m *Manager) Delete(ctx context.Context, id string) error {
	return m.tell(ctx, id, orderDelete)
}

// noteInterest keeps codes coming for a session that is being paired.
func (m *Manager) noteInterest(id string) {
	if s := m.known(id); s != nil {
		s.ask()
	}
}

// QR returns the text of the code that is showing and until when. Asking keeps
// new codes coming, and wakes pairing that stopped because nobody asked.
func (m *Manager) QR(id string) (code string, expires time.Time, ok bool) {
	s := m.known(id)
	if s == nil {
		return "", time.Time{}, false
	}
	s.ask()
	g := s.seen.look()
	return g.qr, g.until, g.qr != ""
}

// Await returns when a code is showing, the session is online, or is in a
// state that only a person ends; or with ctx's error when that ends first.
func (m *Manager) Await(ctx context.Context, id string) (*store.Session, error) {
	s, err := m.find(ctx, id)
	if err != nil {
		return nil, err
	}
	s.ask()
	for g := s.seen.look(); !g.settled(); g = s.seen.look() {
		select {
		case <-g.changed:
		case <-s.done:
			return nil, m.ended()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return m.db.Session(ctx, id)
}

// PairingCode asks WhatsApp for a code that a person types into the phone with
// this number, digits only, and tells until when it can be used. It starts the
// session when need be. A connection that ends meanwhile, as they all do after
// some minutes, takes what it was asked with it: the next one is asked again.
func (m *Manager) PairingCode(ctx context.Context, id, phone string) (code string, expires time.Time, err error) {
	for {
		g, err := m.readyToPair(ctx, id)
		if err != nil {
			return "", time.Time{}, err
		}
		code, err = g.client.PairPhone(ctx, phone, true, whatsmeow.PairClientChrome, codeName())
		switch {
		case err == nil:
			return code, g.ends, nil
		case !lineEnded(err) || ctx.Err() != nil:
			return "", time.Time{}, pairingError(err)
		}
	}
}

// lineEnded tells whether a question has no answer because the connection ended.
func lineEnded(err error) bool {
	return errors.Is(err, whatsmeow.ErrNotConnected) || errors.As(err, new(*whatsmeow.DisconnectedError))
}

// readyToPair brings the session to where a phone can link it, with codes that
// are new.
func (m *Manager) readyToPair(ctx context.Context, id string) (glance, error) {
	if err := m.Start(ctx, id); err != nil {
		return glance{}, err
	}
	s, err := m.find(ctx, id)
	if err != nil {
		return glance{}, err
	}
	if err := m.tell(ctx, id, orderFresh); err != nil {
		return glance{}, err
	}
	row, err := m.Await(ctx, id)
	if err != nil {
		return glance{}, err
	}
	g := s.seen.look()
	if row.State != store.StatePairing || g.client == nil {
		return glance{}, notPairing(row.State)
	}
	return g, nil
}

func notPairing(state store.SessionState) error {
	if state == store.StateOnline {
		return store.Errorf(store.CodeConflict, "already_linked", "The session is linked already")
	}
	return &store.Error{Code: store.CodeOffline, Name: "not_pairing", Message: "The session is not ready to be linked", Hint: "Its state says why."}
}

// pairingError turns an error of the library into one for people.
func pairingError(err error) error {
	iq := (*whatsmeow.IQError)(nil)
	switch {
	case errors.Is(err, whatsmeow.ErrPhoneNumberTooShort), errors.Is(err, whatsmeow.ErrPhoneNumberIsNotInternational):
		return &store.Error{Code: store.CodeInvalid, Name: "invalid_phone", Message: "The phone number must be international, without a leading 0", Err: err}
	case errors.As(err, &iq) && iq.Code == 429:
		return &store.Error{Code: store.CodeLimit, Name: "rate_limited", Message: "WhatsApp gives no more codes for this number now", Hint: "Wait some hours, or scan the QR code.", Err: err}
	case errors.As(err, &iq):
		return &store.Error{Code: store.CodeRefused, Name: "code_refused", Message: "WhatsApp refused to give a code for this number", Hint: "Check the number, or scan the QR code.", Err: err}
	}
	return &store.Error{Code: store.CodeTimeout, Name: "no_answer", Message: "WhatsApp did not answer", Hint: "Try again.", Err: err}
}

// Send accepts a job and waits until it is done, as [Manager.Deliver] does. A job
// without media and without a key or message id of its caller's goes to the sender without a
// commit of its own where nothing is before it: it is on disk before it leaves, and
// when Send returns.
func (m *Manager) Send(ctx context.Context, j *store.Job, media []byte) (*store.Job, error) {
	s, err := m.find(ctx, j.Session)
	if err != nil {
		return nil, err
	}
	if j.Key == "" && !j.Chosen && len(media) == 0 {
		mine := *j
		mine.ID, mine.CreatedAt = store.NewJobID(), time.Now().UTC().Truncate(time.Millisecond)
		mine.UpdatedAt = mine.CreatedAt
		if done := m.sendDirect(ctx, s, &mine); done != nil {
			return done, nil
		}
		j = &mine
	}
	if ctx.Err() == nil {
		stored, _, err := m.db.AddJob(ctx, j, media)
		if err != nil {
			return nil, err
		}
		return m.Deliver(ctx, stored)
	}
	long, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime) // it may be on its way: what becomes of it must be found
	defer cancel()
	if j, err = m.Accept(long, j, media); err != nil {
		return nil, err
	}
	return j, ctx.Err()
}

// Accept puts a job into the database and wakes the session's sender. It returns
// the job as it is stored: the earlier one where its key, or its id, is there.
func (m *Manager) Accept(ctx context.Context, j *store.Job, media []byte) (*store.Job, error) {
	stored, _, err := m.db.AddJob(ctx, j, media)
	if err != nil {
		return nil, err
	}
	if s := m.known(j.Session); s != nil {
		s.nudge()
	}
	return stored, nil
}

// sendDirect tries the short way. nil: it is not known whether the job was sent,
// which the database will tell.
func (m *Manager) sendDirect(ctx context.Context, s *session, j *store.Job) *store.Job {
	outcome := m.waiting.add(j.ID)
	defer m.waiting.remove(j.ID, outcome)
	o := s.direct.bring(j)
	if o == nil {
		return nil
	}
	defer s.direct.withdraw(o)
	select {
	case done := <-outcome:
		return done
	case <-o.back:
	case <-s.done:
	case <-ctx.Done():
	}
	select {
	case done := <-outcome: // both at once
		return done
	default:
		return nil
	}
}

// Deliver wakes the session's sender and waits until the job is done. When ctx
// ends first it returns the job as it is then, with ctx's error.
func (m *Manager) Deliver(ctx context.Context, j *store.Job) (*store.Job, error) {
	s, err := m.find(ctx, j.Session)
	if err != nil {
		return nil, err
	}
	outcome := m.waiting.add(j.ID)
	defer m.waiting.remove(j.ID, outcome)
	s.nudge()
	if now, err := m.db.Job(ctx, j.Session, j.ID); err != nil || over(now.State) {
		select {
		case done := <-outcome: // it was quick: this one has the message also where the database keeps none
			return done, nil
		default:
			return now, err
		}
	}
	select {
	case done := <-outcome:
		return done, nil
	case <-s.done:
		return m.asItIs(ctx, j, m.ended())
	case <-ctx.Done():
		return m.asItIs(ctx, j, ctx.Err())
	}
}

// asItIs returns the job as the database knows it now.
func (m *Manager) asItIs(ctx context.Context, j *store.Job, why error) (*store.Job, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	now, err := m.db.Job(ctx, j.Session, j.ID)
	if err != nil {
		return j, why
	}
	return now, why
}

// nudge tells the session's sender that there may be jobs in the database.
func (s *session) nudge() { s.direct.soil() }

func over(state store.JobState) bool {
	return state == store.JobSent || state == store.JobFailed || state == store.JobCancelled
}

// NewMessageID makes a message id as WhatsApp's own web client does.
func (m *Manager) NewMessageID(session string) string {
	data := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Unix()))
	if s := m.known(session); s != nil {
		if phone := s.seen.look().phone; phone != "" {
			data = append(data, phone+"@c.us"...)
		}
	}
	salt := make([]byte, 16)
	rand.Read(salt) // never fails
	sum := sha256.Sum256(append(data, salt...))
	return whatsmeow.WebMessageIDPrefix + strings.ToUpper(hex.EncodeToString(sum[:9]))
}

// Picture returns the URL of the session's own profile picture, "" when there
// is none. The session must be online.
func (m *Manager) Picture(ctx context.Context, id string) (string, error) {
	s, err := m.find(ctx, id)
	if err != nil {
		return "", err
	}
	g := s.seen.look()
	if g.client == nil || g.state != store.StateOnline {
		return "", store.Errorf(store.CodeOffline, "session_offline", "The session is not connected")
	}
	info, err := g.client.GetProfilePictureInfo(ctx, types.NewJID(g.phone, types.DefaultUserServer), nil)
	switch {
	case errors.Is(err, whatsmeow.ErrProfilePictureNotSet), errors.Is(err, whatsmeow.ErrProfilePictureUnauthorized):
		return "", nil
	case err != nil:
		return "", &store.Error{Code: store.CodeTimeout, Name: "no_answer", Message: "WhatsApp did not answer", Hint: "Try again.", Err: err}
	case info == nil:
		return "", nil
	}
	return info.URL, nil
}
