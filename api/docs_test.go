package api_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	html "html/template"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"wamux/api"
	"wamux/assets"
)

// docsDocument is what the page needs of the OpenAPI document.
type docsDocument struct {
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

// openAPI is the document as people write it.
func openAPI(t testing.TB) []byte {
	t.Helper()
	doc, err := os.ReadFile("../assets/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestOpenAPIIsPacked holds the document against its packed form, which the binary
// carries; -update makes that anew.
func TestOpenAPIIsPacked(t *testing.T) {
	want := openAPI(t)
	if *update {
		if err := os.WriteFile("../assets/openapi.json.gz", packed(t, want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if !bytes.Equal(unpacked(t, assets.OpenAPI), want) {
		t.Error("assets/openapi.json.gz is not openapi.json; run go test ./api -run TestOpenAPIIsPacked -update")
	}
}

// TestDocsPageIsTheDocument holds assets/docs.html.gz, which the binary carries
// ready to send, against the OpenAPI document it is made of; -update makes it anew.
func TestDocsPageIsTheDocument(t *testing.T) {
	want := renderDocs(t)
	if *update {
		if err := os.WriteFile("../assets/docs.html.gz", packed(t, want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if !bytes.Equal(unpacked(t, assets.DocsPage), want) {
		t.Error("assets/docs.html.gz is not what openapi.json says; run go test ./api -run TestDocsPageIsTheDocument -update")
	}
}

func packed(t *testing.T, page []byte) []byte {
	t.Helper()
	var file bytes.Buffer
	z, err := gzip.NewWriterLevel(&file, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(page)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func unpacked(t *testing.T, file []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// renderDocs makes the page. That is done here and not at every start: it never
// differs, and a template engine in the binary keeps the linker from dropping
// what nobody calls.
func renderDocs(t *testing.T) []byte {
	t.Helper()
	var doc docsDocument
	if err := json.Unmarshal(openAPI(t), &doc); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	page := html.Must(html.ParseFiles("testdata/docs.tmpl"))
	err := page.Execute(&b, map[string]any{
		"Title": doc.Info.Title, "Summary": doc.Info.Summary, "Description": doc.Info.Description,
		"Style": html.CSS(assets.DocsStyle), "Groups": doc.groups(), "Errors": doc.words(), "Shapes": doc.shapes(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// groups walks the routes, so that the page has them in their order on the one screen.
func (d *docsDocument) groups() []group {
	var all []group
	for _, tag := range d.Tags {
		g := group{Name: tag.Name, Description: tag.Description}
		for _, route := range api.Routes() {
			op, found := d.Paths[documentPath(route.Path)][strings.ToLower(route.Method)]
			if found && slices.Contains(op.Tags, tag.Name) {
				g.Calls = append(g.Calls, d.call(route, op))
			}
		}
		all = append(all, g)
	}
	return all
}

func (d *docsDocument) call(route api.Route, op operation) call {
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

func (d *docsDocument) words() []word {
	var all []word
	for _, name := range slices.Sorted(maps.Keys(d.Errors)) {
		all = append(all, word{name, d.Errors[name]})
	}
	return all
}

func (d *docsDocument) shapes() []shape {
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
