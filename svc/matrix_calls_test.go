package svc_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"wamux/api"
	"wamux/store"
)

// parameter finds the parameters of a pattern; messages:bulk holds none.
var parameter = regexp.MustCompile(`/:(\w+)`)

// fill puts values into a path's parameters: those given, else ones of things that may be there.
func (m matrix) fill(pattern string, values map[string]string) string {
	usual := map[string]string{"s": "shop", "sessionId": "shop", "jid": theirs, "m": "3EB0NOTHERE", "j": "job_none", "b": "batch_none", "k": "none",
		"phone": theirs, "seq": "999999", "call": "none"}
	maps.Copy(usual, m.there)
	return parameter.ReplaceAllStringFunc(pattern, func(part string) string {
		name := strings.TrimPrefix(part, "/:")
		if value, ok := values[name]; ok {
			return "/" + url.PathEscape(value)
		}
		return "/" + usual[name]
	})
}

// badCallers have no key, a wrong one, or one without the right.
func (m matrix) badCallers(r api.Route) []badCall {
	if r.Scope == "" {
		return nil
	}
	scope := store.ScopeMetrics
	if r.Scope == scope {
		scope = store.ScopeRead
	}
	query := ""
	if r.Reach == api.QuerySession {
		query = "sessionId=shop"
	}
	return []badCall{
		{route: r, name: "no key", key: "-", want: []int{401}, query: query},
		{route: r, name: "wrong key", key: "wk_no_such", want: []int{401}, query: query},
		{route: r, name: "key without the scope", key: m.narrow[scope], want: []int{403}, query: query},
	}
}

// badPaths name what is not there, or no name at all.
func (m matrix) badPaths(r api.Route) (calls []badCall) {
	body, _ := m.example(r)
	for _, match := range parameter.FindAllStringSubmatch(r.Path, -1) {
		for name, value := range map[string]string{"unknown": "nobody", "too long": strings.Repeat("a", 600), "odd": "a b\x00/..\u202e", "short": "x"} {
			calls = append(calls, badCall{route: r, name: name + " " + match[1], path: m.fill(r.Path, map[string]string{match[1]: value}), body: body,
				want: []int{notThere(r, match[1], name)}})
		}
	}
	switch {
	case r.Reach == api.ThisSession || r.Reach == api.MaybeSession:
		for _, name := range []string{"s", "sessionId"} {
			if strings.Contains(r.Path, "/:"+name+"/") && (r.Method != "POST" || r.Body != api.NoBody) {
				calls = append(calls, badCall{route: r, name: "not logged in", path: m.fill(r.Path, map[string]string{name: "idle"}), body: body,
					want: notLoggedIn(r), may: isOverV1(r) || r.Method == "GET"})
			}
		}
	case r.Reach == api.QuerySession:
		for name, value := range map[string]string{"missing": "", "unknown": "nobody", "too long": strings.Repeat("a", 600), "odd": "a b\x00"} {
			calls = append(calls, badCall{route: r, name: name + " sessionId", query: url.Values{"sessionId": {value}}.Encode(), want: []int{notThere(r, "sessionId", name)}})
		}
	}
	return calls
}

// notThere is the status for a name in the path that nothing has, or nothing can have.
func notThere(r api.Route, parameter, how string) int {
	switch parameter {
	case "s", "sessionId":
		switch {
		case how != "unknown":
			return 400
		case r.Reach == api.MaybeSession && r.Method == "POST": // as the old service did
			return 400
		case r.Reach == api.MaybeSession:
			return 200
		}
	case "jid", "seq":
		return 400
	}
	return 404
}

// notLoggedIn is the status for a session that shows a QR code: it can be read and asked to send, and has nothing yet.
func notLoggedIn(r api.Route) []int {
	switch pattern := r.Method + " " + r.Path; {
	case pattern == "GET /:sessionId/groups":
		return []int{503}
	case pattern == "GET /v1/sessions/:s/qr":
		return []int{200, 409} // the last code may be over
	case strings.HasSuffix(pattern, "/:m"), strings.HasSuffix(pattern, "/:j"), strings.HasSuffix(pattern, "/:b"):
		return []int{404}
	case r.Method == "POST" && !isOverV1(r), strings.HasSuffix(pattern, "/credentials"):
		return []int{400}
	case strings.HasSuffix(pattern, "/pairing-code"):
		return []int{200}
	case r.Method == "POST":
		return []int{202}
	}
	return []int{200}
}

