package svc_test

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"wamux/svc"
)

// TestMain lets the test binary be wamux itself: the tests start it again with
// this variable set, so that the real Main runs, can be killed, and is built
// with the race detector when the tests are; see program.
func TestMain(m *testing.M) {
	switch os.Getenv("WAMUX_TEST_MAIN") {
	case "1":
		os.Exit(profiled(func() int { return svc.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr) }))
	case "raw":
		os.Exit(profiled(rawMain))
	}
	code := m.Run()
	plain.remove()
	os.Exit(code)
}

// profiled writes a CPU profile of fn into the folder WAMUX_PROFILE, when that is set: one for each process, so that a
// benchmark gives one of the gateway and one of the sandbox.
func profiled(fn func() int) int {
	dir := os.Getenv("WAMUX_PROFILE")
	if dir == "" {
		return fn()
	}
	f, err := os.CreateTemp(dir, cmp.Or(strings.Join(os.Args[1:min(2, len(os.Args))], ""), "whatsmeow")+"-*.prof")
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		panic(err)
	}
	defer pprof.StopCPUProfile()
	return fn()
}

// deadline is how long a test waits for something to become true.
const deadline = 60 * time.Second

// gateway is a running wamux, seen from outside.
type gateway struct {
	t    testing.TB
	dir  string
	args []string
	env  []string
	url  string
	key  string
	cmd  *exec.Cmd
	log  *syncBuffer
	out  *syncBuffer
	done chan struct{} // closed when the process has ended
}

// start runs wamux with these arguments in dir and waits until it listens.
// The process is stopped, and must end cleanly, when the test ends.
func start(t testing.TB, dir string, env []string, args ...string) *gateway {
	t.Helper()
	g := &gateway{t: t, dir: dir, args: args, env: env}
	g.begin()
	t.Cleanup(func() {
		if g.running() {
			g.stop()
		}
		for line := range strings.Lines(g.log.String()) {
			if strings.Contains(line, "an unknown stanza") {
				t.Errorf("the sandbox was asked what it does not know: %s", line)
			}
		}
		if t.Failed() {
			t.Logf("log of %v:\n%s", args, tail(g.log.String(), 6000))
		}
	})
	return g
}

// sandboxed is the usual gateway of a test: sandbox inside, empty folder.
func sandboxed(t testing.TB) *gateway {
	t.Helper()
	return start(t, t.TempDir(), nil, "run", "--sandbox")
}

// begin starts the process (again).
func (g *gateway) begin() {
	g.t.Helper()
	g.log, g.out, g.done = &syncBuffer{}, &syncBuffer{}, make(chan struct{})
	g.cmd = exec.Command(program(g.t), g.args...)
	g.cmd.Dir = g.dir
	g.cmd.Env = append(append(os.Environ(), "WAMUX_TEST_MAIN=1", "PORT=0", "LOG_LEVEL=debug", "RECONNECT_DELAY=50", "GORACE=halt_on_error=1 "+os.Getenv("GORACE")), g.env...)
	g.cmd.Stderr = g.log
	stdout, err := g.cmd.StdoutPipe()
	if err != nil {
		g.t.Fatal(err)
	}
	if err := g.cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	g.await(stdout)
}

// await reads what wamux greets with: the address and where the key is.
func (g *gateway) await(stdout io.Reader) {
	g.t.Helper()
	keyFile := make(chan string, 1)
	go func() {
		defer close(g.done)
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			fmt.Fprintln(g.out, lines.Text())
			if rest, ok := strings.CutPrefix(lines.Text(), "wamux is listening on "); ok {
				g.url = rest
				if key, own := g.ownKey(); own {
					keyFile <- key
				}
			}
			if rest, ok := strings.CutPrefix(lines.Text(), "admin key: "); ok {
				keyFile <- rest
			}
		}
		g.cmd.Wait()
	}()
	select {
	case name := <-keyFile:
		if key, own := g.ownKey(); own {
			g.key = key
			return
		}
		if !filepath.IsAbs(name) {
			name = filepath.Join(g.dir, name)
		}
		key, err := os.ReadFile(name)
		if err != nil {
			g.t.Fatal(err)
		}
		g.key = strings.TrimSpace(string(key))
	case <-g.done:
		g.t.Fatalf("wamux ended before it listened:\n%s", g.log)
	case <-time.After(deadline):
		g.t.Fatalf("wamux does not listen:\n%s", g.log)
	}
}

