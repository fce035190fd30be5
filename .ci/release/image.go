package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// imageUser is the user and group in the image. It has no name anywhere but in the image's own list.
const imageUser = 65532

// Types of what an image consists of.
const (
	indexType    = "application/vnd.oci.image.index.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// blobs are the parts of an image by their SHA-256.
type blobs map[string][]byte

// descriptor points to one of them.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    *platform         `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
	Variant      string `json:"variant,omitempty"`
}

type manifest struct {
	Schema      int               `json:"schemaVersion"`
	MediaType   string            `json:"mediaType"`
	Config      *descriptor       `json:"config,omitempty"`
	Layers      []descriptor      `json:"layers,omitempty"`
	Manifests   []descriptor      `json:"manifests,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// put adds a part and returns what points to it.
func (b blobs) put(kind string, content []byte) descriptor {
	sum := fmt.Sprintf("%x", sha256.Sum256(content))
	b[sum] = content
	return descriptor{MediaType: kind, Digest: "sha256:" + sum, Size: len(content)}
}

func (b blobs) putJSON(kind string, v any) (descriptor, error) {
	text, err := json.Marshal(v)
	return b.put(kind, text), err
}

// image writes one OCI image for all its architectures, as a tar of an OCI layout. It is from scratch: nothing is in it but
// wamux, root certificates and the folders that it writes to.
func (r *release) image() error {
	if !slices.ContainsFunc(r.targets, func(t target) bool { return t.image != "" }) {
		return nil
	}
	parts := blobs{}
	base, err := r.baseLayer()
	if err != nil {
		return err
	}
	all := manifest{Schema: 2, MediaType: indexType, Annotations: r.labels()}
	for _, t := range r.targets {
		if t.image == "" {
			continue
		}
		one, err := r.imageFor(t, base, parts)
		if err != nil {
			return err
		}
		all.Manifests = append(all.Manifests, one)
	}
	index, err := parts.putJSON(indexType, all)
	if err != nil {
		return err
	}
	index.Annotations = map[string]string{"org.opencontainers.image.ref.name": imageTag(r.version)}
	file, err := r.layout(parts, index)
	if err != nil {
		return err
	}
	return r.write("wamux-"+r.version+"-oci.tar", file)
}

// imageTag is a version as a registry takes it.
func imageTag(version string) string {
	return strings.ReplaceAll(strings.TrimPrefix(version, "v"), "+", "-")
}

func (r *release) layout(parts blobs, index descriptor) ([]byte, error) {
	top, err := json.Marshal(manifest{Schema: 2, MediaType: indexType, Manifests: []descriptor{index}})
	if err != nil {
		return nil, err
	}
	nodes := []node{{name: "oci-layout", mode: 0o644, content: []byte(`{"imageLayoutVersion":"1.0.0"}`)}, {name: "index.json", mode: 0o644, content: top}}
	for _, sum := range slices.Sorted(maps.Keys(parts)) {
		nodes = append(nodes, node{name: "blobs/sha256/" + sum, mode: 0o644, content: parts[sum]})
	}
	return tarball("", nodes, r.date)
}

// baseLayer is what all architectures share.
func (r *release) baseLayer() ([]byte, error) {
	roots, err := rootCertificates()
	if err != nil {
		return nil, err
	}
	id := strconv.Itoa(imageUser)
	return tarball("", []node{
		{name: "data", mode: fs.ModeDir | 0o700, owner: imageUser},
		{name: "etc/group", mode: 0o644, content: []byte("root:x:0:\nwamux:x:" + id + ":\n")},
		{name: "etc/passwd", mode: 0o644, content: []byte("root:x:0:0::/:/none\nwamux:x:" + id + ":" + id + "::/data:/none\n")},
		{name: "etc/ssl/certs/ca-certificates.crt", mode: 0o644, content: roots},
		{name: "tmp", mode: fs.ModeDir | fs.ModeSticky | 0o777},
		{name: "usr/share/licenses/wamux/LICENSES.txt", mode: 0o644, content: r.shared.licences},
	}, r.date)
}

// imageFor adds the image of one architecture.
func (r *release) imageFor(t target, base []byte, parts blobs) (descriptor, error) {
	program, err := os.ReadFile(r.binary(t))
	if err != nil {
		return descriptor{}, err
	}
	upper, err := tarball("", []node{{name: "usr/bin/wamux", mode: 0o755, content: program}}, r.date)
	if err != nil {
		return descriptor{}, err
	}
	config, err := parts.putJSON(configType, r.imageConfig(t, base, upper))
	if err != nil {
		return descriptor{}, err
	}
	layers := []descriptor{parts.put(layerType, gzipped(base)), parts.put(layerType, gzipped(upper))}
	one, err := parts.putJSON(manifestType, manifest{Schema: 2, MediaType: manifestType, Config: &config, Layers: layers, Annotations: r.labels()})
	one.Platform = &platform{t.image, "linux", t.variant}
	return one, err
}

// imageConfig says how a container runs. It sets no HOST: wamux listens inside the container only until the person who
// starts it says otherwise, since with --network=host, or beside other containers, "everywhere" would not be inside.
func (r *release) imageConfig(t target, layers ...[]byte) any {
	created := r.date.Format(time.RFC3339)
	var sums []string
	var history []map[string]any
	for _, layer := range layers {
		sums = append(sums, fmt.Sprintf("sha256:%x", sha256.Sum256(layer)))
		history = append(history, map[string]any{"created": created, "created_by": "make dist"})
	}
	config := map[string]any{
		"User":         fmt.Sprintf("%d:%d", imageUser, imageUser),
		"Env":          []string{"PATH=/usr/bin", "HOME=/data", "DATABASE_URL=file:/data/wamux.db"},
		"Entrypoint":   []string{"/usr/bin/wamux"},
		"Cmd":          []string{"run"},
		"WorkingDir":   "/data",
		"Volumes":      map[string]any{"/data": struct{}{}},
		"ExposedPorts": map[string]any{"3000/tcp": struct{}{}},
		"StopSignal":   "SIGTERM",
		"Labels":       r.labels(),
		"Healthcheck": map[string]any{"Test": []string{"CMD", "/usr/bin/wamux", "status"},
			"Interval": 30 * time.Second, "Timeout": 10 * time.Second, "StartPeriod": time.Minute, "Retries": 3},
	}
	whole := map[string]any{"created": created, "architecture": t.image, "os": "linux", "config": config, "history": history,
		"rootfs": map[string]any{"type": "layers", "diff_ids": sums}}
	if t.variant != "" {
		whole["variant"] = t.variant
	}
	return whole
}

func (r *release) labels() map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":       "wamux",
		"org.opencontainers.image.description": summary,
		"org.opencontainers.image.version":     r.version,
		"org.opencontainers.image.revision":    r.commit,
		"org.opencontainers.image.created":     r.date.Format(time.RFC3339),
		"org.opencontainers.image.licenses":    r.licences.expression(),
	}
}
