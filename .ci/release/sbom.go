package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"
)

// parts is a list of what a binary is made of, in the form CycloneDX 1.5.
type parts struct {
	Schema   string      `json:"$schema"`
	Format   string      `json:"bomFormat"`
	Spec     string      `json:"specVersion"`
	Serial   string      `json:"serialNumber"`
	Version  int         `json:"version"`
	Metadata metadata    `json:"metadata"`
	Parts    []component `json:"components"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	Hashes     []hash     `json:"hashes,omitempty"`
	Licences   []licence  `json:"licenses,omitempty"`
	PackageURL string     `json:"purl,omitempty"`
	Properties []property `json:"properties,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type licence struct {
	Licence struct {
		ID string `json:"id"`
	} `json:"license"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// partsList writes the SBOM of a binary: what the Go tool wrote into it, and nothing guessed. The h1: of a module is the
// hash of go.sum, over all its files; no file has that SHA-256, so it is a property and no hash.
func (r *release) partsList(t target, binary []byte) error {
	info, err := buildinfo.Read(bytes.NewReader(binary))
	if err != nil {
		return err
	}
	sums, err := readSums(filepath.Join(r.root, "go.sum"))
	if err != nil {
		return err
	}
	list := parts{Schema: "http://cyclonedx.org/schema/bom-1.5.schema.json", Format: "CycloneDX", Spec: "1.5", Version: 1,
		Serial: serial(binary), Metadata: metadata{Timestamp: r.date.Format(time.RFC3339), Component: r.whole(t, binary, info)}}
	list.Parts = append(list.Parts, r.part("std", strings.TrimPrefix(info.GoVersion, "go"), goItself, ""))
	for _, m := range modules(info) {
		if m.Sum != "" && sums[m.Path+" "+m.Version] != m.Sum {
			return fmt.Errorf("%s %s is in the binary with the hash %s, but go.sum does not have that", m.Path, m.Version, m.Sum)
		}
		list.Parts = append(list.Parts, r.part(m.Path, m.Version, m.Path+" "+m.Version, m.Sum))
	}
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	return r.write("wamux-"+r.version+"-"+t.slug()+".cdx.json", append(text, '\n'))
}

// whole is wamux itself, with the binary's hash and how it was built.
func (r *release) whole(t target, binary []byte, info *debug.BuildInfo) component {
	c := component{Type: "application", Ref: "wamux", Name: "wamux", Version: r.version,
		Hashes: []hash{{"SHA-256", fmt.Sprintf("%x", sha256.Sum256(binary))}}}
	c.Properties = append(c.Properties, property{"wamux:file", filepath.Base(r.binary(t))}, property{"wamux:go", info.GoVersion})
	for _, s := range info.Settings {
		c.Properties = append(c.Properties, property{"wamux:build:" + s.Key, s.Value})
	}
	return c
}

// part is one module; named is who it is in the book of licences, and sum its line in go.sum.
func (r *release) part(path, version, named, sum string) component {
	c := component{Type: "library", Name: path, Version: version, PackageURL: "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")}
	c.Ref = c.PackageURL
	for _, id := range r.licences.ids(named) {
		var l licence
		l.Licence.ID = id
		c.Licences = append(c.Licences, l)
	}
	if sum != "" {
		c.Properties = []property{{"wamux:go.sum", sum}}
	}
	return c
}

// serial is a name for the list as CycloneDX wants it, that follows from the binary alone: a UUID of version 8.
func serial(binary []byte) string {
	id := sha256.Sum256(binary)
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[0:4], id[4:6], id[6:8], id[8:10], id[10:16])
}

// readSums are the hashes of go.sum by "path version".
func readSums(file string) (map[string]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	sums := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 {
			sums[f[0]+" "+f[1]] = f[2]
		}
	}
	return sums, nil
}
