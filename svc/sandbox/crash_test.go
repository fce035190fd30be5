package sandbox

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types/events"

	"wamux/api"
)

// The server of these tests is another process, so that it can be killed. It reads commands as lines of JSON.
type command struct {
	Phone string
	Scan  string // QR text
	Send  *api.SandboxMessage
	Count int
	Inbox bool
}

type reply struct {
	Endpoint string
	Root, CA []byte
	Sent     []api.SandboxSent
	Inbox    []api.SandboxReceived
	Phone    api.SandboxPhone
	Error    string
}

func TestMain(m *testing.M) {
	if path := os.Getenv("SANDBOX_SERVE"); path != "" {
		serveCommands(path, os.Getenv("SANDBOX_LISTEN"))
		return
	}
	code := m.Run()
	if dir, err := pattern(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

func serveCommands(path, listen string) {
	ctx := context.Background()
	out := json.NewEncoder(os.Stdout)
	s, err := Start(ctx, Options{Path: path, Listen: listen})
	if err != nil {
		out.Encode(reply{Error: err.Error()})
		return
	}
	out.Encode(reply{Endpoint: s.Endpoint(), Root: s.RootKey(), CA: s.CAPEM()})
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var c command
		if json.Unmarshal(in.Bytes(), &c) != nil {
			return
		}
		r, err := c.run(ctx, s)
		if err != nil {
			r.Error = err.Error()
		}
		out.Encode(r)
	}
}

func (c command) run(ctx context.Context, s *Server) (r reply, err error) {
	switch {
	case c.Scan != "":
		err = s.Scan(ctx, c.Phone, c.Scan)
	case c.Send != nil:
		r.Sent, err = s.SendBulk(ctx, c.Phone, *c.Send, c.Count)
	case c.Inbox:
		r.Inbox, err = s.Inbox(ctx, c.Phone, 0, 100_000)
	default:
		r.Phone, err = s.AddPhone(ctx, c.Phone, "Name "+c.Phone)
	}
	return r, err
}

// victim is a server process.
type victim struct {
	t       *testing.T
	path    string
	hello   reply
	cmd     *exec.Cmd
	in      *json.Encoder
	replies *json.Decoder
}

func (v *victim) start() {
	v.t.Helper()
	v.cmd = exec.Command(os.Args[0])
	v.cmd.Env = append(os.Environ(), "SANDBOX_SERVE="+v.path, "SANDBOX_LISTEN="+v.hello.Endpoint)
	v.cmd.Stderr = os.Stderr
	stdin, err := v.cmd.StdinPipe()
	if err != nil {
		v.t.Fatal(err)
	}
	stdout, err := v.cmd.StdoutPipe()
	if err != nil {
		v.t.Fatal(err)
	}
	if err := v.cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	v.in, v.replies = json.NewEncoder(stdin), json.NewDecoder(stdout)
	v.hello = v.read()
}

func (v *victim) read() (r reply) {
	v.t.Helper()
	if err := v.replies.Decode(&r); err != nil || r.Error != "" {
		v.t.Fatalf("the server process: %v %s", err, r.Error)
	}
	return r
}

func (v *victim) do(c command) reply {
	v.t.Helper()
	if err := v.in.Encode(c); err != nil {
		v.t.Fatal(err)
	}
	return v.read()
}

// kill ends the process as kill -9 does.
func (v *victim) kill() {
	v.cmd.Process.Kill()
	v.cmd.Wait()
}

// TestKill kills the server in the middle of traffic both ways, again and again: nothing that was promised is lost, nothing
// comes twice, no message cannot be decrypted.
func TestKill(t *testing.T) {
	roots.Lock()
	defer roots.Unlock()
	v := &victim{t: t, path: filepath.Join(t.TempDir(), "sandbox.db")}
	v.start()
	defer func() { v.kill() }()
	v.do(command{Phone: alice})
	v.do(command{Phone: bob})
	whatsmeow.WACertPubKey = [32]byte(v.hello.Root)
	w := &world{t: t, addr: v.hello.Endpoint, ca: v.hello.CA}
	c := w.client()
	defer c.Disconnect() // before the server dies: the library's own end of a connection races with Disconnect
	c.connect()
	v.do(command{Phone: alice, Scan: wait[*events.QR](c, nil).Codes[0]})
	wait[*events.Connected](c, nil)

	heard := map[string]int{}
	var promised, sent []string
	for round := range 5 {
		bulk := command{Phone: bob, Count: 40, Send: &api.SandboxMessage{To: alice, Type: "text", Text: fmt.Sprint("round ", round)}}
		for _, m := range v.do(bulk).Sent {
			promised = append(promised, m.ID)
		}
		if err := v.in.Encode(bulk); err != nil { // nothing of this one is promised: it is under way when the server dies
			t.Fatal(err)
		}
		// The client sends while the server dies; the id stays the same until the server has it.
		id := c.GenerateMessageID()
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.insist(bob, id, fmt.Sprint("client ", round))
		}()
		v.kill()
		v.start()
		<-done
		sent = append(sent, id)
	}
	for _, id := range promised {
		for heard[id] == 0 {
			m := wait[*events.Message](c, nil)
			heard[m.Info.ID]++
		}
	}
	for id, n := range heard {
		if n != 1 {
			t.Errorf("%s came %d times", id, n)
		}
	}
	got := map[string]int{}
	for _, r := range v.do(command{Phone: bob, Inbox: true}).Inbox {
		got[r.ID]++
	}
	for _, id := range sent {
		if got[id] != 1 {
			t.Errorf("the phone has %s %d times", id, got[id])
		}
	}
	for _, number := range []string{alice, bob} {
		if p := v.do(command{Phone: number}).Phone; p.ReusedCounters != 0 || p.Undecryptable != 0 {
			t.Errorf("%+v", p)
		}
	}
}
