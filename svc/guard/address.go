package guard

import "net/netip"

// class says what kind of place an address is.
type class int

const (
	public   class = iota // anybody's host on the internet
	private               // loopback, home and office networks: reachable when the policy says so
	reserved              // documentation, tests, protocol use, tunnels: reachable only by a prefix of the policy
	never                 // cloud metadata, link-local, multicast, unspecified: never reachable
)

// nets sorts networks into classes; the first that contains an address decides.
// The special-purpose registries of IANA, and the addresses under which clouds
// serve credentials to whoever asks from inside.
var nets = []struct {
	prefix netip.Prefix
	class  class
}{
	{netip.MustParsePrefix("100.100.100.200/32"), never}, // metadata, Alibaba
	{netip.MustParsePrefix("168.63.129.16/32"), never},   // metadata, Azure
	{netip.MustParsePrefix("192.0.0.192/32"), never},     // metadata, Oracle
	{netip.MustParsePrefix("169.254.0.0/16"), never},     // link-local, metadata of most clouds
	{netip.MustParsePrefix("0.0.0.0/8"), never},          // this host
	{netip.MustParsePrefix("224.0.0.0/4"), never},        // multicast
	{netip.MustParsePrefix("255.255.255.255/32"), never}, // broadcast
	{netip.MustParsePrefix("127.0.0.0/8"), private},
	{netip.MustParsePrefix("10.0.0.0/8"), private},
	{netip.MustParsePrefix("172.16.0.0/12"), private},
	{netip.MustParsePrefix("192.168.0.0/16"), private},
	{netip.MustParsePrefix("100.64.0.0/10"), private},    // carrier-grade NAT
	{netip.MustParsePrefix("192.0.0.0/24"), reserved},    // IETF protocols
	{netip.MustParsePrefix("192.0.2.0/24"), reserved},    // documentation
	{netip.MustParsePrefix("192.88.99.0/24"), reserved},  // 6to4 relays
	{netip.MustParsePrefix("198.18.0.0/15"), reserved},   // benchmarks
	{netip.MustParsePrefix("198.51.100.0/24"), reserved}, // documentation
	{netip.MustParsePrefix("203.0.113.0/24"), reserved},  // documentation
	{netip.MustParsePrefix("240.0.0.0/4"), reserved},
	{netip.MustParsePrefix("0.0.0.0/0"), public},

	{netip.MustParsePrefix("::/128"), never},
	{netip.MustParsePrefix("fd00:ec2::/32"), never},    // metadata, Amazon
	{netip.MustParsePrefix("fd20:ce::254/128"), never}, // metadata, Google
	{netip.MustParsePrefix("fe80::/10"), never},        // link-local
	{netip.MustParsePrefix("ff00::/8"), never},         // multicast
	{netip.MustParsePrefix("::1/128"), private},
	{netip.MustParsePrefix("fc00::/7"), private},
	{netip.MustParsePrefix("2001::/23"), reserved},     // IETF protocols, Teredo among them
	{netip.MustParsePrefix("2001:db8::/32"), reserved}, // documentation
	{netip.MustParsePrefix("2002::/16"), reserved},     // 6to4
	{netip.MustParsePrefix("3fff::/20"), reserved},     // documentation
	{netip.MustParsePrefix("64:ff9b::/96"), public},    // NAT64: what is inside decides
	{netip.MustParsePrefix("2000::/3"), public},
	{netip.MustParsePrefix("::/0"), reserved},
}

// classify judges an address. IPv4 addresses in the clothes of IPv6 are judged
// by what is inside: a tunnel must not lead where its end may not be.
func classify(a netip.Addr) class {
	a = a.WithZone("").Unmap()
	c := registered(a)
	if in, ok := embedded(a); ok {
		if inner := registered(in); inner == public {
			return c
		}
		return never
	}
	return c
}

func registered(a netip.Addr) class {
	for _, n := range nets {
		if n.prefix.Contains(a) {
			return n.class
		}
	}
	return never // the zero address
}

var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	nat64local = netip.MustParsePrefix("64:ff9b:1::/48")
	compatible = netip.MustParsePrefix("::/96")
	sixToFour  = netip.MustParsePrefix("2002::/16")
	teredo     = netip.MustParsePrefix("2001::/32")
)

// embedded digs out the IPv4 address that an IPv6 address carries as the end of
// a tunnel or of a translation.
func embedded(a netip.Addr) (netip.Addr, bool) {
	if !a.Is6() || a.IsLoopback() || a.IsUnspecified() {
		return netip.Addr{}, false
	}
	b := a.As16()
	switch {
	case nat64.Contains(a), nat64local.Contains(a), compatible.Contains(a), isatap(b):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	case teredo.Contains(a): // the client's address is there upside down
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}), true
	}
	return netip.Addr{}, false
}

// isatap tells the interface identifiers ::0:5efe:a.b.c.d and ::200:5efe:a.b.c.d.
func isatap(b [16]byte) bool {
	return b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}
