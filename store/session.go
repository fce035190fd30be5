package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// What the user wants of a session.
const (
	WantRunning = "running"
	WantStopped = "stopped"
)

// SessionState is what a session really is doing. Its own goroutine writes it.
type SessionState string

// The states of a session.
const (
	StateConnecting      SessionState = "connecting"
	StatePairing         SessionState = "pairing"
	StatePasskeyRequired SessionState = "passkey_required"
	StateOnline          SessionState = "online"
	StateStopping        SessionState = "stopping"
	StateOffline         SessionState = "offline"
	StateStopped         SessionState = "stopped"
	StateReplaced        SessionState = "replaced"
	StateBanned          SessionState = "banned"
	StateOutdated        SessionState = "outdated"
	StateFailed          SessionState = "failed"
	StateStorageError    SessionState = "storage_error"
	StateLoggedOut       SessionState = "logged_out"
)

// SessionStates lists them all.
func SessionStates() []SessionState {
	return []SessionState{StateConnecting, StatePairing, StatePasskeyRequired, StateOnline, StateStopping, StateOffline, StateStopped,
		StateReplaced, StateBanned, StateOutdated, StateFailed, StateStorageError, StateLoggedOut}
}

// Session is one WhatsApp account: what is wanted of it and what it is.
type Session struct {
	ID             string
	Row            int64  // whatsapp_sessions.id, given by the store; the old service showed it
	Wanted         string // WantRunning or WantStopped
	State          SessionState
	Code           string    // stable word for why it is in this state; may be empty
	Reason         string    // sentence for people; may be empty
	Next           string    // what to do next; may be empty
	Until          time.Time // when the state ends by itself; zero when unknown
	JID, LID       string    // own identities; empty before pairing
	Phone          string    // digits
	Name, Platform string
	Metadata       json.RawMessage // a JSON object; never nil
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// StateChange is a new state of a session, for [DB.SetState].
type StateChange struct {
	State              SessionState
	Code, Reason, Next string
	Until              time.Time // zero when unknown
}

// Identity is who a session is at WhatsApp, for [DB.SetIdentity]. Empty fields
// keep what is there.
type Identity struct {
	JID, LID, Phone, Name, Platform string
}

// Status returns the word that whatsapp_sessions.status holds.
func (s SessionState) Status() string {
	switch s {
	case StateConnecting:
		return "connecting"
	case StatePairing, StatePasskeyRequired:
		return "waiting_qr_scan"
	case StateOnline:
		return "connected"
	case StateLoggedOut:
		return "logged_out"
	}
	return "disconnected"
}

// RootWord returns the word that the root API answers with.
func (s SessionState) RootWord() string {
	switch s {
	case StateConnecting:
		return "CONNECTING"
	case StatePairing, StatePasskeyRequired:
		return "CONNECTED"
	case StateOnline:
		return "AUTHENTICATED"
	case StateStopping:
		return "CLOSING"
	}
	return "DISCONNECTED"
}

var sessionID = regexp.MustCompile(`^[a-zA-Z0-9_-]{3,50}$`)

// reservedIDs would hide a route of the root API.
var reservedIDs = []string{"sessions", "status", "qr", "add", "v1", "docs", "metrics", "healthz", "readyz", "sessions-history"}

// ValidSessionID returns an invalid error when id cannot name a session.
func ValidSessionID(id string) error {
	if sessionID.MatchString(id) && !slices.Contains(reservedIDs, id) {
		return nil
	}
	e := Errorf(CodeInvalid, "session_id_invalid", "Invalid session ID format")
	e.Hint = "Use 3 to 50 letters, digits, _ and -, and none of the words that name a page."
	return e
}

const sessionColumns = `sessionId, id, wanted, state, code, reason, next, until, jid, lid, phone, name, platform, metadata, createdAt, updatedAt`

func scanSession(row scanner) (*Session, error) {
	var s Session
	var until int64
	var metadata, created, updated string
	err := row.Scan(&s.ID, &s.Row, &s.Wanted, &s.State, &s.Code, &s.Reason, &s.Next, &until, &s.JID, &s.LID, &s.Phone,
		&s.Name, &s.Platform, &metadata, &created, &updated)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNoSession()
	}
	if err != nil {
		return nil, err
	}
	s.Until, s.Metadata = fromMillis(until), json.RawMessage(metadata)
	s.CreatedAt, s.UpdatedAt = parseTime(created), parseTime(updated)
	return &s, nil
}