// done are the statuses with which the route does what it is asked.
func (m matrix) done(r api.Route) (statuses []int) {
	responses, _ := m.operation(r)["responses"].(object)
	for name := range responses {
		if status, err := strconv.Atoi(name); err == nil && status/100 == 2 {
			statuses = append(statuses, status)
		}
	}
	return statuses
}

func isOverV1(r api.Route) bool { return strings.HasPrefix(r.Path, "/v1/") }

// badQueries give parameters of the wrong type, or endless ones.
func (m matrix) badQueries(r api.Route) (calls []badCall) {
	list, _ := m.operation(r)["parameters"].([]any)
	for _, raw := range list {
		p := m.follow(raw)
		if p["in"] != "query" || p["name"] == "sessionId" {
			continue
		}
		wrong := map[string]string{"endless": strings.Repeat("9", 5000), "odd": "\x00\u202e%"}
		kind := m.follow(p["schema"])["type"]
		if kind == "integer" || kind == "number" {
			wrong["text for number"], wrong["fraction"] = "many", "1.5"
		}
		for name, value := range wrong {
			want := []int{400}
			if kind == "string" { // it may just find nothing
				want = append(m.done(r), 400, 404)
			}
			calls = append(calls, badCall{route: r, name: name + " " + p["name"].(string), query: url.Values{p["name"].(string): {value}}.Encode(), want: want, may: kind == "string"})
		}
	}
	return calls
}

// badBodies change the example of the document in every place.
func (m matrix) badBodies(r api.Route) []badCall {
	calls := []badCall{
		{route: r, name: "no JSON", body: `{"`, want: []int{400}},
		{route: r, name: "half a character", body: "{\"a\":\"\xff\xfe", want: []int{400}},
		{route: r, name: "two values", body: `{} {}`, want: []int{400}},
		{route: r, name: "text for body", body: `"text"`, want: []int{400}},
		{route: r, name: "number for body", body: `7`, want: []int{400}},
		{route: r, name: "deep", body: strings.Repeat(`{"a":`, 12000) + "1" + strings.Repeat("}", 12000), want: []int{400}},
		{route: r, name: "too large", body: `{"a":"` + strings.Repeat("a", 2<<20) + `"}`, want: []int{413}},
	}
	example, schema := m.example(r)
	if isOverV1(r) {
		calls = append(calls, badCall{route: r, name: "another content type", body: example, kind: "text/plain", want: []int{415}})
	} else {
		calls = append(calls, badCall{route: r, name: "another content type", body: example, kind: "text/plain", want: []int{400}})
	}
	if fields, ok := example.(object); ok {
		return append(calls, m.badFields(r, schema, fields, func(changed any) any { return changed }, "")...)
	}
	items, first := example.([]any), len(calls)+2
	calls = append(calls, badCall{route: r, name: "no items", body: `[]`, may: true, want: []int{202}}, badCall{route: r, name: "object for array", body: `{}`, want: []int{400}})
	for _, item := range items {
		calls = append(calls, m.badFields(r, m.follow(schema["items"]), item.(object), func(changed any) any { return []any{changed} }, "")...)
	}
	for i := range calls[first:] {
		calls[first+i].may, calls[first+i].want = true, []int{202} // a batch is accepted, and tells what became of each item
	}
	return calls
}

