package api

import (
	"crypto/sha256"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// rateAddresses is how many addresses are told apart in a window; those that come later share one count.
const rateAddresses = 10_000

// rateLimit counts the requests of every key, and of every address that calls without a valid one. All counts begin
// anew together with each window, so that nothing has to be swept and memory stays bounded: there are only so many
// valid keys, and only so many addresses are told apart.
type rateLimit struct {
	allowed int // in a window; 0 means no limit
	window  time.Duration
	now     func() time.Time

	mu        sync.Mutex
	since     time.Time // when the window began
	keys      map[[sha256.Size]byte]int
	addresses map[string]int
}

func newRateLimit(allowed int, window time.Duration, now func() time.Time) *rateLimit {
	return &rateLimit{allowed: allowed, window: window, now: now}
}

// key counts a request with this valid key and returns 0, or how long to wait when there were too many.
func (l *rateLimit) key(secret string) time.Duration {
	if l.allowed <= 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn()
	sum := sha256.Sum256([]byte(secret))
	l.keys[sum]++
	return l.wait(l.keys[sum])
}

// address counts a request without a valid key.
func (l *rateLimit) address(from string) time.Duration {
	if l.allowed <= 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn()
	if _, known := l.addresses[from]; !known && len(l.addresses) >= rateAddresses {
		from = ""
	}
	l.addresses[from]++
	return l.wait(l.addresses[from])
}

// turn begins a new window when the last one is over.
func (l *rateLimit) turn() {
	if now := l.now(); l.keys == nil || now.Sub(l.since) >= l.window {
		l.since, l.keys, l.addresses = now, map[[sha256.Size]byte]int{}, map[string]int{}
	}
}

func (l *rateLimit) wait(count int) time.Duration {
	if count <= l.allowed {
		return 0
	}
	return l.since.Add(l.window).Sub(l.now())
}

// paced counts a request and refuses it when its key, or its address where it has no valid one, sent too many.
func (a *api) paced(r *http.Request, validKey bool) error {
	var wait time.Duration
	if validKey {
		wait = a.rates.key(presented(r))
	} else {
		wait = a.rates.address(network(remoteIP(r)))
	}
	if wait <= 0 {
		return nil
	}
	p := fail(http.StatusTooManyRequests, "too_many_requests", "Too many requests, try again later", "Wait as long as Retry-After says; RATE_LIMIT_MAX_REQUESTS is the limit.")
	p.RetryAfter = wait
	return p
}

// network is what counts as one address: of IPv6, where one subscriber has 2⁶⁴ addresses, the first half.
func network(ip string) string {
	address, err := netip.ParseAddr(ip)
	if err != nil || address.Unmap().Is4() {
		return ip
	}
	half, err := address.WithZone("").Prefix(64)
	if err != nil {
		return ip
	}
	return half.String()
}
