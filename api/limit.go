package api

import (
	"sync"
	"time"
)

const (
	guessesAllowed = 10          // wrong keys an address may try …
	guessWindow    = time.Minute // … in this time
	guessAddresses = 10_000      // addresses remembered at most
)

// guessLimit counts wrong keys by address and turns those away that come after too many. It never stands before a right key:
// whoever may call from an address (on localhost every process) could lock all others out. Keys are 256 random bits, so no rate
// of guessing finds one; the limit is there so that a guesser is told, and costs little.
type guessLimit struct {
	mu   sync.Mutex
	now  func() time.Time
	from map[string]*guesses
}

type guesses struct {
	since time.Time
	total int
}

func newGuessLimit(now func() time.Time) *guessLimit {
	return &guessLimit{now: now, from: map[string]*guesses{}}
}

// wrong notes a wrong key and tells how long to wait when there were too many; 0 means there were not.
func (l *guessLimit) wrong(from string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.from[from]
	if g == nil || l.now().Sub(g.since) >= guessWindow {
		g = l.begin(from)
	}
	if g.total++; g.total <= guessesAllowed {
		return 0
	}
	return g.since.Add(guessWindow).Sub(l.now())
}

func (l *guessLimit) begin(from string) *guesses {
	if len(l.from) >= guessAddresses {
		clear(l.from)
	}
	g := &guesses{since: l.now()}
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

// take notes a request for phone and returns 0, or notes nothing and returns how long to wait. One that came to nothing is
// given back.
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

// giveBack takes the latest request for phone back.
func (l *codeLimit) giveBack(phone string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.asked[phone]); n > 0 {
		l.asked[phone] = l.asked[phone][:n-1]
	}
	l.forget(l.now().Add(-24 * time.Hour))
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
