package svc_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStatusCommand: the exit code tells what is the matter, the text where.
func TestStatusCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if s := wamux(t, dir, nil, "status", "--sandbox"); s.code != 3 || s.out != "stopped: no gateway is running with wamux-sandbox.db\n" || !strings.Contains(s.err, "hint: start it") {
		t.Errorf("stopped: got %+v", s)
	}
	_, env := newKey(t)
	g := start(t, dir, env, "run", "--sandbox")
	if s := wamux(t, dir, nil, "status"); s.code != 3 || !strings.Contains(s.err, "hint: a gateway with the sandbox runs here") {
		t.Errorf("another database: got %+v", s)
	}
	if got := ok(t, dir, nil, "status", "--sandbox"); !strings.HasPrefix(got, "running: "+g.url+", wamux ") ||
		!strings.Contains(got, "\nsessions: none yet\n") || !strings.Contains(got, "\nsecret values: sealed, to one key\n") {
		t.Errorf("running: got %s", got)
	}
	g.pair("shop", ours)
	if got := ok(t, dir, nil, "status", "--sandbox"); !strings.Contains(got, "\nsessions: 1: 1 online\n") {
		t.Errorf("running: got %s", got)
	}
	refuses(t, 2, "takes no words", dir, nil, "status", "shop")
	if err := os.Remove(filepath.Join(dir, "admin.key")); err != nil {
		t.Fatal(err)
	}
	refuses(t, 1, "there is no admin key", dir, nil, "status", "--sandbox")
	if got := ok(t, dir, []string{"API_KEYS=" + g.key}, "status", "--sandbox"); !strings.Contains(got, "1 online") {
		t.Errorf("with a key of its own: got %s", got)
	}
}

// TestAPIKeyCommand makes a key, uses it and takes it back, beside a running
// gateway and on a stopped one.
func TestAPIKeyCommand(t *testing.T) {
	t.Parallel()
	g := sandboxed(t)
	g.pair("shop", ours)
	made := wamux(t, g.dir, nil, "apikey", "new", "cash-desk", "--scopes", "read", "--sessions", "shop", "--sandbox")
	key := strings.TrimSpace(made.out)
	if made.code != 0 || !strings.HasPrefix(key, "wk_") || strings.Contains(key, "\n") || !strings.Contains(made.err, "shown once") {
		t.Fatalf("new: got %+v", made)
	}
	listed := func() string { t.Helper(); return ok(t, g.dir, nil, "apikey", "--sandbox") }
	if got := listed(); !strings.Contains(got, "cash-desk  read    shop      never") || strings.Contains(got, key) {
		t.Errorf("list: got %s", got)
	}
	opens := func(want int) {
		t.Helper()
		req := g.request("GET", "/v1/sessions/shop", nil)
		req.Header.Set("x-api-key", key)
		if a := g.do(req); a.status != want {
			t.Errorf("the key: got %d %s, want %d", a.status, a.body, want)
		}
	}
	opens(200)
	id := strings.Fields(listed()[strings.LastIndex(strings.TrimSpace(listed()), "\n")+1:])[0]
	ok(t, g.dir, nil, "apikey", "delete", id, "--sandbox")
	opens(401)
	refuses(t, 2, "scopes must name", g.dir, nil, "apikey", "new", "x", "--scopes", "fly", "--sandbox")
	refuses(t, 2, "scopes must name", g.dir, nil, "apikey", "new", "x", "--sandbox")
	refuses(t, 2, "takes 1 words", g.dir, nil, "apikey", "delete", "--sandbox")

	g.stop()
	key = strings.TrimSpace(ok(t, g.dir, nil, "apikey", "new", "idle", "--scopes", "read", "--sandbox"))
	if got := listed(); !strings.Contains(got, "idle") || strings.Contains(got, "cash-desk") {
		t.Errorf("list: got %s", got)
	}
	g.begin()
	opens(200)
}
