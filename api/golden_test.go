package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, rec *httptest.ResponseRecorder) {
	t.Helper()
	got := fmt.Sprintf("%d %s\n%s\n\n%s\n", rec.Code, http.StatusText(rec.Code), rec.Header().Get("Content-Type"), settled(rec.Body.Bytes()))
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// settled is JSON indented, with what differs from run to run named.
func settled(body []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, body, "", "  ") != nil {
		return string(body)
	}
	text := b.String()
	for _, name := range []string{"<png>", `"deadline": "<time>"`, "<job>", "<key>", "<prefix>", `"id": "<id>"`} {
		text = volatile()[name].ReplaceAllString(text, name)
	}
	return strings.TrimSpace(text)
}

func volatile() map[string]*regexp.Regexp {
	return map[string]*regexp.Regexp{
		"<png>":                regexp.MustCompile(`data:image/png;base64,[A-Za-z0-9+/=]{200,}`),
		"<job>":                regexp.MustCompile(`job_[a-z0-9]{16,}`),
		"<key>":                regexp.MustCompile(`wk_[a-z0-9]+_[A-Za-z0-9_-]+`),
		"<prefix>":             regexp.MustCompile(`wk_[a-z0-9]+`),
		`"deadline": "<time>"`: regexp.MustCompile(`"deadline": "[0-9TZ:.-]+"`),
		`"id": "<id>"`:         regexp.MustCompile(`"id": "[a-z2-7]{10}"`),
	}
}
