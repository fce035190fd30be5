package svc_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestOffline stops the gateway, lets a phone write, and starts it again: all
// of it comes, once, in order.
func TestOffline(t *testing.T) {
	world := start(t, t.TempDir(), nil, "sandbox")
	g := start(t, t.TempDir(), pointedAt(world), "run")
	g.pairOn(world, "shop", "6281000000001")
	world.phone("6281000000002")
	g.stop()
	const count = 100
	must[object](world, 200, "POST", "/v1/sandbox/phones/6281000000002/messages:bulk", object{"to": "6281000000001", "type": "text", "text": "while away", "count": count})
	g.begin()
	eventually(t, "everything arrived", func() bool { return len(g.history("shop")) >= count })
	for i, r := range g.history("shop") {
		if want := fmt.Sprintf("while away #%d", i+1); r.Message != want {
			t.Errorf("row %d: got %q, want %q", i, r.Message, want)
		}
	}
	world.healthy("6281000000001", "6281000000002")
}

// pointedAt is the environment that `wamux sandbox` prints.
func pointedAt(world *gateway) []string {
	var env []string
	for line := range strings.Lines(world.out.String()) {
		if strings.HasPrefix(line, "WHATSAPP_") {
			env = append(env, strings.TrimSpace(line))
		}
	}
	return env
}

// TestKill sends both ways, kills -9 at a random moment, starts again, and
// counts: nothing lost, nothing unreadable, nothing twice.
func TestKill(t *testing.T) {
	world := start(t, t.TempDir(), nil, "sandbox")
	g := start(t, t.TempDir(), pointedAt(world), "run")
	const shop, guest = "6281000000001", "6281000000002"
	g.pairOn(world, "shop", shop)
	world.phone(guest)
	sent := &ledger{}
	for round := range rounds(t, 20) {
		g.killInTraffic(world, sent, round, shop, guest)
		g.begin()
		g.online("shop")
		if (round+1)%20 == 0 { // what waits for the gateway must not pile up over a long run
			g.settle(world, sent, guest)
			world.healthy(shop, guest)
		}
	}
	g.settle(world, sent, guest)
	world.healthy(shop, guest)
}

// ledger is what was promised: texts for which somebody got a success.
type ledger struct {
	mu       sync.Mutex
	accepted []string // the API answered 200: must be at the guest's phone
	phone    []string // the guest's phone sent it: must be in history
}

func (l *ledger) add(to *[]string, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*to = append(*to, text)
}

// size is how much was promised in each direction.
func (l *ledger) size() (accepted, phone int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.accepted), len(l.phone)
}

// killInTraffic runs traffic both ways until the kill cuts it off.
func (g *gateway) killInTraffic(world *gateway, sent *ledger, round int, shop, guest string) {
	g.t.Helper()
	var wait sync.WaitGroup
	var over atomic.Bool
	out, in := sent.size()
	for client := range 4 {
		wait.Go(func() {
			for n := 0; !over.Load(); n++ {
				words := fmt.Sprintf("out %d %d %d", round, client, n)
				if status, _, err := g.try("POST", "/shop/messages/send", text(guest, words)); err == nil && status == 200 {
					sent.add(&sent.accepted, words)
				}
			}
		})
	}
	wait.Go(func() {
		for n := 0; !over.Load(); n++ {
			words := fmt.Sprintf("in %d %d", round, n)
			if status, _, err := world.try("POST", "/v1/sandbox/phones/"+guest+"/messages", object{"to": shop, "type": "text", "text": words}); err == nil && status/100 == 2 {
				sent.add(&sent.phone, words)
			}
		}
	})
	eventually(g.t, "traffic both ways", func() bool { o, i := sent.size(); return o > out && i > in })
	<-time.After(time.Duration(rand.IntN(300)) * time.Millisecond)
	g.kill()
	over.Store(true)
	wait.Wait()
}

// settle waits until everything promised is where it belongs and checks that
// it is there once.
func (g *gateway) settle(world *gateway, sent *ledger, guest string) {
	g.t.Helper()
	eventually(g.t, "all outgoing at the phone", func() bool { return len(missing(sent.accepted, world.texts(guest))) == 0 })
	eventually(g.t, "all incoming in history", func() bool { return len(missing(sent.phone, g.texts("shop", "incoming"))) == 0 })
	if len(sent.accepted) == 0 || len(sent.phone) == 0 {
		g.t.Fatalf("there was no traffic: %d out, %d in", len(sent.accepted), len(sent.phone))
	}
	g.t.Logf("%d out, %d in", len(sent.accepted), len(sent.phone))
	for _, where := range []map[string]int{world.texts(guest), g.texts("shop", "incoming"), g.texts("shop", "outgoing")} {
		for words, n := range where {
			if n > 1 {
				g.t.Errorf("%q is there %d times", words, n)
			}
		}
	}
	g.complete(sent)
	g.inOrder(sent)
}

// inOrder checks that history holds the phone's texts in the order of sending.
func (g *gateway) inOrder(sent *ledger) {
	g.t.Helper()
	var got []string
	for _, r := range g.history("shop") {
		if r.Direction == "incoming" {
			got = append(got, r.Message)
		}
	}
	// A text whose answer the kill cut off may be there too.
	promised := map[string]bool{}
	for _, words := range sent.phone {
		promised[words] = true
	}
	got = slices.DeleteFunc(got, func(words string) bool { return !promised[words] })
	if !slices.Equal(got, sent.phone) {
		g.t.Errorf("incoming texts are not in the order of sending")
	}
}

// complete checks that history also holds every outgoing text that was accepted.
func (g *gateway) complete(sent *ledger) {
	g.t.Helper()
	if lost := missing(sent.accepted, g.texts("shop", "outgoing")); len(lost) > 0 {
		g.t.Errorf("%d accepted texts are not in history, the first is %q", len(lost), lost[0])
	}
}

// texts counts what a phone received, by text.
func (g *gateway) texts(session string, direction ...string) map[string]int {
	g.t.Helper()
	counts := map[string]int{}
	if len(direction) == 0 {
		for _, m := range g.inbox(session) {
			if !m.FromMe {
				counts[m.Text]++
			}
		}
		return counts
	}
	for _, r := range g.history(session) {
		if r.Direction == direction[0] {
			counts[r.Message]++
		}
	}
	return counts
}

func missing(want []string, have map[string]int) []string {
	var lost []string
	for _, w := range want {
		if have[w] == 0 {
			lost = append(lost, w)
		}
	}
	return lost
}
