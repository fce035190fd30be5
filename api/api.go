// Package api is the HTTP face of the gateway: the root API that clients of the old service call, the /v1 API that new
// users learn, and the control routes of the sandbox. It decodes, checks who may do what, asks the store or the
// sessions, and writes the answer in the shape of the API that was called. It knows no WhatsApp client: what it needs
// of the running sessions is in the small interfaces below.
package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"wamux/store"
)

// Sessions is what the API needs of the running WhatsApp sessions; svc/session.Manager fills it. All methods are safe
// for concurrent use. Errors are *store.Error; an unknown session is not_found, one that cannot do it now is offline or conflict.
type Sessions interface {
	// Add makes the session's row, wants it running and starts it. A session that exists is returned as it is, running.
	Add(ctx context.Context, id string) (*store.Session, error)
	Start(ctx context.Context, id string) error
	// Stop disconnects and stays linked; it will not come back by itself at the next start of the program.
	Stop(ctx context.Context, id string) error
	Restart(ctx context.Context, id string) error
	// Logout unlinks the device at WhatsApp; the session and its history stay.
	Logout(ctx context.Context, id string) error
	// Undelete puts back the credentials that WhatsApp's word deleted within a week, and connects; conflict when there are none.
	Undelete(ctx context.Context, id string) error
	// Delete logs out when it can within 10 s and removes the session with all its rows.
	Delete(ctx context.Context, id string) error
	// QR returns the text of the QR code that is showing now and when the next one replaces it; ok is false when none is.
	QR(id string) (code string, expires time.Time, ok bool)
	// Await returns when a QR is showing, the session is online or in a terminal state; or when ctx ends, with ctx's error.
	Await(ctx context.Context, id string) (*store.Session, error)
	// PairingCode asks WhatsApp for a code to type into the phone until expires; phone is digits only.
	PairingCode(ctx context.Context, id, phone string) (code string, expires time.Time, err error)
	// Send accepts a job and waits until it is done; when ctx ends first it returns the job, which is on disk then, and ctx's error.
	Send(ctx context.Context, j *store.Job, media []byte) (*store.Job, error)
	// Accept puts a job on disk, wakes the session's sender and returns the job, or the one that was accepted under its key.
	Accept(ctx context.Context, j *store.Job, media []byte) (*store.Job, error)
	// Deliver wakes the session's sender and waits until the job is done; when ctx ends first it returns the job as it is and ctx's error.
	Deliver(ctx context.Context, j *store.Job) (*store.Job, error)
	// Cancel takes a job back that waits; false: it is on its way or over.
	Cancel(ctx context.Context, session, job string) (bool, error)
	// NewMessageID makes a message id of the kind WhatsApp expects of this session.
	NewMessageID(session string) string
	// Picture returns the URL of the session's own profile picture, "" when there is none.
	Picture(ctx context.Context, id string) (string, error)
	// Groups asks WhatsApp for the groups the session's account is in; one that is not connected is offline.
	Groups(ctx context.Context, id string) ([]store.Group, error)
}

// Fetcher reads media from the network without being led to places it must not reach; svc/guard fills it.
type Fetcher interface {
	// Fetch returns at most max bytes, and the content type the server named ("" when it named none).
	Fetch(ctx context.Context, url string, max int64) (data []byte, mimetype string, err error)
}

// Studio makes of a caller's media what WhatsApp takes; svc/media fills it. Errors are *store.Error of code unprocessable.
type Studio interface {
	// Sticker makes a WebP of 512 by 512 pixels of a picture; a WebP comes back as it is.
	Sticker(ctx context.Context, data []byte) ([]byte, error)
	// Voice makes Ogg Opus of a recording, which comes back as it is when it is that; 0 and nil are for what cannot be told.
	Voice(ctx context.Context, data []byte) (ogg []byte, seconds uint32, waveform []byte, err error)
	// Thumbnail makes the small JPEG that a chat shows of a picture.
	Thumbnail(ctx context.Context, data []byte) ([]byte, error)
}

// Vault changes how secret values are kept, in the background; svc fills it. Errors are *store.Error. How far a change has
// got is known by the store.
type Vault interface {
	// Seal begins to seal the values to the keys of the configuration.
	Seal(ctx context.Context) error
	// Unseal begins to put them in clear.
	Unseal(ctx context.Context) error
	// Rotate reads the identity file again and begins to seal the values to the keys that it names now.
	Rotate(ctx context.Context) error
	// Problem returns why the last change did not come to its end; nil when it did, or is under way.
	Problem() error
}

