package svc_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const another = "6281000000003" // a second peer

// TestRestores puts back older backups: half of them by the command, half by copying
// a file over the database, after a clean stop and after a kill. Each time every
// peer, and a group, talk again both ways; nobody asks for a message twice, and no
// counter is used again.
func TestRestores(t *testing.T) {
	t.Parallel()
	world := start(t, t.TempDir(), nil, "sandbox")
	g := start(t, t.TempDir(), pointedAt(world), "run")
	g.pairOn(world, "shop", ours)
	world.phone(theirs)
	world.phone(another)
	group := must[struct{ JID string }](world, 201, "POST", "/v1/sandbox/groups", object{"subject": "Market", "creator": ours, "members": []string{theirs, another}}).JID
	c := circle{g, world, group}
	c.talk("first", false)
	g.answers(1, "Stop it first", "restore", c.back(0)[0])
	var backups [][]string
	read, asked := 0, 0
	for round := range rounds(t, 6) {
		backups = append(backups, c.back(round))
		for i := range 3 {
			c.talk(fmt.Sprintf("meanwhile %d %d", round, i), i%2 == 0)
		}
		if round%3 == 2 {
			g.kill()
		} else {
			g.stop()
		}
		older := backups[max(0, len(backups)-1-rand.IntN(3))]
		c.restore(older, round%2 == 0)
		g.begin()
		g.online("shop")
		for i := range 2 {
			c.talk(fmt.Sprintf("after %d %d", round, i), round/2%2 == 0)
		}
		var again int
		read, again = c.retries(read)
		asked += again
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	if asked == 0 {
		t.Error("nobody had to ask for a message again: nothing was restored, or the retries were not seen")
	}
	t.Logf("%d messages were asked for again, each once", asked)
}

// circle is a session, its peers, and a group of all.
type circle struct {
	*gateway
	world *gateway
	group string
}

// back makes a backup: by the command beside the running gateway, and a bare copy
// after a stop. It returns both paths.
func (c circle) back(round int) []string {
	c.t.Helper()
	dir := c.t.TempDir()
	made, bare := filepath.Join(dir, "made.db"), filepath.Join(dir, "bare.db")
	c.answers(0, "backup: "+made, "backup", made)
	if round%2 == 0 { // what is put back by the command needs no copy
		return []string{made, made}
	}
	c.stop()
	data, err := os.ReadFile(filepath.Join(c.dir, "wamux.db"))
	if err == nil {
		err = os.WriteFile(bare, data, 0o600)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.begin()
	c.online("shop")
	return []string{made, bare}
}

// restore puts a backup back by the command, or by copying the file of it that was
// made by hand.
func (c circle) restore(backup []string, byCommand bool) {
	c.t.Helper()
	if byCommand {
		out := c.answers(0, "next: start wamux", "restore", backup[0])
		if !strings.Contains(out, "is kept as ") {
			c.t.Errorf("got %s", out)
		}
		return
	}
	data, err := os.ReadFile(backup[1])
	if err == nil {
		err = os.WriteFile(filepath.Join(c.dir, "wamux.db"), data, 0o600)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// talk lets the session say something to everybody, and everybody to it, and waits
// until all have it. Who writes to a session that was put back, before it wrote to
// them, does so in an encryption that it has lost.
func (c circle) talk(words string, peersFirst bool) {
	c.t.Helper()
	if peersFirst {
		c.peersSay(words)
		c.sessionSays(words)
	} else {
		c.sessionSays(words)
		c.peersSay(words)
	}
}

func (c circle) sessionSays(words string) {
	c.t.Helper()
	must[object](c.gateway, 200, "POST", "/shop/messages/send", object{"jid": c.group, "type": "jid", "message": object{"text": words + " group out"}})
	for _, number := range []string{theirs, another} {
		must[object](c.gateway, 200, "POST", "/shop/messages/send", text(number, words+" to "+number))
	}
	for _, number := range []string{theirs, another} {
		eventually(c.t, words+" at "+number, func() bool {
			return len(missing([]string{words + " to " + number, words + " group out"}, c.world.texts(number))) == 0
		})
	}
}

func (c circle) peersSay(words string) {
	c.t.Helper()
	said := []string{words + " group in"}
	must[object](c.world, 200, "POST", "/v1/sandbox/phones/"+theirs+"/messages", object{"to": c.group, "type": "text", "text": said[0]})
	for _, number := range []string{theirs, another} {
		said = append(said, words+" from "+number)
		must[object](c.world, 200, "POST", "/v1/sandbox/phones/"+number+"/messages", object{"to": ours, "type": "text", "text": words + " from " + number})
	}
	eventually(c.t, words+" in history", func() bool { return len(missing(said, c.texts("shop", "incoming"))) == 0 })
}

var askedAgain = regexp.MustCompile(`<retry [^>]*count="(\d+)"`)

// retries fails when anybody asked for one message more than once, or saw a counter
// twice. It returns how far it has read, and how many were asked for.
func (c circle) retries(after int) (read, asked int) {
	c.t.Helper()
	for {
		page := must[struct {
			Data []struct {
				Seq int
				XML string
			}
		}](c.world, 200, "GET", fmt.Sprintf("/v1/sandbox/traffic?limit=1000&after=%d", after), nil).Data
		if len(page) == 0 {
			break
		}
		for _, s := range page {
			for _, count := range askedAgain.FindAllStringSubmatch(s.XML, -1) {
				asked++
				if count[1] != "1" {
					c.t.Errorf("a message was asked for %s times: %s", count[1], tail(s.XML, 400))
				}
			}
		}
		after = page[len(page)-1].Seq
	}
	for _, number := range []string{ours, theirs, another} {
		if p := must[struct{ ReusedCounters int }](c.world, 200, "GET", "/v1/sandbox/phones/"+number, nil); p.ReusedCounters != 0 {
			c.t.Errorf("phone %s saw %d counters twice", number, p.ReusedCounters)
		}
	}
	return after, asked
}
