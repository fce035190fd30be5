package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wamux/api"
	"wamux/store"
)

// TestHosts answers loopback and configured names, and nothing that only looks like them.
func TestHosts(t *testing.T) {
	w := newWorld(t, nil)
	for host, status := range map[string]int{
		"localhost": 200, "LOCALHOST:3000": 200, "127.0.0.1:3000": 200, "[::1]:3000": 200, "127.8.9.1": 200, "wamux.example": 200, "WAMUX.example:80": 200,
		"evil.example": 403, "127.0.0.1.evil.example": 403, "localhost.evil.example": 403, "wamux.example.evil": 403, "10.0.0.1": 403, "": 403, "0.0.0.0": 403, "evil.example:localhost": 403,
	} {
		r := scenario{method: "GET", path: "/sessions"}.request()
		r.Host = host
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		if rec.Code != status {
			t.Errorf("host %q: got %d, want %d", host, rec.Code, status)
		}
	}
}

// TestOrigins lets no web page in, except the one that is configured.
func TestOrigins(t *testing.T) {
	evil := map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
	friend := map[string]string{"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site", "Access-Control-Request-Method": "POST"}
	add := `{"sessionId":"evil"}`
	closed, open := newWorld(t, nil), newWorld(t, func(o *api.Options) { o.CORSOrigins = []string{"https://other.example", "https://app.example"} })
	before := closed.content()
	closed.play(t, scenario{method: "POST", path: "/sessions/add", body: add, header: evil, status: 403})
	closed.play(t, scenario{method: "POST", path: "/sessions/add", body: add, header: friend, status: 403})
	closed.unchanged(t, before)
	if rec := closed.play(t, scenario{method: "GET", path: "/sessions", header: evil, status: 200}); rec.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Error("an origin is allowed without CORS_ORIGIN")
	}
	open.play(t, scenario{method: "POST", path: "/sessions/add", body: add, header: evil, status: 403})
	rec := open.play(t, scenario{method: "OPTIONS", path: "/sessions/add", header: friend, status: 204})
	if rec.Header().Get("Access-Control-Allow-Origin") != "https://app.example" || !strings.Contains(rec.Header().Get("Access-Control-Allow-Headers"), "Idempotency-Key") {
		t.Errorf("preflight: got %v", rec.Header())
	}
	if rec := open.play(t, scenario{method: "GET", path: "/sessions", header: evil, status: 200}); rec.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Error("a foreign origin is allowed")
	}
}

// TestHeaders are on every answer, errors too.
func TestHeaders(t *testing.T) {
	w := newWorld(t, nil)
	for _, path := range []string{"/sessions", "/nothing/here/at/all", "/v1/nothing"} {
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, scenario{method: "GET", path: path}.request())
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "X-Frame-Options": "DENY"} {
			if got := rec.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
}

// TestWrongKeys turns a guesser away, on every route that wants a key, and nobody else: not the right keys of the same address,
// not other addresses, and not for longer than a minute.
func TestWrongKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		_, stored, err := w.db.AddAPIKey(t.Context(), "stored", []store.Scope{store.ScopeAdmin}, nil)
		if err != nil {
			t.Fatal(err)
		}
		try := func(path, key, from string) *httptest.ResponseRecorder {
			rec, r := httptest.NewRecorder(), scenario{method: "GET", path: path, header: map[string]string{"X-Api-Key": key}}.request()
			r.RemoteAddr = from
			w.handler.ServeHTTP(rec, r)
			return rec
		}
		const here, there = "127.0.0.1:4000", "127.0.0.2:4000"
		for i := range 10 { // with and without a route that needs no key, one key again and again or always another
			if got := try("/sessions", fmt.Sprint("guess", i/2), here).Code; got != 401 {
				t.Errorf("try %d: got %d, want 401", i, got)
			}
		}
		for _, path := range []string{"/sessions", "/v1/sessions", "/v1/keys"} {
			if rec := try(path, "guess", here); rec.Code != 429 || rec.Header().Get("Retry-After") == "" {
				t.Errorf("%s with a wrong key after ten others: got %d, Retry-After %q, want 429 with one", path, rec.Code, rec.Header().Get("Retry-After"))
			}
		}
		for _, c := range []struct {
			path, key, from string
			status          int
		}{
			{"/sessions", adminKey, here, 200}, {"/v1/keys", stored, here, 200}, {"/status", "guess", here, 200},
			{"/status", adminKey, here, 200}, {"/sessions", "", here, 401}, {"/sessions", "guess", there, 401},
		} {
			if got := try(c.path, c.key, c.from).Code; got != c.status {
				t.Errorf("%s with key %q from %s after ten wrong keys: got %d, want %d", c.path, c.key, c.from, got, c.status)
			}
		}
		time.Sleep(time.Minute)
		if got := try("/sessions", "guess", here).Code; got != 401 {
			t.Errorf("a minute later: got %d, want 401", got)
		}
	})
}

