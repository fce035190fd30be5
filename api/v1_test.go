package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image/png"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wamux/api"
	"wamux/store"
)

// TestV1Sessions walks the resources of sessions, keys and the log, good and bad.
func TestV1Sessions(t *testing.T) {
	post := func(name, path, body string, status int, want ...string) scenario {
		return scenario{name: "v1-" + name, method: "POST", path: "/v1/" + path, body: body, status: status, want: want, golden: true}
	}
	get := func(name, path string, status int, want ...string) scenario {
		return scenario{name: "v1-" + name, method: "GET", path: "/v1/" + path, status: status, want: want, golden: true}
	}
	loose := func(s scenario) scenario { s.golden = false; return s }
	room := func(s scenario) scenario { s.before = func(w *world) { w.mustDelete("off") }; return s }
	run(t, []scenario{
		get("sessions", "sessions", 200),
		get("sessions-page", "sessions?limit=1&cursor=shop", 200, `"nextCursor":"idle"`),
		get("session", "sessions/shop", 200),
		get("session-unknown", "sessions/nobody", 404, "session_not_found"),
		get("session-bad-id", "sessions/x", 400, "session_id_invalid"),
		room(post("add", "sessions", `{"id":"fresh"}`, 201)),
		room(loose(post("add-no-id", "sessions", `{}`, 201))),
		room(post("add-stopped", "sessions", `{"id":"fresh","start":false}`, 201, `"wanted":"stopped"`)),
		loose(post("add-again", "sessions", `{"id":"shop"}`, 200)),
		post("add-too-many", "sessions", `{"id":"fourth"}`, 429, "session_limit"),
		post("add-unknown-field", "sessions", `{"idd":"x"}`, 400, `"field":"idd"`),
		post("add-wrong-type", "sessions", `{"id":7}`, 400, `"field":"id"`),
		post("add-no-body", "sessions", ``, 400),
		post("add-bad-json", "sessions", `{`, 400),
		post("add-reserved", "sessions", `{"id":"metrics"}`, 400),
		{name: "v1-add-plain", method: "POST", path: "/v1/sessions", body: `{"id":"evil"}`, header: map[string]string{"Content-Type": "text/plain"}, status: 415, golden: true},
		{name: "v1-delete", method: "DELETE", path: "/v1/sessions/idle", status: 204, after: gone("idle")},
		loose(post("start", "sessions/off/start", ``, 200, `"state":"connecting"`)),
		loose(post("stop", "sessions/shop/stop", ``, 200, `"state":"stopped"`)),
		loose(post("restart", "sessions/shop/restart", ``, 200, `"state":"connecting"`)),
		loose(post("logout", "sessions/shop/logout", ``, 200, `"state":"logged_out"`)),
		get("qr", "sessions/idle/qr", 200),
		get("qr-linked", "sessions/shop/qr", 409, "already_linked"),
		get("qr-not-ready", "sessions/off/qr?wait=1", 409, "qr_not_ready"),
		post("pairing-code", "sessions/idle/pairing-code", `{"phone":"+62 810-0000-0001"}`, 200),
		post("pairing-code-linked", "sessions/shop/pairing-code", `{"phone":"6281000000001"}`, 409),
		post("pairing-code-bad-phone", "sessions/idle/pairing-code", `{"phone":"call me"}`, 400),
		get("messages", "sessions/shop/messages?chat=6281000000002&limit=1", 200),
		get("message", "sessions/shop/messages/IN1", 200),
		get("message-unknown", "sessions/shop/messages/none", 404, "message_not_found"),
		get("job-unknown", "sessions/shop/jobs/none", 404, "job_not_found"),
		get("events-bad-after", "events?after=x", 400),
		get("route-unknown", "nothing", 404, "route_not_found"),
		loose(get("version", "version", 200, "v0.0.0-test")),
		loose(get("stats", "stats", 200, `"online":1`)),
		loose(get("openapi", "openapi.json", 200, `"3.1.0"`)),
		{name: "v1-method-wrong", method: "PATCH", path: "/v1/keys", status: 405, golden: true},
		post("key-add", "keys", `{"name":"bot","scopes":["read","send"],"sessions":["shop"]}`, 201),
		post("key-no-scope", "keys", `{"name":"bot"}`, 400, `"field":"scopes"`),
		post("key-bad-scope", "keys", `{"name":"bot","scopes":["root"]}`, 400),
		post("key-bound-admin", "keys", `{"name":"bot","scopes":["admin"],"sessions":["shop"]}`, 400),
		loose(get("keys", "keys", 200)),
		{name: "v1-key-revoke-unknown", method: "DELETE", path: "/v1/keys/none", status: 404, golden: true},
	})
}

