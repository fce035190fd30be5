package session

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// parkTime is how long the reader of a line may take to come to rest.
const parkTime = 200 * time.Millisecond

// line is the way of one run to WhatsApp. It exists because the library's
// reader hangs for ever on a frame that comes while the connection is being
// closed: nobody takes it from the reader then. So the line stops reading
// first, and the library closes it after that.
type line struct {
	transport *http.Transport
	ledger    ledger

	mu    sync.Mutex
	conn  *lineConn       // the latest
	ready <-chan struct{} // closed when the attempt to connect is over
}

// newLine makes a line that dials as base does and keeps back what the ledger has
// not on disk yet.
func newLine(base *http.Transport, l ledger) *line {
	return (&line{transport: base.Clone(), ledger: l}).dialsAs(base)
}

func (l *line) dialsAs(base *http.Transport) *line {
	l.transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		return l.hold(base.DialContext(ctx, network, address)) // to a proxy
	}
	l.transport.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		return l.hold(secure(ctx, base, network, address))
	}
	return l
}

// secure dials and does the TLS handshake, so that the line sees the end of
// the connection also where TLS announces it.
func secure(ctx context.Context, base *http.Transport, network, address string) (net.Conn, error) {
	raw, err := base.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if base.TLSClientConfig != nil {
		config = base.TLSClientConfig.Clone()
	}
	config.NextProtos = []string{"http/1.1"}
	if config.ServerName, _, err = net.SplitHostPort(address); err != nil {
		raw.Close()
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, base.TLSHandshakeTimeout)
	defer cancel()
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return conn, nil
}

func (l *line) hold(conn net.Conn, err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn = &lineConn{Conn: conn, out: newOutbox(conn, l.ledger), ready: l.ready, ending: make(chan struct{}), parked: make(chan struct{}), closed: make(chan struct{})}
	return l.conn, nil
}

// latest returns the connection of this attempt, or nil before there is one.
func (l *line) latest() *lineConn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conn
}

// begin is for a new attempt, which is over when ready is closed.
func (l *line) begin(ready <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn, l.ready = nil, ready
}

// dialling tells whether the attempt has no connection yet.
func (l *line) dialling() bool { return l.latest() == nil }

// broke tells whether the other side ended the connection.
func (l *line) broke() bool {
	c := l.latest()
	return c != nil && c.broke.Load()
}

// park stops reading and writing. When it returns, everything that was read
// has been passed on.
func (l *line) park() {
	c := l.latest()
	if c == nil || c.broke.Load() {
		return
	}
	c.out.settle(parkTime)
	c.end.Do(func() { close(c.ending) })
	_ = c.SetReadDeadline(time.Unix(1, 0)) // wakes a reader that waits
	timer := time.NewTimer(parkTime)
	defer timer.Stop()
	select {
	case <-c.parked:
	case <-c.closed:
	case <-timer.C:
	}
}

// await waits for done, and tells whether it came within d.
func await(done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// close frees what a failed handshake may have left.
func (l *line) close() { l.transport.CloseIdleConnections() }

// lineConn is one connection of a line.
type lineConn struct {
	net.Conn
	out                    *outbox
	ready                  <-chan struct{}
	ending, parked, closed chan struct{} // closed when it is so
	end, rest, shut        sync.Once
	broke                  atomic.Bool // the reader was told of an error
}

func (c *lineConn) isEnding() bool {
	select {
	case <-c.ending:
		return true
	default:
		return false
	}
}

// Read keeps its caller waiting once the line is parked.
func (c *lineConn) Read(p []byte) (int, error) {
	if c.isEnding() {
		return c.wait()
	}
	n, err := c.Conn.Read(p)
	if n == 0 && err != nil {
		if c.isEnding() {
			return c.wait()
		}
		c.broke.Store(true)
		c.hesitate()
	}
	return n, err
}

// hesitate lets a handshake that just succeeded come to its end before the
// library hears that the connection is gone: it would miss that otherwise.
func (c *lineConn) hesitate() {
	timer := time.NewTimer(parkTime)
	defer timer.Stop()
	select {
	case <-c.ready:
	case <-c.closed:
	case <-timer.C:
	}
}

func (c *lineConn) wait() (int, error) {
	c.rest.Do(func() { close(c.parked) })
	<-c.closed
	return 0, net.ErrClosed
}

// Write fails once the line is parked, so that closing does not wait for an
// answer that nobody reads. The websocket would wait after net.ErrClosed.
func (c *lineConn) Write(p []byte) (int, error) {
	if c.isEnding() {
		return 0, io.ErrClosedPipe
	}
	return c.out.Write(p)
}

// Close frees a parked reader.
func (c *lineConn) Close() error {
	c.shut.Do(func() { close(c.closed) })
	c.out.close()
	return c.Conn.Close()
}
