package sandbox

import (
	"cmp"
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waWa6"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/keys"
	"google.golang.org/protobuf/proto"

	"wamux/api"
	"wamux/svc/sandbox/phone"
)

// target is a server that is fuzzed: three phones, a group, a newsletter, and a connection whose other end only takes notes.
type target struct {
	*Server
	c     *conn
	peer  *transport // seals as the client of c would
	group string
	runs  int
}

func newTarget(f *testing.F) *target {
	f.Helper()
	s, err := Start(context.Background(), Options{Path: filepath.Join(f.TempDir(), "sandbox.db")})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	x := &target{Server: s}
	x.fill()
	return x
}

// fill makes everything anew.
func (x *target) fill() {
	ctx := context.Background()
	x.check(x.Reset(ctx))
	for _, number := range []string{alice, bob, carol} {
		_, err := x.AddPhone(ctx, number, "")
		x.check(err)
	}
	g, err := x.AddGroup(ctx, api.SandboxNewGroup{Subject: "Us", Creator: alice, Members: []string{bob}})
	x.check(err)
	_, err = x.AddNewsletter(ctx, api.SandboxNewNewsletter{Owner: alice, Name: "News"})
	x.check(err)
	x.group, x.c = g.JID, nil
}

func (x *target) check(err error) {
	if err != nil {
		panic(err) // f and t have their say at different times
	}
}

// connection makes a connection without a socket.
func (x *target) connection() *conn {
	c := &conn{s: x.Server, out: outbox{ready: make(chan struct{}, 1)}}
	c.ended, c.end = context.WithCancel(context.Background())
	key := make([]byte, 32)
	c.read, c.write, x.peer = &transport{key: gcm(key)}, &transport{key: gcm(key)}, &transport{key: gcm(key)}
	x.conns[c] = struct{}{}
	return c
}

// logIn makes x.c a connection of a device of alice, unless it is one.
func (x *target) logIn() {
	x.mu.Lock()
	defer x.mu.Unlock()
	a := x.byNumber[alice]
	if x.c != nil && x.c.device != nil && !x.c.finishing && a.devices[1] == x.c.device {
		return
	}
	identity := keys.NewKeyPair()
	signed := identity.CreateSignedPreKey(1)
	d := &device{account: a, id: 1, deviceInfo: deviceInfo{LID: true, Identity: identity.Pub[:], Shared: true, Registration: 7,
		Signed: phone.PreKey{ID: 1, Public: *signed.Pub, Signature: signed.Signature[:]}}}
	for i := range 20 {
		d.keys = append(d.keys, oneTime{uint32(i + 1), *keys.NewKeyPair().Pub})
	}
	a.devices[1] = d
	x.c = x.connection()
	x.c.device, d.conn = d, x.c
	x.c.who.Store(alice)
}

// settleDown waits now and then until all is committed, looks at what would be sent, and starts over at times, since everything is kept.
func (x *target) settleDown(t *testing.T) {
	t.Helper()
	if x.runs++; x.runs%20 == 0 {
		x.check(x.do(context.Background(), func() error { return nil }))
	}
	for _, item := range x.c.out.take() {
		if _, err := waBinary.Marshal(*item.node); err != nil {
			t.Errorf("%s cannot be sent: %v", item.node.String(), err)
		}
	}
	if x.runs%500 == 0 {
		x.goodbye(x.c)
		x.fill()
	}
}

// stanzas are one of each kind that the server knows, with the attributes that most of them have.
func (x *target) stanzas() (list []waBinary.Node) {
	news := ""
	for user := range x.newsletters {
		news = user + "@newsletter"
	}
	add := func(to string, n waBinary.Node) {
		n.Attrs["to"], _ = types.ParseJID(to)
		n.Attrs["id"] = "A1"
		list = append(list, n)
	}
	places := map[string]string{"w:g2": x.group, "newsletter": news}
	for _, xmlns := range slices.Sorted(maps.Keys(iqKinds)) {
		k := iqKinds[xmlns]
		for kind, known := range map[string]shape{"get": k.get, "set": k.set} {
			for _, path := range slices.Sorted(maps.Keys(known)) {
				add(cmp.Or(places[xmlns], "s.whatsapp.net"), el("iq", attrs{"xmlns": xmlns, "type": kind}, along(path)))
			}
		}
	}
	for _, tag := range slices.Sorted(maps.Keys(chatKinds)) {
		for _, path := range slices.Sorted(maps.Keys(chatKinds[tag].shape)) {
			add(bob+"@s.whatsapp.net", el(tag, attrs{"class": "message"}, along(path)))
		}
	}
	for _, to := range []string{x.group, news, bob + "@s.whatsapp.net", "status@broadcast"} {
		for _, what := range []string{"read", "retry", "view", "server-error"} {
			add(to, el("receipt", attrs{"type": what, "participant": user(bob)}, along("list/item"), along("retry")))
		}
		add(to, el("message", attrs{"type": "text", "phash": "x"}, along("enc"), along("participants/to/enc"), along("plaintext"), along("reaction")))
	}
	return list
}

// along makes the elements of a path, with attributes that some of them have.
func along(path string) waBinary.Node {
	var n waBinary.Node
	for i, tag := range slices.Backward(strings.Split(path, "/")) {
		a := attrs{"jid": user(bob), "type": "pkmsg", "id": "1", "count": "1", "server_id": "100", "action": "block", "name": "regular", "version": "0",
			"duration": "60", "query_id": "6563316087068696", "code": "x", "return_snapshot": "true", "subject": "Us", "stage": "companion_hello", "call-id": "C1"}
		if n.Tag == "" {
			n = body(tag, a, make([]byte, []int{32, 80, 3}[i%3]))
		} else {
			n = el(tag, a, n)
		}
	}
	return n
}

