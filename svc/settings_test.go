package svc_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSettings runs wamux with a .env file as an operator of the old service has it, and looks at what each line does.
func TestSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	dotenv := `# of the old service
NODE_ENV=production
DATABASE_URL="file:./dev2.db?connection_limit=1"
MAX_SESSIONS=1
MAX_FILE_SIZE=65536
ALLOWED_FILE_TYPES=image/png,pdf
CORS_ORIGIN=*,https://other.example.com,https://app.example.com
WEBHOOK_URL=https://hooks.example.com/canary
WEBHOOK_SECRET="canary"
LOG_FILE=./wamux.log
RATE_LIMIT_MAX_REQUESTS=300
RATE_LIMIT_WINDOW_MS=3600000
`
	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte(dotenv), 0o600); err != nil {
		t.Fatal(err)
	}
	g := start(t, dir, []string{"API_KEYS=first-key,second-key"}, "run", "--sandbox")
	g.pair("shop", ours)

	t.Run("Database", func(t *testing.T) {
		if _, err := os.Stat(filepath.Join(dir, "dev2.db")); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "admin.key")); err == nil {
			t.Error("admin.key was made beside API_KEYS")
		}
	})
	t.Run("MaxSessions", func(t *testing.T) {
		g.says(t, g.ask("POST", "/sessions/add", `{"sessionId":"other"}`), 429, "Maximum number of sessions reached (1)")
	})
	t.Run("FileTypes", func(t *testing.T) {
		g.says(t, g.ask("POST", "/shop/messages/send", fileBody(t, "\xff\xd8\xff\xe0 a cat")), 415, `{"success":false,"message":"Files of the type image/jpeg may not be sent from here"}`)
		g.says(t, g.ask("POST", "/shop/messages/send", fileBody(t, "%PDF-1.7 a page")), 200, `"success":true`)
	})
	t.Run("FileSize", func(t *testing.T) {
		g.says(t, g.ask("POST", "/shop/messages/send", fileBody(t, "%PDF-1.7"+strings.Repeat("x", 65536))), 413, "larger than 65536 bytes")
	})
	t.Run("CORS", func(t *testing.T) {
		if got := g.ask("GET", "/healthz", "").Header.Get("Access-Control-Allow-Origin"); got != "https://app.example.com" {
			t.Errorf("got %q", got)
		}
		if !strings.Contains(g.log.String(), "note: CORS_ORIGIN (.env) holds *") {
			t.Error("nobody is told that * has no effect")
		}
	})
	t.Run("RateLimit", func(t *testing.T) { rateLimited(t, g) })
	t.Run("Log", func(t *testing.T) { logged(t, g) })
}

// ask is a request from the web page that may call; the caller reads and closes the body.
func (g *gateway) ask(method, path, body string) *http.Response {
	g.t.Helper()
	req, err := http.NewRequest(method, g.url+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("x-api-key", g.key)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", "https://app.example.com")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func (g *gateway) says(t *testing.T, resp *http.Response, status int, part string) {
	t.Helper()
	body := new(strings.Builder)
	if err := resp.Write(body); err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != status || !strings.Contains(body.String(), part) {
		t.Errorf("got %s, want %d with %s", tail(body.String(), 500), status, part)
	}
}

func fileBody(t *testing.T, data string) string {
	t.Helper()
	file := object{"document": object{"type": "Buffer", "data": []byte(data)}, "fileName": "page.pdf"}
	if !strings.HasPrefix(data, "%PDF") {
		file = object{"image": file["document"]}
	}
	body, err := json.Marshal(object{"jid": ours, "type": "number", "message": file})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// rateLimited uses up the first key: the second one goes on, and so does the question whether the process lives.
func rateLimited(t *testing.T, g *gateway) {
	limited := false
	for range 300 {
		limited = limited || g.ask("GET", "/sessions", "").StatusCode == 429
	}
	resp := g.ask("GET", "/v1/sessions", "")
	if wait := resp.Header.Get("Retry-After"); !limited || len(wait) != 4 {
		t.Errorf("got limited %v and Retry-After %q, want most of an hour", limited, wait)
	}
	g.says(t, resp, 429, `"code":"too_many_requests"`)
	g.says(t, g.ask("GET", "/sessions", ""), 429, `{"success":false,"message":"Too many requests`)
	g.says(t, g.ask("GET", "/healthz", ""), 200, "ok")
	g.key = "second-key"
	g.says(t, g.ask("GET", "/sessions", ""), 200, "shop")
	g.key = "first-key"
}

// logged looks into LOG_FILE, before and after a second start.
func logged(t *testing.T, g *gateway) {
	name := filepath.Join(g.dir, "wamux.log")
	g.stop()
	first, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(first) != g.log.String() {
		t.Errorf("the file holds %d bytes, standard error had %d", len(first), len(g.log.String()))
	}
	for _, part := range []string{"note: WEBHOOK_URL (.env) has no effect yet", "note: WEBHOOK_SECRET (.env) has no effect yet", "level=DEBUG msg=request"} {
		if !strings.Contains(string(first), part) {
			t.Errorf("the log has no %q", part)
		}
	}
	for _, secret := range []string{"canary", "first-key", "second-key"} {
		if strings.Contains(string(first), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v %v, want 0600", info.Mode(), err)
	}
	g.begin()
	if both, err := os.ReadFile(name); err != nil || !strings.HasPrefix(string(both), string(first)) || len(both) == len(first) {
		t.Errorf("got %d bytes %v after the second start, want the first %d and more", len(both), err, len(first))
	}
}
