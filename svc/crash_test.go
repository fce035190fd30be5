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
	t.Parallel()
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
	t.Parallel()
	world := start(t, t.TempDir(), nil, "sandbox")
	g := start(t, t.TempDir(), pointedAt(world), "run")
	all := g.talks(world, 1, 4, 1000)
	for round := range rounds(t, 20) {
		g.killInTraffic(world, all, round)
		g.begin()
		g.online(all[0].session)
		if (round+1)%20 == 0 { // what waits for the gateway must not pile up over a long run
			g.settle(world, all)
		}
	}
	g.settle(world, all)
}

// talk is a session and somebody whom it talks with, and what was promised to
// either: texts for which somebody got a success.
type talk struct {
	session, number, guest string
	clients                int // of the API, that send at once
	most                   int // texts that the guest writes before a kill

	mu       sync.Mutex
	accepted []string // the API answered 200: must be at the guest's phone
	phone    []string // the guest's phone sent it: must be in history
}

// talks pairs n sessions, each with a guest of its own.
func (g *gateway) talks(world *gateway, n, clients, most int) []*talk {
	g.t.Helper()
	all := make([]*talk, n)
	for i := range all {
		k := &talk{session: fmt.Sprint("shop", i+1), number: fmt.Sprint(6281000000001 + 2*i), guest: fmt.Sprint(6281000000002 + 2*i), clients: clients, most: most}
		g.pairOn(world, k.session, k.number)
		world.phone(k.guest)
		all[i] = k
	}
	return all
}

func (k *talk) add(to *[]string, text string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	*to = append(*to, text)
}

// promised is how much was promised in each direction, in all talks.
func promised(all []*talk) (accepted, phone int) {
	for _, k := range all {
		k.mu.Lock()
		accepted, phone = accepted+len(k.accepted), phone+len(k.phone)
		k.mu.Unlock()
	}
	return accepted, phone
}

// killInTraffic runs traffic both ways until the kill cuts it off.
func (g *gateway) killInTraffic(world *gateway, all []*talk, round int) {
	g.t.Helper()
	var wait sync.WaitGroup
	var over atomic.Bool
	out, in := promised(all)
	for _, k := range all {
		for client := range k.clients {
			wait.Go(func() { g.sends(k, round, client, &over) })
		}
		wait.Go(func() { world.writes(k, round, &over) })
	}
	eventually(g.t, "traffic both ways", func() bool { o, i := promised(all); return o >= out+len(all) && i >= in+len(all) })
	<-time.After(time.Duration(rand.IntN(300)) * time.Millisecond)
	g.kill()
	over.Store(true)
	wait.Wait()
}

// sends is a client of the API.
func (g *gateway) sends(k *talk, round, client int, over *atomic.Bool) {
	for n := 0; !over.Load(); n++ {
		words := fmt.Sprintf("out %d %d %d", round, client, n)
		if status, _, err := g.try("POST", "/"+k.session+"/messages/send", text(k.guest, words)); err == nil && status == 200 {
			k.add(&k.accepted, words)
		}
	}
}

// writes is a guest at his phone.
func (g *gateway) writes(k *talk, round int, over *atomic.Bool) {
	for n := 0; n < k.most && !over.Load(); n++ {
		words := fmt.Sprintf("in %d %d", round, n)
		if status, _, err := g.try("POST", "/v1/sandbox/phones/"+k.guest+"/messages", object{"to": k.number, "type": "text", "text": words}); err == nil && status/100 == 2 {
			k.add(&k.phone, words)
		}
	}
}

// settle waits until everything promised is where it belongs and checks that
// it is there once, and was read by all.
func (g *gateway) settle(world *gateway, all []*talk) {
	g.t.Helper()
	out, in := promised(all)
	if out == 0 || in == 0 {
		g.t.Fatalf("there was no traffic: %d out, %d in", out, in)
	}
	for _, k := range all {
		g.settleTalk(world, k)
		world.healthy(k.number, k.guest)
	}
	g.t.Logf("%d out, %d in", out, in)
}

func (g *gateway) settleTalk(world *gateway, k *talk) {
	g.t.Helper()
	eventually(g.t, "all outgoing at the phone", func() bool { return len(missing(k.accepted, world.texts(k.guest))) == 0 })
	eventually(g.t, "all incoming in history", func() bool { return len(missing(k.phone, g.texts(k.session, "incoming"))) == 0 })
	for _, where := range []map[string]int{world.texts(k.guest), g.texts(k.session, "incoming"), g.texts(k.session, "outgoing")} {
		for words, n := range where {
			if n > 1 {
				g.t.Errorf("%s: %q is there %d times", k.session, words, n)
			}
		}
	}
	g.complete(k)
	g.inOrder(k)
}

// inOrder checks that history holds the phone's texts in the order of sending.
func (g *gateway) inOrder(k *talk) {
	g.t.Helper()
	var got []string
	for _, r := range g.history(k.session) {
		if r.Direction == "incoming" {
			got = append(got, r.Message)
		}
	}
	// A text whose answer the kill cut off may be there too.
	promised := map[string]bool{}
	for _, words := range k.phone {
		promised[words] = true
	}
	got = slices.DeleteFunc(got, func(words string) bool { return !promised[words] })
	if !slices.Equal(got, k.phone) {
		g.t.Errorf("%s: incoming texts are not in the order of sending", k.session)
	}
}

// complete checks that history also holds every outgoing text that was accepted.
func (g *gateway) complete(k *talk) {
	g.t.Helper()
	if lost := missing(k.accepted, g.texts(k.session, "outgoing")); len(lost) > 0 {
		g.t.Errorf("%s: %d accepted texts are not in history, the first is %q", k.session, len(lost), lost[0])
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
