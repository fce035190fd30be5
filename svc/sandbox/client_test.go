package sandbox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/store/sqlstore"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	waLog "go.mau.fi/whatsmeow/util/log"
	"google.golang.org/protobuf/proto"

	"wamux/api"
)

// patience is how long a test waits for something that must happen.
const patience = 20 * time.Second

// world is a server with its state file; it can be stopped and started again.
type world struct {
	*Server
	t    testing.TB
	path string
	addr string
	ca   []byte
}

// roots serialises worlds: the key that clients trust is a variable of their library.
var roots sync.Mutex

func newWorld(t testing.TB) *world {
	t.Helper()
	return openWorld(t, filepath.Join(t.TempDir(), "sandbox.db"))
}

// openWorld starts a server on a state file.
func openWorld(t testing.TB, path string) *world {
	t.Helper()
	roots.Lock()
	t.Cleanup(roots.Unlock)
	w := &world{t: t, path: path}
	w.start()
	t.Cleanup(func() {
		if unknown := w.Unknown(); len(unknown) > 0 {
			t.Errorf("stanzas the server did not know: %q", unknown)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) start() {
	w.t.Helper()
	s, err := Start(w.t.Context(), Options{Path: w.path, Listen: w.addr, Log: testLog(w.t)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.Server, w.addr, w.ca = s, s.Endpoint(), s.CAPEM()
	if key := [32]byte(s.RootKey()); whatsmeow.WACertPubKey != key { // a restart keeps it, and clients read it meanwhile
		whatsmeow.WACertPubKey = key
	}
}

// restart closes the server and starts it again on the same file and address.
func (w *world) restart() {
	w.t.Helper()
	if err := w.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.start()
}

func testLog(t testing.TB) *slog.Logger {
	if !testing.Verbose() {
		return nil
	}
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

func (w *world) phone(number string) api.SandboxPhone {
	w.t.Helper()
	p, err := w.AddPhone(w.t.Context(), number, "Name "+number)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// send lets a phone send a text.
func (w *world) send(from, to, text string) string {
	w.t.Helper()
	sent, err := w.Send(w.t.Context(), from, api.SandboxMessage{To: to, Type: "text", Text: text})
	if err != nil {
		w.t.Fatal(err)
	}
	return sent.ID
}

// inbox waits until a phone's inbox has a row that fits.
func (w *world) inbox(number string, fits func(api.SandboxReceived) bool) api.SandboxReceived {
	w.t.Helper()
	var found api.SandboxReceived
	w.until("a message in the inbox of "+number, func() bool {
		rows, err := w.Inbox(w.t.Context(), number, 0, 0)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range rows {
			if fits(r) {
				found = r
				return true
			}
		}
		return false
	})
	return found
}

// until waits for a condition that nothing announces.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			w.dump()
			w.t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (w *world) dump() {
	if w.Server == nil {
		return
	}
	stanzas, _ := w.Traffic(context.Background(), "", 0, 0)
	for _, s := range stanzas[max(0, len(stanzas)-60):] {
		w.t.Logf("%d %s %s %s", s.Seq, s.Phone, s.Direction, s.XML)
	}
}

// client is an unmodified whatsmeow with its own store.
type client struct {
	*whatsmeow.Client
	w      *world
	t      testing.TB
	db     *sql.DB
	events chan any
}

func (w *world) client() *client {
	w.t.Helper()
	return w.clientAt(filepath.Join(w.t.TempDir(), "client.db"))
}

// clientAt opens a client on its database.
func (w *world) clientAt(path string) *client {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_txlock=immediate")
	if err != nil {
		w.t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	w.t.Cleanup(func() { db.Close() })
	c := &client{w: w, t: w.t, db: db}
	c.open()
	return c
}

// open makes the client out of its store, as after a restart of its process.
func (c *client) open() {
	c.t.Helper()
	container := sqlstore.NewWithDB(c.db, "sqlite3", quiet())
	if err := container.Upgrade(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	device, err := container.GetFirstDevice(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	cli := whatsmeow.NewClient(device, quiet())
	h := &http.Client{Transport: c.w.transport()}
	cli.SetWebsocketHTTPClient(h)
	cli.SetPreLoginHTTPClient(h)
	cli.SetMediaHTTPClient(h)
	cli.SynchronousAck = true
	cli.EnableDecryptedEventBuffer = true
	cli.RefreshCAT = func(context.Context) error { return errors.New("no such credentials") } // without it a 413 ends the process
	// The library's own reconnecting races with itself (exsync.Event.GetChan) while a request waits for the connection.
	cli.EnableAutoReconnect = false
	c.Client, c.events = cli, make(chan any, 4096)
	heard := c.events
	cli.AddEventHandler(func(e any) {
		if _, ok := e.(*events.Disconnected); ok {
			go c.reconnect(cli)
		}
		heard <- e
	})
	c.t.Cleanup(cli.Disconnect)
}

// reconnect connects again, as soon as there is a server.
func (c *client) reconnect(cli *whatsmeow.Client) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if cli.Connect() == nil {
				return
			}
		case <-c.t.Context().Done():
			return
		}
	}
}

func quiet() waLog.Logger {
	if level := os.Getenv("WA_LOG"); level != "" {
		return waLog.Stdout("wa", level, false)
	}
	return waLog.Noop
}

func (w *world) transport() *http.Transport {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(w.ca)
	addr := w.addr
	return &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		},
	}
}

// wait takes events until one is of type T and fits; the others are dropped.
func wait[T any](c *client, fits func(T) bool) T {
	c.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case e := <-c.events:
			if v, ok := e.(T); ok && (fits == nil || fits(v)) {
				return v
			}
		case <-deadline:
			c.w.dump()
			var v T
			c.t.Fatalf("waited in vain for %T", v)
		}
	}
}

func (c *client) connect() {
	c.t.Helper()
	if err := c.Connect(); err != nil {
		c.t.Fatal(err)
	}
}

// pair links the client to a phone by QR code and waits until it is online and has the app-state key.
func (c *client) pair(number string) {
	c.t.Helper()
	c.connect()
	qr := wait[*events.QR](c, nil)
	if err := c.w.Scan(c.t.Context(), number, qr.Codes[0]); err != nil {
		c.t.Fatal(err)
	}
	c.paired()
}

// paired waits until the client is online and has read all of the app state, which come in any order.
func (c *client) paired() {
	c.t.Helper()
	online, synced := false, false
	wait(c, func(e any) bool {
		switch e := e.(type) {
		case *events.Connected:
			online = true
		case *events.AppStateSyncComplete:
			synced = synced || e.Name == appstate.AllPatchNames[len(appstate.AllPatchNames)-1]
		}
		return online && synced
	})
}

// insist sends a text under a fixed id until the server has it or the test ends.
func (c *client) insist(to, id, text string) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for c.t.Context().Err() == nil {
		<-tick.C
		if !c.IsLoggedIn() {
			continue
		}
		_, err := c.SendMessage(c.t.Context(), user(to), &waE2E.Message{Conversation: proto.String(text)}, whatsmeow.SendRequestExtra{ID: id})
		if err == nil {
			return
		}
	}
}

// text sends a text and returns its id.
func (c *client) text(to, text string, extra ...whatsmeow.SendRequestExtra) string {
	c.t.Helper()
	r, err := c.SendMessage(c.t.Context(), user(to), &waE2E.Message{Conversation: proto.String(text)}, extra...)
	if err != nil {
		c.t.Fatal(err)
	}
	return r.ID
}

// hears waits for a text message.
func (c *client) hears(text string) *events.Message {
	c.t.Helper()
	return wait(c, func(m *events.Message) bool { return textOf(m.Message) == text })
}

func textOf(m *waE2E.Message) string {
	if m.GetConversation() != "" {
		return m.GetConversation()
	}
	return m.GetExtendedTextMessage().GetText()
}

func user(number string) types.JID { return types.NewJID(number, types.DefaultUserServer) }

func withText(text string) func(api.SandboxReceived) bool {
	return func(r api.SandboxReceived) bool { return r.Text == text }
}

// byLIDJID is the LID of a phone.
func (w *world) byLIDJID(number string) types.JID {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.byNumber[number].lidJID()
}
