package session_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"wamux/store"
	"wamux/store/broken"
)

// TestDirectOnBrokenDisk breaks the disk at every statement of a message that goes the short way, with the job in memory: whoever
// sends it hears that it is out, or a sentence why not, and then it is not out: sent again it arrives once.
func TestDirectOnBrokenDisk(t *testing.T) {
	var disk broken.Disk
	w := newWorld(t, func(w *world) { w.storeFault, w.options.Scale = disk.Fault, 50 })
	w.phone(bob)
	w.pair("shop", alice)
	w.greet("shop", bob)
	sent, struck, refused := []string{"greeting"}, 0, 0
	for _, kind := range broken.Kinds() {
		for n := 1; ; n++ {
			text := fmt.Sprint(kind.Name, " ", n)
			w.shortWay("shop")
			disk.Break(n, kind, false)
			err := w.sendNow("shop", bob, text)
			hit := disk.Heal() > 0
			if err != nil {
				w.toldWhy(text, err)
				refused++
				w.must(w.sendNow("shop", bob, text))
			}
			if sent = append(sent, text); !hit {
				break
			}
			struck++
		}
	}
	w.got(bob, sent...)
	w.once()
	if struck == 0 {
		t.Error("nothing was broken")
	}
	t.Logf("%d statements failed, %d texts were refused", struck, refused)
}

// TestDirectOnDiskThatStaysBroken sends a message the short way while nothing can be written: it is refused, no byte of it leaves,
// and when the disk is well it does not come after all.
func TestDirectOnDiskThatStaysBroken(t *testing.T) {
	for _, kind := range broken.Kinds() {
		if kind.Name == broken.Panic {
			continue // a disk does not do that for long
		}
		t.Run(kind.Name, func(t *testing.T) {
			var disk broken.Disk
			w := newWorld(t, func(w *world) { w.storeFault, w.options.Scale = disk.Fault, 50 })
			w.phone(bob)
			w.pair("shop", alice)
			w.greet("shop", bob)
			w.shortWay("shop")
			seq := w.traffic()
			disk.OnlyWrites(true)
			disk.Break(1, kind, true)
			w.toldWhy(kind.Name, w.sendNow("shop", bob, "while it is broken"))
			w.until("some attempts", func() bool { return disk.Struck() > 5 })
			w.nothingSent(seq)
			disk.Heal()
			w.state("shop", store.StateOnline)
			w.until("the disk to be tried again", func() bool { return w.sendNow("shop", bob, "after") == nil }) // a full one is once a second
			w.got(bob, "greeting", "after")
			w.once()
		})
	}
}

// shortWay waits until messages of a session need not go by the database.
func (w *world) shortWay(id string) {
	w.t.Helper()
	w.state(id, store.StateOnline)
	w.until("the short way", func() bool { return w.m.ShortWay(id) })
}

// sendNow sends a text as the API does, and returns why it is not out.
func (w *world) sendNow(id, to, text string) error {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	began := time.Now()
	j, err := w.m.Send(ctx, &store.Job{Session: id, MessageID: w.m.NewMessageID(id), To: to + "@s.whatsapp.net",
		Content: store.Content{Type: "text", Text: text}, Deadline: time.Now().Add(time.Hour)}, nil)
	if took := time.Since(began); took > 10*time.Second {
		w.t.Errorf("%q: an answer after %v", text, took)
	}
	if err == nil && j.State != store.JobSent {
		w.t.Errorf("%q: the job is %s (%s: %s)", text, j.State, j.Code, j.Error)
	}
	return err
}

// toldWhy fails unless an error is one that the API has a status and a sentence for.
func (w *world) toldWhy(what string, err error) {
	w.t.Helper()
	if e := (*store.Error)(nil); err == nil || !errors.As(err, &e) && !errors.Is(err, context.Canceled) || store.ErrorCode(err) == "" {
		w.t.Errorf("%s: got %v, want a reason", what, err)
	}
}

// nothingSent checks that since stanza seq no message left.
func (w *world) nothingSent(seq int64) {
	w.t.Helper()
	list, err := w.server.Traffic(w.t.Context(), "", seq, 0)
	w.must(err)
	for _, s := range list {
		if s.Direction == "in" && strings.HasPrefix(s.XML, "<message") {
			w.t.Errorf("the session sent %s", s.XML)
		}
	}
}
