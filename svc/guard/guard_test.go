package guard

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"wamux/store"
)

// names is a resolver of a fixed zone. A name with several lists answers the
// next one at each look-up: that is how a rebinding attack looks.
type names struct {
	mu    sync.Mutex
	zone  map[string][][]string
	asked map[string]int
}

func (n *names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	lists := n.zone[strings.TrimSuffix(strings.ToLower(host), ".")]
	if len(lists) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if n.asked == nil {
		n.asked = map[string]int{}
	}
	list := lists[min(n.asked[host], len(lists)-1)]
	n.asked[host]++
	var out []netip.Addr
	for _, a := range list {
		out = append(out, netip.MustParseAddr(a))
	}
	return out, nil
}

// watched is a Fetcher that counts the addresses it really connects to.
func watched(p Policy, r Resolver) (*Fetcher, *atomic.Int32) {
	dials := new(atomic.Int32)
	d := Dialer{Policy: p, Resolver: r, testOnlyDialed: func(netip.AddrPort) { dials.Add(1) }}
	return newFetcher(Options{Policy: p, Resolver: r, Timeout: 5 * time.Second}, d), dials
}

// wantError checks code, name, and that no foreign text reaches people.
func wantError(t *testing.T, err error, name string) {
	t.Helper()
	var e *store.Error
	if !errors.As(err, &e) {
		t.Fatalf("got error %v, want a store.Error", err)
	}
	if e.Code != store.CodeUnprocessable || e.Name != name {
		t.Errorf("got %s %s (%v), want unprocessable %s", e.Code, e.Name, err, name)
	}
	for _, foreign := range []string{"dial", "tcp", "lookup", "127.0.0.1", "net/http", "unsupported"} {
		if strings.Contains(e.Message, foreign) {
			t.Errorf("the sentence %q tells %q", e.Message, foreign)
		}
	}
}

// hosts that must not be connected to, however they are written.
var hostileHosts = []string{
	// loopback
	"127.0.0.1", "127.0.0.2", "127.1.1.1", "127.255.255.254", "localhost", "LOCALHOST", "localhost.", "sub.localhost",
	"[::1]", "[0:0:0:0:0:0:0:1]", "[0000:0000:0000:0000:0000:0000:0000:0001]", "[::0001]",
	// loopback in disguise
	"2130706433", "0x7f000001", "0x7f.0.0.1", "0x7F.1", "0177.0.0.1", "017700000001", "127.1", "127.0.1", "127", "0",
	"0x0", "00000000", "0127.0.0.1", "127.0.0.01", "127.000.000.001", "127.0.0.1.", "4294967295", "0xffffffff", "3232235777",
	"0xA9FEA9FE", "2852039166", "0251.0376.0251.0376", "0xa9.0xfe.0xa9.0xfe", "169.254.43518", "[127.0.0.1]", "1.1.1.1.",
	"１２７.0.0.1", "127。0。0。1", "①②⑦.⓪.⓪.①", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "127%2e0%2e0%2e1", "%31%32%37.0.0.1", "127.0.0.1%00.example",
	// unspecified, this network, broadcast
	"0.0.0.0", "0.0.0.1", "0.255.255.255", "[::]", "[0::0]", "255.255.255.255",
	// private
	"10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255", "100.64.0.1",
	"100.127.255.255", "[fc00::1]", "[fd12:3456:789a::1]", "[fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]",
	// link-local
	"169.254.0.1", "169.254.255.255", "[fe80::1]", "[fe80::1%25lo]", "[fe80::1%25eth0]", "[febf::1]", "[fec0::1]",
	// metadata of clouds
	"169.254.169.254", "169.254.170.2", "169.254.169.123", "100.100.100.200", "168.63.129.16", "192.0.0.192", "[fd00:ec2::254]",
	"[fd20:ce::254]", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "metadata.google.internal",
	"instance-data", "169.254.169.254.nip.io",
	// multicast, reserved, documentation, benchmarks
	"224.0.0.1", "239.255.255.250", "240.0.0.1", "250.1.2.3", "192.0.2.1", "198.51.100.7", "203.0.113.9", "198.18.0.1",
	"198.19.255.255", "192.0.0.1", "192.88.99.1", "[ff02::1]", "[ff0e::1]", "[2001:db8::1]", "[3fff::1]", "[100::1]", "[5f00::1]",
	// IPv4 inside IPv6
	"[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::FFFF:10.0.0.1]", "[::ffff:192.168.1.1]",
	"[::ffff:0.0.0.0]", "[::ffff:100.64.1.1]", "[::ffff:224.0.0.1]", "[::127.0.0.1]", "[::7f00:1]", "[::10.0.0.1]", "[::8.8.8.8]",
	"[64:ff9b::127.0.0.1]", "[64:ff9b::10.0.0.1]", "[64:ff9b::c0a8:1]", "[64:ff9b:1::7f00:1]", "[64:ff9b:1:ffff::8.8.8.8]",
	"[2002:7f00:1::]", "[2002:7f00:0001::1]", "[2002:c0a8:0101::1]", "[2002:a9fe:a9fe::]", "[2002:808:808::1]",
	"[2001:0:4136:e378:8000:63bf:80ff:fffe]", "[2001:0:53aa:64c::5601:5601]", "[2001::1]", "[2001:2::1]", "[2001:10::1]",
	"[2606:4700::5efe:7f00:1]", "[2606:4700::200:5efe:c0a8:101]", "[::ffff:0:127.0.0.1]", "[1::1]", "[4000::1]", "[e000::1]",
	// names that resolve inwards
	"inward.example", "INWARD.example.", "mixed.example", "mapped.example", "tunnel.example", "meta.example", "rebind.example",
}

