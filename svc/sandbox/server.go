// Package sandbox is a simulated WhatsApp: a server that speaks WhatsApp's own protocol over TLS on loopback, and the phones of
// the accounts on it. Unmodified clients pair with it, talk through it and are tested against it.
//
// Everything lives under one lock (Server.mu), in memory, and is written behind: a stanza changes memory and adds to the
// current batch; answers leave only after the batch is committed to the state file. A kill -9 therefore loses nothing that
// anybody was told.
//
// Where the real service's behaviour is known only from the source of clients the code says so.
package sandbox

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.mau.fi/whatsmeow/util/keys"

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
type Server struct {
	log         *slog.Logger
	scale       float64
	db          *state
	secrets     *secrets
	static      *keys.KeyPair
	certificate []byte // Noise certificate chain
	listener    net.Listener
	http        *http.Server
	closing     context.Context // ends when the server is closed
	stop        context.CancelFunc
	serving     sync.WaitGroup
	pending     chan struct{} // holds one token while the batch has something in it
	committed   chan struct{} // closed when the last batch is committed

	traffic *traffic
	offset  atomic.Int64 // nanoseconds that the clock is ahead of the real one; written under mu
	slow    atomic.Bool  // a fault slows the network down

	mu          sync.Mutex
	failed      error // why nothing can be saved any more
	batch       *batch
	seq         int64 // of queue entries and inbox rows
	byNumber    map[string]*account
	byLID       map[string]*account
	conns       map[*conn]struct{}
	refs        map[string]*pairing // QR refs that show somewhere
	links       map[string]*pairing // linking codes under way, by their ref
	seen        *recent             // messages sent lately
	ratchets    map[ratchetPair]*ratchet
	newsletters map[string]*newsletter // by the user of the JID
	calls       map[string]*call
	groups      map[string]*group // by the user part of their JID
	revoked     map[string]bool   // codes of invite links that are not valid any more
	faults      []*armed
	unknown     map[string]bool
	alarms      map[*alarm]struct{}
}

var _ api.Sandbox = (*Server)(nil)

// Start opens or makes the state file and listens. The caller closes the Server.
func Start(ctx context.Context, o Options) (*Server, error) {
	s := newServer(o)
	var err error
	if s.db, err = openState(o.Path); err != nil {
		return nil, err
	}
	if err = s.prepare(); err == nil {
		err = s.listen(ctx, o.Listen)
	}
	if err != nil {
		return nil, errors.Join(err, s.db.close())
	}
	go s.commitLoop()
	return s, nil
}

func newServer(o Options) *Server {
	s := &Server{
		log: o.Log, scale: o.Scale, traffic: newTraffic(),
		pending: make(chan struct{}, 1), committed: make(chan struct{}),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.scale <= 0 {
		s.scale = 1
	}
	s.closing, s.stop = context.WithCancel(context.Background())
	s.forget()
	return s
}

// forget empties the memory. Callers hold s.mu once the server runs.
func (s *Server) forget() {
	s.batch = newBatch()
	s.byNumber, s.byLID = map[string]*account{}, map[string]*account{}
	s.conns = map[*conn]struct{}{}
	s.refs, s.links = map[string]*pairing{}, map[string]*pairing{}
	s.seen = newRecent()
	s.ratchets = map[ratchetPair]*ratchet{}
	s.newsletters, s.calls = map[string]*newsletter{}, map[string]*call{}
	s.groups, s.revoked = map[string]*group{}, map[string]bool{}
	s.faults = nil
	s.slow.Store(false)
	s.unknown = map[string]bool{}
	for a := range s.alarms {
		a.timer.Stop()
	}
	s.alarms = map[*alarm]struct{}{}
}

func (s *Server) prepare() (err error) {
	if s.secrets, err = loadSecrets(s.db, time.Now()); err != nil {
		return err
	}
	s.static = s.secrets.static()
	if s.certificate, err = s.secrets.chain(time.Now()); err != nil {
		return err
	}
	return s.load()
}

func (s *Server) listen(ctx context.Context, address string) error {
	config, err := s.secrets.tls()
	if err != nil {
		return err
	}
	if address == "" {
		address = "127.0.0.1:0"
	}
	plain, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	s.listener = tls.NewListener(plain, config)
	s.http = &http.Server{
		Handler: s.routes(), ReadHeaderTimeout: 20 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}, // no HTTP/2
	}
	s.serving.Go(func() { _ = s.http.Serve(s.listener) })
	return nil
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ws/chat", s.serveChat)
	mux.HandleFunc("POST /mms/{kind}/{token}", s.serveUpload)
	mux.HandleFunc("POST /newsletter/{kind}/{token}", s.serveUpload)
	mux.HandleFunc("DELETE /mms/{kind}/{token}", s.serveDelete)
	mux.HandleFunc("GET /v/{path...}", s.serveDownload)
	return mux
}

// Close stops listening, drops all connections and finishes what was accepted.
func (s *Server) Close() error {
	s.stop()
	err := s.http.Close()
	s.mu.Lock()
	conns := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	for _, c := range conns {
		c.abort()
	}
	<-s.committed
	return errors.Join(err, s.db.close())
}

// Endpoint is the host:port that every WhatsApp host name must be dialled at.
func (s *Server) Endpoint() string { return s.listener.Addr().String() }

// RootKey is the public key, 32 bytes, that signs the server's Noise certificates.
func (s *Server) RootKey() []byte { return s.secrets.root().Pub[:] }

// CAPEM is the certificate authority of the server's TLS certificate.
func (s *Server) CAPEM() []byte { return slices.Clone(s.secrets.CA) }

// Unknown lists, once each, the stanzas that the server had no answer to. Tests fail when there are any.
func (s *Server) Unknown() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.unknown))
}

// scaled is how long a real duration lasts here.
func (s *Server) scaled(d time.Duration) time.Duration { return time.Duration(float64(d) / s.scale) }