// ownKey is the first of API_KEYS; with those there is no key file.
func (g *gateway) ownKey() (key string, own bool) {
	for _, pair := range g.env {
		if keys, found := strings.CutPrefix(pair, "API_KEYS="); found {
			key, _, _ = strings.Cut(keys, ",")
			return key, true
		}
	}
	return "", false
}

func (g *gateway) running() bool {
	select {
	case <-g.done:
		return false
	default:
		return true
	}
}

// kill is a power button: SIGKILL, nothing is finished.
func (g *gateway) kill() {
	g.cmd.Process.Kill()
	<-g.done
}

// stop asks politely and fails the test when the exit is not clean.
func (g *gateway) stop() {
	g.t.Helper()
	g.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-g.done:
	case <-time.After(deadline):
		g.cmd.Process.Signal(syscall.SIGQUIT)
		<-g.done
		g.t.Errorf("wamux did not stop within %v:\n%s", deadline, tail(g.log.String(), 20000))
		return
	}
	if code := g.cmd.ProcessState.ExitCode(); code != 0 {
		g.t.Errorf("wamux ended with %d:\n%s", code, tail(g.log.String(), 6000))
	}
}

// call sends one request with the admin key; body may be nil, a string that is
// sent as it is, or a value for JSON.
func (g *gateway) call(method, path string, body any) (int, []byte) {
	g.t.Helper()
	status, answer, err := g.try(method, path, body)
	if err != nil {
		g.t.Fatalf("%s %s: %v", method, path, err)
	}
	return status, answer
}

// try is call for requests that may fail because wamux dies meanwhile.
func (g *gateway) try(method, path string, body any) (int, []byte, error) {
	a, err := send(g.request(method, path, body))
	return a.status, a.body, err
}

// request is a call that is not sent yet.
func (g *gateway) request(method, path string, body any) *http.Request {
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		data, err := json.Marshal(b)
		if err != nil {
			panic(err) // a test's own value
		}
		reader = bytes.NewReader(data)
	}
	req, err := http.NewRequest(method, g.url+path, reader)
	if err != nil {
		panic(err)
	}
	req.Header.Set("x-api-key", g.key)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req
}

// answered is a whole answer.
type answered struct {
	status int
	header http.Header
	body   []byte
}

func send(req *http.Request) (answered, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answered{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answered{resp.StatusCode, resp.Header, body}, err
}

// do sends a request that must be answered.
func (g *gateway) do(req *http.Request) answered {
	g.t.Helper()
	a, err := send(req)
	if err != nil {
		g.t.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	return a
}

// must is call with the one status that is right, decoded into T.
func must[T any](g *gateway, want int, method, path string, body any) T {
	g.t.Helper()
	var v T
	status, answer := g.call(method, path, body)
	if status != want {
		g.t.Fatalf("%s %s: got %d %s, want %d", method, path, status, answer, want)
	}
	if len(answer) > 0 {
		if err := json.Unmarshal(answer, &v); err != nil {
			g.t.Fatalf("%s %s: %v in %s", method, path, err, answer)
		}
	}
	return v
}

type object = map[string]any

// eventually waits for a condition; what says what was waited for.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	end := time.Now().Add(deadline)
	for pause := 10 * time.Millisecond; !ok(); pause = min(pause*3/2, 500*time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, deadline)
		}
		<-time.After(pause) // growing, so that looking does not slow down what is looked at
	}
}

// phone makes a sandbox phone.
func (g *gateway) phone(number string) {
	g.t.Helper()
	if status, answer := g.call("POST", "/v1/sandbox/phones", object{"phone": number, "name": "Phone " + number}); status/100 != 2 {
		g.t.Fatalf("phone %s: got %d %s", number, status, answer)
	}
}

