package session

import (
	"sync"
	"time"

	"go.mau.fi/whatsmeow"

	"wamux/store"
)

// view is what others may know of a session without asking its owner.
type view struct {
	mu      sync.Mutex
	current store.SessionState
	code    string // why it is in that state
	qr      string // the code to scan that is showing, or ""
	until   time.Time
	ends    time.Time // when the connection that the codes came with ends
	phone   string
	client  *whatsmeow.Client // of the current run; nil without one
	changed chan struct{}     // closed at the next change
}

func newView(row *store.Session) *view {
	return &view{current: row.State, code: row.Code, phone: row.Phone, changed: make(chan struct{})}
}

func (v *view) state() store.SessionState {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.current
}

// set tells whether it was a change.
func (v *view) set(state store.SessionState, code string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	changed := v.current != state || v.code != code
	v.current, v.code = state, code
	v.tell()
	return changed
}

func (v *view) showCode(qr string, until time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.qr, v.until = qr, until
	v.tell()
}

func (v *view) hideCode() { v.showCode("", time.Time{}) }

// setEnd notes how long the codes of a connection can be used, also one to type.
func (v *view) setEnd(at time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ends = at
}

func (v *view) setPhone(phone string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.phone = phone
}

func (v *view) setClient(c *whatsmeow.Client) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.client = c
}

// tell wakes everybody who waits for a change. mu must be held.
func (v *view) tell() {
	close(v.changed)
	v.changed = make(chan struct{})
}

// glance is one look at a view.
type glance struct {
	state   store.SessionState
	code    string
	qr      string
	until   time.Time
	ends    time.Time
	phone   string
	client  *whatsmeow.Client
	changed <-chan struct{}
}

func (v *view) look() glance {
	v.mu.Lock()
	defer v.mu.Unlock()
	return glance{v.current, v.code, v.qr, v.until, v.ends, v.phone, v.client, v.changed}
}

// settled tells whether there is something to show or nothing more to wait
// for: a code, a connection, or a state that ends only when a person acts.
func (g glance) settled() bool {
	switch g.state {
	case store.StatePairing:
		return g.qr != ""
	case store.StateConnecting, store.StateOffline, store.StateStopping, store.StateStorageError:
		return false
	}
	return !g.expired()
}

// expired tells whether pairing stopped because nobody looked at the codes.
func (g glance) expired() bool {
	return g.state == store.StateStopped && g.code == codeExpired
}
