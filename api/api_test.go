package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"wamux/api"
	"wamux/store"
)

const adminKey = "canary-admin-key"

// clock stands still, so that golden bodies hold times.
func clock() time.Time { return time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC) }

// fakeFetcher serves one picture and refuses everything else.
type fakeFetcher struct{}

func (fakeFetcher) Fetch(_ context.Context, url string, max int64) ([]byte, string, error) {
	switch {
	case strings.HasSuffix(url, "/cat.jpg"):
		return []byte("\xff\xd8\xff\xe0 a cat"), "image/jpeg", nil
	case strings.HasSuffix(url, "/page.jpg"):
		return []byte("<!DOCTYPE html><html>not found</html>"), "text/html", nil
	}
	return nil, "", &store.Error{Code: store.CodeUnprocessable, Name: "url_refused", Message: "The media URL leads where it may not", Err: errors.New("Get " + url)}
}

// world is an API over a real store.
type world struct {
	t        testing.TB
	db       *store.DB
	sessions *fakeSessions
	handler  http.Handler
	log      *bytes.Buffer
}

// newWorld has the session "shop", online, "idle", showing a QR, and "off", stopped. change may be nil.
func newWorld(t testing.TB, change func(*api.Options)) *world {
	t.Helper()
	log := &bytes.Buffer{}
	logger := slog.New(slog.NewTextHandler(&locked{b: log}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filled(t))); err != nil {
		t.Fatal(err)
	}
	db := openStore(t, dir)
	t.Cleanup(func() { db.Close() })
	w := &world{t: t, db: db, log: log, sessions: &fakeSessions{db: db, qr: map[string]string{"idle": qrText}}}
	w.wake()
	o := api.Options{
		DB: db, Sessions: w.sessions, Fetcher: fakeFetcher{}, Sandbox: fakeSandbox{}, Log: logger, Keys: []string{adminKey},
		Hosts: []string{"wamux.example"}, MaxFileSize: 64 << 10, MaxSessions: 3, QRWait: 50 * time.Millisecond, SendWait: time.Second, Version: "v0.0.0-test",
	}
	if change != nil {
		change(&o)
	}
	w.handler = api.New(o)
	return w
}

// wake puts the sessions in their states, which a closed database forgets.
func (w *world) wake() {
	w.t.Helper()
	ctx := context.Background()
	if err := errors.Join(w.sessions.change(ctx, "shop", store.StateOnline), w.sessions.change(ctx, "idle", store.StatePairing)); err != nil {
		w.t.Fatal(err)
	}
}

func openStore(t testing.TB, dir string) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), store.Options{Path: filepath.Join(dir, "wamux.db"), Log: slog.New(slog.DiscardHandler), Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// filled makes the database that every world begins with, once, and returns its folder.
func filled(t testing.TB) string {
	t.Helper()
	template.once.Do(func() {
		if template.dir, template.err = os.MkdirTemp("", "wamux-api"); template.err != nil {
			return
		}
		db := openStore(t, template.dir)
		w := &world{t: t, db: db, sessions: &fakeSessions{db: db, qr: map[string]string{}}}
		w.fill(context.Background())
		template.err = db.Close()
	})
	if template.err != nil {
		t.Fatal(template.err)
	}
	return template.dir
}

var template struct {
	once sync.Once
	dir  string
	err  error
}

// TestMain removes the template.
func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(template.dir)
	os.Exit(code)
}

func (w *world) fill(ctx context.Context) {
	w.t.Helper()
	_, err1 := w.sessions.Add(ctx, "shop")
	w.sessions.show("shop", "")
	err2 := w.db.SetIdentity(ctx, "shop", store.Identity{JID: "6281000000001@s.whatsapp.net", LID: "900000000000001@lid", Phone: "6281000000001", Name: "Shop", Platform: "android"})
	_, err3 := w.sessions.Add(ctx, "idle")
	_, _, err4 := w.db.AddSession(ctx, "off", 0)
	err5 := w.db.SetState(ctx, "off", store.StateChange{State: store.StateStopped})
	_, err6 := w.db.Record(ctx, "shop", entries()...)
	if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
		w.t.Fatal(err)
	}
}