func errNoSession() error {
	return Errorf(CodeNotFound, "session_not_found", "Session not found")
}

// noSession turns the broken foreign key of a row without a session into the
// error that says so.
func noSession(err error) error {
	if isConstraint(err, sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY) {
		return errNoSession()
	}
	return err
}

// AddSession makes the session, wanted running, and tells whether it is new.
// One that is there already is returned as it is. It fails with the code limit
// when there are max sessions already; 0 means any number.
func (db *DB) AddSession(ctx context.Context, id string, max int) (s *Session, created bool, err error) {
	if err := ValidSessionID(id); err != nil {
		return nil, false, err
	}
	err = db.Update(ctx, func(tx *Tx) (err error) {
		s, created, err = addSession(tx, id, max)
		return err
	})
	return s, created, err
}

func addSession(tx *Tx, id string, max int) (*Session, bool, error) {
	s, err := findSession(tx, id)
	if err == nil || ErrorCode(err) != CodeNotFound {
		return s, false, err
	}
	var count int
	if err := tx.QueryRow("SELECT COUNT(*) FROM whatsapp_sessions").Scan(&count); err != nil {
		return nil, false, err
	}
	if max > 0 && count >= max {
		e := Errorf(CodeLimit, "session_limit", "Maximum number of sessions reached (%d)", max)
		e.Hint = "Delete a session, or raise MAX_SESSIONS."
		return nil, false, e
	}
	now := formatTime(tx.Now)
	_, err = tx.Exec(`INSERT INTO whatsapp_sessions (sessionId, status, createdAt, updatedAt, wanted, state) VALUES (?, ?, ?, ?, ?, ?)`,
		id, StateStopped.Status(), now, now, WantRunning, StateStopped)
	if err != nil {
		return nil, false, err
	}
	s, err = findSession(tx, id)
	return s, true, err
}

func findSession(tx *Tx, id string) (*Session, error) {
	return scanSession(tx.QueryRow("SELECT "+sessionColumns+" FROM whatsapp_sessions WHERE sessionId = ?", id))
}

// Session returns one session, or the error session_not_found.
func (db *DB) Session(ctx context.Context, id string) (s *Session, err error) {
	s, changes := db.rows.get(id)
	if s != nil {
		db.unsaved.apply(s)
		return s, ctx.Err()
	}
	err = db.Read(ctx, func(tx *Tx) (err error) {
		s, err = findSession(tx, id)
		return err
	})
	if err == nil {
		db.rows.put(s, changes)
	}
	db.unsaved.apply(s)
	return s, err
}

// Sessions returns all sessions, the oldest first.
func (db *DB) Sessions(ctx context.Context) (list []*Session, err error) {
	err = db.Read(ctx, func(tx *Tx) (err error) {
		list, err = listSessions(tx, -1, 0)
		return err
	})
	db.unsaved.apply(list...)
	return list, err
}

// SessionsPage returns one page of the sessions, the oldest first, and how many
// there are. Pages count from 1.
func (db *DB) SessionsPage(ctx context.Context, page, limit int) (list []*Session, total int, err error) {
	limit = pageSize(limit)
	err = db.View(ctx, func(tx *Tx) (err error) {
		if err = tx.QueryRow("SELECT COUNT(*) FROM whatsapp_sessions").Scan(&total); err != nil {
			return err
		}
		list, err = listSessions(tx, limit, (max(page, 1)-1)*limit)
		return err
	})
	db.unsaved.apply(list...)
	return list, total, err
}

