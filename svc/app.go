package svc

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"wamux/api"
	"wamux/store"
	"wamux/store/signal"
	"wamux/svc/guard"
	"wamux/svc/media"
	"wamux/svc/osservice"
	"wamux/svc/sandbox"
	"wamux/svc/session"
)

// How long the parts get at the end. Requests that wait for a send are cut;
// their jobs are durable and go on at the next start.
const (
	httpGrace    = 5 * time.Second
	sessionGrace = 15 * time.Second
	lastGrace    = time.Second
)

// App is the program as a value: Open, Serve, Close. Close may be called after
// a failed Open and stops what had been started.
type App struct {
	Config Config
	Log    *slog.Logger
	Notify osservice.Notifier // who started this process and wants to know how it is; the zero value: nobody

	started  time.Time // the process, about
	db       *store.DB
	sealer   *sealer
	sandbox  *sandbox.Server // nil outside sandbox mode
	signal   *signal.Container
	sessions *session.Manager
	care     *care // nil before Serve
	attend   *attendant
	listener net.Listener // nil without a port
	socket   net.Listener // nil without one
	// certificates are nil where the port speaks no TLS.
	certificates *certificates
	api          *api.API
	server       *http.Server
	madeKey      bool

	backups     sync.WaitGroup // the scheduled ones
	stopBackups context.CancelFunc
}

