package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"wamux/api"
	"wamux/store"
)

// sample fills a pattern with values that exist.
func sample(pattern string) string {
	return strings.NewReplacer(":sessionId", "shop", ":s/", "shop/", ":jid", "6281000000002", ":phone", "6281000000002",
		":seq", "1", ":k", "none", ":m", "IN1", ":j", "none").Replace(strings.TrimSuffix(pattern+"/", "/"))
}

func path(pattern string) string {
	if strings.HasSuffix(pattern, "/:s") {
		pattern = strings.TrimSuffix(pattern, ":s") + "shop"
	}
	bulk := strings.HasSuffix(pattern, ":bulk")
	p := sample(strings.TrimSuffix(pattern, ":bulk"))
	if bulk {
		p += ":bulk"
	}
	if pattern == "/qr" {
		p += "?sessionId=shop"
	}
	return p
}

// TestEveryRouteNeedsAKey walks the table: nothing but the open routes answers strangers.
func TestEveryRouteNeedsAKey(t *testing.T) {
	open := map[string]bool{"/healthz": true, "/readyz": true, "/docs": true, "/status": true, "/v1/openapi.json": true}
	w := newWorld(t, nil)
	before := w.content()
	for _, route := range api.Routes() {
		want, says := http.StatusUnauthorized, "API key is required"
		if open[route.Path] {
			want, says = http.StatusOK, ""
		}
		if (route.Scope == "") != open[route.Path] {
			t.Errorf("%s %s: scope %q; only %v may be open", route.Method, route.Path, route.Scope, open)
		}
		rec := w.play(t, scenario{method: route.Method, path: path(route.Path), header: map[string]string{"X-Api-Key": ""}, status: want, want: []string{says}})
		if v1 := strings.HasPrefix(route.Path, "/v1/"); want == http.StatusUnauthorized && v1 != (rec.Header().Get("Content-Type") == "application/problem+json") {
			t.Errorf("%s %s: content type %s", route.Method, route.Path, rec.Header().Get("Content-Type"))
		}
	}
	w.unchanged(t, before)
}

// TestEveryRouteKnowsItsMethods calls each path by a method that it does not have.
func TestEveryRouteKnowsItsMethods(t *testing.T) {
	w := newWorld(t, nil)
	for _, route := range api.Routes() {
		rec := w.play(t, scenario{method: http.MethodPut, path: path(route.Path), status: http.StatusMethodNotAllowed})
		if !strings.Contains(rec.Header().Get("Allow"), route.Method) {
			t.Errorf("%s: Allow is %q, want %s in it", route.Path, rec.Header().Get("Allow"), route.Method)
		}
	}
}

// TestEveryRouteChecksItsScope calls each with a key that may only do something else, and with one for another session.
func TestEveryRouteChecksItsScope(t *testing.T) {
	w := newWorld(t, nil)
	for _, route := range api.Routes() {
		if route.Scope == "" {
			continue
		}
		other := "read"
		if route.Scope == "read" {
			other = "metrics"
		}
		w.play(t, scenario{method: route.Method, path: path(route.Path), header: w.bearer(other, ""), status: http.StatusForbidden})
		if route.Reach != api.EachSession && route.Scope != "admin" {
			w.play(t, scenario{method: route.Method, path: path(route.Path), header: w.bearer(string(route.Scope), "idle"), status: http.StatusForbidden})
		}
	}
}

// TestWordsAsSessionIDs makes sessions named like each word of a path: whatever may be a session's id hides no route.
func TestWordsAsSessionIDs(t *testing.T) {
	var words []string
	for _, route := range api.Routes() {
		for _, part := range strings.Split(route.Path, "/") {
			if store.ValidSessionID(part) == nil && !slices.Contains(words, part) {
				words = append(words, part)
			}
		}
	}
	if !slices.Contains(words, "messages") || !slices.Contains(words, "chats") {
		t.Fatalf("the words are %q", words)
	}
	w := newWorld(t, func(o *api.Options) { o.MaxSessions = 0 })
	for _, word := range words {
		if _, _, err := w.db.AddSession(context.Background(), word, 0); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{word, "shop"} {
			w.play(t, scenario{method: "GET", path: "/sessions/" + id, status: 200, want: []string{`"message":"Session found"`, `"id":"` + id + `"`}})
		}
		w.play(t, scenario{method: "GET", path: "/sessions/" + word + "/status", status: 200, want: []string{`{"status":`}})
		w.play(t, scenario{method: "GET", path: "/sessions/" + word + "/credentials", status: 400, want: []string{"Session not authenticated"}})
		w.play(t, scenario{method: "GET", path: "/" + word + "/chats", status: 200, want: []string{`"total":0`}})
		w.play(t, scenario{method: "GET", path: "/" + word + "/chats/6281000000002", status: 200, want: []string{`"total":0`}})
		w.play(t, scenario{method: "GET", path: "/" + word + "/contacts", status: 200, want: []string{`"data":[]`}})
		w.play(t, scenario{method: "GET", path: "/" + word + "/groups", status: 200, want: []string{`"count":`}})
		for _, call := range []string{"send", "send/bulk", "poll"} {
			w.play(t, scenario{method: "POST", path: "/" + word + "/messages/" + call, body: "{}", status: 400, want: []string{"Session not found or not authenticated"}})
		}
		w.play(t, scenario{method: "GET", path: "/v1/sessions/" + word, status: 200, want: []string{`"id":"` + word + `"`}})
		w.play(t, scenario{method: "GET", path: "/v1/sessions/" + word + "/messages", status: 200, want: []string{`"data":[]`}})
		w.mustDelete(word)
	}
}

