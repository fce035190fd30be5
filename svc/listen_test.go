package svc_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// overSocket is a client that reaches whatever it asks for by a Unix socket.
func overSocket(path string) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}, DisableKeepAlives: true}}
}

// fetch makes a request with a key, unless that is "".
func fetch(t *testing.T, client *http.Client, url, key string) (int, string) {
	t.Helper()
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("x-api-key", key)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

// TestSocket calls by a Unix socket, beside the port: whatever the host is called, with a key. A crash leaves it, the next start
// replaces it, a stop removes it.
func TestSocket(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "wamux.sock")
	g := start(t, dir, []string{"LISTEN_SOCKET=wamux.sock"}, "run", "--sandbox")
	local := overSocket(path)
	for _, c := range []struct {
		url, key string
		status   int
	}{
		{"http://localhost/v1/sessions", g.key, 200}, {"http://wamux/v1/sessions", g.key, 200}, {"http://evil.example/readyz", "", 200},
		{"http://localhost/v1/sessions", "", 401}, {"http://localhost/sessions", "wk_x_y", 401},
	} {
		if status, body := fetch(t, local, c.url, c.key); status != c.status {
			t.Errorf("%s with key %q: got %d %s, want %d", c.url, c.key, status, body, c.status)
		}
	}
	if status, _ := g.call("GET", "/v1/sessions", nil); status != 200 {
		t.Errorf("by the port: got %d", status)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o660 {
		t.Errorf("got mode %v %v, want 0660", info.Mode(), err)
	}
	if code, said := g.runs("run", "--sandbox", "--database", "file:other/wamux.db"); code != 1 || !strings.Contains(said, "wamux.sock, on which another program listens") {
		t.Errorf("a second one: got %d %s", code, said)
	}
	g.kill()
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("a kill should leave the socket: %v", err)
	}
	g.begin()
	if status, body := fetch(t, local, "http://localhost/v1/sessions", g.key); status != 200 {
		t.Errorf("after a kill: got %d %s", status, body)
	}
	g.stop()
	if _, err := os.Stat(path); err == nil {
		t.Error("a stop leaves the socket")
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, said := g.runs("run", "--sandbox"); code != 1 || !strings.Contains(said, "no socket: name another path") {
		t.Errorf("in the place of a file: got %d %s", code, said)
	}
	if kept, err := os.ReadFile(path); err != nil || string(kept) != "mine" {
		t.Errorf("the file: got %q %v", kept, err)
	}
	if code, said := g.runs("run", "--sandbox", "--listen-socket", "none/wamux.sock"); code != 1 || !strings.Contains(said, "its folder must be there") {
		t.Errorf("without a folder: got %d %s", code, said)
	}
}

// TestSocketAlone opens no port; the commands find the socket.
func TestSocketAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := start(t, dir, []string{"PORT=off", "LISTEN_SOCKET=wamux.sock"}, "run", "--sandbox")
	if g.url != "unix:wamux.sock" {
		t.Errorf("it listens on %s", g.url)
	}
	if status, body := fetch(t, overSocket(filepath.Join(dir, "wamux.sock")), "http://localhost/v1/version", g.key); status != 200 {
		t.Errorf("got %d %s", status, body)
	}
	if code, said := g.runs("status", "--sandbox"); code != 0 || !strings.Contains(said, "running: unix:"+filepath.Join(dir, "wamux.sock")) {
		t.Errorf("status: got %d %s", code, said)
	}
	if code, said := g.runs("config", "--listen-socket", ""); code != 2 || !strings.Contains(said, "nobody could call: set LISTEN_SOCKET") {
		t.Errorf("neither: got %d %s", code, said)
	}
}

// makeCertificate writes a pair for a name into two files and returns the certificate.
func makeCertificate(t *testing.T, name, certFile, keyFile string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	made := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, made, made, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// trusting is a client that knows one certificate.
func trusting(cert *x509.Certificate, most uint16) *http.Client {
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MaxVersion: most, MinVersion: tls.VersionTLS10}, DisableKeepAlives: true}}
}

