package api_test

import (
	"context"
	"encoding/base64"
	"net/http/httptest"
	"strings"
	"testing"

	"wamux/store"
)

const sendPath = "/shop/messages/send"

func without(header string) map[string]string { return map[string]string{header: ""} }

// TestRootSessions walks the rows about sessions, good and bad.
func TestRootSessions(t *testing.T) {
	stuck := func(w *world) { w.sessions.stuck = true }
	run(t, []scenario{
		{name: "healthz", method: "GET", path: "/healthz", header: without("X-Api-Key"), status: 200, golden: true},
		{name: "status", method: "GET", path: "/status", status: 200, golden: true},
		{name: "status-no-key", method: "GET", path: "/status", header: without("X-Api-Key"), status: 200, golden: true, wantNot: []string{"shop"}},
		{name: "status-wrong-key", method: "GET", path: "/status", header: map[string]string{"X-Api-Key": "wrong"}, status: 200, wantNot: []string{"shop"}},
		{name: "sessions", method: "GET", path: "/sessions", status: 200, golden: true},
		{name: "sessions-no-key", method: "GET", path: "/sessions", header: without("X-Api-Key"), status: 401, golden: true},
		{name: "sessions-wrong-key", method: "GET", path: "/sessions", header: map[string]string{"X-Api-Key": "wrong"}, status: 401, golden: true},
		{name: "sessions-key-in-query", method: "GET", path: "/sessions?x-api-key=" + adminKey, header: without("X-Api-Key"), status: 401},
		{name: "sessions-history", method: "GET", path: "/sessions-history?page=2&limit=2", status: 200, golden: true},
		{name: "sessions-history-bad-page", method: "GET", path: "/sessions-history?page=two", status: 400, golden: true},
		{name: "session", method: "GET", path: "/sessions/shop", status: 200, golden: true},
		{name: "session-head", method: "HEAD", path: "/sessions/shop", status: 200},
		{name: "session-unknown", method: "GET", path: "/sessions/nobody", status: 404, golden: true},
		{name: "session-bad-id", method: "GET", path: "/sessions/a%20b", status: 400, golden: true},
		{name: "session-slash-id", method: "GET", path: "/sessions/..%2f..%2fetc/status", status: 400},
		{name: "session-nul-id", method: "GET", path: "/sessions/a%00b", status: 400},
		{name: "session-status", method: "GET", path: "/sessions/shop/status", status: 200, golden: true},
		{name: "session-status-qr", method: "GET", path: "/sessions/idle/status", status: 200, golden: true},
		{name: "session-status-unknown", method: "GET", path: "/sessions/nobody/status", status: 200, golden: true},
		{name: "session-qr", method: "GET", path: "/sessions/idle/qr", status: 200, golden: true},
		{name: "session-qr-logged-in", method: "GET", path: "/sessions/shop/qr", status: 200, golden: true},
		{name: "session-qr-not-yet", method: "GET", path: "/sessions/off/qr", status: 200, golden: true},
		{name: "session-qr-unknown", method: "GET", path: "/sessions/nobody/qr", status: 404},
		{name: "qr", method: "GET", path: "/qr?sessionId=idle", status: 200, golden: true},
		{name: "qr-logged-in", method: "GET", path: "/qr?sessionId=shop", status: 200, golden: true},
		{name: "qr-not-yet", method: "GET", path: "/qr?sessionId=off", status: 200, golden: true},
		{name: "qr-no-id", method: "GET", path: "/qr", status: 400, golden: true},
		{name: "qr-unknown", method: "GET", path: "/qr?sessionId=nobody", status: 404},
		{name: "credentials", method: "GET", path: "/sessions/shop/credentials", status: 200, golden: true},
		{name: "credentials-not-yet", method: "GET", path: "/sessions/idle/credentials", status: 400, golden: true},
		{name: "credentials-unknown", method: "GET", path: "/sessions/nobody/credentials", status: 404},
		{name: "delete", method: "DELETE", path: "/sessions/idle", status: 200, golden: true, after: gone("idle")},
		{name: "delete-unknown", method: "DELETE", path: "/sessions/nobody", status: 404},
		{name: "add", method: "POST", path: "/sessions/add", body: `{"sessionId":"idle","browser":["a"]}`, status: 200, golden: true},
		{name: "add-new", method: "POST", path: "/sessions/add", body: `{"sessionId":"fresh","connectTimeoutMs":1}`, status: 200, want: []string{`"CONNECTED"`},
			before: func(w *world) { w.mustDelete("off") }},
		{name: "add-logged-in", method: "POST", path: "/sessions/add", body: `{"sessionId":"shop"}`, status: 200, golden: true},
		{name: "add-too-many", method: "POST", path: "/sessions/add", body: `{"sessionId":"fourth"}`, status: 429, golden: true},
		{name: "add-no-qr", method: "POST", path: "/sessions/add", body: `{"sessionId":"fresh"}`, status: 408, golden: true,
			before: func(w *world) { w.mustDelete("off"); stuck(w) }, after: has("Retry-After", "5")},
		{name: "add-halted", method: "POST", path: "/sessions/add", body: `{"sessionId":"off"}`, status: 503, golden: true},
		{name: "add-no-id", method: "POST", path: "/sessions/add", body: `{}`, status: 400, golden: true},
		{name: "add-bad-id", method: "POST", path: "/sessions/add", body: `{"sessionId":"a b"}`, status: 400},
		{name: "add-reserved-id", method: "POST", path: "/sessions/add", body: `{"sessionId":"healthz"}`, status: 400},
		{name: "add-no-json", method: "POST", path: "/sessions/add", body: `{"sessionId"`, status: 400, golden: true},
		{name: "add-wrong-type", method: "POST", path: "/sessions/add", body: `{"sessionId":5}`, status: 400, golden: true},
		{name: "add-array", method: "POST", path: "/sessions/add", body: `[]`, status: 400, golden: true},
		{name: "add-two-values", method: "POST", path: "/sessions/add", body: `{} {}`, status: 400},
		{name: "add-too-large", method: "POST", path: "/sessions/add", body: `{"sessionId":"` + strings.Repeat("x", 2<<20) + `"}`, status: 413, golden: true},
		{name: "add-plain-text", method: "POST", path: "/sessions/add", body: `{"sessionId":"evil"}`, header: map[string]string{"Content-Type": "text/plain"}, status: 400},
		{name: "route-unknown", method: "GET", path: "/no/such/route/here", status: 404, golden: true},
		{name: "method-wrong", method: "PUT", path: "/sessions", status: 405, golden: true, after: has("Allow", "GET, HEAD")},
		{name: "options-no-cors", method: "OPTIONS", path: "/sessions", status: 405},
	})
}