// FuzzStanza hands any bytes to the server as what a logged-in device sent, in a frame that opens.
func FuzzStanza(f *testing.F) {
	x := newTarget(f)
	for _, n := range x.stanzas() {
		data, err := waBinary.Marshal(n)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		x.logIn()
		x.c.receive(x.peer.seal(data))
		x.peer.counter = x.c.read.counter
		x.settleDown(t)
	})
}

// FuzzFrame hands any bytes to the server as a frame: those that do not open end the connection and do nothing else.
func FuzzFrame(f *testing.F) {
	x := newTarget(f)
	f.Add([]byte{}, []byte("x"))
	f.Add(make([]byte, 16), make([]byte, 40))
	f.Fuzz(func(t *testing.T, frame, message []byte) {
		x.logIn()
		if x.c.receive(frame) {
			t.Errorf("%x was opened", frame)
		}
		x.peer.counter = x.c.read.counter
		if _, hello, err := splitPrologue(message); err == nil {
			h := newHandshake([]byte("WA\x06\x03"))
			if _, err := h.hello(hello, keys.NewKeyPair(), x.static, x.certificate); err == nil {
				_, _, err = h.finish(frame, keys.NewKeyPair())
				if err == nil {
					t.Errorf("a handshake was finished by %x", frame)
				}
			}
		}
		x.settleDown(t)
	})
}

// FuzzHandshake lets a client that knows the protocol put any bytes into the places where its answers belong.
func FuzzHandshake(f *testing.F) {
	x := newTarget(f)
	whole, err := proto.Marshal(&waWa6.ClientPayload{Username: proto.Uint64(4911111111), Device: proto.Uint32(1), LidDbMigrated: proto.Bool(true)})
	x.check(err)
	pairing, err := proto.Marshal(&waWa6.ClientPayload{DevicePairingData: &waWa6.ClientPayload_DevicePairingRegistrationData{EIdent: make([]byte, 32)}})
	x.check(err)
	f.Add(whole)
	f.Add(pairing)
	f.Fuzz(func(t *testing.T, data []byte) {
		var p waWa6.ClientPayload
		if proto.Unmarshal(data, &p) != nil {
			return
		}
		x.logIn()
		x.mu.Lock()
		c := x.connection()
		x.mu.Unlock()
		x.welcome(c, &p)
		n := el("iq", attrs{"xmlns": "md", "type": "set", "id": "1"}, along("link_code_companion_reg/link_code_pairing_wrapped_companion_ephemeral_pub"))
		x.handle(c, &n)
		x.settleDown(t)
		x.goodbye(c)
	})
}

// FuzzPairing lets a device that is to be linked say anything at each step: hello, the code that a person types, and the answer to it.
func FuzzPairing(f *testing.F) {
	x := newTarget(f)
	link, err := x.byNumber[bob].phone.EnterCode("ABCD-1234", make([]byte, 80))
	x.check(err)
	f.Add("ABCD-1234", make([]byte, 80), make([]byte, 140), make([]byte, 32), "2@x,"+strings.Repeat("AAAA,", 3)+"1")
	f.Add("", []byte{}, []byte{}, []byte{}, "")
	f.Fuzz(func(t *testing.T, code string, wrapped, bundle, identity []byte, qr string) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // nobody waits for the answer of a device that is none
		x.logIn()
		x.mu.Lock()
		c := x.connection()
		x.mu.Unlock()
		x.welcome(c, &waWa6.ClientPayload{DevicePairingData: &waWa6.ClientPayload_DevicePairingRegistrationData{EIdent: identity}})
		say := func(stage string, children ...waBinary.Node) {
			n := el("iq", attrs{"xmlns": "md", "type": "set", "id": "1"}, el("link_code_companion_reg", attrs{"jid": user(bob), "stage": stage}, children...))
			x.handle(c, &n)
		}
		say("companion_hello", body("link_code_pairing_wrapped_companion_ephemeral_pub", nil, wrapped))
		if _, err := phone.ParseCode(code); err != nil {
			_ = x.EnterCode(ctx, bob, code)
		}
		x.mu.Lock()
		ref := ""
		if c.pairing != nil && c.pairing.code != nil { // as EnterCode leaves it, which takes long for a code that could be right
			ref, c.pairing.code.link, c.pairing.code.done = c.pairing.code.ref, link, make(chan error, 1)
		}
		x.mu.Unlock()
		say("companion_finish", body("link_code_pairing_wrapped_key_bundle", nil, bundle), body("companion_identity_public", nil, identity),
			body("link_code_pairing_ref", nil, []byte(ref)))
		_ = x.Scan(ctx, bob, qr)
		answer := el("iq", attrs{"type": "result", "id": "1"}, el("pair-device-sign", nil, body("device-identity", nil, bundle)))
		x.handle(c, &answer)
		x.settleDown(t)
		x.goodbye(c)
	})
}

// FuzzNode reads any bytes as a stanza; what can be read can be written.
func FuzzNode(f *testing.F) {
	for _, path := range []string{"a", "usync/list/user/contact", "message"} {
		data, err := waBinary.Marshal(along(path))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte{2, 0x78, 0x9c})
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := unmarshal(data)
		if err != nil {
			return
		}
		_ = trim(n).String()
		if _, err := waBinary.Marshal(*n); err != nil {
			t.Errorf("%s cannot be written: %v", n.String(), err)
		}
	})
}
