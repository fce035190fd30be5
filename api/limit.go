package api

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	guessesAllowed = 10          // wrong keys an address may try …
	guessWindow    = time.Minute // … in this time
	guessAddresses = 10_000      // addresses remembered at most
)

// guessLimit slows down who tries keys. One stale client that repeats one wrong key is told so, but does not lock out the
// others at its address (on localhost all have the same); an address that tries many keys is locked with whatever it sends.
type guessLimit struct {
	mu   sync.Mutex
	now  func() time.Time
	from map[string]*guesses
}

type guesses struct {
	since time.Time
	total int
	keys  map[[sha256.Size]byte]struct{}
}

func newGuessLimit(now func() time.Time) *guessLimit {
	return &guessLimit{now: now, from: map[string]*guesses{}}
}

// locked tells how long the address has to wait before any key is looked at; 0 means go ahead.
func (l *guessLimit) locked(from string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.current(from)
	if g == nil || len(g.keys) < guessesAllowed {
		return 0
	}
	return g.since.Add(guessWindow).Sub(l.now())
}

// wrong notes a wrong key and tells how long to wait when there were too many; 0 means there were not.
func (l *guessLimit) wrong(from, secret string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.current(from)
	if g == nil {
		g = l.begin(from)
	}
	g.total++
	g.keys[sha256.Sum256([]byte(secret))] = struct{}{}
	if g.total <= guessesAllowed {
		return 0
	}
	return g.since.Add(guessWindow).Sub(l.now())
}

func (l *guessLimit) current(from string) *guesses {
	g := l.from[from]
	if g != nil && l.now().Sub(g.since) >= guessWindow {
		delete(l.from, from)
		return nil
	}
	return g
}

func (l *guessLimit) begin(from string) *guesses {
	if len(l.from) >= guessAddresses {
		clear(l.from)
	}
	g := &guesses{since: l.now(), keys: map[[sha256.Size]byte]struct{}{}}
	l.from[from] = g
	return g
}

// codeLimit keeps pairing codes below what WhatsApp tolerates for one number: one a minute, five a day.
type codeLimit struct {
	mu    sync.Mutex
	now   func() time.Time
	asked map[string][]time.Time // by phone number, oldest first
}

const (
	codeGap    = time.Minute
	codesDaily = 5
)

func newCodeLimit(now func() time.Time) *codeLimit {
	return &codeLimit{now: now, asked: map[string][]time.Time{}}
}

// take notes a request for phone and returns 0, or notes nothing and returns how long to wait.
func (l *codeLimit) take(phone string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.forget(now.Add(-24 * time.Hour))
	asked := l.asked[phone]
	if n := len(asked); n > 0 && now.Sub(asked[n-1]) < codeGap {
		return asked[n-1].Add(codeGap).Sub(now)
	}
	if len(asked) >= codesDaily {
		return asked[0].Add(24 * time.Hour).Sub(now)
	}
	l.asked[phone] = append(asked, now)
	return 0
}

func (l *codeLimit) forget(before time.Time) {
	for phone, asked := range l.asked {
		for len(asked) > 0 && asked[0].Before(before) {
			asked = asked[1:]
		}
		l.asked[phone] = asked
		if len(asked) == 0 {
			delete(l.asked, phone)
		}
	}
}
