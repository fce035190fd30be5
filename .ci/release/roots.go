package main

import (
	"bytes"
	"encoding/pem"
	"fmt"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// rootCertificates is the file of authorities whose certificates wamux in the image believes: those that Mozilla has and
// puts no condition on, since a file can state none. They come from a module, and so from go.sum, not from this machine.
func rootCertificates() ([]byte, error) {
	var file bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		if err := pem.Encode(&file, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			return nil, err
		}
	}
	if n := bytes.Count(file.Bytes(), []byte("BEGIN")); n < 80 {
		return nil, fmt.Errorf("there are only %d root certificates for the image: that cannot be right", n)
	}
	return file.Bytes(), nil
}
