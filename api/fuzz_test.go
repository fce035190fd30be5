package api_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"wamux/api"
)

// bodies are the routes that read JSON.
func bodies() []api.Route {
	return slices.DeleteFunc(api.Routes(), func(r api.Route) bool { return r.Body == api.NoBody })
}

var parameter = regexp.MustCompile(`/:(\w+)`)

// usualPath fills the parameters of a path with what is there, or may be.
func usualPath(pattern string) string {
	usual := map[string]string{"s": "shop", "sessionId": "shop", "jid": "6281000000002@s.whatsapp.net", "phone": "6281000000002", "seq": "1",
		"group": "120363000000000001", "call": "C1", "newsletter": "120363400000000001", "m": "IN1", "j": "job_none", "b": "batch_none", "k": "key_none"}
	return parameter.ReplaceAllStringFunc(pattern, func(part string) string { return "/" + usual[part[2:]] })
}

// examples are the bodies that the document shows for a route.
func examples(t testing.TB, r api.Route) (list []string) {
	pattern, _ := documented(r.Path)
	op := document(t).at("paths").(object)[pattern].(object)[strings.ToLower(r.Method)].(object)
	for _, media := range op["requestBody"].(object)["content"].(object) {
		m := media.(object)
		if one, ok := m["example"]; ok {
			list = append(list, encoded(one))
		}
		all, _ := m["examples"].(object)
		for _, e := range all {
			list = append(list, encoded(e.(object)["value"]))
		}
	}
	return list
}

func encoded(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // it was JSON
	}
	return string(text)
}

// FuzzRequest hands any bytes to any route that reads a body: there is always an answer of the documented shape, and never a 500.
func FuzzRequest(f *testing.F) {
	routes := bodies()
	for i, r := range routes {
		for _, body := range examples(f, r) {
			f.Add(byte(i), "", body)
		}
		f.Add(byte(i), "sessionId=shop", `{"jid":"6281000000002","type":"number","message":{"text":"hi"},"options":{"quoted":{"key":{"id":"IN1"},"message":{}},"ephemeralExpiration":"x"}}`)
		f.Add(byte(i), "sessionId=shop&quiet=true", `[{"jid":"62","message":{"text":1},"delay":-1},{"jid":null},7,{"message":{"image":{"url":"x:"}}}]`)
		f.Add(byte(i), "wait=-1&limit=%00", `{"to":"status@broadcast","text":"x","type":"text","count":1e99,"from":[],"at":"noon","data":"%%","quoted":{"id":{}}}`)
	}
	w := newWorld(f, func(o *api.Options) { o.SendWait, o.QRWait = time.Second, time.Millisecond })
	f.Fuzz(func(t *testing.T, which byte, query, body string) {
		r := routes[int(which)%len(routes)]
		s := scenario{method: r.Method, path: usualPath(r.Path), body: body, header: map[string]string{"Content-Type": "application/json"}}
		req := s.request()
		req.URL.RawQuery = query
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		rec := httptest.NewRecorder()
		began := time.Now()
		w.handler.ServeHTTP(rec, req.WithContext(ctx))
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("%s %s?%s %q took %s", r.Method, r.Path, query, body, took)
		}
		if ctx.Err() != nil {
			return // it was to wait for something that does not come
		}
		if rec.Code == 500 {
			t.Errorf("%s %s?%s %q: %d %s", r.Method, r.Path, query, body, rec.Code, rec.Body.String())
		}
		if !strings.Contains(rec.Header().Get("Content-Type"), "json") && rec.Body.Len() > 0 {
			t.Errorf("%s %s answers with %s", r.Method, r.Path, rec.Header().Get("Content-Type"))
		}
		conforms(t, s, rec)
	})
}