// TestV1Send walks sending.
func TestV1Send(t *testing.T) {
	send := func(name, body string, status int, want ...string) scenario {
		return scenario{name: "v1-send-" + name, method: "POST", path: "/v1/sessions/shop/messages", body: body, status: status, want: want}
	}
	golden := func(s scenario) scenario { s.golden = true; return s }
	to := func(rest string) string { return `{"to":"+62 810-0000-0002",` + rest + `}` }
	late := golden(send("late", to(`"type":"text","text":{"body":"x"}`), 202, `"state":"queued"`))
	late.before = func(w *world) { w.sessions.stuck = true }
	refused := golden(send("refused", to(`"type":"text","text":"x"`), 502, "reachout_timelock"))
	refused.before = func(w *world) {
		w.sessions.job = func(j *store.Job) {
			j.State, j.Code, j.Error = store.JobFailed, "reachout_timelock", "WhatsApp does not let this account write to this person now."
		}
	}
	async := send("async", to(`"type":"text","text":"x"`), 202, `"job_`)
	async.header = map[string]string{"Prefer": "respond-async"}
	run(t, []scenario{
		golden(send("text", to(`"type":"text","text":{"body":"hi"}`), 200)), late, refused, async,
		send("short", to(`"type":"text","text":"hi"`), 200),
		send("lid", `{"to":"900000000000002@lid","type":"text","text":"hi"}`, 200, `"lid":"900000000000002@lid"`),
		send("image", to(`"type":"image","image":{"url":"https://example.com/cat.jpg","caption":"c"}`), 200),
		send("voice", to(`"type":"voice","voice":{"data":"T2dnUw==","seconds":2}`), 200),
		send("gif", to(`"type":"gif","gif":{"data":"AAAAGGZ0eXBtcDQy"}`), 200),
		send("location", to(`"type":"location","location":{"latitude":1,"longitude":2}`), 200),
		send("contacts", to(`"type":"contacts","contacts":{"vcards":["BEGIN:VCARD\nEND:VCARD"]}`), 200),
		send("live-location", to(`"type":"liveLocation","liveLocation":{"latitude":1,"longitude":2,"caption":"on my way"}`), 200),
		send("live-nowhere", to(`"type":"liveLocation","liveLocation":{"caption":"on my way"}`), 400, `"field":"liveLocation"`),
		send("contact", to(`"type":"contact","contact":{"vcard":"BEGIN:VCARD\nEND:VCARD"}`), 200),
		send("poll", to(`"type":"poll","poll":{"name":"?","options":["a","b"]},"mentionAll":true`), 200),
		send("event", to(`"type":"event","event":{"name":"Opening","startsAt":"2026-12-24T18:00:00Z","location":{"latitude":1,"longitude":2}}`), 200),
		send("preview", to(`"type":"text","text":"see https://example.com/a","linkPreview":{"title":"A"}`), 200),
		send("poll-of-one", to(`"type":"poll","poll":{"name":"?","options":["a"]}`), 400, `"field":"poll"`),
		send("event-no-time", to(`"type":"event","event":{"name":"x"}`), 400, "time at which it begins"),
		send("event-bad-time", to(`"type":"event","event":{"name":"x","startsAt":"soon"}`), 400, "A time must be text"),
		send("preview-look", to(`"type":"text","text":"see https://example.com/page.jpg","linkPreview":true`), 200),
		send("preview-none", to(`"type":"text","text":"see https://example.com/a","linkPreview":false`), 200),
		send("preview-unknown-field", to(`"type":"text","text":"see https://example.com/a","linkPreview":{"titel":"x"}`), 400, "titel"),
		send("preview-no-link", to(`"type":"text","text":"hi","linkPreview":{"title":"A"}`), 400, `"field":"linkPreview"`),
		send("preview-no-text", to(`"type":"location","location":{"latitude":1,"longitude":2},"linkPreview":{"title":"A"}`), 400, `"field":"linkPreview"`),
		send("view-once-text", to(`"type":"text","text":"x","viewOnce":true`), 400, `"field":"viewOnce"`),
		send("reaction", to(`"type":"reaction","reaction":{"messageId":"IN1","emoji":"👍"}`), 200),
		send("reply", to(`"type":"text","text":"x","replyTo":"IN1"`), 200),
		golden(send("reply-unknown", to(`"type":"text","text":"x","replyTo":"nope"`), 400, `"field":"replyTo"`)),
		golden(send("no-type", to(`"text":"x"`), 400, `"field":"type"`)),
		golden(send("no-object", to(`"type":"image"`), 400, `"field":"image"`)),
		golden(send("two-objects", to(`"type":"text","text":"x","location":{}`), 400, `"field":"location"`)),
		golden(send("unknown-field", to(`"type":"text","text":{"bodyy":"x"}`), 400, "bodyy")),
		golden(send("no-to", `{"type":"text","text":"x"}`, 400, `"field":"to"`)),
		golden(send("hostile-url", to(`"type":"image","image":{"url":"http://10.0.0.1/"}`), 422, "url_refused")),
		golden(send("html-image", to(`"type":"image","image":{"url":"https://example.com/page.jpg"}`), 422, "media_type")),
		golden(send("jpeg-sticker", to(`"type":"sticker","sticker":{"url":"https://example.com/cat.jpg"}`), 422, "WebP")),
		send("bad-place", to(`"type":"location","location":{"latitude":91,"longitude":2}`), 400),
	})
}

