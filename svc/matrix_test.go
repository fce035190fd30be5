package svc_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"wamux/api"
	"wamux/store"
)

// badCall is a request with something wrong in it.
type badCall struct {
	route api.Route
	name  string
	path  string
	query string
	body  any // nil, text that is sent as it is, or a value for JSON
	kind  string
	key   string
	want  []int // the statuses that are right
	may   bool  // it may be taken for good, since what is wrong is read past
}

// TestBadInput sends what is wrong in every way to every route, as the document of the API describes them: what is missing,
// of another type, too long, unknown, or not for this caller. Each answer must have the status that is right for what is wrong, be
// one that the document has, and a sentence; and nothing may have changed.
func TestBadInput(t *testing.T) {
	t.Parallel()
	g := start(t, t.TempDir(), []string{"MAX_FILE_SIZE=65536", "SANDBOX_TIME_SCALE=100"}, "run", "--sandbox")
	g.pair("shop", ours)
	g.phone(theirs)
	for _, number := range []string{"6281234567890", "6281111111111", "6282222222222", third} { // whom the document's examples write to
		g.phone(number)
	}
	must[object](g, 200, "POST", "/sessions/add", object{"sessionId": "idle"})
	m := matrix{gateway: g, document: theDocument(t), narrow: g.narrowKeys(), there: map[string]string{
		"group":      g.newGroup("Matrix", theirs, ours, "6282222222222"),
		"newsletter": must[struct{ JID string }](g, 201, "POST", "/v1/sandbox/newsletters", object{"owner": theirs, "name": "News"}).JID,
	}}
	before := quietContent(t, g.files()...)
	calls := m.calls()
	if len(calls) < 600 {
		t.Errorf("only %d calls were made up", len(calls))
	}
	var taken []badCall
	exact := 0
	for _, c := range calls {
		if len(c.want) == 1 {
			exact++
		}
		if c.may {
			taken = append(taken, c)
			continue
		}
		m.judge(t, c)
	}
	if changed := quietContent(t, g.files()...).changes(before); changed != "" {
		t.Errorf("the content changed:\n%s", changed)
	}
	for _, c := range taken {
		m.judge(t, c)
	}
	t.Logf("%d calls, %d with exactly one right status; %d may be taken for good", len(calls), exact, len(taken))
	if exact < len(calls)*2/3 {
		t.Errorf("only %d of %d calls have one right status", exact, len(calls))
	}
}

// matrix makes bad calls out of the document, and holds the answers against it.
type matrix struct {
	*gateway
	document object
	narrow   map[store.Scope]string // a key that has the scope and no other
	there    map[string]string      // values of paths' parameters of things that were made
}

func theDocument(t testing.TB) (doc object) {
	t.Helper()
	text, err := os.ReadFile("../assets/openapi.json")
	if err == nil {
		err = json.Unmarshal(text, &doc)
	}
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func (g *gateway) narrowKeys() map[store.Scope]string {
	g.t.Helper()
	keys := map[store.Scope]string{}
	for _, scope := range []store.Scope{store.ScopeRead, store.ScopeMetrics} {
		keys[scope] = must[struct{ Key string }](g, 201, "POST", "/v1/keys", object{"name": string(scope), "scopes": []store.Scope{scope}}).Key
	}
	return keys
}

func (m matrix) calls() (calls []badCall) {
	for _, r := range api.Routes() {
		calls = append(calls, m.badCallers(r)...)
		calls = append(calls, m.badPaths(r)...)
		calls = append(calls, m.badQueries(r)...)
		if r.Body != api.NoBody {
			calls = append(calls, m.badBodies(r)...)
		}
	}
	for i := range calls {
		if calls[i].path == "" {
			calls[i].path = m.fill(calls[i].route.Path, nil)
		}
	}
	return calls
}

// judge sends a bad call and holds the answer against the document.
func (m matrix) judge(t *testing.T, c badCall) {
	t.Helper()
	a := m.do(m.badRequest(c))
	what := fmt.Sprintf("%s %s with %s: got %d %s", c.route.Method, tail(c.path, 60), c.name, a.status, tail(string(a.body), 200))
	switch {
	case slices.Contains(c.want, 401) && a.status == 429: // too many wrong keys by now
	case !slices.Contains(c.want, a.status):
		t.Errorf("%s, want %d", what, c.want)
	}
	if a.status/100 == 2 {
		return
	}
	if !m.documents(c.route, a) {
		t.Errorf("%s, which is not documented", what)
	}
	for _, leak := range []string{"goroutine", ".go:", "SQLITE", "sql:", "constraint", m.key, "dial tcp", "json:", "strconv", "api.", "*store", "invalid character"} {
		if strings.Contains(string(a.body), leak) {
			t.Errorf("%s: it shows %q", what, leak)
		}
	}
}

func (m matrix) badRequest(c badCall) *http.Request {
	path := c.path
	if c.query != "" {
		path += "?" + c.query
	}
	body := c.body
	if body != nil {
		if _, isText := body.(string); !isText {
			data, err := json.Marshal(body)
			if err != nil {
				m.t.Fatalf("%s: %v", c.name, err)
			}
			body = string(data)
		}
	}
	req := m.request(c.route.Method, path, body)
	req.Header.Set("Prefer", "respond-async") // what is accepted need not be waited for
	if c.kind != "" {
		req.Header.Set("Content-Type", c.kind)
	}
	switch c.key {
	case "":
	case "-":
		req.Header.Del("x-api-key")
	default:
		req.Header.Set("x-api-key", c.key)
	}
	return req
}

// documents tells whether the document has such an answer: for the root API the status and the old shape, for /v1 a problem
// with a code that is listed.
func (m matrix) documents(r api.Route, a answered) bool {
	responses, _ := m.operation(r)["responses"].(object)
	_, named := responses[strconv.Itoa(a.status)]
	if a.status == 500 && !named {
		return false
	}
	if !isOverV1(r) {
		var failure struct {
			Success *bool
			Message string
		}
		return json.Unmarshal(a.body, &failure) == nil && failure.Success != nil && !*failure.Success && isSentence(failure.Message)
	}
	var problem struct {
		Status int
		Detail string
		Code   string
	}
	_, listed := m.document["x-errors"].(object)[problem.Code]
	if json.Unmarshal(a.body, &problem) == nil {
		_, listed = m.document["x-errors"].(object)[problem.Code]
	}
	return listed && problem.Status == a.status && isSentence(problem.Detail) && a.header.Get("Content-Type") == "application/problem+json"
}

// isSentence: it begins with a capital or a field's name, is one line, and is short enough to read.
func isSentence(s string) bool {
	return len(s) > 8 && len(s) < 400 && !strings.ContainsAny(s, "\n\x00") && strings.Contains(s, " ")
}
