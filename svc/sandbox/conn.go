package sandbox

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waWa6"
	"go.mau.fi/whatsmeow/util/keys"
)

const (
	maxFrame = 1 << 24
	// lingering is how long a client gets to read the last stanza before the socket closes. whatsmeow loses a stream:error
	// that it has not handled yet when the socket closes.
	lingering        = 300 * time.Millisecond
	handshakeTimeout = 20 * time.Second
)

// conn is one websocket connection of a client.
type conn struct {
	s           *Server
	ws          *websocket.Conn
	read, write *transport
	static      [32]byte     // the client's Noise key
	who         atomic.Value // string: number of the account, once it is logged in
	ended       context.Context
	end         context.CancelFunc

	out outbox

	// Guarded by Server.mu.
	device    *device        // nil until it is logged in
	pairing   *pairing       // nil unless it wants to be linked
	finishing bool           // the last stanza is on its way; what comes in is ignored
	available bool           // the client says it is in use
	offline   int            // how many stanzas waited at the login
	backlog   int            // how many of them are not sent yet
	held      *waBinary.Node // a message that the next one shall overtake
}

// outgoing is one stanza on its way to the client: as a node, or as it was stored.
type outgoing struct {
	node *waBinary.Node
	last bool // close the connection after it
}

// outbox is the unbounded queue between the committer and the socket.
type outbox struct {
	mu     sync.Mutex
	items  []outgoing
	ready  chan struct{}
	closed bool
}

func (o *outbox) push(item outgoing) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return false
	}
	o.items = append(o.items, item)
	o.closed = item.last
	select {
	case o.ready <- struct{}{}:
	default:
	}
	return true
}

func (o *outbox) take() []outgoing {
	o.mu.Lock()
	defer o.mu.Unlock()
	items := o.items
	o.items = nil
	return items
}

func (s *Server) serveChat(w http.ResponseWriter, r *http.Request) {
	s.serving.Add(1)
	defer s.serving.Done()
	if s.takeHTTPFault("http_503", "") {
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
		return
	}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return
	}
	defer ws.CloseNow()
	ws.SetReadLimit(maxFrame)
	c := &conn{s: s, ws: ws, out: outbox{ready: make(chan struct{}, 1)}}
	c.ended, c.end = context.WithCancel(s.closing)
	defer c.end()
	payload, err := c.shake()
	if err != nil {
		s.log.Warn("sandbox: a client could not connect", "error", err)
		return
	}
	s.serving.Go(c.writeLoop)
	s.welcome(c, payload)
	c.readLoop()
	s.goodbye(c)
}

// shake does the Noise handshake and returns what the client wants.
func (c *conn) shake() (*waWa6.ClientPayload, error) {
	ctx, cancel := context.WithTimeout(c.ended, handshakeTimeout)
	defer cancel()
	first, err := c.message(ctx)
	if err != nil {
		return nil, err
	}
	prologue, hello, err := splitPrologue(first)
	if err != nil {
		return nil, err
	}
	h, ephemeral := newHandshake(prologue), keys.NewKeyPair()
	answer, err := h.hello(hello, ephemeral, c.s.static, c.s.certificate)
	if err != nil {
		return nil, err
	}
	if err := c.ws.Write(ctx, websocket.MessageBinary, frame(answer)); err != nil {
		return nil, err
	}
	second, err := c.message(ctx)
	if err != nil || len(second) < 3 {
		return nil, errors.Join(err, errHandshake)
	}
	var payload *waWa6.ClientPayload
	if c.static, payload, err = h.finish(second[3:], ephemeral); err != nil {
		return nil, err
	}
	c.read, c.write = h.split()
	return payload, nil
}

// splitPrologue takes the first message apart: optional routing info, the four bytes WA 6 3, and the first frame.
func splitPrologue(data []byte) (prologue, hello []byte, err error) {
	if bytes.HasPrefix(data, []byte("ED")) && len(data) > 7 {
		skip := 7 + int(data[4])<<16 + int(data[5])<<8 + int(data[6])
		if skip > len(data) {
			return nil, nil, errHandshake
		}
		data = data[skip:]
	}
	if len(data) < 7 || !bytes.HasPrefix(data, []byte("WA")) {
		return nil, nil, errHandshake
	}
	return data[:4], data[7:], nil
}

// message reads one binary websocket message.
func (c *conn) message(ctx context.Context) ([]byte, error) {
	kind, data, err := c.ws.Read(ctx)
	if err == nil && kind != websocket.MessageBinary {
		return nil, errors.New("a text message on the chat socket")
	}
	return data, err
}

// frame puts the length in front. Every frame is a websocket message of its own: clients rely on it.
func frame(data []byte) []byte {
	return append([]byte{byte(len(data) >> 16), byte(len(data) >> 8), byte(len(data))}, data...)
}

func (c *conn) readLoop() {
	for {
		data, err := c.message(c.ended)
		if err != nil {
			return
		}
		for len(data) >= 3 {
			size := int(data[0])<<16 + int(data[1])<<8 + int(data[2])
			if len(data) < 3+size || !c.crawl() || !c.receive(data[3:3+size]) {
				return
			}
			data = data[3+size:]
		}
	}
}

// receive handles one frame; false ends the connection.
func (c *conn) receive(sealed []byte) bool {
	plain, err := c.read.open(sealed)
	if err != nil || len(plain) == 0 {
		c.s.log.Warn("sandbox: a frame cannot be opened", "error", err)
		return false
	}
	node, err := unmarshal(plain)
	if err != nil {
		c.s.log.Warn("sandbox: a stanza cannot be read", "error", err)
		return false
	}
	c.s.handle(c, node)
	return true
}

// crawl waits as long as a slow network makes the next frame take; those behind it wait too, so their order stays. It returns false
// when the connection has ended.
func (c *conn) crawl() bool {
	late := c.s.lateness(c.number())
	if late == 0 {
		return true
	}
	timer := time.NewTimer(late)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.ended.Done():
		return false
	}
}

// number names the account of the connection, "" before it is logged in.
func (c *conn) number() string {
	number, _ := c.who.Load().(string)
	return number
}

// send hands a stanza to the socket. It never blocks. The node must not be changed afterwards.
func (c *conn) send(n waBinary.Node) {
	if c.out.push(outgoing{node: &n}) {
		c.s.traffic.add(c.number(), "out", &n)
	}
}

// finish sends a last stanza and closes the connection behind it.
func (c *conn) finish(n waBinary.Node) {
	if c.out.push(outgoing{node: &n, last: true}) {
		c.s.traffic.add(c.number(), "out", &n)
	}
}

// abort drops the connection as a broken network does.
func (c *conn) abort() { c.end() }

func (c *conn) writeLoop() {
	for {
		select {
		case <-c.ended.Done():
			c.ws.CloseNow()
			return
		case <-c.out.ready:
		}
		for _, item := range c.out.take() {
			if !c.writeOne(item) {
				c.end()
				break
			}
		}
	}
}

func (c *conn) writeOne(item outgoing) bool {
	data, err := waBinary.Marshal(*item.node)
	if err != nil {
		return false
	}
	if !c.crawl() {
		return false
	}
	if c.ws.Write(c.ended, websocket.MessageBinary, frame(c.write.seal(data))) != nil {
		return false
	}
	if !item.last {
		return true
	}
	select {
	case <-c.ended.Done():
	case <-time.After(lingering):
	}
	return false
}