// TestIdempotencyKey gives the same job for the same request, and a conflict for another.
func TestIdempotencyKey(t *testing.T) {
	w := newWorld(t, nil)
	send := func(text string, status int) string {
		rec := w.play(t, scenario{method: "POST", path: "/v1/sessions/shop/messages", body: `{"to":"6281000000002","type":"text","text":"` + text + `"}`,
			header: map[string]string{"Idempotency-Key": "k1"}, status: status})
		var job struct{ ID string }
		if err := json.Unmarshal(rec.Body.Bytes(), &job); err != nil {
			t.Fatal(err)
		}
		return job.ID
	}
	first, again := send("hi", 200), send("hi", 200)
	if first == "" || first != again {
		t.Errorf("got jobs %q and %q, want the same", first, again)
	}
	send("other", 409)
}

// TestJobCancel cancels what waits and nothing else.
func TestJobCancel(t *testing.T) {
	w := newWorld(t, nil)
	w.sessions.stuck = true
	rec := w.play(t, scenario{method: "POST", path: "/v1/sessions/shop/messages", body: `{"to":"6281000000002","type":"text","text":"x"}`, status: 202})
	job := rec.Header().Get("Location")
	w.play(t, scenario{method: "GET", path: job, status: 200, want: []string{`"state":"queued"`}})
	w.play(t, scenario{method: "DELETE", path: strings.Replace(job, "shop", "idle", 1), status: 404})
	w.play(t, scenario{method: "DELETE", path: job, status: 204})
	w.play(t, scenario{method: "DELETE", path: job, status: 409, want: []string{"job_not_queued"}})
}

// TestQRForms draws the code in every form.
func TestQRForms(t *testing.T) {
	w := newWorld(t, nil)
	ask := func(accept string) *httptest.ResponseRecorder {
		return w.play(t, scenario{method: "GET", path: "/v1/sessions/idle/qr", header: map[string]string{"Accept": accept}, status: 200})
	}
	picture, err := png.Decode(bytes.NewReader(ask("image/png").Body.Bytes()))
	if err != nil || picture.Bounds().Dx() < 300 || picture.Bounds().Dx() > 600 {
		t.Errorf("png: got %v, %v; want one a phone can read from a screen", picture, err)
	}
	if svg := ask("image/svg+xml").Body.String(); !strings.HasPrefix(svg, "<svg ") || !strings.HasSuffix(svg, "</svg>") {
		t.Errorf("svg: got %s", svg)
	}
	rows := strings.Split(strings.TrimSuffix(ask("text/plain").Body.String(), "\n"), "\n")
	if len(rows) > 40 || len([]rune(rows[0])) > 80 || !strings.Contains(rows[0], "█") {
		t.Errorf("text: got %d rows of %d, want it to fit a terminal", len(rows), len([]rune(rows[0])))
	}
}