func has(header, want string) func(*testing.T, *world, *httptest.ResponseRecorder) {
	return func(t *testing.T, _ *world, rec *httptest.ResponseRecorder) {
		t.Helper()
		if got := rec.Header().Get(header); got != want {
			t.Errorf("%s: got %q, want %q", header, got, want)
		}
	}
}

func gone(id string) func(*testing.T, *world, *httptest.ResponseRecorder) {
	return func(t *testing.T, w *world, _ *httptest.ResponseRecorder) {
		t.Helper()
		if _, err := w.db.Session(context.Background(), id); store.ErrorCode(err) != store.CodeNotFound {
			t.Errorf("session %s: got %v, want not_found", id, err)
		}
	}
}

func (w *world) mustDelete(id string) {
	w.t.Helper()
	if err := w.db.DeleteSession(context.Background(), id); err != nil {
		w.t.Fatal(err)
	}
}

func message(body string) string {
	return `{"jid":"6281000000002","type":"number","message":` + body + `}`
}

// TestRootSend walks sending: each kind as it reaches the job, each mistake with its sentence.
func TestRootSend(t *testing.T) {
	jpeg := base64.StdEncoding.EncodeToString([]byte("\xff\xd8\xff\xe0 a cat"))
	ends := func(code, sentence string) func(*world) {
		return func(w *world) {
			w.sessions.job = func(j *store.Job) { j.State, j.Code, j.Error = store.JobFailed, code, sentence }
		}
	}
	send := func(name, body string, status int, want ...string) scenario {
		return scenario{name: name, method: "POST", path: sendPath, body: body, status: status, want: want}
	}
	golden := func(s scenario) scenario { s.golden = true; return s }
	before := func(s scenario, f func(*world)) scenario { s.before = f; return s }
	run(t, []scenario{
		golden(send("send-text", message(`{"text":"hello"}`), 200)),
		send("send-jid", `{"jid":"6281000000002:7@c.us","type":"jid","message":{"text":"x"}}`, 200, `"remoteJid":"6281000000002@s.whatsapp.net"`),
		send("send-no-type", `{"jid":"120363000000000000@g.us","message":{"text":"x"}}`, 200, `"remoteJid":"120363000000000000@g.us"`),
		send("send-own-id", `{"jid":"6281000000002","message":{"text":"x"},"options":{"messageId":"MYID1"}}`, 200, `"id":"MYID1"`),
		send("send-image", message(`{"image":{"type":"Buffer","data":"`+jpeg+`"},"caption":"cat"}`), 200),
		send("send-image-url", message(`{"image":{"url":"https://example.com/cat.jpg"}}`), 200),
		golden(send("send-no-jid", `{"message":{"text":"x"}}`, 400)),
		golden(send("send-no-message", `{"jid":"6281000000002","message":null}`, 400)),
		golden(send("send-unknown-kind", message(`{"hologram":{}}`), 400)),
		golden(send("send-later-kind", message(`{"sections":[],"text":"x"}`), 400)),
		send("send-poll", message(`{"poll":{"name":"?","values":["a","b"]}}`), 200),
		golden(scenario{name: "poll", method: "POST", path: "/shop/messages/poll", status: 200,
			body: `{"jid":"120363000000000000@g.us","type":"jid","name":"?","options":["a","b"],"selectableCount":1}`}),
		golden(send("send-two-kinds", message(`{"text":"x","location":{"degreesLatitude":1,"degreesLongitude":1}}`), 400)),
		golden(send("send-leading-zero", `{"jid":"0812-345","type":"number","message":{"text":"x"}}`, 400)),
		golden(send("send-bad-jid", `{"jid":"a@b@c","type":"jid","message":{"text":"x"}}`, 400)),
		golden(send("send-bad-type", `{"jid":"6281","type":"fax","message":{"text":"x"}}`, 400)),
		golden(send("send-stream", message(`{"image":{"stream":{}}}`), 400)),
		golden(send("send-bad-base64", message(`{"image":{"type":"Buffer","data":"%%%"}}`), 400)),
		golden(send("send-hostile-url", message(`{"image":{"url":"http://169.254.169.254/latest"}}`), 500)),
		golden(send("send-file-url", message(`{"image":{"url":"file:///etc/passwd"}}`), 500)),
		golden(send("send-html-image", message(`{"image":{"url":"https://example.com/page.jpg"}}`), 500)),
		golden(before(send("send-no-account", message(`{"text":"x"}`), 500), ends("not_on_whatsapp", "The number is not on WhatsApp."))),
		golden(before(send("send-given-up", message(`{"text":"x"}`), 500), func(w *world) { w.sessions.stuck = true })),
		golden(send("send-deep", message(`{"x":`+strings.Repeat("[", 20000)+strings.Repeat("]", 20000)+`}`), 400)),
		golden(send("send-long-text", message(`{"text":"`+strings.Repeat("x", 70_000)+`"}`), 400)),
		golden(send("send-too-large", message(`{"text":"`+strings.Repeat("x", 1<<20)+`"}`), 413)),
		golden(send("send-media-too-large", message(`{"document":{"type":"Buffer","data":"`+strings.Repeat("AAAA", 30_000)+`"}}`), 413)),
		{name: "send-unknown-session", method: "POST", path: "/nobody/messages/send", body: message(`{"text":"x"}`), status: 400, want: []string{"Session not found or not authenticated"}},
		{name: "send-plain-text", method: "POST", path: sendPath, body: message(`{"text":"x"}`), header: map[string]string{"Content-Type": "text/plain"}, status: 400, want: []string{"JID and message are required"}},
		{name: "send-idle", method: "POST", path: "/idle/messages/send", body: message(`{"text":"x"}`), status: 400, golden: true},
	})
}