// TestPairingCodeLimit asks twice in a minute.
func TestPairingCodeLimit(t *testing.T) {
	w := newWorld(t, nil)
	ask := scenario{method: "POST", path: "/v1/sessions/idle/pairing-code", body: `{"phone":"6281000000009"}`, status: 200}
	w.play(t, ask)
	ask.status, ask.want = 429, []string{"pairing_code_limit"}
	if rec := w.play(t, ask); rec.Header().Get("Retry-After") != "60" {
		t.Errorf("Retry-After: got %q, want 60", rec.Header().Get("Retry-After"))
	}
	ask.body, ask.status, ask.want = `{"phone":"6281000000008"}`, 200, nil
	w.play(t, ask)
}

// TestPairingCodeLimitCountsCodes asks again at once after failures, of which only WhatsApp's own "too many" is counted.
func TestPairingCodeLimitCountsCodes(t *testing.T) {
	for code, status := range map[store.Code]int{store.CodeRefused: 200, store.CodeOffline: 200, store.CodeTimeout: 200, store.CodeLimit: 429} {
		w := newWorld(t, nil)
		ask := scenario{method: "POST", path: "/v1/sessions/idle/pairing-code", body: `{"phone":"6281000000009"}`}
		w.sessions.fail = store.Errorf(code, "some_failure", "It did not work")
		w.status(ask)
		for range 6 { // more than there are codes in a day
			if got := w.status(ask); (got == 429) != (status == 429) {
				t.Errorf("again after %v: got %d", code, got)
			}
		}
		w.sessions.fail = nil
		if got := w.status(ask); got != status {
			t.Errorf("after %v: got %d, want %d", code, got, status)
		}
	}
}

// TestStoreErrors gives what the database says a status and keeps its words.
func TestStoreErrors(t *testing.T) {
	for _, c := range []struct {
		code   store.Code
		status int
	}{
		{store.CodeDiskFull, 507}, {store.CodeReadOnly, 507}, {store.CodeStorage, 503}, {store.CodeOffline, 503}, {store.CodeTimeout, 504}, {store.CodeRefused, 502},
	} {
		w := newWorld(t, nil)
		w.sessions.fail = &store.Error{Code: c.code, Name: "canary_name", Message: "A sentence", Err: fmt.Errorf("canary cause")}
		w.play(t, scenario{method: "POST", path: "/sessions/add", body: `{"sessionId":"shop"}`, status: c.status, want: []string{`"message":"A sentence"`}, wantNot: []string{"canary"}})
		w.play(t, scenario{method: "POST", path: "/v1/sessions/shop/stop", status: c.status, want: []string{`"detail":"A sentence"`, `"code":"canary_name"`}, wantNot: []string{"canary cause"}})
	}
	w := newWorld(t, nil)
	w.sessions.fail = fmt.Errorf("canary of a foreign library")
	w.play(t, scenario{method: "POST", path: "/v1/sessions/shop/stop", status: 500, want: []string{`"code":"internal"`}, wantNot: []string{"canary"}})
	if !strings.Contains(w.log.String(), "canary of a foreign library") {
		t.Error("the log has no cause")
	}
}