// Options are what the API is made of. DB and Sessions are required, the rest has a usable zero value.
type Options struct {
	DB          *store.DB
	Sessions    Sessions
	Vault       Vault             // nil: the form of secret values cannot be changed
	Fetcher     Fetcher           // nil: media by http(s) URL is refused
	Studio      Studio            // nil: media must be as WhatsApp takes it
	Sandbox     Sandbox           // nil unless the process runs in sandbox mode
	Log         *slog.Logger      // nil: slog.Default
	Keys        []string          // configured keys (API_KEYS), each with every right
	Hosts       []string          // Host names that are answered beside the loopback names, without port
	KnownHost   func(string) bool // whether a name that is in none of them is answered, too; nil: it is not
	CORSOrigins []string          // the origins a browser page may call from, such as https://app.example.com; * is none
	MaxFileSize int64             // bytes of one media file; 0 means 64 MiB
	FileTypes   FileTypes         // which media may be sent; empty means all
	MaxSessions int               // 0 means no limit
	RateMax     int               // requests in a RateWindow for each key, and for each address without one; 0 means no limit
	RateWindow  time.Duration     // 0 means a minute
	CountryCode string            // digits put in place of a leading 0; "" refuses such numbers
	QRWait      time.Duration     // how long POST /sessions/add waits for the first QR; 0 means 40 s
	SendWait    time.Duration     // how long a send waits for WhatsApp's ack; 0 means 30 s
	// BulkMinDelay and BulkMaxDelay bound the random pause between two messages of a batch; 0 means 10 s and 15 s, and less than 5 s is 5 s.
	BulkMinDelay, BulkMaxDelay time.Duration
	Scale                      float64 // how much faster time passes in the sandbox; 0 means 1
	Version                    string
	// Starting makes all but the questions how we are wait until Resume.
	Starting bool
	Gauges   Gauges // nil: /metrics tells of the API and the database only
	// SessionGauges names each session in /metrics, with its state.
	SessionGauges bool
}

// api is the handler's own memory: the options, and what is made of them once.
type api struct {
	Options
	keySums [][sha256.Size]byte
	guesses *guessLimit
	codes   *codeLimit
	rates   *rateLimit
	heavy   chan struct{} // slots for bodies that hold media; bounds the memory they take
	batches *batches
	phase   *phase
	traffic *traffic
}

// API is the handler that serves everything: root API, /v1, docs, and the sandbox's control routes where there is one. The
// batches that it accepted go out in goroutines of its own, so it must be closed before the sessions and the database.
type API struct {
	http.Handler
	batches *batches
	phase   *phase
}

// Resume goes on with the batches that a stop or a crash cut off, and lets requests in. Call it once, when the sessions are started.
func (a *API) Resume(ctx context.Context) error {
	err := a.batches.resume(ctx)
	if err == nil {
		a.phase.open()
	}
	return err
}

// Stop lets no more requests in, but those that ask how we are.
func (a *API) Stop() { a.phase.stop() }

// Drain returns when all requests that were let in are answered, or when ctx ends. Call it after Stop.
func (a *API) Drain(ctx context.Context) {
	select {
	case <-a.phase.idle:
	case <-ctx.Done():
	}
}

// Close stops sending batches, between two messages, and waits for that. Who waits for a batch is told so.
func (a *API) Close() {
	a.Stop()
	a.batches.close()
}

// New makes the API. Whoever made it closes it.
func New(o Options) *API {
	o = o.withDefaults()
	a := &api{
		Options: o,
		keySums: sums(o.Keys),
		guesses: newGuessLimit(time.Now),
		codes:   newCodeLimit(time.Now),
		rates:   newRateLimit(o.RateMax, o.RateWindow, time.Now),
		heavy:   make(chan struct{}, 2),
		phase:   newPhase(o.Starting),
		traffic: newTraffic(),
	}
	a.batches = newBatches(a)
	rt := newRouter(http.HandlerFunc(a.stray))
	for _, route := range Routes() {
		if o.Sandbox != nil || !strings.HasPrefix(route.Path, "/v1/sandbox/") {
			rt.add(route, a.serve(route))
		}
	}
	return &API{Handler: a.counted(a.outside(rt)), batches: a.batches, phase: a.phase}
}

func (o Options) withDefaults() Options {
	o.Log = cmp.Or(o.Log, slog.Default())
	o.MaxFileSize = cmp.Or(o.MaxFileSize, 64<<20)
	o.RateWindow = cmp.Or(o.RateWindow, time.Minute)
	o.QRWait = cmp.Or(o.QRWait, 40*time.Second)
	o.SendWait = cmp.Or(o.SendWait, 30*time.Second)
	o.BulkMinDelay = max(cmp.Or(o.BulkMinDelay, 10*time.Second), paceFloor)
	o.BulkMaxDelay = max(cmp.Or(o.BulkMaxDelay, 15*time.Second), o.BulkMinDelay)
	return o
}
