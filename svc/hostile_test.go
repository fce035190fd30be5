package svc_test

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// attack is a request that must be refused and change nothing.
type attack struct {
	name         string
	method, path string
	body         string
	header       map[string]string // "Host" replaces the host
	status       int
	says         string // must stand in the answer
}

// TestHostileInput sends what nobody should send and looks at every table
// before and after.
func TestHostileInput(t *testing.T) {
	t.Parallel()
	g := start(t, t.TempDir(), []string{"MAX_FILE_SIZE=65536"}, "run", "--sandbox")
	g.pair("shop", ours)
	g.phone(theirs)
	before := quietContent(t, g.files()...)
	for _, a := range attacks() {
		t.Run(a.name, func(t *testing.T) {
			status, answer := g.attack(t, a)
			if status != a.status || !strings.Contains(answer, a.says) {
				t.Errorf("got %d %s, want %d with %q", status, tail(answer, 400), a.status, a.says)
			}
			for _, leak := range []string{"goroutine", ".go:", "SQLITE", "sql:", "constraint", g.key, "dial tcp", "json:"} {
				if strings.Contains(answer, leak) {
					t.Errorf("the answer shows %q: %s", leak, answer)
				}
			}
		})
	}
	if changed := contentOf(t, g.files()...).changes(before); changed != "" {
		t.Errorf("the content changed:\n%s", changed)
	}
	must[object](g, 200, "POST", "/v1/sessions/shop/stop", nil)
	if changed := contentOf(t, g.files()...).changes(before); !strings.Contains(changed, "whatsapp_sessions: new:") {
		t.Errorf("a session was stopped, and nothing is seen of it: %q", changed)
	}
	if strings.Contains(g.log.String(), g.key) {
		t.Error("the log holds the admin key")
	}
}

func attacks() []attack {
	send, add := "/shop/messages/send", "/sessions/add"
	list := []attack{
		{name: "NoKey", method: "POST", path: send, body: `{}`, header: map[string]string{"x-api-key": ""}, status: 401, says: "API key is required"},
		{name: "WrongKey", method: "DELETE", path: "/sessions/shop", header: map[string]string{"x-api-key": "wk_x_y"}, status: 401, says: "Invalid API key"},
		{name: "KeyInQuery", method: "GET", path: "/sessions?x-api-key=KEY", header: map[string]string{"x-api-key": ""}, status: 401},
		{name: "ForeignHost", method: "GET", path: "/sessions", header: map[string]string{"Host": "evil.example"}, status: 403},
		{name: "RebindingHost", method: "GET", path: "/sessions", header: map[string]string{"Host": "127.0.0.1.evil.example"}, status: 403},
		{name: "CrossOrigin", method: "POST", path: add, body: `{"sessionId":"evil"}`, header: map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, status: 403},
		{name: "SimpleRequest", method: "POST", path: add, body: `{"sessionId":"evil"}`, header: map[string]string{"Content-Type": "text/plain"}, status: 400},
		{name: "NoJSON", method: "POST", path: send, body: `{"jid":`, status: 400},
		{name: "WrongType", method: "POST", path: send, body: `{"jid":5,"message":{"text":"x"}}`, status: 400},
		{name: "ArrayBody", method: "POST", path: send, body: `[]`, status: 400},
		{name: "NullMessage", method: "POST", path: send, body: `{"jid":"6282","message":null}`, status: 400, says: "JID and message are required"},
		{name: "TwoKinds", method: "POST", path: send, body: `{"jid":"6282111111111","message":{"image":"x"}}`, status: 400},
		{name: "TooLarge", method: "POST", path: send, body: `{"jid":"6282111111111","message":{"text":"` + strings.Repeat("x", 1<<20) + `"}}`, status: 413},
		{name: "TooLargeAdd", method: "POST", path: add, body: `{"sessionId":"` + strings.Repeat("x", 2<<20) + `"}`, status: 413},
		{name: "DeepJSON", method: "POST", path: send, body: `{"jid":"6282111111111","message":{"x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}}`, status: 400},
		{name: "WrongMethod", method: "PATCH", path: send, body: `{}`, status: 405},
		{name: "Traversal", method: "GET", path: "/sessions/..%2f..%2fetc/status", status: 400},
		{name: "NUL", method: "GET", path: "/sessions/a%00b", status: 400},
		{name: "LongID", method: "POST", path: add, body: `{"sessionId":"` + strings.Repeat("a", 51) + `"}`, status: 400, says: "Invalid session ID format"},
		{name: "ShadowingID", method: "POST", path: add, body: `{"sessionId":"healthz"}`, status: 400},
		{name: "V1UnknownField", method: "POST", path: "/v1/sessions", body: `{"idd":"x"}`, status: 400, says: "idd"},
		{name: "V1NoSuchSession", method: "GET", path: "/v1/sessions/nobody", status: 404, says: "session_not_found"},
		{name: "V1WrongContentType", method: "POST", path: "/v1/sessions", body: `{"id":"evil"}`, header: map[string]string{"Content-Type": "text/plain"}, status: 415},
		{name: "V1NoRoute", method: "GET", path: "/v1/nothing", status: 404},
		{name: "V1BadPhone", method: "POST", path: "/v1/sessions/shop/pairing-code", body: `{"phone":"call me"}`, status: 400},
	}
	for _, host := range hostileHosts() {
		list = append(list, attack{name: "Host " + host, method: "GET", path: "/sessions", header: map[string]string{"Host": host}, status: 403, says: "This host name is not served here"})
	}
	for _, kind := range []string{"", "text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "text/plain; application/json", "application/jsonp"} {
		list = append(list,
			attack{name: "Type " + kind, method: "POST", path: add, body: `{"sessionId":"evil"}`, header: map[string]string{"Content-Type": kind}, status: 400},
			attack{name: "V1Type " + kind, method: "POST", path: "/v1/sessions", body: `{"id":"evil"}`, header: map[string]string{"Content-Type": kind}, status: 415})
	}
	for name, header := range foreignPages() {
		list = append(list, attack{name: name, method: "POST", path: add, body: `{"sessionId":"evil"}`, header: header, status: 403, says: "Web pages of other origins may not call this"},
			attack{name: name + "Delete", method: "DELETE", path: "/sessions/shop", header: header, status: 403, says: "Web pages of other origins may not call this"})
	}
	for i, url := range hostileURLs() {
		list = append(list, attack{name: fmt.Sprintf("URL%02d", i), method: "POST", path: send, status: 500, says: "Failed to send message",
			body: fmt.Sprintf(`{"jid":"%s","type":"number","message":{"image":{"url":%q}}}`, theirs, url)})
	}
	return list
}

