package guard

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// Resolver looks names up; [net.Resolver] is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Dialer connects to addresses that its policy allows. The zero value connects
// to public addresses. It is safe for use by many goroutines.
type Dialer struct {
	Policy   Policy
	Resolver Resolver // nil: the system's

	testOnlyDialed func(netip.AddrPort)
}

const (
	dialTimeout = 10 * time.Second // for one address
	maxTried    = 8                // addresses of one name
)

var errNoAddress = errors.New("the name has no address")

// DialContext connects to address, a host and a port. The host is looked up
// once; each of its addresses is judged when the socket exists and before it
// connects, so what was judged is what is connected to.
func (d Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	addrs, err := d.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: dialTimeout, ControlContext: d.control(host)}
	var failed error = errNoAddress
	for _, a := range addrs[:min(len(addrs), maxTried)] {
		conn, err := dialer.DialContext(ctx, network, net.JoinHostPort(a.String(), port))
		if err == nil {
			return conn, nil
		}
		failed = err
		if ctx.Err() != nil {
			break
		}
	}
	return nil, failed
}

func (d Dialer) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	if d.Resolver != nil {
		return d.Resolver.LookupNetIP(ctx, "ip", host)
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// control is called by the net package with the address that a fresh socket is
// about to connect to: nothing can change between this look and the connect.
func (d Dialer) control(host string) func(context.Context, string, string, syscall.RawConn) error {
	return func(_ context.Context, _, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		if err := d.Policy.check(host, to); err != nil {
			return err
		}
		if d.testOnlyDialed != nil {
			d.testOnlyDialed(to)
		}
		return nil
	}
}
