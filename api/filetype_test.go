package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"wamux/api"
)

// TestParseFileTypes takes MIME types and extensions and says what is wrong with the rest.
func TestParseFileTypes(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "[]",
		"image/jpeg, image/PNG": "[image/jpeg image/png]",
		".jpg,pdf":              "[image/jpeg image/jpg application/pdf]",
		"image/*,*":             "[image/* */*]",
		"image/":                "must list MIME types",
		"image/png;q=1":         "must list MIME types",
		"*/png":                 "must list MIME types",
		"pdff":                  `names "pdff", an extension that is not known`,
	} {
		types, err := api.ParseFileTypes(text)
		if got := fmt.Sprint([]string(types)); err == nil && got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		} else if err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// TestFileTypes sends files through both APIs under lists of what is allowed.
func TestFileTypes(t *testing.T) {
	jpeg, pdf, html, mp4 := "\xff\xd8\xff\xe0 a cat", "%PDF-1.7 a page", "<!DOCTYPE html><html>x</html>", "\x00\x00\x00\x18ftypisom sound"
	for _, c := range []struct {
		allowed, kind, data, mimetype, name string
		refused                             string // "" goes
	}{
		{"", "document", html, "text/html", "x.html", ""},
		{"image/*", "image", jpeg, "", "", ""},
		{"jpg", "image", jpeg, "", "", ""},
		{"png,gif", "image", jpeg, "", "", "image/jpeg"},
		{"image/png", "image", jpeg, "image/png", "", "image/jpeg"},
		{"application/pdf", "document", pdf, "application/pdf", "bill.pdf", ""},
		{"application/pdf", "document", pdf, "application/pdf; charset=x", "Bill 3.5", ""},
		{"application/pdf", "document", pdf, "application/pdf", "bill.exe", ".exe"},
		{"application/pdf", "document", jpeg, "application/pdf", "bill.pdf", "image/jpeg"},
		{"application/pdf", "document", html, "application/pdf", "bill.pdf", "text/html"},
		{"pdf", "document", pdf, "", "BILL.PDF", ""},
		{"docx", "document", "PK\x03\x04 words", "", "a.docx", ""},
		{"docx", "document", "PK\x03\x04 words", "", "a.zip", "application/zip"},
		{"docx", "document", "\x01\x02", "", "a", "application/octet-stream"},
		{"audio/mp4", "audio", mp4, "", "", ""},
		{"audio/*", "video", mp4, "", "", "video/mp4"},
		{"*", "document", html, "text/html", "x.html", ""},
	} {
		t.Run(c.allowed+" "+c.kind+" "+c.mimetype+" "+c.name, func(t *testing.T) {
			types, err := api.ParseFileTypes(c.allowed)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, func(o *api.Options) { o.FileTypes = types })
			file := object{"type": "Buffer", "data": []byte(c.data)}
			content := object{c.kind: file, "mimetype": c.mimetype, "fileName": c.name}
			root := scenario{method: "POST", path: sendPath, body: message(marshal(t, content)), status: 200}
			v1 := scenario{method: "POST", path: "/v1/sessions/shop/messages", body: marshal(t, object{
				"to": "6281000000002", "type": c.kind, c.kind: object{"data": []byte(c.data), "mimetype": c.mimetype, "filename": c.name}}), status: 200}
			if c.refused != "" {
				sentence := fmt.Sprintf("Files of the type %s may not be sent from here", c.refused)
				root.status, root.want = 415, []string{`{"success":false,"message":"` + sentence + `"}`}
				v1.status, v1.want = 415, []string{`"code":"file_type_refused"`, sentence}
			}
			before := w.content()
			w.play(t, root)
			w.play(t, v1)
			if c.refused != "" {
				w.unchanged(t, before)
			}
		})
	}
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestFileKind: the content decides, and the name where that says little.
func TestFileKind(t *testing.T) {
	mp4 := "\x00\x00\x00\x18ftypmp42"
	for _, c := range []struct{ name, data, kind, mimetype string }{
		{"hat.png", "\x89PNG\r\n\x1a\n", "image", ""},
		{"hat", "\xff\xd8\xff\xe0", "image", ""},
		{"hat.png", "<html><body>404", "document", ""},
		{"hat.webp", "RIFF\x10\x00\x00\x00WEBPVP8 ", "sticker", ""},
		{"hat.gif", "GIF89a", "document", ""},
		{"hat.mp4", mp4, "video", ""},
		{"song.m4a", mp4, "audio", ""},
		{"song.mp3", "\xff\xfb\x90", "audio", ""},
		{"note.ogg", "OggS\x00", "audio", ""},
		{"song.flac", "fLaC", "document", ""},
		{"hat.mov", "\x00\x00\x00\x14ftypqt  ", "document", ""},
		{"OFFERS.CSV", "hat;12", "document", "text/csv"},
		{"offers.docx", "PK\x03\x04", "document", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		{"offers", "hat;12", "document", ""},
		{"offers.pdf", "%PDF-1.7", "document", ""},
		{"blob.bin", "\x00\x01\x02", "document", ""},
		{"empty.txt", "", "document", "text/plain"},
	} {
		if kind, mimetype := api.FileKind(c.name, []byte(c.data)); kind != c.kind || mimetype != c.mimetype {
			t.Errorf("%s: got %s %q, want %s %q", c.name, kind, mimetype, c.kind, c.mimetype)
		}
	}
}
