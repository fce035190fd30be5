package svc_test

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSendCommand sends texts and files, and looks at what arrived at the phone.
func TestSendCommand(t *testing.T) {
	t.Parallel()
	g := sandboxed(t)
	g.pair("shop", ours)
	g.phone(theirs)
	picture, err := base64.StdEncoding.DecodeString(tinyPNG)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"hat.png": string(picture), "offers.csv": "hat;12\n", "hat": string(picture)} {
		writeFile(t, filepath.Join(g.dir, name), content, 0o600)
	}
	env := []string{"DATABASE_URL=file:wamux-sandbox.db"}
	for _, c := range []struct {
		args  []string
		stdin string
		want  string // type, text, MIME type and file name of what arrives
	}{
		{[]string{"Hello Sari"}, "", "text|Hello Sari||"},
		{[]string{"--", "--dashed"}, "", "text|--dashed||"},
		{[]string{"-"}, "two\nlines\n", "text|two\nlines||"},
		{[]string{"A hat", "--file", "hat.png"}, "", "image|A hat|image/png|"},
		{[]string{"--file=hat"}, "", "image||image/png|"},
		{[]string{"--file", "offers.csv"}, "", "document||text/csv|offers.csv"},
		{[]string{"--file", "hat.png", "--as", "document"}, "", "document||image/png|hat.png"},
	} {
		before := len(g.inbox(theirs))
		cmd := command(t, g.dir, env, append([]string{"send", "shop", theirs}, c.args...)...)
		cmd.Stdin = strings.NewReader(c.stdin)
		out, err := cmd.CombinedOutput()
		if err != nil || !regexp.MustCompile(`^[0-9A-F]+ is sent to `+theirs+`\.\n$`).Match(out) {
			t.Errorf("%q: got %v %s", c.args, err, out)
		}
		eventually(t, "the message at the phone", func() bool { return len(g.inbox(theirs)) > before })
		if m := g.inbox(theirs)[before]; c.want != m.Type+"|"+m.Text+"|"+m.Mimetype+"|"+m.FileName {
			t.Errorf("%q: got %+v, want %q", c.args, m, c.want)
		}
	}
	refuses(t, 1, "error: Session not found\nhint: `wamux sessions`", g.dir, env, "send", "nobody", theirs, "Hi")
	refuses(t, 1, "error: none.png cannot be read", g.dir, env, "send", "shop", theirs, "--file", "none.png")
	refuses(t, 1, "no gateway is running", g.dir, nil, "send", "shop", theirs, "Hi")
	for part, args := range map[string]string{
		"needs a session": "send shop", "a text or a file": "send shop " + theirs, `"Sari" is one word too many`: "send shop " + theirs + " Hello Sari",
		"there is none": "send shop " + theirs + " Hi --as image", "must be one of image": "send shop " + theirs + " --file hat --as hat",
	} {
		refuses(t, 2, part, g.dir, env, strings.Fields(args)...)
	}
}

// TestFirstSteps runs the script from nothing to a message, in an empty folder.
func TestFirstSteps(t *testing.T) {
	t.Parallel()
	needs(t, "bash")
	script, err := filepath.Abs("../assets/examples/first.sh")
	if err != nil {
		t.Fatal(err)
	}
	dir, bin := t.TempDir(), t.TempDir()
	if err := os.Symlink(program(t), filepath.Join(bin, "wamux")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "WAMUX_TEST_MAIN=1", "PORT=0", "SANDBOX_TIME_SCALE=20", "PATH="+bin+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		`(?m)^shop is linked to 6281111111111, and online\.$`, `(?m)^sari +6282222222222 +online`,
		`(?m)^[0-9A-F]+ is sent to 6282222222222\.$`, `(?m)^running: http://127\.0\.0\.1:\d+, wamux `, `(?m)^sessions: 2: 2 online$`,
	} {
		if !regexp.MustCompile(want).Match(out) {
			t.Errorf("got\n%s\nwant %s in it", out, want)
		}
	}
}
