package api

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"wamux/store"
)

// TestReadPage finds what pages say about themselves.
func TestReadPage(t *testing.T) {
	for _, c := range []struct {
		page string
		want pageInfo
	}{
		{`<html><head><title> A &amp; B
		</title><meta name="Description" content="All about it"></head>`, pageInfo{title: "A & B", description: "All about it"}},
		{`<title>Site</title><meta property="og:title" content="Article"><meta content='/i.jpg' property='og:image'/><meta property="og:title" content="Second">`,
			pageInfo{title: "Article", image: "/i.jpg"}},
		{`<script>document.write("<meta property='og:title' content='no'>")</script><title>yes</title>`, pageInfo{title: "yes"}},
		{`<body><meta property="og:title" content="too late">`, pageInfo{}},
		{`<title></title><meta name=twitter:title content=tw>`, pageInfo{title: "tw"}},
		{"<title>\xff\xfe broken \x00</title>", pageInfo{title: "broken \uFFFD"}},
		{``, pageInfo{}},
		{`{"json":true}`, pageInfo{}},
	} {
		if diff := cmp.Diff(c.want, readPage([]byte(c.page)), cmp.AllowUnexported(pageInfo{})); diff != "" {
			t.Errorf("%s: got (+) want (-):\n%s", c.page, diff)
		}
	}
	if got := readPage([]byte("<title>" + strings.Repeat("ä", 1000) + "</title>")).title; utf8.RuneCountInString(got) != 300 {
		t.Errorf("got a title of %d characters", utf8.RuneCountInString(got))
	}
}

// web is a small one: pages and pictures by address.
type web map[string]string

func (w web) Fetch(_ context.Context, address string, max int64) ([]byte, string, error) {
	body, ok := w[address]
	if !ok || int64(len(body)) > max {
		return nil, "", &store.Error{Code: store.CodeUnprocessable, Name: "media_unreachable", Message: "No", Err: errors.New(address)}
	}
	return []byte(body), "", nil
}

// studio makes thumbnails of all that begins with "picture".
type studio struct{ Studio }

func (studio) Thumbnail(_ context.Context, data []byte) ([]byte, error) {
	if !strings.HasPrefix(string(data), "picture") {
		return nil, errors.New("no picture")
	}
	return []byte("small " + string(data)), nil
}

// TestLook makes previews when asked, and only then; what goes wrong leaves the message without.
func TestLook(t *testing.T) {
	a := &api{Options: Options{Log: slog.New(slog.DiscardHandler), Studio: studio{}, Fetcher: web{
		"https://a.b/c":        `<title>C</title><meta property="og:description" content="D"><meta property="og:image" content="i.jpg">`,
		"https://a.b/i.jpg":    "picture",
		"https://a.b/bad":      `<title>Bad</title><meta property="og:image" content="https://10.0.0.1/x.jpg">`,
		"https://a.b/untitled": `hello`,
		"https://a.b/large":    strings.Repeat(" ", pageLimit) + `<title>x</title>`,
	}}}
	for body, want := range map[string]*store.LinkPreview{
		`{"text":"see https://a.b/c!","linkPreview":true}`:           {URL: "https://a.b/c", Title: "C", Description: "D", Thumbnail: []byte("small picture")},
		`{"text":"see https://a.b/bad","linkPreview":true}`:          {URL: "https://a.b/bad", Title: "Bad"},
		`{"text":"see https://a.b/untitled","linkPreview":true}`:     nil,
		`{"text":"see https://a.b/large","linkPreview":true}`:        nil,
		`{"text":"see https://a.b/nowhere","linkPreview":true}`:      nil,
		`{"text":"see nothing","linkPreview":true}`:                  nil,
		`{"text":"see https://a.b/c","linkPreview":false}`:           nil,
		`{"text":"see https://a.b/c","linkPreview":null}`:            nil,
		`{"text":"see https://a.b/c"}`:                               nil,
		`{"text":"see https://a.b/c","linkPreview":{"title":"own"}}`: {URL: "https://a.b/c", Title: "own"},
	} {
		c, _, err := decodeMessage(t, body)
		if err != nil {
			t.Fatal(err)
		}
		a.look(t.Context(), &c)
		if diff := cmp.Diff(want, c.Preview); diff != "" {
			t.Errorf("%s: got (+) want (-):\n%s", body, diff)
		}
	}
}

// FuzzReadPage: no page breaks it.
func FuzzReadPage(f *testing.F) {
	f.Add([]byte(`<title>x</title><meta property="og:title" content="y"><meta name=description content=z><body>`))
	f.Fuzz(func(t *testing.T, page []byte) {
		p := readPage(page)
		if !utf8.ValidString(p.title + p.description) {
			t.Errorf("got %+v", p)
		}
	})
}
