package svc_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBaileys lets an unmodified Baileys link to sandbox phones, by QR and by code, and talk with a wamux session: the sandbox
// and whatsmeow could be wrong in the same way, a third program would notice. `make test-baileys` installs it and names its
// folder in WAMUX_BAILEYS.
func TestBaileys(t *testing.T) {
	modules := os.Getenv("WAMUX_BAILEYS")
	if modules == "" {
		t.Skip("WAMUX_BAILEYS is not set: run make test-baileys")
	}
	world := start(t, t.TempDir(), nil, "sandbox")
	g := start(t, t.TempDir(), pointedAt(world), "run")
	const shop = "6287770000001"
	g.pairOn(world, "shop", shop)
	for name, link := range map[string]func(*peer, string){"qr": (*peer).byQR, "code": (*peer).byCode} {
		t.Run(name, func(t *testing.T) {
			number := map[string]string{"qr": "6287770000002", "code": "6287770000003"}[name]
			world.phone(number)
			p := newPeer(t, world, modules)
			link(p, number)
			g.talkWith(p, shop, number)
			g.groupWith(p, shop, number)
			world.healthy(shop, number)
		})
	}
}

// peer is a Baileys in a process of its own.
type peer struct {
	t      *testing.T
	world  *gateway
	in     *json.Encoder
	events chan heard
}

// heard is a line that the peer prints.
type heard struct {
	Event, Order, Error      string
	QR, Code, ID, Chat, Text string
	FromMe                   bool
	Media                    []byte
	Groups                   []string
}

func newPeer(t *testing.T, world *gateway, modules string) *peer {
	t.Helper()
	script, err := filepath.Abs(filepath.Join(modules, "client.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", script)
	cmd.Dir, cmd.Stderr = t.TempDir(), io.Discard
	cmd.Env = append(os.Environ(), pointedAt(world)...)
	for _, pair := range pointedAt(world) {
		if file, ok := strings.CutPrefix(pair, "WHATSAPP_CA_FILE="); ok {
			cmd.Env = append(cmd.Env, "NODE_EXTRA_CA_CERTS="+file)
		}
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, world: world, in: json.NewEncoder(in), events: make(chan heard, 1000)}
	go p.listen(out)
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	return p
}

func (p *peer) listen(out io.Reader) {
	defer close(p.events)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		var e heard
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			p.events <- e
		}
	}
}

// await reads on until an event fits.
func (p *peer) await(what string, fits func(heard) bool) heard {
	p.t.Helper()
	for end := time.After(deadline); ; {
		select {
		case e, ok := <-p.events:
			switch {
			case !ok:
				p.t.Fatalf("Baileys ended while waiting for %s", what)
			case e.Event == "failed":
				p.t.Fatalf("Baileys, %s: %s", e.Order, e.Error)
			case fits(e):
				return e
			}
		case <-end:
			p.t.Fatalf("Baileys: no %s within %v", what, deadline)
		}
	}
}

// do gives an order and waits for its outcome.
func (p *peer) do(order object) heard {
	p.t.Helper()
	if err := p.in.Encode(order); err != nil {
		p.t.Fatal(err)
	}
	return p.await("outcome of an order", func(e heard) bool { return e.Event == "done" && e.Order == order["order"] })
}

func (p *peer) isOpen() {
	p.t.Helper()
	p.await("open connection", func(e heard) bool { return e.Event == "open" })
}

func (p *peer) control(path string, body object) {
	p.t.Helper()
	if status, answer := p.world.call("POST", path, body); status/100 != 2 {
		p.t.Fatalf("%s: got %d %s", path, status, answer)
	}
}

func (p *peer) byQR(number string) {
	p.t.Helper()
	qr := p.await("QR code", func(e heard) bool { return e.Event == "qr" }).QR
	p.control("/v1/sandbox/phones/"+number+"/scan", object{"qr": qr})
	p.isOpen()
}

func (p *peer) byCode(number string) {
	p.t.Helper()
	p.await("QR code", func(e heard) bool { return e.Event == "qr" }) // it is connected then
	code := p.do(object{"order": "code", "phone": number}).Code
	eventually(p.t, "the code taken", func() bool { // Baileys tells it before the server has heard of it
		status, _ := p.world.call("POST", "/v1/sandbox/phones/"+number+"/code", object{"code": code})
		return status == 204
	})
	p.isOpen()
}

