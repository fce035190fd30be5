package svc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// examine runs doctor in dir. Each of want must match one of its lines; fails says
// whether it must find something bad.
func examine(t *testing.T, dir string, env []string, fails bool, want ...string) {
	t.Helper()
	s := wamux(t, dir, append([]string{"PORT=0"}, env...), "doctor")
	if fails != (s.code == 1) || s.code > 1 || s.err != "" {
		t.Errorf("got %d %s%s, want a failure: %v", s.code, s.out, s.err, fails)
	}
	for _, line := range want {
		if !regexp.MustCompile("(?m)^" + line + "$").MatchString(s.out) {
			t.Errorf("got\n%s\nwant %s", s.out, line)
		}
	}
	for line := range strings.Lines(s.out) {
		if !regexp.MustCompile(`^(ok  |warn|fail)  (gateway|database|whatsapp|clock|disk|modes|key|port|library) {2,}\S.*\n$`).MatchString(line) {
			t.Errorf("a line that is none: %q", line)
		}
	}
	if t.Failed() {
		t.Fatalf("%s", s.out)
	}
}

// TestDoctor has one thing wrong at a time.
func TestDoctor(t *testing.T) {
	t.Parallel()
	world := start(t, t.TempDir(), nil, "sandbox")
	there := pointedAt(world)
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	examine(t, dir, there, false, `ok    gateway   none is running with ./wamux.db`, `ok    whatsapp  reached in \d+ ms`, `ok    clock     as WhatsApp's`,
		`ok    disk      \d+ MiB are free`, `ok    modes     nobody .*`, `ok    key       none .*in clear`, `ok    database  ./wamux.db is not there yet.*`,
		`ok    port      127.0.0.1:0 is free`, `(ok  |warn)  library   whatsmeow .*`)
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("the doctor made %v, %v", files, err)
	}

	g := start(t, dir, there, "run")
	examine(t, dir, there, false, `ok    gateway   running, at `+g.url, `ok    database  the gateway .*`, `ok    port      ours, 127.*`)
	database := filepath.Join(dir, "wamux.db")
	key := filepath.Join(dir, "admin.key")
	text := readFile(t, key)
	writeFile(t, key, "wk_wrong", 0o600)
	examine(t, dir, there, true, `fail  gateway   .*key.*`)
	writeFile(t, key, text, 0o644)
	examine(t, dir, there, true, `fail  modes     others may read admin.key: chmod 600 admin.key`)
	writeFile(t, key, text, 0o600)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(g.url, "http://"))
	examine(t, t.TempDir(), append(there, "PORT="+port), true, `fail  port      127.0.0.1:`+port+` can't be listened on.*`)
	g.stop()

	if runtime.GOOS != "windows" {
		if err := os.Chmod(dir, 0o770); err != nil {
			t.Fatal(err)
		}
		examine(t, dir, there, true, `fail  modes     others may replace files in \.: chmod go-w \.`)
		_ = os.Chmod(dir, 0o700)
	}
	examine(t, dir, append(there, "AGE_IDENTITY_FILE=none.key"), true, `fail  key       none.key is not there.*`)
	_, sealing := newKey(t)
	g = start(t, dir, append(there, sealing...), "run")
	eventually(t, "sealed values", func() bool { return must[struct{ State string }](g, 200, "GET", "/v1/seal", nil).State == "sealed" })
	g.stop()
	examine(t, dir, append(there, sealing...), false, `ok    key       .* opens, and seals to one key`, `ok    database  .*`)
	examine(t, dir, there, true, `fail  database  The database is sealed, and no key was given: Set AGE_IDENTITY_FILE.*`)
	_, other := newKey(t)
	examine(t, dir, append(there, other...), true, `fail  database  The database is sealed with another key.*`)
	writeFile(t, database, strings.Repeat("no database ", 100), 0o600)
	examine(t, dir, there, true, `fail  database  .*is damaged: Its header is destroyed.*`)
}

// TestDoctorWithoutWhatsApp: nobody there, somebody else there, and a clock that is
// wrong.
func TestDoctorWithoutWhatsApp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root := "WHATSAPP_ROOT_KEY=" + strings.Repeat("ab", 32)
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	var off atomic.Int64 // a time.Duration
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(time.Duration(off.Load())).UTC().Format(http.TimeFormat))
	}))
	pair, ca := certificate(t, "web.whatsapp.com")
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.StartTLS()
	t.Cleanup(server.Close)
	_, stranger := certificate(t, "web.whatsapp.com")
	writeFile(t, filepath.Join(dir, "ca.pem"), ca, 0o600)
	writeFile(t, filepath.Join(dir, "stranger.pem"), stranger, 0o600)
	env := func(endpoint, ca string) []string {
		return []string{root, "WHATSAPP_ENDPOINT=" + endpoint, "WHATSAPP_CA_FILE=" + ca}
	}
	examine(t, dir, env(nobody.Addr().String(), "ca.pem"), true, `fail  whatsapp  no connection .*offline.*`, `ok    clock     .*nobody could be asked about`)
	examine(t, dir, env(server.Listener.Addr().String(), "stranger.pem"), true, `fail  whatsapp  .*certificate is refused`)
	here := env(server.Listener.Addr().String(), "ca.pem")
	examine(t, dir, here, false, `ok    whatsapp  .*`, `ok    clock     as WhatsApp's`)
	off.Store(int64(-2 * time.Minute))
	examine(t, dir, here, false, `warn  clock     (1m5\ds|2m0s) away from WhatsApp's.*`)
	off.Store(int64(48 * time.Hour))
	examine(t, dir, here, true, `fail  clock     47h59m5\ds away from WhatsApp's.*`)
}

// certificate is one for this name, which vouches for itself.
func certificate(t *testing.T, name string) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