// TestRootHistory walks chats and contacts.
func TestRootHistory(t *testing.T) {
	run(t, []scenario{
		{name: "chats", method: "GET", path: "/shop/chats", status: 200, golden: true},
		{name: "chats-cursor", method: "GET", path: "/shop/chats?limit=1", status: 200, want: []string{`"cursor":2`, `"total":2`}, wantNot: []string{"open today?"}},
		{name: "chats-older", method: "GET", path: "/shop/chats?cursor=2", status: 200, want: []string{"open today?", `"cursor":null`}, wantNot: []string{"until six"}},
		{name: "chats-jid", method: "GET", path: "/shop/chats/6281000000002@s.whatsapp.net", status: 200, want: []string{"open today?"}},
		{name: "chats-number", method: "GET", path: "/shop/chats/%2B62-8100-0000-002", status: 200, want: []string{"open today?"}},
		{name: "chats-nobody", method: "GET", path: "/shop/chats/6280000000000", status: 200, golden: true},
		{name: "chats-bad-jid", method: "GET", path: "/shop/chats/x@y", status: 400},
		{name: "chats-no-digits", method: "GET", path: "/shop/chats/--", status: 400},
		{name: "chats-bad-limit", method: "GET", path: "/shop/chats?limit=many", status: 400},
		{name: "chats-huge-cursor", method: "GET", path: "/shop/chats?cursor=99999999999999999999", status: 400},
		{name: "chats-unknown-session", method: "GET", path: "/nobody/chats", status: 404},
		{name: "contacts", method: "GET", path: "/shop/contacts?search=sar", status: 200, golden: true},
	})
}

