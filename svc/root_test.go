package svc_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// scenario is one call to the running program and the answer it must give.
type scenario struct {
	name   string
	method string
	path   string
	body   any
	status int
	noKey  bool
	key    string // instead of the right one
	async  bool   // the caller does not wait: Prefer: respond-async
}

// TestRootAPI walks every row of the root API, good and bad answers, against
// the running program; the bodies are golden files.
func TestRootAPI(t *testing.T) {
	t.Parallel()
	g := start(t, t.TempDir(), []string{"MAX_SESSIONS=2"}, "run", "--sandbox")
	g.play(beforePairing())
	g.pair("shop", ours)
	g.phone(theirs)
	eventually(t, "the account's name from the phone", func() bool {
		me := must[struct{ Me struct{ Name string } }](g, 200, "GET", "/v1/sessions/shop", nil).Me
		return me.Name == "Phone "+ours
	})
	g.play(whileOnline())
	eventually(t, "delivery receipt", func() bool { return g.history("shop")[0].Metadata["status"] == "delivered" })
	g.play(atTheEnd())
}

func beforePairing() []scenario {
	return []scenario{
		{name: "status-no-key", method: "GET", path: "/status", status: 200, noKey: true},
		{name: "status-empty", method: "GET", path: "/status", status: 200},
		{name: "sessions-no-key", method: "GET", path: "/sessions", status: 401, noKey: true},
		{name: "sessions-wrong-key", method: "GET", path: "/sessions", status: 401, key: "wrong"},
		{name: "sessions-empty", method: "GET", path: "/sessions", status: 200},
		{name: "add-bad-id", method: "POST", path: "/sessions/add", body: object{"sessionId": "a b"}, status: 400},
		{name: "add-reserved-id", method: "POST", path: "/sessions/add", body: object{"sessionId": "status"}, status: 400},
		{name: "add-no-id", method: "POST", path: "/sessions/add", body: object{}, status: 400},
		{name: "add-no-json", method: "POST", path: "/sessions/add", body: "{", status: 400},
		{name: "qr-no-id", method: "GET", path: "/qr", status: 400},
		{name: "qr-unknown", method: "GET", path: "/qr?sessionId=nobody", status: 404},
		{name: "session-unknown", method: "GET", path: "/sessions/nobody", status: 404},
		{name: "session-bad-id", method: "GET", path: "/sessions/a%20b", status: 400},
		{name: "session-status-unknown", method: "GET", path: "/sessions/nobody/status", status: 200},
		{name: "session-qr-unknown", method: "GET", path: "/sessions/nobody/qr", status: 404},
		{name: "credentials-unknown", method: "GET", path: "/sessions/nobody/credentials", status: 404},
		{name: "delete-unknown", method: "DELETE", path: "/sessions/nobody", status: 404},
		{name: "send-unknown", method: "POST", path: "/nobody/messages/send", body: text(theirs, "x"), status: 400},
		{name: "route-unknown", method: "GET", path: "/no/such/route/here", status: 404},
		{name: "wrong-method", method: "PUT", path: "/sessions", status: 405},
		{name: "history-empty", method: "GET", path: "/sessions-history", status: 200},
		{name: "healthz", method: "GET", path: "/healthz", status: 200, noKey: true},
		{name: "add", method: "POST", path: "/sessions/add", body: object{"sessionId": "idle", "browser": []string{"a"}}, status: 200},
		{name: "add-again", method: "POST", path: "/sessions/add", body: object{"sessionId": "idle"}, status: 200},
		{name: "qr", method: "GET", path: "/qr?sessionId=idle", status: 200},
		{name: "session-qr", method: "GET", path: "/sessions/idle/qr", status: 200},
		{name: "session-status-qr", method: "GET", path: "/sessions/idle/status", status: 200},
		{name: "credentials-not-yet", method: "GET", path: "/sessions/idle/credentials", status: 400},
		{name: "send-not-yet", method: "POST", path: "/idle/messages/send", body: text(theirs, "x"), status: 400},
	}
}