// URLs that are refused or lead nowhere, whatever the host.
var hostileURLs = []string{
	"", " ", "http://", "http:///path", "https://", "//media.example/x", "/etc/passwd", "media.example/x", "C:\\x.jpg", "?",
	"file:///etc/passwd", "file://localhost/etc/passwd", "FILE:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "ftp://127.0.0.1/x",
	"dict://127.0.0.1:11211/stats", "ldap://127.0.0.1/", "tftp://127.0.0.1/x", "ws://127.0.0.1/", "jar:http://127.0.0.1!/", "data:text/plain,x",
	"javascript:alert(1)", "unix:///var/run/docker.sock", "http+unix://%2Fvar%2Frun%2Fdocker.sock/info", "netdoc:///etc/passwd", "mailto:a@b",
	"http://user@127.0.0.1/", "http://user:pw@media.example/", "http://media.example@127.0.0.1/", "http://media.example:80@127.0.0.1/",
	"http://127.0.0.1#@media.example/", "http://127.0.0.1?@media.example/", "http://127.0.0.1\\@media.example/", "http://media.example\\@127.0.0.1/",
	"http://media.example%40127.0.0.1/", "http://%6c%6f%63alhost/", "http://[::1", "http://::1/", "http://[::1]x/", "http://127.0.0.1:80:80/",
	"http://media.example:22/", "http://media.example:25/", "http://media.example:6379/", "http://media.example:5432/", "http://media.example:11211/",
	"http://media.example:0/", "http://media.example:65536/", "http://media.example:-1/", "http://media.example:x/", "http://media.example:2375/",
	"http://a..b/", "http://.../", "http://media.example /", "http://media.example\t/", "http://media.example\r\nHost: x/", "http://media.example\x00/",
	"http:127.0.0.1/", "http:\\\\127.0.0.1\\", "http:/127.0.0.1/", "htp://127.0.0.1/", "http://127.0.0.1\u3002example/x",
}

func TestHostileURLs(t *testing.T) {
	defer goleak.VerifyNone(t)
	zone := &names{zone: map[string][][]string{
		"localhost": {{"127.0.0.1", "::1"}}, "sub.localhost": {{"127.0.0.1"}},
		"inward.example": {{"127.0.0.1"}}, "mixed.example": {{"10.0.0.1", "::1", "169.254.169.254"}}, "mapped.example": {{"::ffff:127.0.0.1"}},
		"tunnel.example": {{"64:ff9b::7f00:1", "2002:7f00:1::"}}, "meta.example": {{"169.254.169.254"}}, "metadata.google.internal": {{"169.254.169.254"}},
		"instance-data": {{"169.254.169.254"}}, "169.254.169.254.nip.io": {{"169.254.169.254"}}, "rebind.example": {{"127.0.0.1"}, {"10.0.0.1"}},
		// resolvers that take numbers for addresses
		"2130706433": {{"127.0.0.1"}}, "0x7f000001": {{"127.0.0.1"}}, "127.1": {{"127.0.0.1"}}, "127.0.0.1.": {{"127.0.0.1"}},
	}}
	f, dials := watched(Policy{}, zone)
	urls := hostileURLs
	for _, h := range hostileHosts {
		urls = append(urls, "http://"+h+"/x.jpg", "https://"+h+":8443/x.jpg")
	}
	for _, u := range urls {
		t.Run(u, func(t *testing.T) {
			_, _, err := f.Fetch(t.Context(), u, 1000)
			if store.ErrorCode(err) != store.CodeUnprocessable {
				t.Errorf("got %v, want unprocessable", err)
			}
		})
	}
	if n := dials.Load(); n != 0 {
		t.Errorf("%d connections were tried, want none", n)
	}
	t.Logf("%d hostile URLs", len(urls))
}