// hostileHosts look like names of ours, or are names that a web page gave this machine.
func hostileHosts() []string {
	return []string{"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.1.nip.io:3000", "localhost.", "evil.example:127.0.0.1",
		"0.0.0.0", "10.0.0.1:3000", "192.168.1.7", "[::]", "[fd00::1]:3000", "2130706433", "0x7f.1", "127.1", "rebind.network"}
}

// foreignPages are the headers by which browsers tell where a request comes from.
func foreignPages() map[string]map[string]string {
	return map[string]map[string]string{
		"CrossSite":  {"Sec-Fetch-Site": "cross-site"},
		"SameSite":   {"Origin": "http://localhost:8080", "Sec-Fetch-Site": "same-site"},
		"NullOrigin": {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
		"OldBrowser": {"Origin": "https://evil.example"},
		"OtherPort":  {"Origin": "http://127.0.0.1:1"},
	}
}

func hostileURLs() []string {
	return []string{
		"http://127.0.0.1:22/", "http://localhost/", "http://[::1]/", "http://0.0.0.0/", "http://2130706433/", "http://0x7f.1/",
		"http://169.254.169.254/latest/meta-data", "http://[::ffff:127.0.0.1]/", "http://10.0.0.1/", "http://192.168.1.1/",
		"http://172.16.0.1/", "http://100.100.100.200/", "http://[fd00:ec2::254]/", "http://user:pass@127.0.0.1/",
		"file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/x",
	}
}

func (g *gateway) attack(t *testing.T, a attack) (int, string) {
	t.Helper()
	req, err := http.NewRequest(a.method, g.url+strings.ReplaceAll(a.path, "KEY", g.key), strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-api-key", g.key)
	req.Header.Set("Content-Type", "application/json")
	for name, value := range a.header {
		if name == "Host" {
			req.Host = value
		}
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(answer)
}

// files are the databases of a sandboxed gateway: what it keeps, and what the phones keep.
func (g *gateway) files() []string {
	return []string{filepath.Join(g.dir, "wamux-sandbox.db"), filepath.Join(g.dir, "wamux-sandbox.phones.db")}
}
