package svc

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"fmt"
	"io"
)

// licenceTexts holds the licences of all that the binary is made of, whatever system
// it is for. `go generate` writes it from the module cache, and a test holds the
// two together.
//
//go:generate go test -run ^TestLicenses$ -update
//go:embed licenses.txt.gz
var licenceTexts []byte

// licenses prints them.
func (p program) licenses(_ context.Context, args []string) int {
	if len(args) > 0 {
		return p.fail(exitUsage, fmt.Errorf("licenses takes no arguments, but got %q", args[0]), "call `wamux licenses` alone")
	}
	text, err := gzip.NewReader(bytes.NewReader(licenceTexts))
	if err == nil {
		_, err = io.Copy(p.stdout, text)
	}
	return p.ended(err)
}
