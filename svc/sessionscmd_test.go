package svc_test

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/png"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSessionsCommands links, stops, starts, logs out and deletes sessions, with
// nothing but commands.
func TestSessionsCommands(t *testing.T) {
	t.Parallel()
	g := start(t, t.TempDir(), []string{"SANDBOX_TIME_SCALE=20"}, "run", "--sandbox")
	sandbox := func(args ...string) string {
		return ok(t, g.dir, []string{"DATABASE_URL=file:wamux-sandbox.db"}, args...)
	}
	refused := func(part string, args ...string) {
		t.Helper()
		refuses(t, 1, part, g.dir, []string{"DATABASE_URL=file:wamux-sandbox.db"}, args...)
	}
	own := filepath.Join(g.dir, "code.png")
	if got := sandbox("sessions", "add", "shop", "--scan", ours, "--png", own); !strings.Contains(got, "picture: "+own+"\nlink: http://127.0.0.1:") ||
		!strings.HasSuffix(got, "shop is linked to "+ours+", and online.\n") {
		t.Errorf("add: got %s", got)
	}
	if _, err := os.Stat(own); err == nil {
		t.Error("the picture of a used code is still there")
	}
	if got, want := sandbox("sessions", "add", "shop"), "shop is linked to "+ours+", and online.\n"; got != want {
		t.Errorf("add of a linked one: got %q, want %q", got, want)
	}
	g.linkByCode(t, "other", theirs)
	sandbox("sessions", "stop", "shop")
	if got := sandbox("sessions"); !strings.Contains(got, "shop     "+ours+"  stopped") || !strings.Contains(got, "other    "+theirs+"  online") {
		t.Errorf("list: got %s", got)
	}
	sandbox("sessions", "start", "shop")
	g.online("shop")
	sandbox("sessions", "restart", "shop")
	g.online("shop")
	sandbox("sessions", "logout", "shop")
	if got := sandbox("sessions", "list"); !strings.Contains(got, "logged_out") {
		t.Errorf("list: got %s", got)
	}
	if got := sandbox("sessions", "add", "shop", "--scan", ours); !strings.Contains(got, "picture: ") || !strings.HasSuffix(got, "shop is linked to "+ours+", and online.\n") {
		t.Errorf("add of one that was logged out: got %s", got)
	}
	sandbox("sessions", "delete", "shop")
	refused("error: Session not found\nhint: `wamux sessions` lists them", "sessions", "delete", "shop")
	refused("error: Session not found\nhint: `wamux sessions` lists them", "sessions", "stop", "shop")
}

// linkByCode links a session by a code that is typed.
func (g *gateway) linkByCode(t *testing.T, session, number string) {
	t.Helper()
	g.phone(number)
	cmd := command(t, g.dir, nil, "sessions", "code", session, number, "--sandbox")
	var out, log syncBuffer
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a code to type", func() bool { return strings.HasSuffix(out.String(), "\n") })
	g.typed(t, number, strings.TrimSpace(out.String()))
	if err := cmd.Wait(); err != nil || !strings.HasSuffix(out.String(), session+" is linked to "+number+", and online.\n") {
		t.Errorf("code: got %v %s%s", err, &out, &log)
	}
}

// typed lets a phone type a code.
func (g *gateway) typed(t *testing.T, number, code string) {
	t.Helper()
	if status, answer := g.call("POST", "/v1/sandbox/phones/"+number+"/code", object{"code": code}); status/100 != 2 {
		t.Fatalf("typing %q: got %d %s", code, status, answer)
	}
}

// TestCommandsWithoutGateway: what needs a running one says so, and where another
// one may be meant.
func TestCommandsWithoutGateway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	none := func(part string, args ...string) {
		t.Helper()
		refuses(t, 1, part, dir, nil, args...)
	}
	for _, args := range [][]string{{"sessions", "add", "shop"}, {"sessions", "code", "shop", ours}, {"sessions", "stop", "shop"}, {"sessions", "delete", "shop"}} {
		none("error: no gateway is running with ./wamux.db\nhint: start it with `wamux run`", args...)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("a command made %v, %v", files, err)
	}
	g := start(t, dir, nil, "run", "--sandbox")
	none("hint: a gateway with the sandbox runs here: add --sandbox", "sessions", "add", "shop")
	none("hint: a gateway with the sandbox runs here: add --sandbox", "sessions")
	refuses(t, 2, `there is no command "sessions fly"`, dir, nil, "sessions", "fly")
	refuses(t, 2, "takes 1 words", dir, nil, "sessions", "add")
	g.kill() // its lock file still names an address
	refuses(t, 1, "no gateway is running", dir, nil, "sessions", "add", "shop", "--sandbox")
}

// pictured are the modules of a code in a PNG: six pixels each.
func pictured(t *testing.T, data string) modules {
	t.Helper()
	img, err := png.Decode(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var m modules
	for y := img.Bounds().Min.Y + 3; y < img.Bounds().Max.Y; y += 6 {
		var row []bool
		for x := img.Bounds().Min.X + 3; x < img.Bounds().Max.X; x += 6 {
			row = append(row, isDark(img, x, y))
		}
		m = append(m, row)
	}
	return m
}

func isDark(img image.Image, x, y int) bool {
	r, _, _, _ := img.At(x, y).RGBA()
	return r < 0x8000
}

func base64Of(data string) string { return base64.StdEncoding.EncodeToString([]byte(data)) }

// fetched is what a page says, as a browser gets it.
func fetched(t *testing.T, url string, status int) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if _, err := io.Copy(&b, resp.Body); err != nil || resp.StatusCode != status {
		t.Errorf("GET %s: got %d, %v, want %d", url, resp.StatusCode, err, status)
	}
	return b.String()
}
