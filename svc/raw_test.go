package svc_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/store/sqlstore"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	_ "modernc.org/sqlite" // raw whatsmeow gets the same SQLite
)

// raw is the yardstick of the load driver: whatsmeow over its own store in one SQLite file, as its documentation has it,
// without REST, history, jobs or events. It runs as a process of its own and takes orders as lines of JSON.
type raw struct {
	world   string // URL of the sandbox's control API
	key     string
	devices *sqlstore.Container
	network *http.Client
	clients []*whatsmeow.Client
	online  atomic.Int64
	heard   atomic.Int64 // messages that the handlers got
	changed chan struct{}
}

// rawOrder is one line to the process, rawAnswer the line that comes back.
type rawOrder struct {
	Do       string        // pair, send, hear, online, stats
	Numbers  []string      // pair: the phones
	To       []string      // send: the recipient of each session
	Sessions int           // send: how many
	Clients  int           // send: how many goroutines
	Count    int           // send, hear, online: how many
	Gap      time.Duration // send: between the beginnings of two; 0: as fast as it goes
}

type rawAnswer struct {
	Error      string
	Took       []time.Duration // send: of each message, in no order
	Goroutines int
	Online     int
}

// rawMain is the process.
func rawMain() int {
	r, err := openRaw(os.Getenv("RAW_DATABASE"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	out := json.NewEncoder(os.Stdout)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var o rawOrder
		answer := rawAnswer{}
		if err := errors.Join(json.Unmarshal(lines.Bytes(), &o), r.obey(o, &answer)); err != nil {
			answer.Error = err.Error()
		}
		if err := out.Encode(answer); err != nil {
			return 1
		}
	}
	for _, c := range r.clients {
		c.Disconnect()
	}
	return 0
}

// openRaw opens the file with whatsmeow's own store and connects what was linked before.
func openRaw(path string) (*raw, error) {
	rootKey, err := hex.DecodeString(os.Getenv("WHATSAPP_ROOT_KEY"))
	if err != nil || len(rootKey) != 32 {
		return nil, errors.New("WHATSAPP_ROOT_KEY is no key")
	}
	whatsmeow.WACertPubKey = [32]byte(rootKey)
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)"+
		"&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)")
	if err != nil {
		return nil, err
	}
	r := &raw{world: os.Getenv("RAW_WORLD"), key: os.Getenv("RAW_KEY"), devices: sqlstore.NewWithDB(db, "sqlite3", nil), changed: make(chan struct{}, 1)}
	if err := r.devices.Upgrade(context.Background()); err != nil {
		return nil, err
	}
	if r.network, err = rawNetwork(); err != nil {
		return nil, err
	}
	known, err := r.devices.GetAllDevices(context.Background())
	if err != nil {
		return nil, err
	}
	for _, d := range known {
		c := r.client(whatsmeow.NewClient(d, nil))
		if err := c.Connect(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// rawNetwork dials the sandbox whatever host is asked for.
func rawNetwork() (*http.Client, error) {
	ca, err := os.ReadFile(os.Getenv("WHATSAPP_CA_FILE"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, os.Getenv("WHATSAPP_ENDPOINT"))
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}, nil
}

// client sets a client up and counts what it hears.
func (r *raw) client(c *whatsmeow.Client) *whatsmeow.Client {
	c.SetPreLoginHTTPClient(r.network)
	c.SetWebsocketHTTPClient(r.network)
	c.SetMediaHTTPClient(r.network)
	c.AddEventHandler(func(evt any) {
		switch evt.(type) {
		case *events.Connected:
			r.online.Add(1)
		case *events.Disconnected:
			r.online.Add(-1)
		case *events.Message:
			r.heard.Add(1)
		}
		select {
		case r.changed <- struct{}{}:
		default:
		}
	})
	r.clients = append(r.clients, c)
	return c
}

func (r *raw) obey(o rawOrder, a *rawAnswer) error {
	switch o.Do {
	case "pair":
		return r.pair(o.Numbers)
	case "send":
		took, err := r.send(o)
		a.Took = took
		return err
	case "hear":
		return r.await("messages", &r.heard, o.Count)
	case "online":
		return r.await("clients online", &r.online, o.Count)
	case "stats":
		a.Goroutines, a.Online = runtime.NumGoroutine(), int(r.online.Load())
		return nil
	}
	return fmt.Errorf("there is no order %q", o.Do)
}

// await waits until a counter has reached count, and starts it anew when it counts what was heard.
func (r *raw) await(what string, n *atomic.Int64, count int) error {
	end := time.After(5 * time.Minute)
	for n.Load() < int64(count) {
		select {
		case <-r.changed:
		case <-end:
			return fmt.Errorf("%d of %d %s", n.Load(), count, what)
		}
	}
	if n == &r.heard {
		n.Store(0)
	}
	return nil
}

// pair links a new device for each phone, which scans its code.
func (r *raw) pair(numbers []string) error {
	for i, number := range numbers {
		c := r.client(whatsmeow.NewClient(r.devices.NewDevice(), nil))
		codes, err := c.GetQRChannel(context.Background())
		if err != nil {
			return err
		}
		if err := c.Connect(); err != nil {
			return err
		}
		if err := r.scan(number, (<-codes).Code); err != nil {
			return err
		}
		if err := r.await("clients online", &r.online, i+1); err != nil {
			return err
		}
	}
	return nil
}

func (r *raw) scan(number, code string) error {
	body, err := json.Marshal(object{"qr": code})
	if err != nil {
		return err
	}
	req, err := http.NewRequest("POST", r.world+"/v1/sandbox/phones/"+number+"/scan", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("x-api-key", r.key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if answer, _ := io.ReadAll(resp.Body); resp.StatusCode/100 != 2 {
		return fmt.Errorf("scan: %d %s", resp.StatusCode, answer)
	}
	return nil
}

// send shares o.Count texts among the first sessions, from so many goroutines at once.
func (r *raw) send(o rawOrder) ([]time.Duration, error) {
	byJID := slices.SortedFunc(slices.Values(r.clients), func(a, b *whatsmeow.Client) int {
		return strings.Compare(a.Store.GetJID().String(), b.Store.GetJID().String())
	})
	return shared(o.Sessions, o.Clients, o.Count, o.Gap, func(session, n int) error {
		_, err := byJID[session].SendMessage(context.Background(), types.NewJID(o.To[session], types.DefaultUserServer),
			&waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: proto.String(fmt.Sprint("text ", n))}})
		return err
	})
}

// shared makes count calls from so many goroutines, each of which belongs to one session, and tells how long each took. With
// a gap the calls have times at which they are to begin, from which it is counted, too: who is late does not slow down the load.
func shared(sessions, clients, count int, gap time.Duration, call func(session, n int) error) ([]time.Duration, error) {
	start := time.Now()
	var next atomic.Int64
	var wait sync.WaitGroup
	took := make([][]time.Duration, clients)
	errs := make([]error, clients)
	for client := range clients {
		wait.Go(func() {
			for n := next.Add(1); n <= int64(count) && errs[client] == nil; n = next.Add(1) {
				began := time.Now()
				if gap > 0 {
					began = start.Add(time.Duration(n) * gap)
					<-time.After(time.Until(began))
				}
				errs[client] = call(client%sessions, int(n))
				took[client] = append(took[client], time.Since(began))
			}
		})
	}
	wait.Wait()
	return slices.Concat(took...), errors.Join(errs...)
}
