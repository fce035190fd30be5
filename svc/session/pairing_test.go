package session_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wamux/store"
	"wamux/store/broken"
)

// TestPairingOnBrokenDisk breaks the disk at every statement of linking a session, by QR code and by a code that is typed, up to its
// first messages. The session is linked then, or says that it is not: its phone knows of no device either, and the next code
// links it.
func TestPairingOnBrokenDisk(t *testing.T) {
	if raced { // each statement is a linking, of which others are watched
		unwatched(t)
		return
	}
	for _, way := range []struct {
		name string
		link func(w *world, id, number string) (refused, failed error)
		all  bool // also what follows when the phone has linked it, which is the same for each way
	}{{"qr", (*world).linkByQR, true}, {"code", (*world).linkByCode, false}} {
		t.Run(way.name, func(t *testing.T) {
			var disk broken.Disk
			w := newWorld(t, func(w *world) { w.storeFault, w.options.Scale = disk.Fault, 20 })
			w.phone(bob)
			kinds := broken.Kinds()
			l := &linking{w: w, disk: &disk, link: way.link, all: way.all}
			disk.PassOver(10)                        // of 812 pre-keys, each two statements
			for n, missed := 1, 0; missed < 5; n++ { // a linking may end before the disk breaks, also while more follow
				missed++
				if l.strike(n, kinds[n%len(kinds)]) {
					missed = 0
				}
			}
			t.Logf("%d statements failed, after %d of them a new code was asked for", l.struck, l.anew)
			if l.anew == 0 || way.all && l.anew == l.struck {
				t.Errorf("%d statements failed, after %d of them a new code was asked for", l.struck, l.anew)
			}
		})
	}
}

// linking is a way to link sessions on a disk that breaks.
type linking struct {
	w            *world
	disk         *broken.Disk
	link         func(w *world, id, number string) (refused, failed error) // by the session, and by the phone
	all          bool
	struck, anew int
}

// strike links a session of its own while statement n fails, and tells whether it did.
func (l *linking) strike(n int, kind broken.Kind) bool {
	w, id, number := l.w, fmt.Sprint("shop", n), stranger(n)
	what := fmt.Sprintf("statement %d with %s", n, kind.Name)
	w.t.Helper()
	w.phone(number)
	_, err := w.m.Add(w.t.Context(), id)
	w.must(err)
	w.showsCode(id)
	l.disk.Break(n, kind, false)
	refused, failed := l.link(w, id, number)
	if refused == nil && failed == nil && l.all {
		w.texts(bob, number, "first")
		quiet := w.quiet(l.disk, number)
		w.until(what+" to be met", func() bool { return l.disk.Struck() > 0 || w.settledLine(number) && quiet() })
	}
	struck := l.disk.Heal() > 0
	healed := time.Now()
	if refused != nil {
		w.toldWhy(what, refused)
	}
	var linked bool
	w.until(what+" to be over", func() bool {
		linked = w.db.Trouble(w.t.Context()) == nil && w.linked(id, number)
		return linked || w.unlinked(id, number) && (refused != nil || w.saidWhy(id))
	})
	if took := time.Since(healed); took > 10*time.Second {
		w.t.Errorf("%s: back after %v", what, took)
	}
	if !linked {
		l.anew++
		w.must(w.m.Start(w.t.Context(), id))
		w.showsCode(id)
		refused, failed := l.link(w, id, number)
		w.must(errors.Join(refused, failed))
	}
	w.send(id, bob, "from "+id)
	w.texts(bob, number, "last")
	w.until(what+": the last text", func() bool { return slices.Contains(w.history(id), "last") })
	if s := w.session(id); s.Phone != number || s.JID == "" || s.State != store.StateOnline {
		w.t.Errorf("%s: the session is %+v", what, s)
	}
	w.must(w.m.Delete(w.t.Context(), id))
	if struck {
		l.struck++
	}
	return struck
}

// saidWhy tells whether a session said that linking it failed.
func (w *world) saidWhy(id string) bool {
	w.t.Helper()
	told := strings.Join(w.events(id, "session.state"), " ")
	return slices.ContainsFunc([]string{`"storage_error"`, `"pair_failed"`, `"logged_out"`, `"handler_failed"`}, func(word string) bool {
		return strings.Contains(told, word)
	})
}

// showsCode waits until a session can be linked.
func (w *world) showsCode(id string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	if s, err := w.m.Await(ctx, id); err != nil || s.State != store.StatePairing {
		w.t.Fatalf("%s shows no code: %v, %+v", id, err, s)
	}
}

func (w *world) linkByQR(id, number string) (refused, failed error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	qr, _, ok := w.m.QR(id)
	if !ok {
		return errors.New("no code"), nil
	}
	return nil, w.server.Scan(ctx, number, qr)
}

func (w *world) linkByCode(id, number string) (refused, failed error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	code, _, err := w.m.PairingCode(ctx, id, number)
	if err != nil {
		return err, nil
	}
	return nil, w.server.EnterCode(ctx, number, code)
}

// linked tells whether a session and its phone both think so.
func (w *world) linked(id, number string) bool {
	w.t.Helper()
	return w.session(id).State == store.StateOnline && w.settledLine(number)
}

// unlinked tells whether a session wants to be linked and its phone knows of no device.
func (w *world) unlinked(id, number string) bool {
	w.t.Helper()
	_, _, showing := w.m.QR(id)
	return (showing || w.session(id).State == store.StateLoggedOut) && w.devices(number) == 0
}

// TestIdentityIsWrittenInTheEnd: a session whose number cannot be written says so, and is
// online once it could. Its phone may have given up meanwhile, and links it anew then.
func TestIdentityIsWrittenInTheEnd(t *testing.T) {
	var full atomic.Bool
	full.Store(true)
	w := newWorld(t, func(w *world) {
		w.storeFault = func(query string) error {
			if strings.Contains(query, "SET jid = COALESCE") && full.Load() {
				return errors.New("on purpose")
			}
			return nil
		}
	})
	w.phone(alice)
	_, err := w.m.Add(t.Context(), "shop")
	w.must(err)
	w.showsCode("shop")
	refused, _ := w.linkByQR("shop", alice)
	w.must(refused)
	w.until("the fault to be told", func() bool { return w.toldOfFaults() > 0 })
	if s := w.session("shop"); s.State == store.StateOnline {
		t.Errorf("the session is %+v", s)
	}
	full.Store(false)
	var linked bool
	w.until("the linking to be over", func() bool {
		linked = w.linked("shop", alice)
		return linked || w.unlinked("shop", alice)
	})
	if !linked {
		w.must(w.m.Start(t.Context(), "shop"))
		w.showsCode("shop")
		w.must(errors.Join(w.linkByQR("shop", alice)))
	}
	w.until("its number", func() bool {
		s := w.session("shop")
		return s.Phone == alice && s.JID != "" && s.State == store.StateOnline
	})
}
