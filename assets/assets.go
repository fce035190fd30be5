// Package assets holds the bytes that the binary carries, and nothing else.
package assets

import _ "embed"

// OpenAPI is the OpenAPI 3.1 document of the API, as JSON.
//
//go:embed openapi.json
var OpenAPI []byte

// DocsPage is the html/template of the page that shows the document to people.
//
//go:embed docs.html
var DocsPage string

// DocsStyle is the CSS of that page.
//
//go:embed docs.css
var DocsStyle string
