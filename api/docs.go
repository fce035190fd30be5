package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"

	"wamux/assets"
)

// docs is the page made of the embedded document, once.
type docs struct {
	page []byte
	csp  string
}

// document is what the page needs of the OpenAPI document.
type document struct {
	Info struct{ Title, Summary, Description string }
	Tags []struct{ Name, Description string }

	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]json.RawMessage }
	Errors     map[string]string `json:"x-errors"`
}

type operation struct {
	Tags                 []string
	Summary, Description string
	Scope                string `json:"x-scope"`
	Parameters           []struct{ Name, In, Description string }
	RequestBody          struct{ Content map[string]content }
	Responses            map[string]struct {
		Description string
		Content     map[string]content
	}
}

type content struct {
	Schema  json.RawMessage
	Example json.RawMessage
}

// call, answer, group, word and shape are what the template shows.
type call struct {
	operation
	Method, Path  string
	Example, Body string
	Answers       []answer
}

type answer struct{ Status, Description, Shape string }

type group struct {
	Name, Description string
	Calls             []call
}

type word struct{ Name, Meaning string }

type shape struct{ Name, Description, Text string }

// newDocs renders the page. The document and the template are part of the binary: that they fit is tested, not handled.
func newDocs() docs {
	var doc document
	if err := json.Unmarshal(assets.OpenAPI, &doc); err != nil {
		panic("the embedded OpenAPI document is broken: " + err.Error())
	}
	var b bytes.Buffer
	page := template.Must(template.New("docs").Parse(assets.DocsPage))
	err := page.Execute(&b, map[string]any{
		"Title": doc.Info.Title, "Summary": doc.Info.Summary, "Description": doc.Info.Description,
		"Style": template.CSS(assets.DocsStyle), "Groups": doc.groups(), "Errors": doc.words(), "Shapes": doc.shapes(),
	})
	if err != nil {
		panic("the embedded page is broken: " + err.Error())
	}
	style := sha256.Sum256([]byte(assets.DocsStyle))
	return docs{page: b.Bytes(), csp: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(style[:]) +
		"'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"}
}

// groups walks the routes, so that the page has them in their order on the one screen.
func (d *document) groups() []group {
	var all []group
	for _, tag := range d.Tags {
		g := group{Name: tag.Name, Description: tag.Description}
		for _, route := range Routes() {
			op, found := d.Paths[documentPath(route.Path)][strings.ToLower(route.Method)]
			if found && slices.Contains(op.Tags, tag.Name) {
				g.Calls = append(g.Calls, d.call(route, op))
			}
		}
		all = append(all, g)
	}
	return all
}

func (d *document) call(route Route, op operation) call {
	c := call{operation: op, Method: route.Method, Path: documentPath(route.Path)}
	body := op.RequestBody.Content["application/json"]
	c.Example, c.Body = indented(body.Example), outline(body.Schema)
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		res := op.Responses[status]
		if status != "default" {
			shown := res.Content["application/json"].Schema
			if shown == nil {
				shown = res.Content["application/problem+json"].Schema
			}
			c.Answers = append(c.Answers, answer{status, res.Description, outline(shown)})
		}
	}
	return c
}

func (d *document) words() []word {
	var all []word
	for _, name := range slices.Sorted(maps.Keys(d.Errors)) {
		all = append(all, word{name, d.Errors[name]})
	}
	return all
}

func (d *document) shapes() []shape {
	var all []shape
	for _, name := range slices.Sorted(maps.Keys(d.Components.Schemas)) {
		var described struct{ Description string }
		_ = json.Unmarshal(d.Components.Schemas[name], &described)
		all = append(all, shape{name, described.Description, outline(d.Components.Schemas[name])})
	}
	return all
}

// indented prints an example.
func indented(raw json.RawMessage) string {
	var b bytes.Buffer
	if len(raw) == 0 || json.Indent(&b, raw, "", "  ") != nil {
		return ""
	}
	return b.String()
}

// documentPath writes /sessions/:id as /sessions/{id}, the way of OpenAPI.
func documentPath(pattern string) string {
	parts := strings.Split(pattern, "/")
	for i, part := range parts {
		if name, found := strings.CutPrefix(part, ":"); found {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}

// docsPage answers GET /docs. The page needs no script and nothing from outside.
func (a *api) docsPage(w http.ResponseWriter, r *request) error {
	w.Header().Set("Content-Security-Policy", a.docs.csp)
	return write(w, http.StatusOK, "text/html; charset=utf-8", a.docs.page)
}

// v1OpenAPI answers GET /v1/openapi.json.
func (a *api) v1OpenAPI(w http.ResponseWriter, r *request) error {
	return write(w, http.StatusOK, "application/json; charset=utf-8", assets.OpenAPI)
}