// Open builds everything in the order of dependence and listens. Sessions
// connect only in Serve.
func (a *App) Open(ctx context.Context) (err error) {
	if a.Config.LowMemory {
		frugal()
	}
	a.attend = a.startAttendant()
	steps := []func(context.Context) error{
		a.openCertificates, a.openStore, a.checkDamage, a.checkMode, a.makeKey, a.openSandbox, a.openSessions, a.listen,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) openStore(ctx context.Context) (err error) {
	a.db, err = store.Open(ctx, store.Options{Path: a.Config.Database, Log: a.Log, Unlock: a.Config.keys.read, History: a.Config.History, Small: a.Config.LowMemory})
	if err == nil {
		a.sealer = startSealer(a.db, a.Config.keys, a.Log)
	}
	return err
}

// checkMode keeps simulated and real accounts in separate files: a real
// account shown to a simulated WhatsApp, or the reverse, would be logged out.
func (a *App) checkMode(ctx context.Context) error {
	mode := "live"
	if a.simulated() {
		mode = "sandbox"
	}
	was, err := a.db.Meta(ctx, "mode")
	if err != nil {
		return err
	}
	sessions, err := a.db.Sessions(ctx)
	switch {
	case err != nil:
		return err
	case was == mode:
		return nil
	case len(sessions) == 0, was == "" && mode == "live": // what is recovered from a damaged file may not say
		return a.db.SetMeta(ctx, "mode", mode)
	case mode == "sandbox":
		return fmt.Errorf("%s holds sessions of the real WhatsApp, which the sandbox must not touch: name another file in DATABASE_URL", a.Config.Database)
	}
	return fmt.Errorf("%s holds sandbox sessions: start with --sandbox, or name another file in DATABASE_URL", a.Config.Database)
}

func (a *App) simulated() bool {
	return a.Config.Sandbox || a.Config.Endpoint != ""
}

func (a *App) makeKey(ctx context.Context) (err error) {
	if len(a.Config.APIKeys) == 0 {
		a.madeKey, err = a.db.EnsureAdminKey(ctx, a.keyFile())
	}
	return err
}

func (a *App) openSandbox(ctx context.Context) (err error) {
	if a.Config.Sandbox {
		a.sandbox, err = sandbox.Start(ctx, sandbox.Options{Path: a.phonesFile(),
			Listen: a.Config.SandboxListen, Log: a.Log, Scale: a.Config.Scale})
	}
	return err
}

// phonesFile is where the simulated side keeps its accounts, beside the
// database of the gateway.
func (a *App) phonesFile() string {
	return strings.TrimSuffix(a.Config.Database, filepath.Ext(a.Config.Database)) + ".phones.db"
}

func (a *App) openSessions(ctx context.Context) error {
	network, err := a.network()
	if err != nil {
		return err
	}
	if a.signal, err = signal.Open(ctx, a.db, a.Log); err != nil {
		return err
	}
	a.sessions, err = session.New(session.Options{
		DB: a.db, Signal: a.signal, Log: a.Log, Network: network, Scale: a.Config.Scale,
		MaxSessions: a.Config.MaxSessions, ReconnectDelay: a.Config.ReconnectDelay, MaxReconnects: a.Config.MaxReconnects,
	})
	return err
}

func (a *App) network() (session.Network, error) {
	if a.sandbox != nil {
		return session.Network{Endpoint: a.sandbox.Endpoint(), RootKey: a.sandbox.RootKey(), CAPEM: a.sandbox.CAPEM()}, nil
	}
	return a.Config.network()
}

// network is where WhatsApp is, when no sandbox runs inside.
func (c Config) network() (session.Network, error) {
	if c.Endpoint == "" {
		return session.Network{}, nil
	}
	ca, err := os.ReadFile(c.CAFile)
	if err != nil || !x509.NewCertPool().AppendCertsFromPEM(ca) {
		return session.Network{}, errors.New("WHATSAPP_CA_FILE must be a PEM file with a certificate that this user can read")
	}
	return session.Network{Endpoint: c.Endpoint, RootKey: c.RootKey, CAPEM: ca}, nil
}

func (a *App) apiOptions() api.Options {
	o := api.Options{
		DB: a.db, Vault: a.sealer, Sessions: a.sessions, Log: a.Log, Fetcher: guard.New(guard.Options{Policy: a.mediaPolicy()}),
		Studio: media.New(media.Options{Max: a.Config.MaxFileSize, Log: a.Log}),
		Keys:   a.Config.APIKeys, Hosts: a.hosts(), CORSOrigins: a.Config.CORSOrigins,
		FileTypes: a.Config.FileTypes, RateMax: a.Config.RateMax, RateWindow: a.Config.RateWindow,
		MaxFileSize: a.Config.MaxFileSize, MaxSessions: a.Config.MaxSessions, CountryCode: a.Config.CountryCode,
		BulkMinDelay: a.Config.BulkMin, BulkMaxDelay: a.Config.BulkMax, Scale: a.Config.Scale, QRWait: a.qrWait(),
		Version: buildVersion(), Starting: a.sessions != nil, Gauges: gauges{a}, SessionGauges: a.Config.SessionGauges,
	}
	if a.certificates != nil {
		o.KnownHost = a.certificates.cover
	}
	if a.sandbox != nil {
		o.Sandbox = a.sandbox
	}
	return o
}

// hosts are the names of the settings under which the API may be called.
func (a *App) hosts() []string { return append([]string{a.Config.Host}, a.Config.AllowedHosts...) }

// mediaPolicy lets media URLs reach the private hosts that the operator named, but never ourselves.
func (a *App) mediaPolicy() guard.Policy {
	p := guard.Policy{Hosts: a.Config.MediaHosts}
	var own []string
	if a.listener != nil {
		own = append(own, a.listener.Addr().String())
	}
	if a.sandbox != nil {
		own = append(own, a.sandbox.Endpoint())
	}
	for _, address := range own {
		if at, err := netip.ParseAddrPort(address); err == nil {
			p.Own = append(p.Own, at)
		}
	}
	return p
}

// Serve starts the sessions and answers requests until ctx ends, which is no
// error, or the listener fails. Until they are started only those who ask how we
// are get an answer.
func (a *App) Serve(ctx context.Context) error {
	failed := a.serveHTTP()
	if err := a.sessions.StartAll(ctx); err != nil {
		return err
	}
	if err := a.api.Resume(ctx); err != nil {
		return err
	}
	a.care = a.startCare()
	a.saveMemory()
	a.startBackups(ctx)
	a.attend.ready()
	return stay(ctx, failed)
}

// Close stops in reverse order: no new requests, then no traffic, then the
// file. After it the bare database file is complete. Who asks how we are gets an
// answer until the sessions are gone.
func (a *App) Close() {
	if a.attend != nil {
		a.attend.stopping()
		defer a.attend.end()
	}
	if a.api != nil {
		a.api.Stop()
	}
	if a.care != nil {
		a.care.stop()
	}
	a.endBackups()
	if a.api != nil {
		a.api.Close()
		inTime(httpGrace, a.api.Drain) // a request that still waits then is told so by its session; its job is on disk
	}
	if a.sessions != nil {
		inTime(sessionGrace, func(ctx context.Context) { a.report("sessions", a.sessions.Close(ctx)) })
	}
	a.stopServer()
	if a.sandbox != nil {
		a.report("sandbox", a.sandbox.Close())
	}
	if a.sealer != nil {
		a.sealer.close()
	}
	if a.db != nil {
		a.report("database", a.db.Close())
	}
}

func inTime(d time.Duration, do func(context.Context)) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	do(ctx)
}

func (a *App) report(part string, err error) {
	if err != nil {
		a.Log.Warn("did not stop cleanly", "part", part, "error", sentence(err))
	}
}

// qrWait is how long a new session waits for its first QR code. Where the sandbox hurries, that is shorter, but not so short that a
// busy machine cannot make one.
func (a *App) qrWait() time.Duration {
	const usual, least = 40 * time.Second, 10 * time.Second
	return max(least, time.Duration(float64(usual)/a.Config.Scale))
}
