// Package assets holds the bytes that the binary carries, and nothing else.
package assets

import _ "embed"

// OpenAPI is the OpenAPI 3.1 document of the API, openapi.json packed by gzip; a test of
// package api packs it and holds the two together.
//
//go:embed openapi.json.gz
var OpenAPI []byte

// DocsPage is the page that shows the document to people, packed by gzip; a test
// of package api makes it of the document and holds the two together.
//
//go:embed docs.html.gz
var DocsPage []byte

// DocsStyle is the CSS in that page.
//
//go:embed docs.css
var DocsStyle string
