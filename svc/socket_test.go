//go:build unix

package svc

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSocketUntold leaves a socket alone that answers, though not as one that nobody listens on does.
func TestSocketUntold(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "other.sock")
	other, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if l, err := openSocket(path); err == nil || !strings.Contains(err.Error(), "it cannot be told whether another program listens") {
		t.Errorf("got %v %v", l, err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("its socket is gone: %v", err)
	}
}
