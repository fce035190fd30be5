package session_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"wamux/api"
	"wamux/store"
	"wamux/store/broken"
)

const carol = "6281000000003"

// flow is something that makes the gateway use its stores. prepare, which may be
// nil, is done while the disk is still well; do begins it and returns how to tell,
// without the gateway's database, that it came to its end, and what it is about.
type flow struct {
	name    string
	kinds   int // how many ways to break each statement is tried with
	prepare func(w *world, n int)
	do      func(w *world, n int) (over func() bool)
	check   func(w *world, n int) bool // with the gateway's database
}

// TestBrokenDisk breaks the disk at every statement of what a session does. No
// message may be lost, come twice, be acked or be asked for again; the session
// says so and recovers; no goroutine is left behind.
func TestBrokenDisk(t *testing.T) {
	var disk broken.Disk
	w := newWorld(t, func(w *world) { w.storeFault, w.options.Scale = disk.Fault, 50 })
	w.phone(bob)
	w.pair("shop", alice)
	w.greet("shop", bob)
	turn := 0
	for _, f := range flows(&disk) {
		t.Run(f.name, func(t *testing.T) {
			idle := w.idle()
			tally := &tally{}
			for i := range f.kinds {
				for n := 1; ; n++ {
					turn++
					kinds := broken.Kinds()
					if f.kinds < len(kinds) { // each statement another one
						i = (turn + n) % len(kinds)
					}
					if !w.strike(&disk, &f, turn, n, kinds[i], tally) {
						break
					}
				}
			}
			t.Logf("%d statements failed, the session said so %d times; back after %v at most", tally.struck, tally.said, tally.slowest)
			if tally.struck == 0 || tally.said*4 < tally.struck {
				t.Errorf("%d statements failed, and the session said so %d times", tally.struck, tally.said)
			}
			w.until("the goroutines to end", func() bool { return runtime.NumGoroutine() <= idle+2 })
		})
	}
	w.once()
}

// tally is what came of a flow's faults.
type tally struct {
	struck, said int
	slowest      time.Duration
}

// idle counts the goroutines of the world at rest.
func (w *world) idle() int {
	w.t.Helper()
	n := 0
	w.until("the world to be at rest", func() bool {
		before := n
		n = runtime.NumGoroutine()
		<-time.After(20 * time.Millisecond)
		return before == n
	})
	return n
}

// strike does a flow once while its n-th statement fails. false: it has fewer.
func (w *world) strike(disk *broken.Disk, f *flow, turn, n int, kind broken.Kind, tally *tally) bool {
	w.t.Helper()
	if f.prepare != nil {
		f.prepare(w, turn)
	}
	seq, told := w.traffic(), w.toldOfFaults()
	disk.Break(n, kind, false)
	over := f.do(w, turn)
	w.until(fmt.Sprintf("%s %d to end or break at statement %d", f.name, turn, n), func() bool { return disk.Struck() > 0 || over() })
	struck := disk.Heal() > 0
	healed := time.Now()
	what := fmt.Sprintf("%s %d with %s at statement %d", f.name, turn, kind.Name, n)
	w.until(what+" to end", over)
	w.until(what+" to be in the database", func() bool { return f.check(w, turn) })
	w.state("shop", store.StateOnline)
	if took := time.Since(healed); struck {
		if tally.slowest = max(tally.slowest, took); took > time.Second {
			w.t.Logf("%s: back after %v", what, took)
		}
		if took > 10*time.Second {
			w.t.Errorf("%s: back after %v", what, took)
		}
	}
	w.nothingRefused(what, seq)
	if struck {
		tally.struck++
		if w.toldOfFaults() > told {
			tally.said++
		}
	}
	return struck
}

// traffic is the number of the newest stanza.
func (w *world) traffic() int64 {
	w.t.Helper()
	list, err := w.server.Traffic(w.t.Context(), "", 0, 0)
	w.must(err)
	if len(list) == 0 {
		return 0
	}
	return list[len(list)-1].Seq
}