// TestRootGroups lists groups, and tells why it cannot.
func TestRootGroups(t *testing.T) {
	fails := func(code store.Code, sentence string) func(*world) {
		return func(w *world) { w.sessions.fail = store.Errorf(code, "a_name", "%s", sentence) }
	}
	run(t, []scenario{
		{name: "groups", method: "GET", path: "/shop/groups", status: 200, golden: true},
		{name: "groups-offline", method: "GET", path: "/shop/groups", status: 503, golden: true, before: fails(store.CodeOffline, "The session is not connected")},
		{name: "groups-no-answer", method: "GET", path: "/shop/groups", status: 504, before: fails(store.CodeTimeout, "WhatsApp did not answer")},
		{name: "groups-unknown-session", method: "GET", path: "/nobody/groups", status: 404, golden: true},
		{name: "groups-no-key", method: "GET", path: "/shop/groups", header: without("X-Api-Key"), status: 401},
	})
}

// TestGivenUpJobIsTakenBack tells the two ways in which a send ends without an ack: taken back, or already on the wire.
func TestGivenUpJobIsTakenBack(t *testing.T) {
	for _, onTheWire := range []bool{false, true} {
		w := newWorld(t, nil)
		want, state := "was taken back", store.JobCancelled
		w.sessions.stuck = true
		if onTheWire {
			want, state = "it may still arrive", store.JobSending
			w.startJobs()
		}
		w.play(t, scenario{method: "POST", path: sendPath, body: message(`{"text":"x"}`), status: 500, want: []string{"Failed to send message", want}})
		if got := w.lastJob(); got != string(state) {
			t.Errorf("on the wire %v: job is %s, want %s", onTheWire, got, state)
		}
	}
}
