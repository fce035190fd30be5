package guard

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// checkURL refuses what no honest media URL looks like. It spares look-ups; the
// dialer is what protects.
func checkURL(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return refused("The media URL must begin with http:// or https://", nil)
	case u.User != nil:
		return refused("The media URL must not carry a user name or password", nil)
	case u.Opaque != "" || u.Hostname() == "":
		return refused("The media URL names no host", nil)
	case !plainHost(u.Hostname()):
		return refused("The host of the media URL is neither a name nor a plain IP address", nil)
	case !plainPort(u.Port()):
		return refused("The port of the media URL does not serve media", nil)
	}
	return nil
}

// plainHost refuses numbers in disguise, such as 2130706433, 0x7f.1 or 0177.0.0.1,
// which some resolvers take for an address, and names with odd characters.
func plainHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	if strings.ContainsAny(host, " \t\r\n\\/@#?%<>[]:|^`{}\"\x00") || strings.Contains(host, "..") {
		return false
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	last := strings.ToLower(labels[len(labels)-1])
	_, err := strconv.ParseUint(last, 0, 64)
	return err != nil && strings.Trim(last, "0123456789") != "" && last != "0x"
}

// badPorts speak protocols that a forged HTTP request could abuse: the list of
// the web's fetch standard, and databases.
var badPorts = []uint16{
	1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111,
	113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 445, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540,
	548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1433, 1719, 1720, 1723, 2049, 2375, 2379, 3306, 3389, 3659,
	4045, 4190, 5060, 5061, 5432, 5900, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080, 11211, 27017,
}

func plainPort(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n != 0 && !slices.Contains(badPorts, uint16(n))
}

var errRedirects = errors.New("too many redirects")

// checkRedirect is asked before each redirect is followed; the connection it
// leads to goes through the dialer like the first one.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return errRedirects
	}
	req.Header.Del("Referer")
	return checkURL(req.URL)
}
