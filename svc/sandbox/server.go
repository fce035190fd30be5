// Package sandbox is a simulated WhatsApp: a server that speaks WhatsApp's own protocol over TLS on loopback, and the phones of
// the accounts on it. Unmodified clients pair with it, talk through it and are tested against it.
//
// Where the real service's behaviour is known only from the source of clients the code says so.
package sandbox

import (
	"context"
	"errors"
	"log/slog"

	"wamux/api"
)

// Options says how to start a Server.
type Options struct {
	Path   string       // the state file (SQLite), made when it is missing
	Listen string       // address to listen on; "" means 127.0.0.1:0
	Log    *slog.Logger // nil discards
	Scale  float64      // how many times faster than real the server's own schedules run; 0 means 1
}

// Server is a running sandbox. Its methods are safe for concurrent use.
type Server struct{}

var _ api.Sandbox = (*Server)(nil)

var errNotYet = errors.New("sandbox: not built yet")

// Start opens or makes the state file and listens. The caller closes the Server.
func Start(ctx context.Context, o Options) (*Server, error) { return nil, errNotYet }

// Close stops listening, drops all connections and finishes what was accepted.
func (s *Server) Close() error { return nil }

// Endpoint is the host:port that every WhatsApp host name must be dialled at.
func (s *Server) Endpoint() string { return "" }

// RootKey is the public key, 32 bytes, that signs the server's Noise certificates.
func (s *Server) RootKey() []byte { return nil }

// CAPEM is the certificate authority of the server's TLS certificate.
func (s *Server) CAPEM() []byte { return nil }

// Unknown lists, once each, the stanzas that the server had no answer to.
func (s *Server) Unknown() []string { return nil }
