package svc

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"wamux/store"
)

// remote is the running gateway as a command sees it: its API, with an admin key.
type remote struct {
	url  string // as people know it
	base string // of the URLs of calls
	key  string
	http *http.Client // knows no proxy: the key stays on this machine

	anew func() *remote // where it is now, as announced; nil when that was not read from an announcement
}

// socketScheme begins the address of a gateway that has a socket only.
const socketScheme = "unix:"

// remoteAt takes what the gateway announced: a URL, with the pin of its certificate behind a #, or unix: and a path.
func remoteAt(announced, key string) *remote {
	url, pin, _ := strings.Cut(announced, "#")
	r, way := &remote{url: url, base: url, key: key}, &http.Transport{}
	if path, ok := strings.CutPrefix(announced, socketScheme); ok {
		r.url, r.base = announced, "http://localhost"
		way.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
	}
	if pin != "" {
		way.TLSClientConfig = pinned(pin)
	}
	r.http = &http.Client{Transport: way}
	return r
}

// pinned trusts exactly the certificate that the gateway announced, in a file that only this user can write, whatever its names
// and whoever signed it.
func pinned(pin string) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true, VerifyConnection: func(state tls.ConnectionState) error {
		if got := pinOf(state.PeerCertificates[0]); got != pin {
			return errOtherCertificate
		}
		return nil
	}}
}

// errOtherCertificate ends a handshake before anything is asked.
var errOtherCertificate = errors.New("this is not the certificate of the gateway")

// live does the work of a command through the API of the gateway that runs with
// the configured database.
func (p program) live(c Config, work func(*remote) error) int {
	r, err := c.running()
	if err == nil {
		err = work(r)
	}
	return p.ended(err)
}

// running finds the gateway that has the database open. It does not touch the
// database itself, and so asks for no passphrase.
func (c Config) running() (*remote, error) {
	if _, held := store.Holder(c.Database); held {
		return c.reach()
	}
	return nil, &store.Error{Name: "not_running", Message: "no gateway is running with " + c.Database,
		Hint: c.perhaps("start it with `wamux run`, or name its database with --database")}
}

// perhaps is a hint for a database that is not in use, or not there: this one, or
// that somebody else's is meant.
func (c Config) perhaps(hint string) string {
	if _, held := store.Holder(sandboxDatabase); held && !c.Sandbox {
		return "a gateway with the sandbox runs here: add --sandbox"
	}
	if other := serviceHint(thisHost()); other != "" && c.givenAs["DATABASE_URL"] == "default" && !c.Sandbox {
		return other
	}
	return hint
}

// onFile does the work of a command on the database: with live when a gateway
// has the file open, through its API, else with idle on the file itself, which
// it opens and closes. Either may be nil where the command cannot work so.
func (p program) onFile(ctx context.Context, c Config, idle func(*store.DB) error, live func(*remote) error) int {
	db, err := p.openFile(ctx, c)
	switch {
	case store.ErrorCode(err) == store.CodeLocked && live != nil:
		r, err := c.reach()
		if err == nil {
			err = live(r)
		}
		return p.ended(err)
	case err != nil:
		return p.ended(err)
	case idle == nil:
		return p.ended(errors.Join(db.Close(), &store.Error{Message: "no gateway is running", Hint: "start it with `wamux run`, then call this again"}))
	}
	err = idle(db)
	return p.ended(errors.Join(err, db.Close()))
}

// ended tells how a command went, and returns its exit code.
func (p program) ended(err error) int {
	if err == nil {
		return exitOK
	}
	return p.failStart(err)
}

// openFile opens a database that is there already: a command makes none. Sealed
// values are opened with the configured key and stay in the form they have.
func (p program) openFile(ctx context.Context, c Config) (*store.DB, error) {
	privateFiles()
	if _, err := os.Stat(c.Database); err != nil {
		return nil, &store.Error{Code: store.CodeNotFound, Message: c.Database + " is not there", Hint: c.perhaps("name the database with DATABASE_URL or --database"), Err: err}
	}
	return store.Open(ctx, store.Options{Path: c.Database, Log: quietLog(p.stderr), Unlock: c.keys.read, Still: true, History: c.History})
}

// reach finds the gateway that has the database open, and a key for it.
func (c Config) reach() (*remote, error) {
	url := store.Announced(c.Database)
	if url == "" {
		return nil, &store.Error{Message: "another wamux uses the database and serves no API", Hint: "wait until it has started or ended, then call this again"}
	}
	if len(c.APIKeys) > 0 {
		return c.announced(url, c.APIKeys[0]), nil
	}
	key, err := os.ReadFile(filepath.Join(filepath.Dir(c.Database), "admin.key"))
	if err != nil {
		return nil, &store.Error{Message: "there is no admin key for the running gateway", Hint: "set API_KEYS to one of its keys", Err: err}
	}
	return c.announced(url, strings.TrimSpace(string(key))), nil
}

// announced is the gateway at url, which will be looked up again when its certificate was renewed since.
func (c Config) announced(url, key string) *remote {
	r := remoteAt(url, key)
	r.anew = func() *remote { return remoteAt(store.Announced(c.Database), key) }
	return r
}

// call makes one request with a JSON body, or none when in is nil, and decodes
// the answer into out, unless that is nil. An error of the gateway keeps its
// sentence and hint.
func (r *remote) call(ctx context.Context, method, path string, in, out any) error {
	body, err := r.open(ctx, method, path, "", in)
	if err != nil {
		return err
	}
	defer body.Close()
	if out == nil {
		return nil
	}
	return json.NewDecoder(body).Decode(out)
}

// open is call for answers that are no JSON, of the kind that accept names, ""
// for any. The caller closes the body.
func (r *remote) open(ctx context.Context, method, path, accept string, in any) (io.ReadCloser, error) {
	text, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	if in == nil {
		text = nil
	}
	resp, err := r.ask(ctx, method, path, accept, text)
	if errors.Is(err, errOtherCertificate) && r.anew != nil {
		now := r.anew()
		r.url, r.base, r.http = now.url, now.base, now.http
		resp, err = r.ask(ctx, method, path, accept, text)
	}
	if err != nil {
		return nil, unanswered(ctx, err)
	}
	if resp.StatusCode/100 == 2 {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	return nil, refusal(resp)
}

// ask makes one request, with a JSON body unless that is nil.
func (r *remote) ask(ctx context.Context, method, path, accept string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, r.base+path, nil)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		req.Header.Set("Content-Type", "application/json")
	}
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	req.Header.Set("Authorization", "Bearer "+r.key)
	return r.http.Do(req)
}

// unanswered is the error of a request that got no answer: the person's own, who
// ended the command, or the gateway's.
func unanswered(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &store.Error{Message: "the running gateway does not answer", Hint: "look at its log, and try again", Err: err}
}

// refusal is what the gateway said instead of doing it.
func refusal(resp *http.Response) error {
	var said struct{ Detail, Message, Hint, Code string } // health has its sentence in message
	err := json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&said)
	if said.Detail = cmp.Or(said.Detail, said.Message); err != nil || said.Detail == "" {
		said.Detail = "the running gateway answered " + resp.Status
	}
	if said.Hint == "" && said.Code == "session_not_found" {
		said.Hint = "`wamux sessions` lists them"
	}
	return &store.Error{Name: said.Code, Message: said.Detail, Hint: said.Hint}
}

// quietLog is the log of a command: only what a person should know.
func quietLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn}))
}
