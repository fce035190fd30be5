package svc_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestExamples runs the example clients as they are, beside a person who scans the code that they show.
func TestExamples(t *testing.T) {
	t.Parallel()
	picture, err := base64.StdEncoding.DecodeString(tinyPNG)
	if err != nil {
		t.Fatal(err)
	}
	images := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		w.Write(picture)
	}))
	t.Cleanup(images.Close)
	g := start(t, t.TempDir(), []string{"MEDIA_HOSTS=127.0.0.1", "SANDBOX_TIME_SCALE=100"}, "run", "--sandbox")
	for program, script := range map[string]string{"node": "client.mjs", "bash": "client.sh"} {
		t.Run(script, func(t *testing.T) { g.example(t, program, script, images.URL+"/picture.png") })
	}
}

func (g *gateway) example(t *testing.T, program, script, image string) {
	if _, err := exec.LookPath(program); program == "node" && err != nil {
		t.Skip("node is not installed; it is not needed for anything else, so that CI may lack it")
	}
	if program == "bash" {
		needs(t, "bash", "curl")
	}
	path, err := filepath.Abs("../assets/examples/" + script)
	if err != nil {
		t.Fatal(err)
	}
	shop, guest := "62815550001"+digitOf(program), "62815550002"+digitOf(program)
	g.phone(shop)
	g.phone(guest)
	dir := t.TempDir()
	var out bytes.Buffer
	cmd := exec.Command(program, path, "example-"+program, guest, image, g.url)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = dir, &out, &out, append(os.Environ(), "API_KEY="+g.key)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a picture of the code", func() bool { _, err := os.Stat(filepath.Join(dir, "qr.png")); return err == nil })
	if status, answer := g.call("POST", "/v1/sandbox/phones/"+shop+"/scan", object{"session": "example-" + program}); status/100 != 2 {
		t.Fatalf("scan: got %d %s", status, answer)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out.String())
	}
	g.exampleArrived(t, guest, out.String())
}

// digitOf gives each example phones of its own.
func digitOf(program string) string {
	if program == "node" {
		return "1"
	}
	return "2"
}

// exampleArrived checks what the recipient has and what the script printed.
func (g *gateway) exampleArrived(t *testing.T, guest, printed string) {
	var texts []string
	for _, m := range g.inbox(guest) {
		texts = append(texts, m.Type+" "+m.Text)
		if m.Type == "image" && m.Mimetype != "image/png" {
			t.Errorf("the picture arrived as %s", m.Mimetype)
		}
	}
	want := `^text Hello from (Node|curl)\nimage A picture\ntext First of the batch\ntext Second of the batch$`
	if got := strings.Join(texts, "\n"); !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("the recipient has\n%s", got)
	}
	for _, word := range []string{"linked", "Second of the batch", "outgoing"} {
		if !strings.Contains(printed, word) {
			t.Errorf("the script did not print %q:\n%s", word, printed)
		}
	}
}
