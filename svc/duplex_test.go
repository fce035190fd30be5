package svc_test

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
)

// rounds is how often a test repeats itself: a few times in every run, as many
// as WAMUX_ROUNDS says in a soak.
func rounds(t testing.TB, few int) int {
	n, err := strconv.Atoi(os.Getenv("WAMUX_ROUNDS"))
	if err != nil || n < 1 {
		return few
	}
	return n
}

const duplexMessages = 500

// TestDuplex lets two sessions write to each other at the same time. Stock
// whatsmeow loses some of these for good: a send and a receive of the same
// peer race for one ratchet.
func TestDuplex(t *testing.T) {
	t.Parallel()
	g := sandboxed(t)
	g.pair("left", "6281000000001")
	g.pair("right", "6281000000002")
	for round := range rounds(t, 3) {
		var wait sync.WaitGroup
		wait.Go(func() { g.burst("left", "6281000000002", round) })
		wait.Go(func() { g.burst("right", "6281000000001", round) })
		wait.Wait()
		for _, session := range []string{"left", "right"} {
			g.hasAll(session, round)
		}
		t.Logf("round %d is complete", round+1)
	}
	g.healthy("6281000000001", "6281000000002")
}

// burst sends the round's messages with eight clients at once.
func (g *gateway) burst(session, to string, round int) {
	g.t.Helper()
	numbers := make(chan int)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for n := range numbers {
				if status, answer, err := g.try("POST", "/"+session+"/messages/send", text(to, fmt.Sprintf("%d/%d", round, n))); status != 200 {
					g.t.Errorf("send %d of %s: got %d %s %v", n, session, status, answer, err)
				}
			}
		})
	}
	for n := range duplexMessages {
		numbers <- n
	}
	close(numbers)
	wait.Wait()
}

// hasAll waits until the session's history holds each incoming message of the
// round, and fails when one is there twice.
func (g *gateway) hasAll(session string, round int) {
	g.t.Helper()
	prefix := fmt.Sprintf("%d/", round)
	var counts map[string]int
	eventually(g.t, fmt.Sprintf("round %d: %d messages at %s", round, duplexMessages, session), func() bool {
		counts = map[string]int{}
		for _, r := range g.latest(session, 4*duplexMessages) {
			if r.Direction == "incoming" && len(r.Message) > len(prefix) && r.Message[:len(prefix)] == prefix {
				counts[r.Message]++
			}
		}
		return len(counts) == duplexMessages
	})
	for message, n := range counts {
		if n != 1 {
			g.t.Errorf("%s has %q %d times", session, message, n)
		}
	}
}
