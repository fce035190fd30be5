package svc_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// licenceFile is what files with terms are called.
var licenceFile = regexp.MustCompile(`(?i)^(un)?(licen[cs]e|copying|copyright|notice|patents)([-._].*)?$`)

// TestLicenses holds the embedded licences against the module cache: every module
// that is in the binary for some system is there with every file of terms that it
// has. With -update it writes them.
func TestLicenses(t *testing.T) {
	t.Parallel()
	want := licencesOf(t)
	if *update {
		var packed bytes.Buffer
		z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		io.WriteString(z, want)
		z.Close()
		writeFile(t, "licenses.txt.gz", packed.String(), 0o644)
		return // what is embedded is from before
	}
	got := ok(t, t.TempDir(), nil, "licenses")
	if got != want {
		t.Errorf("the licences are not those of the modules any more: run go generate ./svc")
	}
	for _, part := range []string{"The Go programming language", "go.mau.fi/whatsmeow v", "modernc.org/sqlite v", "GNU GENERAL PUBLIC LICENSE"} {
		if !strings.Contains(got, part) {
			t.Errorf("%q is missing", part)
		}
	}
	if strings.Contains(got, "honnef.co") {
		t.Error("a tool that is not in the binary is listed")
	}
}

// licencesOf is the text: each licence once, under the names of all that have it.
func licencesOf(t *testing.T) string {
	folders := map[string][]string{} // by who: where files of terms may be
	for _, system := range []string{"linux/amd64", "linux/arm", "windows/amd64", "darwin/arm64", "freebsd/amd64"} {
		goos, arch, _ := strings.Cut(system, "/")
		list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}} {{.Version}}|{{.Dir}}{{end}}|{{.Dir}}", "..")
		list.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+arch, "CGO_ENABLED=0")
		out, err := list.Output()
		if err != nil {
			t.Fatalf("go list for %s: %v", system, err)
		}
		for line := range strings.Lines(string(out)) {
			parts := strings.Split(strings.TrimSpace(line), "|")
			if who := parts[0]; len(parts) == 3 && !strings.HasPrefix(who, "wamux ") {
				folders[who] = append(folders[who], upTo(parts[1], parts[2])...)
			}
		}
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	folders["The Go programming language and its library"] = []string{strings.TrimSpace(string(root))}
	return onceEach(t, folders)
}

// upTo are a folder and those above it, to root.
func upTo(root, dir string) []string {
	all := []string{root}
	for ; dir != root && strings.HasPrefix(dir, root); dir = filepath.Dir(dir) {
		all = append(all, dir)
	}
	return all
}

// onceEach writes each text once.
func onceEach(t *testing.T, folders map[string][]string) string {
	t.Helper()
	who := map[string][]string{} // by text
	for _, name := range slices.Sorted(maps.Keys(folders)) {
		found := false
		slices.Sort(folders[name])
		for _, dir := range slices.Compact(folders[name]) {
			files, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if f.Type().IsRegular() && licenceFile.MatchString(f.Name()) {
					text := tidied(readFile(t, filepath.Join(dir, f.Name())))
					who[text], found = append(who[text], name), true
				}
			}
		}
		if !found {
			t.Errorf("%s has no licence", name)
		}
	}
	texts := slices.SortedFunc(maps.Keys(who), func(a, b string) int { return cmp.Or(cmp.Compare(who[a][0], who[b][0]), cmp.Compare(a, b)) })
	var b strings.Builder
	fmt.Fprintf(&b, "wamux contains the works below, each under the terms that follow its name.\n")
	for _, text := range texts {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(slices.Compact(who[text]), "\n"), text)
	}
	return b.String()
}

// tidied is a text without what differs between copies of it and means nothing.
func tidied(text string) string {
	var lines []string
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		lines = append(lines, strings.TrimRight(line, " \t\r\n"))
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}