// nothingRefused checks that since stanza seq no device told WhatsApp to forget a
// message, nor asked for one again.
func (w *world) nothingRefused(what string, seq int64) {
	w.t.Helper()
	list, err := w.server.Traffic(w.t.Context(), "", seq, 0)
	w.must(err)
	for _, s := range list {
		ack := strings.HasPrefix(s.XML, "<ack") && strings.Contains(s.XML, `class="message"`)
		retry := strings.HasPrefix(s.XML, "<receipt") && strings.Contains(s.XML, `type="retry"`)
		if s.Direction == "in" && (ack || retry) {
			w.t.Errorf("%s: the session sent %s", what, s.XML)
		}
	}
}

// toldOfFaults counts how often the session said that its storage, or a handler,
// is broken.
func (w *world) toldOfFaults() (n int) {
	w.t.Helper()
	w.must(w.db.View(w.t.Context(), func(tx *store.Tx) error {
		return tx.QueryRow(`SELECT count(*) FROM events WHERE sessionId = 'shop' AND type = 'session.state' AND
			(data LIKE '%"storage_error"%' OR data LIKE '%handler_failed%')`).Scan(&n)
	}))
	return n
}

// settled tells whether WhatsApp has nothing left for the devices of a phone.
func (w *world) settled(number string) bool {
	p, err := w.server.Phone(w.t.Context(), number)
	w.must(err)
	return !slices.ContainsFunc(p.Devices, func(d api.SandboxDevice) bool { return d.Queued > 0 || !d.Online })
}

// hasOnce tells whether a text is in history, and fails when it is there twice.
func (w *world) hasOnce(text string) bool {
	w.t.Helper()
	rows, n, err := w.db.Messages(w.t.Context(), store.MessageQuery{Session: "shop", Limit: 20})
	w.must(err)
	found := 0
	for _, m := range rows {
		if m.Text == text {
			found++
		}
	}
	if found > 1 {
		w.t.Errorf("%q is there %d times, of %d rows", text, found, n)
	}
	return found > 0
}

func stranger(n int) string { return fmt.Sprint(6282000000000 + n) }

func flows(disk *broken.Disk) []flow {
	all := len(broken.Kinds())
	some := all
	if raced {
		some = 2
	}
	received := func(w *world, n int) bool { return w.hasOnce(fmt.Sprint("message ", n)) }
	return []flow{
		{name: "receive", kinds: all, do: func(w *world, n int) func() bool { return w.comes(bob, alice, n) }, check: received},
		{name: "receive first", kinds: 1, prepare: func(w *world, n int) { w.phone(stranger(n)) },
			do: func(w *world, n int) func() bool { return w.comes(stranger(n), alice, n) }, check: received},
		groupFlow(received),
		sendFlow("send", some, func(int) string { return bob }),
		sendFlow("send first", 1, stranger),
		{name: "app state", kinds: 1, do: func(w *world, n int) func() bool {
			w.rename(n, "Name")
			return w.quiet(disk, alice)
		}, check: func(w *world, n int) bool { // the library stores its version first: this change may be lost, but no later one
			w.rename(n+1, "Next")
			w.until("the next change", func() bool { return w.knows(fmt.Sprint("Next ", n+1)) })
			return true
		}},
	}
}

// rename gives somebody a name in the address book of our phone.
func (w *world) rename(n int, name string) {
	w.t.Helper()
	_, err := w.server.Change(w.t.Context(), alice, api.SandboxChange{Kind: "contact", Contact: stranger(n), Name: fmt.Sprint(name, " ", n)})
	w.must(err)
}

// quiet is for what WhatsApp is told of before it is done: it is over when the
// stores have been left alone for a while.
func (w *world) quiet(disk *broken.Disk, number string) (over func() bool) {
	seen, since := disk.Seen(), time.Time{}
	return func() bool {
		if now := disk.Seen(); now != seen || !w.settled(number) {
			seen, since = now, time.Now()
		}
		return !since.IsZero() && time.Since(since) > 100*time.Millisecond
	}
}

