package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"

	"wamux/assets"
)

// docsPolicy lets the page use its own style and nothing else.
func docsPolicy() string {
	style := sha256.Sum256([]byte(assets.DocsStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(style[:]) +
		"'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
}

// docsPage answers GET /docs. The page needs no script and nothing from outside.
func (a *api) docsPage(w http.ResponseWriter, r *request) error {
	w.Header().Set("Content-Security-Policy", docsPolicy())
	return writePacked(w, "text/html; charset=utf-8", assets.DocsPage)
}

// writePacked answers with what was packed by gzip, unpacked.
func writePacked(w http.ResponseWriter, contentType string, packed []byte) error {
	from, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return err
	}
	plain, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	return write(w, http.StatusOK, contentType, plain)
}

// v1OpenAPI answers GET /v1/openapi.json.
func (a *api) v1OpenAPI(w http.ResponseWriter, r *request) error {
	return writePacked(w, "application/json; charset=utf-8", assets.PackedOpenAPI)
}
