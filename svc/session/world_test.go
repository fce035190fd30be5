package session_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/types/events"
	"go.uber.org/goleak"

	"wamux/api"
	"wamux/store"
	"wamux/store/signal"
	"wamux/svc/sandbox"
	"wamux/svc/session"
	"wamux/svc/session/convert"
)

// patience is how long a test waits for something that should happen at once.
const patience = 20 * time.Second

// world is a simulated WhatsApp and a gateway in front of it.
type world struct {
	t          testing.TB
	server     *sandbox.Server
	path       string
	db         *store.DB
	signal     *signal.Container
	m          *session.Manager
	options    session.Options
	wrap       func(session.Converter) session.Converter
	storeFault func(query string) error // of the store's options
	synced     sync.Map                 // by session: how many collections of app state came
}

// newWorld starts all of it. At the end of the test everything is closed, and
// no goroutine may be left.
func newWorld(t testing.TB, change ...func(*world)) *world {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { noneLeft(t, before) })
	w := &world{t: t, path: filepath.Join(t.TempDir(), "test.db")}
	var err error
	if w.server, err = sandbox.Start(t.Context(), sandbox.Options{Path: filepath.Join(t.TempDir(), "phones.db"), Log: w.log("sandbox"), Scale: 10}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.must(w.server.Close()) })
	w.options = session.Options{Log: w.log("session"), ReconnectDelay: 200 * time.Millisecond, Scale: 10}
	for _, c := range change {
		c(w)
	}
	w.open()
	t.Cleanup(w.close)
	return w
}

// lateTime is above what whatsmeow waits for an answer.
const lateTime = 90 * time.Second

// noneLeft fails when a goroutine is left but those that fetch the app state: whatsmeow does
// that in a context that nobody can end. Those have to end, too, when it gives up.
func noneLeft(t testing.TB, before goleak.Option) {
	goleak.VerifyNone(t, before, goleak.IgnoreAnyFunction("go.mau.fi/whatsmeow.(*Client).fetchAppState"))
	for end := time.Now().Add(lateTime); ; {
		err := goleak.Find(before)
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Error(err)
			return
		}
	}
}