// TestBoundKey sees its own session and no other, in every list.
func TestBoundKey(t *testing.T) {
	w := newWorld(t, nil)
	key := w.bearer("read", "shop")
	if _, err := w.db.Record(context.Background(), "shop", store.Entry{Events: []store.Event{{Type: "session.qr", Data: json.RawMessage(`{"qr":"idle-canary"}`)}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.db.Record(context.Background(), "idle", store.Entry{Events: []store.Event{{Type: "message.received", Session: "idle"}}}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/status", "/sessions", "/sessions-history", "/v1/sessions", "/v1/events"} {
		w.play(t, scenario{method: "GET", path: path, header: key, status: 200, want: []string{"shop"}, wantNot: []string{"idle", `"off"`}})
	}
	for _, path := range []string{"/sessions/idle", "/idle/chats", "/v1/sessions/idle", "/v1/sessions/idle/messages", "/v1/sessions/nobody", "/qr?sessionId=shop", "/v1/keys"} {
		w.play(t, scenario{method: "GET", path: path, header: key, status: 403})
	}
	w.play(t, scenario{method: "POST", path: "/sessions/add", body: `{"sessionId":"shop"}`, header: w.bearer("manage", "shop"), status: 403})
	w.play(t, scenario{method: "GET", path: "/sessions/idle/status", header: w.bearer("read", "idle"), status: 200, wantNot: []string{"png"}})
}

// TestEvents reads the log, from a place, by type, and waits for news.
func TestEvents(t *testing.T) {
	w := newWorld(t, nil)
	all := w.play(t, scenario{method: "GET", path: "/v1/events?types=message.received", status: 200, want: []string{`"id":"evt_in1"`, `"phone":"6281000000001"`}})
	var got struct{ NextCursor string }
	if err := json.Unmarshal(all.Body.Bytes(), &got); err != nil || got.NextCursor == "" {
		t.Fatalf("no cursor in %s: %v", all.Body, err)
	}
	w.play(t, scenario{method: "GET", path: "/v1/events?after=" + got.NextCursor, status: 200, want: []string{`"data":[]`, `"nextCursor":"` + got.NextCursor + `"`}})
	go func() {
		<-w.db.Wrote() // any write wakes, the next one is ours
	}()
	done := make(chan *httptest.ResponseRecorder)
	go func() {
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, scenario{method: "GET", path: "/v1/events?wait=30&session=shop&after=" + got.NextCursor}.request())
		done <- rec
	}()
	if _, err := w.db.Record(context.Background(), "shop", store.Entry{Events: []store.Event{{Type: "news"}}}); err != nil {
		t.Fatal(err)
	}
	select {
	case rec := <-done:
		if !strings.Contains(rec.Body.String(), `"news"`) {
			t.Errorf("got %s, want the news", rec.Body)
		}
	case <-time.After(20 * time.Second):
		t.Error("the wait did not end with the news")
	}
}

// TestSandboxRoutes walks the control API, and its absence outside sandbox mode.
func TestSandboxRoutes(t *testing.T) {
	const phone = "/v1/sandbox/phones/6281000000002"
	w := newWorld(t, nil)
	for _, s := range []scenario{
		{name: "v1-sandbox-phones", method: "GET", path: "/v1/sandbox/phones", status: 200, golden: true},
		{method: "POST", path: "/v1/sandbox/phones", body: `{"phone":"+6281000000002","name":"Sari"}`, status: 201},
		{method: "POST", path: "/v1/sandbox/phones", body: `{"phone":"08"}`, status: 400},
		{method: "GET", path: phone, status: 200, want: []string{`"name":"Sari"`}},
		{method: "GET", path: "/v1/sandbox/phones/62", status: 404, want: []string{"phone_not_found"}},
		{method: "POST", path: phone + "/scan", body: `{"session":"idle"}`, status: 204},
		{method: "POST", path: phone + "/scan", body: `{"qr":"text"}`, status: 204},
		{method: "POST", path: phone + "/scan", body: `{}`, status: 400},
		{method: "POST", path: phone + "/scan", body: `{"session":"shop"}`, status: 409},
		{method: "POST", path: phone + "/scan", body: `{"session":"nobody"}`, status: 404},
		{method: "POST", path: phone + "/code", body: `{"code":"ABCD-1234"}`, status: 204},
		{method: "POST", path: phone + "/messages", body: `{"to":"6281","type":"text","text":"hi"}`, status: 200, want: []string{`"id":"S-hi"`}},
		{method: "POST", path: phone + "/messages", body: `{"too":"6281"}`, status: 400, want: []string{"too"}},
		{method: "POST", path: phone + "/messages:bulk", body: `{"to":"6281","type":"text","text":"hi","count":3}`, status: 200},
		{method: "POST", path: phone + "/messages:bulk", body: `{"to":"6281","type":"text","text":"hi"}`, status: 400},
		{method: "POST", path: phone + "/messages:other", body: `{}`, status: 404},
		{method: "GET", path: phone + "/messages?after=4", status: 200, want: []string{`"seq":5`}},
		{method: "GET", path: phone + "/messages/1/media", status: 200, want: []string{"bytes"}},
		{method: "GET", path: phone + "/messages/x/media", status: 400},
		{method: "POST", path: phone + "/read", body: `{"chat":"6281"}`, status: 204},
		{method: "POST", path: phone + "/typing", body: `{"chat":"6281","state":"composing"}`, status: 204},
		{method: "POST", path: phone + "/presence", body: `{"online":true}`, status: 204},
		{method: "POST", path: phone + "/unlink", status: 204},
		{method: "POST", path: phone + "/changes", body: `{"kind":"mute","chat":"6281000000003","until":"2030-01-02T03:04:05Z"}`, status: 200, want: []string{`"collection":"mute"`, `"version":2`}},
		{method: "POST", path: phone + "/changes", body: `{"kind":"mute","for":"ever"}`, status: 400, want: []string{`"for"`}},
		{method: "POST", path: "/v1/sandbox/phones/62/changes", body: `{"kind":"name","name":"x"}`, status: 404, want: []string{"phone_not_found"}},
		{name: "v1-sandbox-groups", method: "GET", path: "/v1/sandbox/groups", status: 200, golden: true},
		{method: "POST", path: "/v1/sandbox/groups", body: `{"subject":"Team","creator":"6281000000002","members":[]}`, status: 201, want: []string{`"subject":"Team"`}},
		{method: "POST", path: "/v1/sandbox/groups", body: `{"subject":"Team","creator":"62"}`, status: 404, want: []string{"phone_not_found"}},
		{method: "GET", path: "/v1/sandbox/groups/120363000000000001@g.us", status: 200, want: []string{`"rank":"superadmin"`}},
		{method: "GET", path: "/v1/sandbox/groups/1@g.us", status: 404, want: []string{"group_not_found"}},
		{method: "POST", path: "/v1/sandbox/groups/120363000000000001/members", body: `{"action":"add","phones":["6281000000002"]}`, status: 200, want: []string{`"error":409`}},
		{method: "POST", path: "/v1/sandbox/groups/120363000000000001/settings", body: `{"announce":true}`, status: 200, want: []string{`"announce":true`}},
		{method: "POST", path: "/v1/sandbox/groups/120363000000000001/settings", body: `{"silence":true}`, status: 400},
		{method: "GET", path: "/v1/sandbox/groups/120363000000000001/invite?by=62&renew=true", status: 200, want: []string{`"link":"https://chat.whatsapp.com/CODE62new"`}},
		{method: "GET", path: "/v1/sandbox/faults", status: 200, want: []string{`"drop"`}},
		{method: "POST", path: "/v1/sandbox/faults", body: `{"kind":"drop"}`, status: 204},
		{method: "DELETE", path: "/v1/sandbox/faults", status: 204},
		{method: "GET", path: "/v1/sandbox/traffic?session=shop", status: 200, want: []string{`"phone":"6281000000001"`}},
		{method: "GET", path: "/v1/sandbox/traffic?session=idle", status: 200, want: []string{`"data":[]`}},
		{method: "POST", path: "/v1/sandbox/clock", body: `{"forwardSeconds":60}`, status: 200, want: []string{`"at":"2026-01-02T03:04:05Z"`, `"offsetSeconds":60`}},
		{method: "POST", path: "/v1/sandbox/clock", body: `{"at":"noon"}`, status: 400, want: []string{`"at"`}},
		{method: "POST", path: "/v1/sandbox/reset", status: 204},
	} {
		w.play(t, s)
	}
	outside := newWorld(t, func(o *api.Options) { o.Sandbox = nil })
	outside.play(t, scenario{method: "GET", path: "/v1/sandbox/phones", status: 404})
}

// onceFetcher serves its picture a single time.
type onceFetcher struct{ calls atomic.Int32 }

func (f *onceFetcher) Fetch(ctx context.Context, url string, max int64) ([]byte, string, error) {
	if f.calls.Add(1) > 1 {
		return nil, "", errors.New("fetched again")
	}
	return fakeFetcher{}.Fetch(ctx, url, max)
}

// TestIdempotencyKeyFetchesOnce repeats a send whose media is gone from the web meanwhile.
func TestIdempotencyKeyFetchesOnce(t *testing.T) {
	f := &onceFetcher{}
	w := newWorld(t, func(o *api.Options) { o.Fetcher = f })
	for range 2 {
		w.play(t, scenario{method: "POST", path: "/v1/sessions/shop/messages", body: `{"to":"6281000000002","type":"image","image":{"url":"https://example.com/cat.jpg"}}`,
			header: map[string]string{"Idempotency-Key": "k1"}, status: 200})
	}
	if n := f.calls.Load(); n != 1 {
		t.Errorf("the media was fetched %d times", n)
	}
}