// pair creates a session, lets a new phone scan it and waits until it is online.
func (g *gateway) pair(session, number string) {
	g.t.Helper()
	g.pairOn(g, session, number)
}

// pairOn is pair with the phone in another process's sandbox.
func (g *gateway) pairOn(world *gateway, session, number string) {
	g.t.Helper()
	world.phone(number)
	must[object](g, 200, "POST", "/sessions/add", object{"sessionId": session})
	qr := must[struct{ QR string }](g, 200, "GET", "/v1/sessions/"+session+"/qr", nil)
	if status, answer := world.call("POST", "/v1/sandbox/phones/"+number+"/scan", object{"qr": qr.QR}); status/100 != 2 {
		g.t.Fatalf("scan: got %d %s", status, answer)
	}
	g.online(session)
}

func (g *gateway) online(session string) {
	g.t.Helper()
	eventually(g.t, session+" online", func() bool { return g.status(session) == "AUTHENTICATED" })
}

// status is the root API's word for a session's state.
func (g *gateway) status(session string) string {
	_, answer, err := g.try("GET", "/sessions/"+session+"/status", nil)
	var v struct{ Status string }
	if err != nil || json.Unmarshal(answer, &v) != nil {
		return ""
	}
	return v.Status
}

// text is the body of a root API send.
func text(to, words string) object {
	return object{"jid": to, "type": "number", "message": object{"text": words}}
}

// received is one row of a phone's inbox.
type received struct {
	Seq                int64
	ID, Chat, From     string
	FromMe             bool
	Type, Text         string
	Content            json.RawMessage
	HasMedia           bool
	MediaSHA256        string `json:"mediaSha256"`
	Mimetype, FileName string
	Status             string
}

// inbox reads everything a phone has, page by page.
func (g *gateway) inbox(number string) []received {
	g.t.Helper()
	var all []received
	for after := int64(0); ; {
		page := must[struct{ Data []received }](g, 200, "GET", fmt.Sprintf("/v1/sandbox/phones/%s/messages?limit=500&after=%d", number, after), nil)
		if len(page.Data) == 0 {
			return all
		}
		all = append(all, page.Data...)
		after = page.Data[len(page.Data)-1].Seq
	}
}

// row is one line of the root API's chat history.
type row struct {
	ID                     int64
	PhoneNumber, Message   string
	MessageType, Direction string
	Metadata               map[string]any
	Timestamp              string
}

// history reads the whole chat history of a session, oldest first.
func (g *gateway) history(session string) []row {
	g.t.Helper()
	return g.latest(session, math.MaxInt)
}

// latest reads at least the newest so many rows, if there are that many, oldest first.
func (g *gateway) latest(session string, atLeast int) []row {
	g.t.Helper()
	var all []row
	for cursor := int64(0); len(all) < atLeast; {
		path := fmt.Sprintf("/%s/chats?limit=100", session)
		if cursor > 0 {
			path += fmt.Sprintf("&cursor=%d", cursor)
		}
		page := must[struct{ Data []row }](g, 200, "GET", path, nil)
		if len(page.Data) == 0 {
			break
		}
		all = append(all, page.Data...)
		cursor = page.Data[len(page.Data)-1].ID
	}
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all
}

// healthy fails the test when a phone could not read something, or saw a
// message key used twice.
func (g *gateway) healthy(numbers ...string) {
	g.t.Helper()
	for _, number := range numbers {
		p := must[struct{ Undecryptable, ReusedCounters int }](g, 200, "GET", "/v1/sandbox/phones/"+number, nil)
		if p.Undecryptable != 0 || p.ReusedCounters != 0 {
			g.t.Errorf("phone %s: got %d undecryptable messages and %d reused counters, want none", number, p.Undecryptable, p.ReusedCounters)
		}
	}
}

// syncBuffer is a bytes.Buffer that a process writes while a test reads.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}