func entries() []store.Entry {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	message := func(id, text string, outgoing bool) *store.Message {
		m := &store.Message{
			Session: "shop", Chat: "6281000000002@s.whatsapp.net", Sender: "6281000000002@s.whatsapp.net", ID: id, Phone: "6281000000002",
			Text: text, Type: "text", Outgoing: outgoing, Timestamp: at, Metadata: json.RawMessage(`{"pushName":"Sari"}`), Raw: []byte{10, 2, 'h', 'i'},
		}
		if outgoing {
			m.Sender, m.Status = "6281000000001@s.whatsapp.net", "delivered"
		}
		return m
	}
	return []store.Entry{
		{Message: message("IN1", "open today?", false), Events: []store.Event{{ID: "evt_in1", Type: "message.received", Session: "shop", Timestamp: at, Data: json.RawMessage(`{"text":"open today?"}`)}}},
		{Message: message("OUT1", "until six", true)},
		{Contact: &store.Contact{Session: "shop", ID: "6281000000002@s.whatsapp.net", Phone: "6281000000002", Name: "Sari", PushName: "sari"}},
	}
}

// locked lets the log be written by many goroutines.
type locked struct {
	mu sync.Mutex
	b  *bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// scenario is one call and the answer it must give.
type scenario struct {
	name, method, path string
	body               string
	header             map[string]string // "" removes; Host replaces the host
	status             int
	want, wantNot      []string // parts of the body
	golden             bool     // the body is a file of testdata
	before             func(*world)
	after              func(*testing.T, *world, *httptest.ResponseRecorder)
}

func (s scenario) request() *http.Request {
	r := httptest.NewRequest(s.method, s.path, strings.NewReader(s.body))
	r.Host = "localhost:3000"
	r.Header.Set("X-Api-Key", adminKey)
	if s.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range s.header {
		switch {
		case name == "Host":
			r.Host = value
		case value == "":
			r.Header.Del(name)
		default:
			r.Header.Set(name, value)
		}
	}
	return r
}

// run plays the scenarios: those that change something each in a world of their own, the others in one, which must be
// the same afterwards.
func run(t *testing.T, scenarios []scenario) {
	shared := newWorld(t, nil)
	before := shared.content()
	defer shared.unchanged(t, before)
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			w := shared
			if s.before != nil || s.method != "GET" && s.status < 400 {
				w = newWorld(t, nil)
			}
			if s.before != nil {
				s.before(w)
			}
			w.play(t, s)
		})
	}
}

func (w *world) play(t *testing.T, s scenario) *httptest.ResponseRecorder {
	t.Helper()
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, s.request())
	body := rec.Body.String()
	if rec.Code != s.status {
		t.Errorf("status: got %d %s, want %d", rec.Code, body, s.status)
	}
	for _, part := range s.want {
		if !strings.Contains(body, part) {
			t.Errorf("got %s, want %s in it", body, part)
		}
	}
	for _, part := range append(s.wantNot, adminKey, "goroutine ", "sqlite", "SQL", "json:", ".go:") {
		if strings.Contains(strings.ReplaceAll(body, "application/vnd.sqlite3", ""), part) { // a type that the document names
			t.Errorf("got %s, want no %q in it", body, part)
		}
	}
	conforms(t, s, rec)
	if s.golden {
		golden(t, s.name, rec)
	}
	if s.after != nil {
		s.after(t, w, rec)
	}
	return rec
}

// startJobs puts the next job on the wire as soon as it is there.
func (w *world) startJobs() {
	ctx, cancel := context.WithCancel(context.Background())
	w.t.Cleanup(cancel)
	go func() {
		for ctx.Err() == nil {
			news := w.db.Wrote()
			if open, err := w.db.OpenJobs(ctx, "shop", 1); err == nil && len(open) > 0 {
				_ = w.db.Update(ctx, func(tx *store.Tx) error { return tx.StartJob(open[0].ID) })
				return
			}
			select {
			case <-news:
			case <-ctx.Done():
			}
		}
	}()
}

func (w *world) lastJob() (state string) {
	w.t.Helper()
	err := w.db.View(context.Background(), func(tx *store.Tx) error {
		return tx.QueryRow("SELECT state FROM jobs ORDER BY seq DESC LIMIT 1").Scan(&state)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return state
}
