package svc_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// readySays asks /readyz without a key.
func (g *gateway) readySays(t *testing.T, status int, word string) {
	t.Helper()
	resp, err := http.Get(g.url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	readyAnswer(t, resp, status, word)
}

func readyAnswer(t *testing.T, resp *http.Response, status int, word string) {
	t.Helper()
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	var said struct{ Status, Message, Hint string }
	if err := json.Unmarshal(body, &said); err != nil || resp.StatusCode != status || said.Status != word || status != 200 && (said.Message == "" || said.Hint == "") {
		t.Errorf("/readyz: got %d %s, want %d %s", resp.StatusCode, body, status, word)
	}
}

// TestReady asks while it runs and while it stops, which it does only when the message of a batch that is on the wire has its ack.
func TestReady(t *testing.T) {
	t.Parallel()
	g := sandboxed(t)
	g.turns(t, 200, "ready", "starting")
	g.pair("shop", ours)
	g.phone(theirs)
	must[object](g, 204, "POST", "/v1/sandbox/faults", object{"kind": "slow_ack", "phone": ours, "delayMs": 3000})
	batch := g.request("POST", "/shop/messages/send/bulk", []object{text(theirs, "slow")})
	batch.Header.Set("Prefer", "respond-async")
	if a := g.do(batch); a.status != 202 {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	eventually(t, "it is on the wire", func() bool { return len(g.inbox(theirs)) == 1 })
	g.cmd.Process.Signal(syscall.SIGTERM)
	g.turns(t, 503, "stopping", "ready")
	g.stop()
}

// turns asks /readyz until it says something else than before.
func (g *gateway) turns(t *testing.T, status int, word, before string) {
	t.Helper()
	eventually(t, word, func() bool {
		a := g.do(g.request("GET", "/readyz", nil))
		return !strings.Contains(string(a.body), `"`+before+`"`)
	})
	g.readySays(t, status, word)
}
