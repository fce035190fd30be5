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
	return unpack(w, "text/html; charset=utf-8", assets.DocsPage)
}

// v1OpenAPI answers GET /v1/openapi.json.
func (a *api) v1OpenAPI(w http.ResponseWriter, r *request) error {
	return unpack(w, "application/json; charset=utf-8", assets.OpenAPI)
}

// unpack answers with a file that the binary carries packed.
func unpack(w http.ResponseWriter, kind string, file []byte) error {
	packed, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		return err
	}
	whole, err := io.ReadAll(packed)
	if err != nil {
		return err
	}
	return write(w, http.StatusOK, kind, whole)
}
