package svc_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
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

// TestReady asks while it runs and, over a connection that was there before, while it stops.
func TestReady(t *testing.T) {
	t.Parallel()
	g := sandboxed(t)
	g.readySays(t, 200, "ready")
	address := strings.TrimPrefix(g.url, "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(deadline))
	if _, err := io.WriteString(conn, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n"); err != nil {
		t.Fatal(err)
	}
	must[object](g, 200, "GET", "/healthz", nil) // on a connection that was accepted later
	g.cmd.Process.Signal(syscall.SIGTERM)
	eventually(t, "nobody is let in any more", func() bool {
		late, err := net.Dial("tcp", address)
		if err == nil {
			late.Close()
		}
		return err != nil
	})
	if _, err := io.WriteString(conn, "\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	readyAnswer(t, resp, 503, "stopping")
	g.stop()
}