// comes lets a phone write.
func (w *world) comes(from, to string, n int) (over func() bool) {
	w.texts(from, to, fmt.Sprint("message ", n))
	return func() bool { return w.settled(alice) }
}

// groupFlow is the first message of a member to a new group, with his key to it.
func groupFlow(received func(*world, int) bool) flow {
	var group string
	return flow{name: "group", kinds: 1, prepare: func(w *world, n int) {
		g, err := w.server.AddGroup(w.t.Context(), api.SandboxNewGroup{Creator: bob, Subject: fmt.Sprint("group ", n), Members: []string{alice}})
		w.must(err)
		group = g.JID
		w.until("the group", func() bool { return w.settled(alice) })
	}, do: func(w *world, n int) func() bool { return w.comes(bob, group, n) }, check: received}
}

// sendFlow sends a message that was accepted already.
func sendFlow(name string, kinds int, to func(n int) string) flow {
	var j *store.Job
	text := func(n int) string { return fmt.Sprint("message ", n) }
	return flow{name: name, kinds: kinds, prepare: func(w *world, n int) {
		if to(n) != bob {
			w.phone(to(n))
		}
		j = w.job("shop", to(n), text(n))
	}, do: func(w *world, n int) func() bool {
		ctx, cancel := context.WithTimeout(w.t.Context(), patience)
		go func() { // what asks for it may fail itself
			defer cancel()
			_, _ = w.m.Deliver(ctx, j)
		}()
		return func() bool { return slices.Contains(w.inbox(to(n)), text(n)) && w.settled(alice) }
	}, check: func(w *world, n int) bool {
		now, err := w.db.Job(w.t.Context(), "shop", j.ID)
		w.must(err)
		return now.State == store.JobSent && w.hasOnce(text(n))
	}}
}

// knows tells whether somebody is in the address book.
func (w *world) knows(name string) (found bool) {
	w.t.Helper()
	w.must(w.db.View(w.t.Context(), func(tx *store.Tx) error {
		return tx.QueryRow("SELECT EXISTS (SELECT 1 FROM contacts WHERE name = ?)", name).Scan(&found)
	}))
	return found
}

// TestDiskThatStaysBroken: as long as nothing can be written no session connects,
// and once the disk is well all go on by themselves.
func TestDiskThatStaysBroken(t *testing.T) {
	for _, kind := range broken.Kinds() {
		if kind.Name == broken.Panic {
			continue // a disk does not do that for long
		}
		t.Run(kind.Name, func(t *testing.T) {
			var disk broken.Disk
			w := newWorld(t, func(w *world) { w.storeFault, w.options.Scale = disk.Fault, 20 })
			w.phone(bob)
			w.pair("shop", alice)
			w.greet("shop", bob)
			idle := w.idle()
			seq := w.traffic()
			disk.OnlyWrites(kind.Name == "full")
			disk.Break(3, kind, true)
			w.texts(bob, alice, numbered(5)...)
			w.until("some attempts", func() bool { return disk.Struck() > 20 })
			if p, err := w.server.Phone(t.Context(), alice); err != nil || p.Devices[0].Queued != 5 {
				t.Errorf("WhatsApp keeps %d messages, %v, want all 5", p.Devices[0].Queued, err)
			}
			if state := w.m.State("shop"); state != store.StateStorageError {
				t.Errorf("the session says %s", state)
			}
			if kind.Name == "full" { // what can still be read says so too
				w.state("shop", store.StateStorageError, string(store.CodeDiskFull))
			}
			w.nothingRefused(kind.Name, seq)
			disk.Heal()
			healed := time.Now()
			w.received("shop", numbered(5)...)
			w.state("shop", store.StateOnline)
			if took := time.Since(healed); took > 10*time.Second {
				t.Errorf("back after %v", took)
			}
			w.until("the goroutines to end", func() bool { return runtime.NumGoroutine() <= idle+2 })
			w.once()
		})
	}
}