// badFields takes required fields away, puts values of other types and endless ones in, and adds what is not known. around
// puts a changed object back into the body it is a part of.
func (m matrix) badFields(r api.Route, schema, example object, around func(any) any, at string) (calls []badCall) {
	fields, _ := schema["properties"].(object)
	required, _ := schema["required"].([]any)
	add := func(name string, changed object, may bool) {
		want := []int{400}
		if may {
			want = append(m.done(r), 400)
		}
		if strings.HasPrefix(name, "endless ") && strings.HasSuffix(name, ".url") {
			want = append(want, 422) // it leads nowhere
		}
		if strings.HasPrefix(name, "endless ") && strings.HasPrefix(r.Path, "/v1/sandbox/") {
			want = append(want, 404) // it is the name of nothing
		}
		calls = append(calls, badCall{route: r, name: name, body: around(changed), may: may, want: want})
	}
	for _, name := range required {
		changed := with(example, name.(string), nil)
		delete(changed, name.(string))
		add("no "+at+name.(string), changed, false)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		field := m.follow(fields[name])
		needed := slices.Contains(required, any(name))
		for label, value := range wrongValues(field) {
			changed := with(example, name, value)
			// What is optional may be read past by the root API, whose old clients send all sorts of things.
			sandboxText := label == "endless" && strings.HasPrefix(r.Path, "/v1/sandbox/") // phones say what they like
			add(label+" "+at+name, changed, sandboxText || !needed && (label == "null" || label == "endless" || !isOverV1(r)))
		}
		inner, ok := example[name].(object)
		if field["type"] == "object" && (ok || at == "") {
			calls = append(calls, m.badFields(r, field, inner, func(part any) any {
				return around(m.ofKind(schema, with(example, name, part), name))
			}, name+".")...)
		}
	}
	if isOverV1(r) && fields != nil {
		add("unknown "+at+"field", with(example, "noSuchField", 1), false)
	}
	return calls
}

// ofKind makes a body whose type names one of its fields one of that type, when that is the field in question.
func (m matrix) ofKind(schema, body object, name string) object {
	fields, _ := schema["properties"].(object)
	kinds, _ := m.follow(fields["type"])["enum"].([]any)
	if was, _ := body["type"].(string); slices.Contains(kinds, any(name)) && was != name {
		delete(body, was)
		body["type"] = name
	}
	return body
}

// with is the object with one field changed.
func with(o object, name string, value any) object {
	changed := object{name: value}
	for k, v := range o {
		if k != name {
			changed[k] = v
		}
	}
	return changed
}

// wrongValues are of every type that the field is not.
func wrongValues(field object) object {
	all := object{"text": "x", "number": 1.5, "true": true, "array": []any{object{}}, "object": object{"x": []any{}}, "null": nil}
	switch field["type"] {
	case "string":
		delete(all, "text")
		all["endless"] = strings.Repeat("\U0001F600", 66000)
	case "number", "integer":
		delete(all, "number")
		all["huge"] = json.Number("1e400")
	case "boolean":
		delete(all, "true")
	case "array":
		delete(all, "array")
	case "object":
		delete(all, "object")
	default:
		return object{} // it takes several types
	}
	return all
}

// example is the body that the document shows, and its schema.
func (m matrix) example(r api.Route) (any, object) {
	body, _ := m.operation(r)["requestBody"].(object)
	content, _ := body["content"].(object)
	media, _ := content["application/json"].(object)
	schema := m.follow(media["schema"])
	if media["example"] == nil && r.Body != api.NoBody {
		return object{}, schema
	}
	if fields, ok := media["example"].(object); ok && fields["count"] != nil {
		return with(fields, "count", 1), schema // what may be taken need not be done a hundred times
	}
	if fields, ok := media["example"].(object); ok && strings.HasSuffix(fmt.Sprint(fields["jid"]), "@g.us") {
		return with(fields, "jid", m.there["group"]), schema
	}
	return media["example"], schema
}

func (m matrix) operation(r api.Route) object {
	pattern := parameter.ReplaceAllString(r.Path, "/{$1}")
	item, _ := m.document["paths"].(object)[pattern].(object)
	op, _ := item[strings.ToLower(r.Method)].(object)
	if op == nil {
		m.t.Fatalf("the document does not have %s %s", r.Method, pattern)
	}
	return op
}

func (m matrix) follow(v any) object {
	o, _ := v.(object)
	ref, ok := o["$ref"].(string)
	if !ok {
		return o
	}
	var at any = m.document
	for _, part := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		at = at.(object)[part]
	}
	return m.follow(at)
}