// TestTLS serves HTTPS, also beyond loopback, to who trusts the certificate; the commands do, by what was announced. A renewal is
// taken without a restart, and a broken one is not.
func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	first := makeCertificate(t, "wamux.example", certFile, keyFile)
	// The commands below get none of these settings: they know by the database where it runs, and with which certificate.
	g := start(t, dir, nil, "run", "--sandbox", "--host", "0.0.0.0", "--tls-cert-file", certFile, "--tls-key-file", keyFile)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(g.url, "https://"))
	url := "https://127.0.0.1:" + port
	if !strings.HasPrefix(g.url, "https://0.0.0.0:") {
		t.Errorf("it listens on %s", g.url)
	}
	if status, body := fetch(t, trusting(first, 0), url+"/v1/sessions", g.key); status != 200 {
		t.Errorf("got %d %s", status, body)
	}
	for why, client := range map[string]*http.Client{"whom it does not know": http.DefaultClient, "by TLS 1.1": trusting(first, tls.VersionTLS11)} {
		if resp, err := client.Get(url + "/healthz"); err == nil {
			resp.Body.Close()
			t.Errorf("a client talks with %s", why)
		}
	}
	if status, _ := fetch(t, http.DefaultClient, "http://127.0.0.1:"+port+"/healthz", ""); status != 400 {
		t.Errorf("in clear: got %d, want 400", status)
	}
	g.named(t, first, port, "wamux.example", 200)
	g.named(t, first, port, "evil.example", 403)
	g.commandsReach(t, url)

	if err := os.WriteFile(certFile, []byte("-----BEGIN CERTIFICATE-----\nhalf"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _ := fetch(t, trusting(first, 0), url+"/healthz", ""); status != 200 {
		t.Errorf("with a broken renewal: got %d", status)
	}
	if !strings.Contains(g.log.String(), "the new certificate cannot be used") {
		t.Error("nobody is told of the broken renewal")
	}
	second := makeCertificate(t, "wamux.example", certFile, keyFile)
	eventually(t, "the renewal", func() bool {
		resp, err := trusting(second, 0).Get(url + "/healthz")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	})
	if resp, err := trusting(first, 0).Get(url + "/healthz"); err == nil {
		resp.Body.Close()
		t.Error("the certificate before is still in use")
	}
	third := makeCertificate(t, "*.renewed.example", certFile, keyFile)
	if code, said := g.runs("status", "--sandbox"); code != 0 { // it is the first that meets the certificate
		t.Errorf("the first command behind a renewal: got %d %s", code, said)
	}
	g.named(t, third, port, "shop.Renewed.example", 200)
	for _, host := range []string{"wamux.example", "renewed.example", "a.b.renewed.example", "renewed.example.evil.example"} {
		g.named(t, third, port, host, 403)
	}
}

// named calls by the name of the Host header alone.
func (g *gateway) named(t *testing.T, cert *x509.Certificate, port, host string, want int) {
	t.Helper()
	req, err := http.NewRequest("GET", "https://127.0.0.1:"+port+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	resp, err := trusting(cert, 0).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != want {
		t.Errorf("as %s: got %d, want %d", host, resp.StatusCode, want)
	}
}

// commandsReach runs commands beside the gateway.
func (g *gateway) commandsReach(t *testing.T, url string) {
	t.Helper()
	if code, said := g.runs("status", "--sandbox"); code != 0 || !strings.Contains(said, "running: "+url+",") {
		t.Errorf("status: got %d %s", code, said)
	}
	if code, said := g.runs("sessions", "--sandbox"); code != 0 {
		t.Errorf("sessions: got %d %s", code, said)
	}
	if code, said := g.runs("doctor", "--sandbox"); code != 0 || !strings.Contains(said, "ours, ") {
		t.Errorf("doctor: got %d %s", code, said)
	}
}

// TestTLSSettings refuses what cannot be served, with the reason.
func TestTLSSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	makeCertificate(t, "one.example", in("one.pem"), in("one.key"))
	makeCertificate(t, "two.example", in("two.pem"), in("two.key"))
	if err := os.WriteFile(in("text"), []byte("canary"), 0o600); err != nil {
		t.Fatal(err)
	}
	g := &gateway{t: t, dir: dir, env: []string{"PORT=0"}}
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"CertAlone", []string{"--tls-cert-file", in("one.pem")}, 2, "only work together"},
		{"KeyAlone", []string{"--tls-key-file", in("one.key")}, 2, "only work together"},
		{"NoCert", []string{"--tls-cert-file", in("none"), "--tls-key-file", in("one.key")}, 1, "TLS_CERT_FILE is " + in("none") + ", which can't be read"},
		{"NoKey", []string{"--tls-cert-file", in("one.pem"), "--tls-key-file", in("none")}, 1, "TLS_KEY_FILE is " + in("none") + ", which can't be read"},
		{"NotACert", []string{"--tls-cert-file", in("text"), "--tls-key-file", in("one.key")}, 1, "holds no certificate in PEM"},
		{"KeyAsCert", []string{"--tls-cert-file", in("one.key"), "--tls-key-file", in("one.key")}, 1, "holds no certificate in PEM"},
		{"NotAKey", []string{"--tls-cert-file", in("one.pem"), "--tls-key-file", in("text")}, 1, "is not the private key of the certificate"},
		{"OtherKey", []string{"--tls-cert-file", in("one.pem"), "--tls-key-file", in("two.key")}, 1, "is not the private key of the certificate"},
		{"Remote", []string{"--host", "0.0.0.0"}, 2, "other machines can reach without encryption: set TLS_CERT_FILE"},
		{"RemoteV6", []string{"--host", "::"}, 2, "other machines can reach without encryption: set TLS_CERT_FILE"},
		{"OffWithTLS", []string{"--port", "off", "--listen-socket", "x.sock", "--tls-cert-file", in("one.pem"), "--tls-key-file", in("one.key")}, 2, "only makes sense with a PORT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, said := g.runs(append([]string{"run", "--sandbox"}, c.args...)...)
			if code != c.code || !strings.Contains(said, c.want) || strings.Contains(said, "canary") || strings.Contains(said, "tls:") {
				t.Errorf("got %d %s, want %d with %q", code, said, c.code, c.want)
			}
			if _, err := os.Stat(in("wamux-sandbox.db")); err == nil {
				t.Error("a database was made")
			}
		})
	}
}

// TestTLSHandedOver: a certificate that only root can read is taken from the service manager; one that can be read is used itself.
func TestTLSHandedOver(t *testing.T) {
	t.Parallel()
	dir, given := t.TempDir(), t.TempDir()
	handed := makeCertificate(t, "handed.test", filepath.Join(given, "tls-cert"), filepath.Join(given, "tls-key"))
	env := []string{"CREDENTIALS_DIRECTORY=" + given, "TLS_CERT_FILE=cert.pem", "TLS_KEY_FILE=key.pem"}
	g := start(t, dir, env, "run", "--sandbox")
	if status, _ := fetch(t, trusting(handed, 0), g.url+"/healthz", ""); status != 200 {
		t.Errorf("handed over: got %d", status)
	}
	g.stop()
	own := makeCertificate(t, "own.test", filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	g.begin()
	if status, _ := fetch(t, trusting(own, 0), g.url+"/healthz", ""); status != 200 {
		t.Errorf("its own: got %d", status)
	}
}
