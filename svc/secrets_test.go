package svc_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSecretsStayInside plants secrets of every kind, drives all that speaks (the log at its loudest in both formats, standard error
// and output, refusals, what monitors read, the list of processes, the commands) and looks for them in all of it.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const passphrase, hook = "canary-passphrase", "canary-hook-secret"
	writeFile(t, filepath.Join(dir, "pass"), passphrase+"\n", 0o600)
	ok(t, dir, []string{"AGE_PASSPHRASE_FILE=pass", "AGE_IDENTITY_FILE=age.key"}, "key", "new", "--passphrase", "-o", "age.key")
	writeFile(t, filepath.Join(dir, ".env"), "AGE_IDENTITY_FILE=age.key\nAGE_PASSPHRASE_FILE=pass\nWEBHOOK_SECRET="+hook+"\nWEBHOOK_URL=https://u:canary-url@hooks.example.com/\nLOG_FILE=wamux.log\nMETRICS_SESSIONS=true\n", 0o600)
	g := start(t, dir, nil, "run", "--sandbox")
	s := &spoken{g: g, heard: map[string]string{}}
	narrow := g.newKey("read")
	g.pair("shop", ours)
	g.phone(theirs)
	s.talk(t, narrow)
	s.commands(t)
	s.process(t)
	log := g.log.String()
	g.stop()
	g.env = append(g.env, "LOG_FORMAT=json")
	g.begin()
	g.online("shop")
	s.talk(t, narrow)
	g.stop()
	s.heard["stderr"], s.heard["stderr as JSON"], s.heard["stdout"] = log, g.log.String(), g.out.String()
	s.heard["log file"] = readFile(t, filepath.Join(dir, "wamux.log"))
	s.heard["lock file"] = readFile(t, filepath.Join(dir, "wamux-sandbox.db.lock"))
	jsonLines(t, g.log.String())

	for name, text := range s.heard {
		for _, secret := range []string{"canary", passphrase, hook, g.key, narrow, "AGE-SECRET-KEY", ours, theirs, "6285555555555"} {
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("%s says %q: …%s…", name, secret, text[max(0, at-200):min(len(text), at+100)])
			}
		}
	}
	for _, name := range []string{"stderr", "stderr as JSON", "log file", "/metrics", "cmdline", "status", "refusal 401 GET /v1/sessions"} {
		if s.heard[name] == "" {
			t.Errorf("nothing was heard of %s, only of %q", name, slices.Sorted(maps.Keys(s.heard)))
		}
	}
	if !strings.Contains(log, "level=DEBUG msg=request") || !strings.Contains(g.log.String(), `"level":"DEBUG","msg":"request"`) {
		t.Error("the log is not at its loudest")
	}
}

// spoken is all that a gateway said, by where.
type spoken struct {
	g     *gateway
	heard map[string]string
}

// ask makes a request and keeps a refusal.
func (s *spoken) ask(t *testing.T, key, method, path string, body any, header map[string]string) {
	t.Helper()
	req := s.g.request(method, path, body)
	req.Header.Set("x-api-key", key)
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if resp.StatusCode >= 400 {
		route, _, _ := strings.Cut(path, "?")
		s.heard[fmt.Sprintf("refusal %d %s %s", resp.StatusCode, method, route)] = string(text)
	}
}

// talk sends and gets texts that nobody else is to see, and asks for much that is refused.
func (s *spoken) talk(t *testing.T, narrow string) {
	t.Helper()
	g := s.g
	had := len(g.texts("shop", "incoming"))
	must[object](g, 200, "POST", "/shop/messages/send", text(theirs, "canary out"))
	must[object](g, 200, "POST", "/v1/sandbox/phones/"+theirs+"/messages", object{"to": ours, "type": "text", "text": fmt.Sprint("canary in ", had)})
	eventually(t, "the answer", func() bool { return len(g.texts("shop", "incoming")) > had })
	image := object{"jid": theirs, "type": "number", "message": object{"image": object{"url": "http://127.0.0.1/?token=canary"}, "caption": "canary caption"}}
	s.ask(t, g.key, "POST", "/shop/messages/send", image, nil)
	s.ask(t, g.key, "POST", "/shop/messages/send", text("6285555555555", "canary to nobody"), nil)
	s.ask(t, g.key, "POST", "/v1/sessions/shop/messages", `{"to":"`+theirs+`","type":"text","text":{"body":"canary`, nil)
	s.ask(t, g.key, "POST", "/v1/sessions/shop/messages", object{"to": "canary", "type": "text", "text": object{"body": "canary"}}, nil)
	s.ask(t, "canary-wrong-key", "GET", "/v1/sessions", nil, nil)
	s.ask(t, "wk_canary_canary", "GET", "/sessions", nil, map[string]string{"Authorization": "Bearer " + g.key})
	s.ask(t, "", "GET", "/v1/events?x-api-key="+g.key, nil, nil)
	s.ask(t, narrow, "DELETE", "/sessions/shop", nil, nil)
	s.ask(t, narrow, "GET", "/v1/backup", nil, nil)
	s.ask(t, g.key, "GET", "/v1/sessions/shop/jobs/none", nil, map[string]string{"Origin": "https://canary.example"})
	for _, path := range []string{"/metrics", "/healthz", "/readyz", "/v1/stats", "/v1/version", "/v1/seal", "/v1/keys"} {
		_, answer := g.call("GET", path, nil)
		s.heard[path] = string(answer)
	}
}

// commands runs those that tell how it is.
func (s *spoken) commands(t *testing.T) {
	t.Helper()
	for name, args := range map[string][]string{"status": {"status"}, "doctor": {"doctor"}, "config": {"config"}, "keys": {"apikey"}, "check": {"key", "check"},
		"logs": {"logs", "--lines", "0"}, "send": {"send", "nosuch", theirs, "canary of a command"}} {
		_, s.heard[name] = s.g.runs(append(args, "--sandbox")...)
	}
}

// process looks at what the list of processes tells of it.
func (s *spoken) process(t *testing.T) {
	t.Helper()
	for _, name := range []string{"cmdline", "environ", "comm"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.g.cmd.Process.Pid, name))
		if err == nil {
			s.heard[name] = string(text)
		}
	}
}

// jsonLines looks that each line of a log is an object with what every line has.
func jsonLines(t *testing.T, log string) {
	t.Helper()
	for line := range strings.Lines(log) {
		var v struct{ Time, Level, Msg string }
		if err := json.Unmarshal([]byte(line), &v); err != nil || v.Time == "" || v.Level == "" || v.Msg == "" {
			t.Errorf("no line of a JSON log: %v in %s", err, line)
		}
	}
}

// TestLogOfOneSession looks closely at one of two sessions, also through the eyes of WhatsApp's library.
func TestLogOfOneSession(t *testing.T) {
	t.Parallel()
	g := start(t, t.TempDir(), []string{"LOG_LEVEL=info,shop=debug"}, "run", "--sandbox")
	g.pair("shop", ours)
	g.pair("other", theirs)
	must[object](g, 200, "POST", "/shop/messages/send", text(theirs, "hello"))
	for _, want := range []string{"level=DEBUG msg=request method=POST route=/:sessionId/messages/send", "session=shop part=Socket", "level=INFO msg=\"session state\" session=other"} {
		eventually(t, want, func() bool { return strings.Contains(g.log.String(), want) }) // a request is logged behind its answer
	}
	for line := range strings.Lines(g.log.String()) {
		if strings.Contains(line, "level=DEBUG") && !strings.Contains(line, "session=shop") {
			t.Errorf("not wanted: %s", line)
		}
	}
}