// log writes to the test's output when WAMUX_TEST_LOG is set.
func (w *world) log(part string) *slog.Logger {
	if os.Getenv("WAMUX_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})).With("of", part)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// open starts the gateway on the database of this world.
func (w *world) open() {
	w.t.Helper()
	ctx := w.t.Context()
	var err error
	w.db, err = store.Open(ctx, store.Options{Path: w.path, Log: w.log("store"), Fault: w.storeFault})
	w.must(err)
	w.signal, err = signal.Open(ctx, w.db, w.log("signal"))
	w.must(err)
	o := w.options
	o.DB, o.Signal = w.db, w.signal
	o.Network = session.Network{Endpoint: w.server.Endpoint(), RootKey: w.server.RootKey(), CAPEM: w.server.CAPEM()}
	w.m, err = session.New(o)
	w.must(err)
	w.m.WrapConvert(w.count)
	if w.wrap != nil {
		w.m.WrapConvert(w.wrap)
	}
	w.must(w.m.StartAll(ctx))
}

// count notes the collections of app state that are in.
func (w *world) count(good session.Converter) session.Converter {
	return func(id string, own convert.Own, evt any) []store.Entry {
		if _, ok := evt.(*events.AppStateSyncComplete); ok {
			n, _ := w.synced.LoadOrStore(id, new(atomic.Int32))
			n.(*atomic.Int32).Add(1)
		}
		return good(id, own, evt)
	}
}

// close stops the gateway.
func (w *world) close() {
	w.t.Helper()
	if w.m == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.m.Close(ctx); err != nil {
		w.t.Errorf("manager: %v", err)
	}
	if err := w.db.Close(); err != nil {
		w.t.Errorf("store: %v", err)
	}
	w.m = nil
}

func (w *world) reopen() {
	w.t.Helper()
	w.close()
	w.open()
}

// until waits for a condition.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited %v in vain for: %s", patience, what)
		}
		select {
		case <-w.t.Context().Done():
			w.t.Fatal(w.t.Context().Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (w *world) session(id string) *store.Session {
	w.t.Helper()
	s, err := w.db.Session(w.t.Context(), id)
	w.must(err)
	return s
}

// state waits for a session to be in a state, and in one of codes if any are
// given.
func (w *world) state(id string, want store.SessionState, codes ...string) *store.Session {
	w.t.Helper()
	var s *store.Session
	deadline := time.Now().Add(patience)
	for {
		s = w.session(id)
		if s.State == want && (len(codes) == 0 || slices.Contains(codes, s.Code)) {
			return s
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("session %s is %s (%s: %s), want %s %v", id, s.State, s.Code, s.Reason, want, codes)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func (w *world) phone(number string) {
	w.t.Helper()
	_, err := w.server.AddPhone(w.t.Context(), number, "Phone "+number[len(number)-2:])
	w.must(err)
}

// pair makes a phone and a session and links them by QR code.
func (w *world) pair(id, number string) {
	w.t.Helper()
	w.phone(number)
	_, err := w.m.Add(w.t.Context(), id)
	w.must(err)
	w.scan(id, number)
}

// scan links a session that is being started.
func (w *world) scan(id, number string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	if _, err := w.m.Await(ctx, id); err != nil {
		w.t.Fatalf("no code to scan: %v; %+v", err, w.session(id))
	}
	qr, _, ok := w.m.QR(id)
	if !ok {
		w.t.Fatalf("no code to scan: %+v", w.session(id))
	}
	w.synced.Delete(id)
	w.must(w.server.Scan(ctx, number, qr))
	w.state(id, store.StateOnline)
	w.until("the first app state", func() bool {
		n, ok := w.synced.Load(id)
		return ok && n.(*atomic.Int32).Load() >= int32(len(appstate.AllPatchNames))
	})
}

// job accepts a text without sending it.
func (w *world) job(id, to, text string) *store.Job {
	w.t.Helper()
	return w.jobOf(id, to, store.Content{Type: "text", Text: text}, nil)
}

func (w *world) jobOf(id, to string, c store.Content, media []byte) *store.Job {
	w.t.Helper()
	j, _, err := w.db.AddJob(w.t.Context(), &store.Job{Session: id, MessageID: w.m.NewMessageID(id), To: to + "@s.whatsapp.net", Content: c,
		Deadline: time.Now().Add(time.Hour)}, media)
	w.must(err)
	return j
}

// deliver sends a job and waits for its end.
func (w *world) deliver(j *store.Job) *store.Job {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	done, err := w.m.Deliver(ctx, j)
	if err != nil {
		w.t.Fatalf("deliver: %v; job %+v", err, done)
	}
	return done
}

func (w *world) send(id, to, text string) *store.Job {
	w.t.Helper()
	j := w.deliver(w.job(id, to, text))
	if j.State != store.JobSent {
		w.t.Fatalf("job is %s (%s: %s), want sent", j.State, j.Code, j.Error)
	}
	return j
}

// inbox lists the texts that a phone received, in order.
func (w *world) inbox(number string) []string {
	w.t.Helper()
	var texts []string
	for after := int64(0); ; {
		list, err := w.server.Inbox(w.t.Context(), number, after, 1000)
		w.must(err)
		for _, m := range list {
			after = m.Seq
			if !m.FromMe {
				texts = append(texts, m.Text)
			}
		}
		if len(list) == 0 {
			return texts
		}
	}
}

// history lists the texts that a session received, in the order of arrival.
func (w *world) history(id string) []string {
	w.t.Helper()
	var texts []string
	rows, _, err := w.db.Messages(w.t.Context(), store.MessageQuery{Session: id, Limit: 1000})
	w.must(err)
	for _, m := range slices.Backward(rows) {
		if !m.Outgoing && m.Text != "" {
			texts = append(texts, m.Text)
		}
	}
	return texts
}

func (w *world) got(number string, want ...string) {
	w.t.Helper()
	w.until(fmt.Sprintf("phone %s to have %s", number, abridged(want)), func() bool { return len(w.inbox(number)) >= len(want) })
	if texts := w.inbox(number); !slices.Equal(texts, want) {
		w.t.Errorf("phone %s has %s, want %s", number, abridged(texts), abridged(want))
	}
}

func (w *world) received(id string, want ...string) {
	w.t.Helper()
	w.until(fmt.Sprintf("session %s to have %s", id, abridged(want)), func() bool { return len(w.history(id)) >= len(want) })
	if texts := w.history(id); !slices.Equal(texts, want) {
		w.t.Errorf("session %s has %s, want %s", id, abridged(texts), abridged(want))
	}
}

func abridged(texts []string) string {
	if len(texts) > 12 {
		return fmt.Sprintf("%d texts: %s …", len(texts), strings.Join(texts[:12], ", "))
	}
	return fmt.Sprintf("%q", texts)
}

// texts sends texts from a phone to a number.
func (w *world) texts(from, to string, texts ...string) {
	w.t.Helper()
	for _, text := range texts {
		_, err := w.server.Send(w.t.Context(), from, api.SandboxMessage{To: to, Type: "text", Text: text})
		w.must(err)
	}
}

func (w *world) fault(kind, number string) {
	w.t.Helper()
	w.must(w.server.Fault(w.t.Context(), api.SandboxFault{Kind: kind, Phone: number}))
}
