package api

import (
	"fmt"
	"testing"
	"time"
)

// TestRateLimitWindow counts keys and addresses apart and begins anew with the next window.
func TestRateLimitWindow(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	l := newRateLimit(2, time.Minute, func() time.Time { return now })
	ask := func(what string, got, want time.Duration) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got a wait of %v, want %v", what, got, want)
		}
	}
	ask("first", l.key("a"), 0)
	now = now.Add(10 * time.Second)
	ask("second", l.key("a"), 0)
	ask("third", l.key("a"), 50*time.Second)
	ask("another key", l.key("b"), 0)
	ask("an address of the same text", l.address("a"), 0)
	now = now.Add(49 * time.Second)
	ask("later", l.key("a"), time.Second)
	now = now.Add(time.Second)
	ask("next window", l.key("a"), 0)
	ask("off", newRateLimit(0, time.Minute, time.Now).key("a"), 0)
	ask("off", newRateLimit(0, time.Minute, time.Now).address("a"), 0)
}

// TestRateLimitMemory calls from more addresses than are told apart: the rest share one count, and none gets another's.
func TestRateLimitMemory(t *testing.T) {
	l := newRateLimit(2, time.Hour, time.Now)
	for i := range rateAddresses + 500 {
		wait := l.address(fmt.Sprint("address", i))
		if shared := i >= rateAddresses+2; (wait > 0) != shared {
			t.Fatalf("address %d: got a wait of %v, want one: %v", i, wait, shared)
		}
	}
	if len(l.addresses) > rateAddresses+1 {
		t.Errorf("got %d addresses in memory, want at most %d", len(l.addresses), rateAddresses+1)
	}
	if wait := l.address("address0"); wait != 0 {
		t.Errorf("an address that came early: got a wait of %v, want none", wait)
	}
}

func TestNetwork(t *testing.T) {
	for ip, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "::ffff:192.0.2.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"fe80::1%eth0": "fe80::/64", "::1": "::/64", "no address": "no address",
	} {
		if got := network(ip); got != want {
			t.Errorf("%s: got %s, want %s", ip, got, want)
		}
	}
}
