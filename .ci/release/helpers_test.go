package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (r *release) read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(r.out, name))
	must(t, err)
	return content
}

func decode[T any](t *testing.T, text []byte) (v T) {
	t.Helper()
	must(t, json.Unmarshal(text, &v))
	return v
}

func texts(v any) (all []string) {
	for _, one := range v.([]any) {
		all = append(all, one.(string))
	}
	return all
}

func gunzip(t *testing.T, packed []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(packed))
	must(t, err)
	if !z.ModTime.IsZero() || z.Name != "" {
		t.Error("gzip says a time or a name")
	}
	content, err := io.ReadAll(z)
	must(t, err)
	return content
}

// tarred is a file in a tar.
type tarred struct {
	*tar.Header
	content string
}

func untar(t *testing.T, file []byte) map[string]tarred {
	t.Helper()
	all := map[string]tarred{}
	for r := tar.NewReader(bytes.NewReader(file)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return all
		}
		must(t, err)
		content, err := io.ReadAll(r)
		must(t, err)
		all[h.Name] = tarred{h, string(content)}
	}
}

func unar(t *testing.T, file []byte) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	rest, ok := bytes.CutPrefix(file, []byte("!<arch>\n"))
	for ok && len(rest) > 0 {
		var size int
		for _, digit := range strings.TrimSpace(string(rest[48:58])) {
			size = size*10 + int(digit-'0')
		}
		if string(rest[58:60]) != "`\n" {
			t.Fatalf("a member ends with %q", rest[58:60])
		}
		all[strings.TrimSpace(string(rest[:16]))] = rest[60 : 60+size]
		rest = rest[60+size+size%2:]
	}
	return all
}