// bearer makes a key with one scope, bound to a session unless that is "".
func (w *world) bearer(scope, session string) map[string]string {
	w.t.Helper()
	body := `{"name":"test","scopes":["` + scope + `"]}`
	if session != "" {
		body = `{"name":"test","scopes":["` + scope + `"],"sessions":["` + session + `"]}`
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, scenario{method: "POST", path: "/v1/keys", body: body}.request())
	var made struct{ Key string }
	if err := json.Unmarshal(rec.Body.Bytes(), &made); err != nil || made.Key == "" {
		w.t.Fatalf("no key: %s", rec.Body)
	}
	return map[string]string{"X-Api-Key": "", "Authorization": "Bearer " + made.Key}
}

// TestOpenAPI walks routes and document both ways.
func TestOpenAPI(t *testing.T) {
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			Tags       []string
			Summary    string
			Scope      string `json:"x-scope"`
			Parameters []struct{ Name, In string }
			Body       *struct{} `json:"requestBody"`
			Responses  map[string]any
		}
		Tags []struct{ Name string }
	}
	if err := json.Unmarshal(openAPI(t), &doc); err != nil || !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Fatalf("openapi %q: %v", doc.OpenAPI, err)
	}
	routes := map[string]bool{}
	for _, route := range api.Routes() {
		p, params := documented(route.Path)
		op, found := doc.Paths[p][strings.ToLower(route.Method)]
		routes[strings.ToLower(route.Method)+" "+p] = true
		if !found || op.Summary == "" || len(op.Tags) != 1 || len(op.Responses) < 2 {
			t.Errorf("%s %s is not documented, or not in full", route.Method, p)
			continue
		}
		if op.Scope != string(route.Scope) {
			t.Errorf("%s %s: the document says scope %q, the route %q", route.Method, p, op.Scope, route.Scope)
		}
		if (op.Body != nil) != (route.Body != api.NoBody) {
			t.Errorf("%s %s: the document and the route do not agree about a body", route.Method, p)
		}
		for i, name := range params {
			if i >= len(op.Parameters) || op.Parameters[i].Name != name {
				t.Errorf("%s %s: parameter %s is not documented", route.Method, p, name)
			}
		}
	}
	for p, ops := range doc.Paths {
		for method := range ops {
			if !routes[method+" "+p] {
				t.Errorf("%s %s is documented, but there is no such route", method, p)
			}
		}
	}
}

func documented(pattern string) (string, []string) {
	var params []string
	parts := strings.Split(pattern, "/")
	for i, part := range parts {
		if name, found := strings.CutPrefix(part, ":"); found {
			params = append(params, name)
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/"), params
}

// TestReferences finds no reference in the document that leads nowhere.
func TestReferences(t *testing.T) {
	var doc any
	if err := json.Unmarshal(openAPI(t), &doc); err != nil {
		t.Fatal(err)
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, one := range v {
				walk(one)
			}
		case map[string]any:
			for name, one := range v {
				if ref, ok := one.(string); ok && name == "$ref" && !leads(doc, ref) {
					t.Errorf("%s leads nowhere", ref)
				}
				walk(one)
			}
		}
	}
	walk(doc)
}

func leads(doc any, ref string) bool {
	at := doc
	for _, part := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		m, ok := at.(map[string]any)
		if !ok {
			return false
		}
		at = m[part]
	}
	return at != nil
}

// TestDocsPage shows every route, and needs nothing from outside.
func TestDocsPage(t *testing.T) {
	w := newWorld(t, nil)
	rec := w.play(t, scenario{method: "GET", path: "/docs", status: 200, want: []string{"MAX_FILE_SIZE", `id="session_not_found"`}, wantNot: []string{"<script", "src=", `href="http`, "ZgotmplZ"}})
	page := rec.Body.String()
	for _, route := range api.Routes() {
		p, _ := documented(route.Path)
		if !strings.Contains(page, "<code>"+p+"</code>") {
			t.Errorf("%s is not on the page", p)
		}
	}
	if csp := rec.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "style-src 'sha256-") {
		t.Errorf("Content-Security-Policy: got %q", csp)
	}
}
