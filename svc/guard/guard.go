// Package guard fetches what strangers' URLs point at without letting them
// point at us: the address is judged after it was resolved, in the dialer, so
// neither a name that resolves inwards, nor one that changes its mind between
// two look-ups, nor a redirect gets past it.
package guard

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"time"
)

// Policy says which addresses may be reached. The zero value is the strictest:
// public addresses only.
type Policy struct {
	Prefixes     []netip.Prefix   // reachable although they are not public, such as 192.168.1.0/24
	Hosts        []string         // host names whose addresses may be private or loopback; compared without case
	AllowPrivate bool             // private and loopback addresses are reachable (webhooks set by an admin)
	Own          []netip.AddrPort // our own listeners: never reachable, whatever the rest says. An unspecified address means every local one
}

// Resolver looks names up; [net.Resolver] is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Options of a [Fetcher]. The zero value is ready to use.
type Options struct {
	Policy   Policy
	Timeout  time.Duration // of a whole fetch, redirects and body included; 0 means 60 s
	Resolver Resolver      // nil: the system's
	Log      *slog.Logger  // nil: silent. It learns causes that answers don't tell
	Agent    string        // User-Agent; "" means "wamux"
}

// Fetcher fetches media by URL for people who are not trusted. It is safe for
// use by many goroutines.
type Fetcher struct{ o Options }

// New makes a Fetcher.
func New(o Options) *Fetcher { return &Fetcher{o: o} }

// Fetch gets what url points at, at most max bytes of it. The type is sniffed
// from the content where that says something, else it is what the server said,
// without parameters. Errors are [*store.Error]: code invalid named url_refused
// when the URL itself is not acceptable, unprocessable named url_refused,
// media_unreachable or media_too_large.
func (f *Fetcher) Fetch(ctx context.Context, url string, max int64) (data []byte, mimetype string, err error) {
	return nil, "", nil
}

// DialContext connects to address, which holds a host and a port, unless the
// policy forbids the address it resolves to.
func (p Policy) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return nil, nil
}
