package svc_test

import (
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"wamux/api"
	"wamux/store"
)

// parameter finds the parameters of a pattern; messages:bulk holds none.
var parameter = regexp.MustCompile(`/:(\w+)`)

// fill puts values into a path's parameters: those given, else ones of things that may be there.
func fill(pattern string, values map[string]string) string {
	usual := map[string]string{"s": "shop", "sessionId": "shop", "jid": theirs, "m": "3EB0NOTHERE", "j": "job_none", "b": "batch_none", "k": "none",
		"phone": theirs, "seq": "999999", "group": "120363000000000001", "call": "none", "newsletter": "120363400000000001"}
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
		{route: r, name: "no key", key: "-", status: 401, query: query},
		{route: r, name: "wrong key", key: "wk_no_such", status: 401, query: query},
		{route: r, name: "key without the scope", key: m.narrow[scope], status: 403, query: query},
	}
}

// badPaths name what is not there, or no name at all.
func (m matrix) badPaths(r api.Route) (calls []badCall) {
	body, _ := m.example(r)
	for _, match := range parameter.FindAllStringSubmatch(r.Path, -1) {
		for name, value := range map[string]string{"unknown": "nobody", "too long": strings.Repeat("a", 600), "odd": "a b\x00/..\u202e", "short": "x"} {
			calls = append(calls, badCall{route: r, name: name + " " + match[1], path: fill(r.Path, map[string]string{match[1]: value}), body: body,
				may: match[1] == "jid" || r.Reach == api.MaybeSession && name == "unknown"})
		}
	}
	switch {
	case r.Reach == api.ThisSession || r.Reach == api.MaybeSession:
		for _, name := range []string{"s", "sessionId"} {
			if strings.Contains(r.Path, "/:"+name+"/") && (r.Method != "POST" || r.Body != api.NoBody) {
				calls = append(calls, badCall{route: r, name: "not logged in", path: fill(r.Path, map[string]string{name: "idle"}), body: body, may: r.Method == "GET" || isOverV1(r)})
			}
		}
	case r.Reach == api.QuerySession:
		for name, value := range map[string]string{"missing": "", "unknown": "nobody", "too long": strings.Repeat("a", 600), "odd": "a b\x00"} {
			calls = append(calls, badCall{route: r, name: name + " sessionId", query: url.Values{"sessionId": {value}}.Encode()})
		}
	}
	return calls
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
			calls = append(calls, badCall{route: r, name: name + " " + p["name"].(string), query: url.Values{p["name"].(string): {value}}.Encode(),
				may: kind == "string" || r.Method == "GET" && !isOverV1(r)})
		}
	}
	return calls
}

// badBodies change the example of the document in every place.
func (m matrix) badBodies(r api.Route) []badCall {
	calls := []badCall{
		{route: r, name: "no JSON", body: `{"`, status: 400},
		{route: r, name: "half a character", body: "{\"a\":\"\xff\xfe", status: 400},
		{route: r, name: "two values", body: `{} {}`, status: 400},
		{route: r, name: "text for body", body: `"text"`, status: 400},
		{route: r, name: "number for body", body: `7`, status: 400},
		{route: r, name: "deep", body: strings.Repeat(`{"a":`, 12000) + "1" + strings.Repeat("}", 12000), status: 400},
		{route: r, name: "too large", body: `{"a":"` + strings.Repeat("a", 2<<20) + `"}`, status: 413},
	}
	example, schema := m.example(r)
	if isOverV1(r) {
		calls = append(calls, badCall{route: r, name: "another content type", body: example, kind: "text/plain", status: 415})
	} else {
		calls = append(calls, badCall{route: r, name: "another content type", body: example, kind: "text/plain"})
	}
	if fields, ok := example.(object); ok {
		return append(calls, m.badFields(r, schema, fields, func(changed any) any { return changed }, "")...)
	}
	items, first := example.([]any), len(calls)+2
	calls = append(calls, badCall{route: r, name: "no items", body: `[]`, may: true}, badCall{route: r, name: "object for array", body: `{}`})
	for _, item := range items {
		calls = append(calls, m.badFields(r, m.follow(schema["items"]), item.(object), func(changed any) any { return []any{changed} }, "")...)
	}
	for i := range calls[first:] {
		calls[first+i].may = true // a batch is accepted, and tells what became of each item
	}
	return calls
}

// badFields takes required fields away, puts values of other types and endless ones in, and adds what is not known. around
// puts a changed object back into the body it is a part of.
func (m matrix) badFields(r api.Route, schema, example object, around func(any) any, at string) (calls []badCall) {
	fields, _ := schema["properties"].(object)
	required, _ := schema["required"].([]any)
	add := func(name string, changed object, may bool) {
		calls = append(calls, badCall{route: r, name: name, body: around(changed), may: may})
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
			add(label+" "+at+name, changed, !needed && (label == "null" || label == "endless" || !isOverV1(r)))
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