func whileOnline() []scenario {
	send := func(body any) scenario {
		return scenario{method: "POST", path: "/shop/messages/send", body: body}
	}
	named := func(name string, status int, s scenario) scenario {
		s.name, s.status = name, status
		return s
	}
	return []scenario{
		{name: "add-too-many", method: "POST", path: "/sessions/add", body: object{"sessionId": "third"}, status: 429},
		{name: "add-logged-in", method: "POST", path: "/sessions/add", body: object{"sessionId": "shop"}, status: 200},
		{name: "status", method: "GET", path: "/status", status: 200},
		{name: "sessions", method: "GET", path: "/sessions", status: 200},
		{name: "session", method: "GET", path: "/sessions/shop", status: 200},
		{name: "session-status", method: "GET", path: "/sessions/shop/status", status: 200},
		{name: "session-qr-logged-in", method: "GET", path: "/sessions/shop/qr", status: 200},
		{name: "qr-logged-in", method: "GET", path: "/qr?sessionId=shop", status: 200},
		{name: "credentials", method: "GET", path: "/sessions/shop/credentials", status: 200},
		named("send-text", 200, send(text(theirs, "hello"))),
		named("send-jid", 200, send(object{"jid": theirs + "@s.whatsapp.net", "type": "jid", "message": object{"text": "hello jid"}})),
		named("send-no-jid", 400, send(object{"message": object{"text": "x"}})),
		named("send-no-message", 400, send(object{"jid": theirs})),
		named("send-unknown-kind", 400, send(object{"jid": theirs, "message": object{"hologram": object{}}})),
		named("send-leading-zero", 400, send(text("081234", "x"))),
		named("send-bad-jid", 400, send(object{"jid": "a@b@c", "type": "jid", "message": object{"text": "x"}})),
		named("send-no-account", 500, send(text("6289999999999", "nobody there"))),
		named("send-hostile-url", 500, send(object{"jid": theirs, "type": "number", "message": object{"image": object{"url": "http://169.254.169.254/latest"}}})),
		named("send-bad-base64", 400, send(object{"jid": theirs, "type": "number", "message": object{"image": object{"type": "Buffer", "data": "%%%"}}})),
		named("send-no-json", 400, send("[")),
		{name: "chats-bad-limit", method: "GET", path: "/shop/chats?limit=many", status: 400},
		{name: "chats-unknown-session", method: "GET", path: "/nobody/chats", status: 404},
		{name: "sessions-history", method: "GET", path: "/sessions-history?page=1&limit=1", status: 200},
	}
}

func atTheEnd() []scenario {
	return []scenario{
		{name: "chats", method: "GET", path: "/shop/chats?page=1&limit=25", status: 200},
		{name: "chats-jid", method: "GET", path: "/shop/chats/" + theirs + "@s.whatsapp.net?limit=1", status: 200},
		{name: "chats-nobody", method: "GET", path: "/shop/chats/6280000000000", status: 200},
		{name: "delete", method: "DELETE", path: "/sessions/shop", status: 200},
		{name: "delete-again", method: "DELETE", path: "/sessions/shop", status: 404},
	}
}

func (g *gateway) play(scenarios []scenario) {
	for _, s := range scenarios {
		key := g.key
		if s.noKey {
			g.key = ""
		} else if s.key != "" {
			g.key = s.key
		}
		req := g.request(s.method, s.path, s.body)
		g.key = key
		if s.async {
			req.Header.Set("Prefer", "respond-async")
		}
		a := g.do(req)
		status, answer := a.status, a.body
		if retry := a.header.Get("Retry-After"); (retry != "") != (status == 429 && s.key == "" || status == 408) && s.name != "add-too-many" {
			g.t.Errorf("%s: got %d with Retry-After %q", s.name, status, retry)
		}
		if status != s.status {
			g.t.Errorf("%s: got %d %s, want %d", s.name, status, tail(string(answer), 300), s.status)
		}
		g.golden(s.name, fmt.Sprintf("%d %s\n%s\n", status, http.StatusText(status), settled(answer)))
	}
}

func (g *gateway) golden(name, got string) {
	g.t.Helper()
	file := filepath.Join("testdata", "root", name+".txt")
	if *update {
		os.MkdirAll(filepath.Dir(file), 0o755)
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			g.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		g.t.Errorf("%s: no golden file; run with -update and read what it writes", name)
	} else if got != string(want) {
		g.t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

// settled is the body indented, with what differs from run to run named.
func settled(answer []byte) string {
	var v any
	if json.Unmarshal(answer, &v) != nil {
		return string(answer)
	}
	pretty, _ := json.MarshalIndent(v, "", "  ")
	text := string(pretty)
	for _, r := range volatile {
		text = r.find.ReplaceAllString(text, r.name)
	}
	return strings.TrimSpace(text)
}

var volatile = []struct {
	find *regexp.Regexp
	name string
}{
	{regexp.MustCompile(`data:image/png;base64,[A-Za-z0-9+/=]{200,}`), "<png>"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`), "<time>"},
	{regexp.MustCompile(`"(id|messageId)": "3EB0[0-9A-F]+"`), `"$1": "<id>"`},
	{regexp.MustCompile(`"messageTimestamp": "?\d{10}"?`), `"messageTimestamp": <unix>`},
	{regexp.MustCompile(`"(senderTimestampMs|timestampMs)": "\d+"`), `"$1": "<millis>"`},
	{regexp.MustCompile(`"(messageSecret|reportingToken|JPEGThumbnail|jpegThumbnail|mediaKey|fileEncSha256)": "[^"]+"`), `"$1": "<bytes>"`},
	{regexp.MustCompile(`"(id|batchId|jobId)": "(batch|job)_[a-z0-9]+"`), `"$1": "<id>"`},
	{regexp.MustCompile(`120363[1-9]\d+@g\.us`), "<group>"},
	{regexp.MustCompile(`in \d+ seconds`), "in <n> seconds"},
	{regexp.MustCompile(`"stanzaId": "3A[0-9A-F]+"`), `"stanzaId": "<id>"`},
	{regexp.MustCompile(`"(url|directPath)": "[^"]+"`), `"$1": "<address>"`},
	{regexp.MustCompile(`"mediaKeyTimestamp": "?\d{10}"?`), `"mediaKeyTimestamp": <unix>`},
	{regexp.MustCompile(`https://[^"]+\.jpg[^"]*`), "<picture>"},
	{regexp.MustCompile(`\d{10,}@lid`), "<lid>"},
}