// gets waits for a text in a chat that is not the peer's own.
func (p *peer) gets(text string) heard {
	p.t.Helper()
	return p.await("message "+text, func(e heard) bool { return e.Event == "message" && !e.FromMe && e.Text == text })
}

// talkWith sends text and a picture both ways.
func (g *gateway) talkWith(p *peer, shop, number string) {
	g.t.Helper()
	picture, err := base64.StdEncoding.DecodeString(tinyPNG)
	if err != nil {
		g.t.Fatal(err)
	}
	must[object](g, 200, "POST", "/shop/messages/send", text(number, "to "+number))
	p.gets("to " + number)
	image := object{"image": object{"url": "data:image/png;base64," + tinyPNG}, "caption": "picture to " + number}
	must[object](g, 200, "POST", "/shop/messages/send", object{"jid": number, "type": "number", "message": image})
	if got := p.gets("picture to " + number); string(got.Media) != string(picture) {
		g.t.Errorf("Baileys got a picture of %d bytes", len(got.Media))
	}
	g.hears(p.do(object{"order": "text", "to": shop + "@s.whatsapp.net", "text": "from " + number}).ID, "text", "from "+number)
	sent := p.do(object{"order": "image", "to": shop + "@s.whatsapp.net", "data": tinyPNG, "caption": "picture from " + number})
	g.hears(sent.ID, "image", "picture from "+number)
	g.opens(p.world, sent.ID, number, picture)
}

// opens checks the file of a message that came in: its length, and its bytes. There is no call that gives them out, so the session
// passes the message on to a phone of the sandbox, with the key and the place of the file that it has, and the phone opens that.
func (g *gateway) opens(world *gateway, id, from string, want []byte) {
	g.t.Helper()
	if got := g.inHistory(id).Metadata["fileLength"]; fmt.Sprint(got) != fmt.Sprint(len(want)) {
		g.t.Errorf("the history says that the file has %v bytes, want %d", got, len(want))
	}
	const witness = "6287770000009"
	world.phone(witness)
	key := object{"remoteJid": from + "@s.whatsapp.net", "fromMe": false, "id": id}
	passed := must[struct{ Data struct{ Key sentKey } }](g, 200, "POST", "/shop/messages/send",
		object{"jid": witness, "type": "number", "message": object{"forward": object{"key": key}}}).Data.Key.ID
	got := world.arrived(witness, passed)
	status, data := world.call("GET", fmt.Sprintf("/v1/sandbox/phones/%s/messages/%d/media", witness, got.Seq), nil)
	if status != 200 || !bytes.Equal(data, want) {
		g.t.Errorf("the file that came in opens to %d bytes (%d), want the %d that were sent", len(data), status, len(want))
	}
}

// hears waits until the session has a message.
func (g *gateway) hears(id, kind, text string) {
	g.t.Helper()
	if got := g.inHistory(id); got.MessageType != kind || got.Message != text {
		g.t.Errorf("history has %s %q, want %s %q", got.MessageType, got.Message, kind, text)
	}
}

// groupWith talks in a group of both.
func (g *gateway) groupWith(p *peer, shop, number string) {
	g.t.Helper()
	group := must[struct{ JID string }](p.world, 201, "POST", "/v1/sandbox/groups", object{"subject": "Market", "creator": shop, "members": []string{number}}).JID
	if groups := p.do(object{"order": "groups"}).Groups; len(groups) != 1 || groups[0] != group {
		g.t.Fatalf("Baileys sees the groups %q, want %s", groups, group)
	}
	must[object](g, 200, "POST", "/shop/messages/send", object{"jid": group, "type": "jid", "message": object{"text": "all, " + number}})
	if got := p.gets("all, " + number); got.Chat != group {
		g.t.Errorf("the message came in chat %s, want %s", got.Chat, group)
	}
	g.hears(p.do(object{"order": "text", "to": group, "text": "group from " + number}).ID, "text", "group from "+number)
}

// tinyPNG is one pixel.
const tinyPNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
