package guard

import (
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Policy says which addresses may be reached. The zero value is the strictest:
// public addresses only. Link-local, metadata, multicast and unspecified
// addresses and our own listeners stay closed whatever it says.
type Policy struct {
	Prefixes     []netip.Prefix   // reachable although they are not public, such as 192.168.1.0/24
	Hosts        []string         // host names or literal addresses that may be private or loopback; compared without case
	AllowPrivate bool             // private and loopback addresses are reachable (webhooks that an admin set)
	Own          []netip.AddrPort // our own listeners; an unspecified address stands for every address of this machine
}

// refusal is the error of an address that the policy forbids.
type refusal struct{ addr netip.AddrPort }

func (r refusal) Error() string { return "the address " + r.addr.String() + " is not allowed" }

// check judges the address that a connection to host is about to go to.
func (p Policy) check(host string, to netip.AddrPort) error {
	addr := to.Addr().WithZone("").Unmap()
	if !p.isOwn(netip.AddrPortFrom(addr, to.Port())) && p.reaches(host, addr) {
		return nil
	}
	return refusal{to}
}

func (p Policy) reaches(host string, addr netip.Addr) bool {
	switch classify(addr) {
	case public:
		return true
	case private:
		return p.AllowPrivate || p.named(host) || p.listed(addr)
	case reserved:
		return p.listed(addr)
	}
	return false
}

func (p Policy) named(host string) bool {
	host = strings.TrimSuffix(host, ".")
	return slices.ContainsFunc(p.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

func (p Policy) listed(addr netip.Addr) bool {
	return slices.ContainsFunc(p.Prefixes, func(n netip.Prefix) bool { return n.Contains(addr) })
}

func (p Policy) isOwn(to netip.AddrPort) bool {
	return slices.ContainsFunc(p.Own, func(o netip.AddrPort) bool {
		if o.Port() != to.Port() {
			return false
		}
		own := o.Addr().WithZone("").Unmap()
		return own == to.Addr() || own.IsUnspecified() && local(to.Addr())
	})
}

// local tells whether addr is one of this machine. A machine whose addresses
// cannot be listed counts as having all of them.
func local(addr netip.Addr) bool {
	if addr.IsLoopback() {
		return true
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	return slices.ContainsFunc(all, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		return ok && n.IP.Equal(addr.AsSlice())
	})
}