func listSessions(tx *Tx, limit, offset int) ([]*Session, error) {
	rows, err := tx.Query("SELECT "+sessionColumns+" FROM whatsapp_sessions ORDER BY id LIMIT ? OFFSET ?", limit, offset)
	return collect(rows, err, scanSession)
}

// SetWanted notes what the user wants of the session, WantRunning or
// WantStopped.
func (db *DB) SetWanted(ctx context.Context, id, wanted string) error {
	return db.Update(ctx, func(tx *Tx) error {
		return onSession(tx.Exec("UPDATE whatsapp_sessions SET wanted = ?, updatedAt = ? WHERE sessionId = ?",
			wanted, formatTime(tx.Now), id))
	})
}

// onSession takes the results of Exec; no row means that there is no such
// session.
func onSession(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, errNoSession())
	}
	return nil
}

// SetState writes what the session is doing, and an event session.state, unless
// it says so already. It may be written on a full disk.
func (db *DB) SetState(ctx context.Context, id string, st StateChange) error {
	err := db.updateUrgently(ctx, func(tx *Tx) error {
		s, err := findSession(tx, id)
		if err != nil {
			return err
		}
		if (StateChange{s.State, s.Code, s.Reason, s.Next, s.Until}).same(st) {
			return nil
		}
		return setState(tx, id, st)
	})
	db.unsaved.note(id, st, err)
	return err
}

func (st StateChange) same(other StateChange) bool {
	until := toMillis(st.Until) == toMillis(other.Until)
	st.Until, other.Until = time.Time{}, time.Time{}
	return until && st == other
}

func setState(tx *Tx, id string, st StateChange) error {
	err := onSession(tx.Exec(`UPDATE whatsapp_sessions SET status = ?, state = ?, code = ?, reason = ?, next = ?, until = ?, updatedAt = ? WHERE sessionId = ?`,
		st.State.Status(), st.State, st.Code, st.Reason, st.Next, toMillis(st.Until), formatTime(tx.Now), id))
	if err != nil {
		return err
	}
	data, err := json.Marshal(stateData(st))
	if err != nil {
		return err
	}
	_, err = addEvent(tx, id, Event{Type: "session.state", Data: data})
	return err
}

// stateData is the data of a session.state event.
func stateData(st StateChange) map[string]any {
	data := map[string]any{"state": st.State, "status": st.State.RootWord(), "code": st.Code, "reason": st.Reason, "next": st.Next}
	if !st.Until.IsZero() {
		data["until"] = formatTime(st.Until)
	}
	return data
}

// SetIdentity writes who the session is at WhatsApp. Empty fields of who keep
// what is there.
func (db *DB) SetIdentity(ctx context.Context, id string, who Identity) error {
	return db.Update(ctx, func(tx *Tx) error {
		return onSession(tx.Exec(`UPDATE whatsapp_sessions SET jid = COALESCE(NULLIF(?, ''), jid), lid = COALESCE(NULLIF(?, ''), lid),
			phone = COALESCE(NULLIF(?, ''), phone), name = COALESCE(NULLIF(?, ''), name), platform = COALESCE(NULLIF(?, ''), platform), updatedAt = ?
			WHERE sessionId = ?`, who.JID, who.LID, who.Phone, who.Name, who.Platform, formatTime(tx.Now), id))
	})
}

// settleSessions corrects what a crash left behind: nothing runs when the
// program starts.
func (db *DB) settleSessions(ctx context.Context) error {
	return db.Update(ctx, func(tx *Tx) error {
		_, err := tx.Exec(`UPDATE whatsapp_sessions SET state = CASE wanted WHEN ? THEN ? ELSE ? END, status = ?, code = '', reason = '', next = '', until = 0
			WHERE state IN (?, ?, ?, ?, ?)`, WantStopped, StateStopped, StateOffline, StateOffline.Status(),
			StateConnecting, StatePairing, StatePasskeyRequired, StateOnline, StateStopping)
		return err
	})
}