// TestPanic is a fixed sentence for the caller; the log has the rest.
func TestPanic(t *testing.T) {
	w := newWorld(t, func(o *api.Options) { o.Sandbox = panickySandbox{} })
	w.play(t, scenario{method: "GET", path: "/v1/sandbox/phones", status: 500, want: []string{`"code":"internal"`}, wantNot: []string{"canary"}})
	if !strings.Contains(w.log.String(), "canary panic") {
		t.Error("the log does not have the reason")
	}
	w.play(t, scenario{method: "GET", path: "/sessions", status: 200})
}

type panickySandbox struct{ fakeSandbox }

func (panickySandbox) Phones(context.Context) ([]api.SandboxPhone, error) { panic("canary panic") }

// TestLogHoldsNoSecrets runs many kinds of calls and looks for the key, numbers and texts in the log.
func TestLogHoldsNoSecrets(t *testing.T) {
	w := newWorld(t, nil)
	key := w.bearer("send", "shop")
	for _, s := range []scenario{
		{method: "POST", path: sendPath, body: message(`{"text":"canary text"}`), header: key, status: 200},
		{method: "POST", path: sendPath, body: message(`{"image":{"url":"http://10.0.0.1/?token=canary"}}`), header: key, status: 500},
		{method: "GET", path: "/shop/chats/6281000000002", status: 200},
		{method: "GET", path: "/sessions?x-api-key=" + adminKey, header: without("X-Api-Key"), status: 401},
		{method: "GET", path: "/sessions", header: map[string]string{"X-Api-Key": "canary-wrong"}, status: 401},
	} {
		w.play(t, s)
	}
	for _, secret := range []string{adminKey, "canary", "6281000000002", strings.TrimPrefix(key["Authorization"], "Bearer ")} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("the log holds %q:\n%s", secret, w.log)
		}
	}
}

// TestHostileIDs change nothing and get the documented error, wherever an id can stand.
func TestHostileIDs(t *testing.T) {
	w := newWorld(t, nil)
	before := w.content()
	for _, id := range []string{"..", "%2e%2e", "a%2fb", "..%5c..", "%00", "'%20OR%201=1", "a", strings.Repeat("a", 51), "sessions-history", "%F0%9F%98%80", "shop%20", "sh%0aop"} {
		for _, path := range []string{"/sessions/" + id + "/status", "/sessions/" + id + "/qr", "/" + id + "/chats", "/v1/sessions/" + id + "/messages", "/qr?sessionId=" + id} {
			w.play(t, scenario{method: "GET", path: path, status: 400, want: []string{"Invalid session ID format"}})
		}
		w.play(t, scenario{method: "POST", path: "/" + id + "/messages/send", body: message(`{"text":"x"}`), status: 400})
		w.play(t, scenario{method: "DELETE", path: "/sessions/" + id, status: 400})
	}
	w.unchanged(t, before)
}

// TestManyLargeBodies arrive at once and all get an answer.
func TestManyLargeBodies(t *testing.T) {
	w := newWorld(t, func(o *api.Options) { o.MaxFileSize, o.SendWait = 4<<20, 30*time.Second })
	server := httptest.NewServer(w.handler)
	defer server.Close()
	body := message(`{"document":{"type":"Buffer","data":"` + strings.Repeat("AAAA", 1<<19) + `"}}`)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			req, err := http.NewRequest("POST", server.URL+sendPath, strings.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("X-Api-Key", adminKey)
			req.Header.Set("Content-Type", "application/json")
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if resp.StatusCode != 200 {
				t.Errorf("got %d, want 200", resp.StatusCode)
			}
		})
	}
	wg.Wait()
}

// TestErrorsAreDocumented finds every code of the golden problems in the document.
func TestErrorsAreDocumented(t *testing.T) {
	var doc struct {
		Errors map[string]string `json:"x-errors"`
	}
	if err := json.Unmarshal(openAPI(t), &doc); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/v1-*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, body, _ := strings.Cut(string(text), "\n\n")
		var p struct{ Type, Code string }
		if strings.Contains(string(text), "problem+json") && (json.Unmarshal([]byte(body), &p) != nil || doc.Errors[p.Code] == "" || p.Type != "/docs#"+p.Code) {
			t.Errorf("%s: code %q is not in the document", file, p.Code)
		}
	}
}

// status plays a scenario and looks at nothing but the status.
func (w *world) status(s scenario) int {
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, s.request())
	return rec.Code
}
