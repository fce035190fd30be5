// Package session runs WhatsApp sessions: a manager that knows them all, and
// one owner goroutine per session, which alone connects, disconnects and
// replaces its client. Commands and events reach the owner through a mailbox;
// the store remembers what the user wants and what is.
package session

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"wamux/store"
	"wamux/store/signal"
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
	Scale          float64       // how much faster than real time waits run; 0 means 1. Only for simulated servers
}

// Network says where WhatsApp is.
type Network struct {
	Endpoint string // host:port dialled whatever host is asked for; "" means the real WhatsApp
	RootKey  []byte // 32 bytes that vouch for the Noise certificate of Endpoint
	CAPEM    []byte // the only authority trusted for Endpoint's TLS
}

// Manager holds the sessions. All methods are safe for concurrent use.
type Manager struct{}

var errPending = errors.New("session: not built yet")

// New returns a manager. Nothing connects before StartAll. It sets process-wide
// settings of the WhatsApp library, so only one manager may run at a time.
func New(o Options) (*Manager, error) { return nil, errPending }

// StartAll starts every session that is wanted running, paced, and returns at once. (Start is for one session.)
func (m *Manager) StartAll(ctx context.Context) error { return errPending }

// Close disconnects every session, after the message that each is just sending,
// and returns when all goroutines are gone or ctx ends.
func (m *Manager) Close(ctx context.Context) error { return errPending }
