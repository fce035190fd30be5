package api_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"wamux/api"
)

// conforms holds an answer against the document: the status must be there, and the body must fit its schema, with no
// field that the schema does not name.
func conforms(t *testing.T, s scenario, rec *httptest.ResponseRecorder) {
	t.Helper()
	op := operationOf(t, s)
	if op == nil || rec.Body.Len() == 0 || !strings.Contains(rec.Header().Get("Content-Type"), "json") || strings.HasSuffix(s.path, "openapi.json") {
		return
	}
	doc := document(t)
	var body any
	if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
		t.Errorf("%s %s: %v", s.method, s.path, err)
		return
	}
	for _, wrong := range doc.check("body", doc.answer(op, rec), body) {
		t.Errorf("%s %s answers %d: %s", s.method, s.path, rec.Code, wrong)
	}
}

type object = map[string]any

type openapi struct{ object }

func document(t testing.TB) openapi {
	t.Helper()
	doc, err := readDocument()
	if err != nil {
		t.Fatal(err)
	}
	return openapi{doc}
}

// readDocument reads it once; nobody changes it.
var readDocument = sync.OnceValues(func() (doc object, err error) {
	text, err := os.ReadFile("../assets/openapi.json")
	if err == nil {
		err = json.Unmarshal(text, &doc)
	}
	return doc, err
})

// operationOf finds what the document says about a call; nil when no route takes it.
func operationOf(t *testing.T, s scenario) object {
	called, _, _ := strings.Cut(s.path, "?")
	for _, route := range api.Routes() {
		if route.Method == s.method && matches(route.Path, called) {
			pattern, _ := documented(route.Path)
			return document(t).at("paths").(object)[pattern].(object)[strings.ToLower(s.method)].(object)
		}
	}
	return nil
}

func matches(pattern, called string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(called, "/")
	return len(want) == len(got) && !slices.ContainsFunc(want, func(part string) bool {
		i := slices.Index(want, part)
		return !strings.HasPrefix(part, ":") && part != got[i]
	})
}

func (d openapi) at(path string) any {
	var v any = d.object
	for _, part := range strings.Split(path, "/") {
		v = v.(object)[part]
	}
	return v
}

func (d openapi) follow(v any) object {
	o, _ := v.(object)
	if ref, ok := o["$ref"].(string); ok {
		return d.follow(d.at(strings.TrimPrefix(ref, "#/")))
	}
	return o
}

// answer is the schema of the status that came, or of the default.
func (d openapi) answer(op object, rec *httptest.ResponseRecorder) any {
	responses := op["responses"].(object)
	res, found := responses[fmt.Sprint(rec.Code)]
	if !found && rec.Code == 200 {
		res, found = responses["201"] // a thing that was there already
	}
	if !found {
		res = responses["default"]
	}
	kind, _, _ := strings.Cut(rec.Header().Get("Content-Type"), ";")
	content, _ := d.follow(res)["content"].(object)
	media, _ := content[kind].(object)
	return media["schema"]
}

// check lists what does not fit.
func (d openapi) check(at string, raw any, v any) []string {
	schema := d.follow(raw)
	if schema == nil {
		return []string{at + ": no schema for this answer"}
	}
	for _, word := range []string{"oneOf", "allOf"} {
		if all, ok := schema[word].([]any); ok {
			return d.checkSome(at, word, all, v)
		}
	}
	if want, ok := schema["const"]; ok && want != v {
		return []string{fmt.Sprintf("%s: is %v, must be %v", at, v, want)}
	}
	if words, ok := schema["enum"].([]any); ok && !slices.Contains(words, v) {
		return []string{fmt.Sprintf("%s: %v is none of %v", at, v, words)}
	}
	if kinds := typesOf(schema); len(kinds) > 0 && !slices.ContainsFunc(kinds, func(kind string) bool { return isType(kind, v) }) {
		return []string{fmt.Sprintf("%s: %v is no %v", at, v, kinds)}
	}
	return append(d.checkFields(at, schema, v), d.checkItems(at, schema, v)...)
}

// checkSome: one of oneOf fits, or the fields of all of allOf together do.
func (d openapi) checkSome(at, word string, all []any, v any) []string {
	if word == "allOf" {
		merged := object{}
		for _, part := range all {
			for name, field := range d.follow(part)["properties"].(object) {
				merged[name] = field
			}
		}
		return d.check(at, object{"type": "object", "properties": merged}, v)
	}
	var wrong []string
	for _, one := range all {
		if wrong = d.check(at, one, v); len(wrong) == 0 {
			return nil
		}
	}
	return wrong
}

func (d openapi) checkFields(at string, schema object, v any) (wrong []string) {
	fields, ok := v.(object)
	known, described := schema["properties"].(object)
	if !ok || !described {
		return nil
	}
	for name, value := range fields {
		if known[name] == nil {
			wrong = append(wrong, at+"."+name+" is not documented")
			continue
		}
		wrong = append(wrong, d.check(at+"."+name, known[name], value)...)
	}
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, there := fields[name.(string)]; !there {
			wrong = append(wrong, fmt.Sprintf("%s.%s is missing", at, name))
		}
	}
	return wrong
}

func (d openapi) checkItems(at string, schema object, v any) (wrong []string) {
	list, _ := v.([]any)
	for i, one := range list {
		if schema["items"] != nil {
			wrong = append(wrong, d.check(fmt.Sprintf("%s[%d]", at, i), schema["items"], one)...)
		}
	}
	return wrong
}

func typesOf(schema object) []string {
	switch t := schema["type"].(type) {
	case string:
		return []string{t}
	case []any:
		var kinds []string
		for _, one := range t {
			kinds = append(kinds, one.(string))
		}
		return kinds
	}
	return nil
}

func isType(kind string, v any) bool {
	switch v := v.(type) {
	case nil:
		return kind == "null"
	case string:
		return kind == "string"
	case bool:
		return kind == "boolean"
	case float64:
		return kind == "number" || kind == "integer" && v == float64(int64(v))
	case []any:
		return kind == "array"
	}
	return kind == "object"
}
