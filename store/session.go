package store

import (
	"encoding/json"
	"time"
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

// Session is one WhatsApp account: what is wanted of it and what it is.
type Session struct {
	ID             string
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
