// Package session runs WhatsApp sessions: a manager that knows them all, and
// one owner goroutine per session, which alone connects, disconnects and
// replaces its client. Commands, events of the client and alarms reach the
// owner through a mailbox; a pure table says which state follows; the store
// remembers what the user wants and what is.
package session

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"wamux/store"
	"wamux/store/signal"
	"wamux/svc/session/convert"
)

// Options say what a [Manager] is made of. DB and Signal are required.
type Options struct {
	DB             *store.DB
	Signal         *signal.Container
	Log            *slog.Logger // nil means slog.Default
	Network        Network
	MaxSessions    int           // 0 means no limit
	ReconnectDelay time.Duration // the first wait between two attempts, which then grow; 0 means 5 s
	MaxReconnects  int           // attempts in a row before a session gives up; 0 means never
	Scale          float64       // how much faster than real time waits run; 0 means 1. Only for a simulated WhatsApp
}

// Manager holds the sessions. All methods are safe for concurrent use.
type Manager struct {
	db             *store.DB
	signal         *signal.Container
	log            *slog.Logger
	convert        func(session string, own convert.Own, evt any) []store.Entry // tests put a broken one here
	limiter        *limiter
	transport      *http.Transport
	maxSessions    int
	maxReconnects  int
	reconnectDelay time.Duration
	scale          float64
	history        chan struct{} // holds a token while a part of somebody's history is taken in
	waiting        waiters
	claims         claims
	acks           Acks

	mu       sync.Mutex
	sessions map[string]*session
	closed   bool
	doomed   error // why no session may connect any more; nil when they may
}

// New returns a manager. Nothing connects before [Manager.StartAll]. It sets
// process-wide settings of the WhatsApp library, so all managers of a process
// must have the same Network.
func New(o Options) (*Manager, error) {
	if err := o.Network.check(); err != nil {
		return nil, err
	}
	transport, err := o.Network.Transport()
	if err != nil {
		return nil, err
	}
	m := &Manager{
		db: o.DB, signal: o.Signal, log: o.Log, convert: convert.Incoming, transport: transport,
		maxSessions: o.MaxSessions, maxReconnects: o.MaxReconnects, reconnectDelay: o.ReconnectDelay,
		scale: o.Scale, sessions: map[string]*session{}, history: make(chan struct{}, 1),
	}
	m.preset(o.Network)
	setProcessWide(o.Network)
	quietSignal(m.log)
	return m, nil
}

// preset fills what the options left open. The real WhatsApp is approached
// with care; a simulated one can take what comes.
func (m *Manager) preset(n Network) {
	if m.log == nil {
		m.log = slog.Default()
	}
	if m.reconnectDelay <= 0 {
		m.reconnectDelay = 5 * time.Second
	}
	if m.scale <= 0 || !n.simulated() {
		m.scale = 1
	}
	m.limiter = newLimiter(3, 5)
	if n.simulated() {
		m.limiter = newLimiter(100*m.scale, 100)
	}
}

// scaled is how long d takes in simulated time.
func (m *Manager) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / m.scale)
}

// StartAll knows all sessions of the database and starts those that are wanted
// running, paced, without waiting for them. ctx is for reading the database.
func (m *Manager) StartAll(ctx context.Context) error {
	rows, err := m.db.Sessions(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		s, err := m.adopt(row)
		if err != nil {
			return err
		}
		s.box.post(resume{row})
	}
	return nil
}

// Close disconnects every session after the message that each is just sending,
// and returns when all their goroutines are gone, or with ctx's error.
func (m *Manager) Close(ctx context.Context) error {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	all := m.all()
	for _, s := range all {
		s.box.post(&command{orderShutdown, make(chan error, 1)})
	}
	defer m.transport.CloseIdleConnections()
	for _, s := range all {
		select {
		case <-s.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (m *Manager) all() []*session {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.sessions))
}

// Condemn stops every session for good because the database is damaged, as why
// says, and returns when all have, or with ctx's error. None connects again.
func (m *Manager) Condemn(ctx context.Context, why error) error {
	m.mu.Lock()
	m.doomed = why
	m.mu.Unlock()
	var orders []*command
	for _, s := range m.all() {
		c := &command{orderCondemn, make(chan error, 1)}
		s.box.post(c)
		orders = append(orders, c)
	}
	for _, c := range orders {
		select {
		case <-c.reply:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// doom is why no session may connect any more, nil when they may.
func (m *Manager) doom() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.doomed
}

// errClosed is for callers that come while the program ends.
func errClosed() error {
	return &store.Error{Code: store.CodeOffline, Name: "shutting_down", Message: "wamux is shutting down", Hint: "Try again when it is back."}
}

// ended is for callers of a session whose owner ended under them.
func (m *Manager) ended() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosed()
	}
	return store.Errorf(store.CodeNotFound, "session_not_found", "Session not found")
}

// adopt returns the session of a row, with its owner running.
func (m *Manager) adopt(row *store.Session) (*session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errClosed()
	}
	if s := m.sessions[row.ID]; s != nil {
		return s, nil
	}
	s := m.newSession(row)
	m.sessions[row.ID] = s
	go s.loop()
	return s, nil
}

// known returns a session that is running its owner, or nil.
func (m *Manager) known(id string) *session {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sessions[id]
}

// find returns a session, or the store's error for one that is not there.
func (m *Manager) find(ctx context.Context, id string) (*session, error) {
	if s := m.known(id); s != nil {
		return s, nil
	}
	row, err := m.db.Session(ctx, id)
	if err != nil {
		return nil, err
	}
	return m.adopt(row)
}

// forget drops a session whose rows are gone.
func (m *Manager) forget(s *session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sessions[s.id] == s {
		delete(m.sessions, s.id)
	}
}

// tell gives an order to the owner of a session.
func (m *Manager) tell(ctx context.Context, id string, o order) error {
	for {
		s, err := m.find(ctx, id)
		if err != nil {
			return err
		}
		if err := s.tell(ctx, o); !errors.Is(err, errGone) {
			return err
		}
		if m.known(id) == s {
			return m.ended()
		}
	}
}
