package svc_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestSlowHeads ends connections that take too long for the head of a request, however they dribble, while others are served.
func TestSlowHeads(t *testing.T) {
	t.Parallel()
	g := start(t, t.TempDir(), []string{"HEADER_TIMEOUT=400"}, "run", "--sandbox")
	began := time.Now()
	ended := make(chan time.Duration)
	const many = 20
	for range many {
		conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			defer conn.Close()
			dribble(conn)
			ended <- time.Since(began)
		}()
	}
	if status, _ := g.call("GET", "/v1/sessions", nil); status != 200 {
		t.Errorf("meanwhile: got %d", status)
	}
	for range many {
		select {
		case took := <-ended:
			if took < 300*time.Millisecond {
				t.Errorf("one ended after %v, before its time", took)
			}
		case <-time.After(deadline):
			t.Fatal("a connection lives on")
		}
	}
}

// dribble sends one header after the other until the other side has enough.
func dribble(conn net.Conn) {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_, _ = io.Copy(io.Discard, conn) // until it is closed
	}()
	_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-closed:
			return
		case <-tick.C:
			_, _ = io.WriteString(conn, "X-A: b\r\n")
		}
	}
}

// TestHeaderFlood refuses heads that are too large, in one header or in many, and serves on.
func TestHeaderFlood(t *testing.T) {
	t.Parallel()
	g := sandboxed(t)
	for name, head := range map[string]string{
		"one":  "X-A: " + strings.Repeat("a", 64<<10) + "\r\n",
		"many": strings.Repeat("X-A: b\r\n", 8<<10),
		"name": strings.Repeat("a", 64<<10) + ": b\r\n",
		"path": "",
	} {
		path := "/healthz"
		if name == "path" {
			path = "/" + strings.Repeat("a", 64<<10)
		}
		conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n"+head+"\r\n") }()
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%s: got %v %v, want 431", name, resp, err)
		}
		conn.Close()
	}
	if status, _ := g.call("GET", "/v1/sessions", nil); status != 200 {
		t.Errorf("afterwards: got %d", status)
	}
}
