package main

import (
	"encoding/pem"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestImage follows the layout from its index to the files in the layers.
func TestImage(t *testing.T) {
	r := testRelease(t)
	for _, target := range r.targets {
		must(t, os.WriteFile(r.binary(target), []byte("ELF "+target.String()), 0o755))
	}
	must(t, r.image())
	files := untar(t, r.read(t, "wamux-v1.2.3-oci.tar"))
	blob := func(d descriptor) []byte {
		content := files["blobs/sha256/"+strings.TrimPrefix(d.Digest, "sha256:")].content
		if len(content) != d.Size || d.Size == 0 {
			t.Fatalf("%+v has %d bytes", d, len(content))
		}
		return []byte(content)
	}
	top := decode[manifest](t, []byte(files["index.json"].content))
	all := decode[manifest](t, blob(top.Manifests[0]))
	var names []string
	for _, d := range all.Manifests {
		names = append(names, strings.TrimSuffix(d.Platform.Architecture+"/"+d.Platform.Variant, "/"))
		m := decode[manifest](t, blob(d))
		config := decode[struct{ Config map[string]any }](t, blob(*m.Config)).Config
		if config["User"] != "65532:65532" || config["Healthcheck"] == nil || strings.Contains(strings.Join(texts(config["Env"]), " "), "HOST=") {
			t.Errorf("config: %v", config)
		}
		base, upper := untar(t, gunzip(t, blob(m.Layers[0]))), untar(t, gunzip(t, blob(m.Layers[1])))
		if h := base["data/"]; h.Header == nil || h.Uid != imageUser || h.Gid != imageUser || h.Mode != 0o700 {
			t.Errorf("data: %+v", h)
		}
		if h := base["tmp/"]; h.Header == nil || h.Mode != 0o1777 {
			t.Errorf("tmp: %+v", h)
		}
		if h := upper["usr/bin/wamux"]; h.Header == nil || h.Mode != 0o755 || !strings.HasPrefix(h.content, "ELF linux/"+d.Platform.Architecture) {
			t.Errorf("wamux: %+v", h)
		}
	}
	if want := []string{"amd64", "arm64/v8", "arm/v7", "arm/v6"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}

func TestRootCertificates(t *testing.T) {
	file, err := rootCertificates()
	must(t, err)
	if block, _ := pem.Decode(file); block == nil || block.Type != "CERTIFICATE" {
		t.Error("it is no PEM")
	}
}