// serve starts a server on loopback and a Fetcher for which media.example is
// that server, and nothing else on loopback is allowed.
func serve(t *testing.T, h http.HandlerFunc) (f *Fetcher, base string, dials *atomic.Int32) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	port := netip.MustParseAddrPort(srv.Listener.Addr().String()).Port()
	zone := &names{zone: map[string][][]string{"media.example": {{"127.0.0.1"}}, "inward.example": {{"127.0.0.1"}}}}
	f, dials = watched(Policy{Hosts: []string{"Media.Example"}}, zone)
	return f, fmt.Sprintf("http://media.example:%d", port), dials
}

func TestFetch(t *testing.T) {
	png := append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 100)...)
	t.Run("OK", func(t *testing.T) {
		var got http.Header
		f, base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			got = r.Header
			w.Header().Set("Content-Type", "text/html")
			w.Write(png)
		})
		data, mime, err := f.Fetch(t.Context(), base+"/a?b=c", int64(len(png)))
		if err != nil || !bytes.Equal(data, png) || mime != "image/png" {
			t.Fatalf("got %d bytes %q %v", len(data), mime, err)
		}
		if got.Get("User-Agent") != "wamux" || got.Get("Accept-Encoding") != "" || got.Get("Referer") != "" || got.Get("Authorization") != "" {
			t.Errorf("headers sent: %v", got)
		}
	})
	t.Run("TooLargeDeclared", func(t *testing.T) {
		f, base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { w.Write(png) })
		_, _, err := f.Fetch(t.Context(), base, int64(len(png))-1)
		wantError(t, err, "media_too_large")
	})
	t.Run("TooLargeEndless", func(t *testing.T) {
		var sent atomic.Int64
		f, base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				n, err := w.Write(make([]byte, 4096))
				sent.Add(int64(n))
				if err != nil {
					return
				}
			}
		})
		_, _, err := f.Fetch(t.Context(), base, 100_000)
		wantError(t, err, "media_too_large")
		if sent.Load() > 50<<20 {
			t.Errorf("the server could send %d bytes", sent.Load())
		}
	})
	t.Run("GzipBomb", func(t *testing.T) {
		var bomb bytes.Buffer
		z := gzip.NewWriter(&bomb)
		io.CopyN(z, zeros{}, 10<<20)
		z.Close()
		f, base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(bomb.Bytes())
		})
		_, _, err := f.Fetch(t.Context(), base, 1<<20)
		wantError(t, err, "media_unreachable")
	})
	t.Run("SlowBody", func(t *testing.T) {
		f, base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		})
		f.timeout = 100 * time.Millisecond
		_, _, err := f.Fetch(t.Context(), base, 1000)
		wantError(t, err, "media_unreachable")
	})
	t.Run("HugeHeader", func(t *testing.T) {
		f, base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 100<<10))
			w.Write(png)
		})
		_, _, err := f.Fetch(t.Context(), base, 1000)
		wantError(t, err, "media_unreachable")
	})
	for _, status := range []int{204, 206, 304, 400, 401, 404, 500, 503} {
		t.Run(fmt.Sprint("Status", status), func(t *testing.T) {
			f, base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) })
			_, _, err := f.Fetch(t.Context(), base, 1000)
			wantError(t, err, "media_unreachable")
		})
	}
	t.Run("Nobody", func(t *testing.T) {
		f, base, _ := serve(t, func(http.ResponseWriter, *http.Request) {})
		_, _, err := f.Fetch(t.Context(), strings.Replace(base, "media.example:", "media.example:1", 1), 1000)
		if err == nil {
			t.Error("no error")
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestRedirects(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the inside was reached") }))
	defer inside.Close()
	insidePort := inside.Listener.Addr().(*net.TCPAddr).Port
	var f *Fetcher
	var dials *atomic.Int32
	var base string
	f, base, dials = serve(t, func(w http.ResponseWriter, r *http.Request) {
		if n := 0; strings.HasPrefix(r.URL.Path, "/hop") {
			fmt.Sscanf(r.URL.Path, "/hop%d", &n)
			if n > 0 {
				http.Redirect(w, r, fmt.Sprintf("/hop%d", n-1), http.StatusFound)
				return
			}
			io.WriteString(w, "arrived "+r.Header.Get("Referer"))
			return
		}
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusTemporaryRedirect)
	})
	t.Run("Three", func(t *testing.T) {
		data, _, err := f.Fetch(t.Context(), base+"/hop3", 100)
		if string(data) != "arrived " || err != nil {
			t.Errorf("got %q %v", data, err)
		}
	})
	t.Run("Four", func(t *testing.T) {
		_, _, err := f.Fetch(t.Context(), base+"/hop4", 100)
		wantError(t, err, "media_unreachable")
	})
	for _, to := range []string{
		fmt.Sprintf("http://127.0.0.1:%d/", insidePort), fmt.Sprintf("http://[::ffff:127.0.0.1]:%d/", insidePort),
		fmt.Sprintf("http://inward.example:%d/", insidePort), "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd",
		"gopher://127.0.0.1/", "http://2130706433/", fmt.Sprintf("http://media.example@127.0.0.1:%d/", insidePort), "http://media.example:25/", "//0.0.0.0/",
	} {
		t.Run(to, func(t *testing.T) {
			before := dials.Load()
			_, _, err := f.Fetch(t.Context(), base+"/go?to="+to, 100)
			wantError(t, err, "url_refused")
			if n := dials.Load() - before; n != 1 {
				t.Errorf("%d connections, want only the one to the first server", n)
			}
		})
	}
}

// A name that answers another address at each look-up is looked up once per
// connection, and the socket is judged, not the name.
func TestRebinding(t *testing.T) {
	zone := &names{zone: map[string][][]string{"rebind.example": {{"192.0.2.1"}, {"127.0.0.1"}, {"10.0.0.1"}}}}
	f, dials := watched(Policy{}, zone)
	for range 5 {
		_, _, err := f.Fetch(t.Context(), "http://rebind.example/", 10)
		wantError(t, err, "url_refused")
	}
	if dials.Load() != 0 {
		t.Error("it was connected to")
	}
	if zone.asked["rebind.example"] != 5 {
		t.Errorf("asked %d times for 5 fetches", zone.asked["rebind.example"])
	}
}

func TestPolicy(t *testing.T) {
	lan := Policy{Prefixes: []netip.Prefix{netip.MustParsePrefix("192.168.1.0/24"), netip.MustParsePrefix("0.0.0.0/0")}}
	admin := Policy{AllowPrivate: true, Own: []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:3000"), netip.MustParseAddrPort("127.0.0.1:3001")}}
	for _, c := range []struct {
		name   string
		policy Policy
		to     string
		want   bool
	}{
		{"public", Policy{}, "1.1.1.1:443", true},
		{"public v6", Policy{}, "[2606:4700:4700::1111]:443", true},
		{"public through NAT64", Policy{}, "[64:ff9b::808:808]:443", true},
		{"private", Policy{}, "192.168.1.5:80", false},
		{"listed", lan, "192.168.1.5:80", true},
		{"listed does not open metadata", lan, "169.254.169.254:80", false},
		{"listed does not open this host", lan, "0.0.0.0:80", false},
		{"listed does not open multicast", lan, "224.0.0.1:80", false},
		{"admin LAN", admin, "10.1.2.3:5678", true},
		{"admin loopback", admin, "127.0.0.1:5678", true},
		{"admin loopback v6", admin, "[::1]:5678", true},
		{"admin own listener", admin, "127.0.0.1:3000", false},
		{"admin own listener v6", admin, "[::1]:3000", false},
		{"admin own listener mapped", admin, "[::ffff:127.0.0.1]:3000", false},
		{"admin own listener by its address", admin, "127.0.0.1:3001", false},
		{"admin other loopback", admin, "127.0.0.2:3001", true},
		{"admin metadata", admin, "169.254.169.254:80", false},
		{"admin metadata v6", admin, "[fd00:ec2::254]:80", false},
		{"admin metadata in CGNAT", admin, "100.100.100.200:80", false},
		{"admin NAT64 of private", admin, "[64:ff9b::a00:1]:80", false},
		{"admin reserved", admin, "240.0.0.1:80", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.policy.check("", netip.MustParseAddrPort(c.to)); (err == nil) != c.want {
				t.Errorf("check(%s) = %v, want allowed %v", c.to, err, c.want)
			}
		})
	}
}

func TestSniff(t *testing.T) {
	for _, c := range []struct{ data, declared, want string }{
		{"\xff\xd8\xff\xe0", "image/png", "image/jpeg"},
		{"%PDF-1.7", "", "application/pdf"},
		{"OggS\x00", "audio/ogg; codecs=opus", "audio/ogg"},
		{"OggS\x00", "", "audio/ogg"},
		{"OggS\x00", "text/html", "audio/ogg"},
		{"PK\x03\x04", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		{"\x00\x01\x02\x03", "", "application/octet-stream"},
		{"\x00\x01\x02\x03", "nonsense", "application/octet-stream"},
		{"hello", "text/csv; charset=utf-8", "text/csv"},
		{"<html>", "image/png", "text/html"},
		{"", "", "text/plain"},
		{"\x00\x00", "image/jpg", "image/jpeg"},
	} {
		if got := Sniff([]byte(c.data), c.declared); got != c.want {
			t.Errorf("Sniff(%q, %q) = %q, want %q", c.data, c.declared, got, c.want)
		}
	}
}
