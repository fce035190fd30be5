package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.mau.fi/whatsmeow"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"

	"wamux/store"
)

func TestMailboxKeepsOrderAndNeverBlocks(t *testing.T) {
	b := newMailbox()
	const n = 1000
	for i := range n {
		b.post(i)
	}
	var got []any
	for len(got) < n {
		got = append(got, b.take()...)
	}
	for i, m := range got {
		if m != i {
			t.Fatalf("mail %d is %v", i, m)
		}
	}
}

func TestMailboxWakesItsReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newMailbox()
		got := make(chan []any)
		go func() { got <- b.take() }()
		synctest.Wait()
		b.post("x")
		if mail := <-got; len(mail) != 1 || mail[0] != "x" {
			t.Errorf("take = %v", mail)
		}
	})
}

func TestGate(t *testing.T) {
	g := newGate()
	if !g.enter() {
		t.Fatal("an open gate lets in")
	}
	g.close()
	g.close()
	if g.enter() {
		t.Error("a shut gate lets nobody in")
	}
	select {
	case <-g.empty:
		t.Error("somebody is still inside")
	default:
	}
	g.leave()
	<-g.empty
}

func TestWaitersAreToldOnce(t *testing.T) {
	var w waiters
	a, b := w.add("job_1"), w.add("job_1")
	other := w.add("job_2")
	job := &store.Job{ID: "job_1"}
	w.done(job)
	w.done(job)
	if <-a != job || <-b != job {
		t.Error("both wait for the job")
	}
	select {
	case <-other:
		t.Error("another job is not done")
	default:
	}
	w.remove("job_1", a)
	w.remove("job_1", b)
	w.remove("job_2", other)
	if len(w.byID) != 0 {
		t.Errorf("left behind: %v", w.byID)
	}
}

func TestWaitersFromManyGoroutines(t *testing.T) {
	var w waiters
	var all sync.WaitGroup
	for i := range 100 {
		id := fmt.Sprint("job_", i)
		ch := w.add(id)
		all.Go(func() {
			<-ch
			w.remove(id, ch)
		})
		all.Go(func() { w.done(&store.Job{ID: id}) })
	}
	all.Wait()
}

func TestReceiptWaitsForItsMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, start := newInflight(), time.Now()
		f.settle(t.Context(), []string{"A", "B"})
		if time.Since(start) != 0 {
			t.Error("nothing is in flight")
		}
		f.begin("A")
		go func() {
			time.Sleep(time.Second) // simulated
			f.end("A")
		}()
		f.settle(t.Context(), []string{"A"})
		if got := time.Since(start); got != time.Second {
			t.Errorf("waited %v, want until the message is written", got)
		}
		f.begin("B")
		f.settle(t.Context(), []string{"B"})
		if got := time.Since(start); got != time.Second+settleTime {
			t.Errorf("waited %v, want no longer than settleTime", got)
		}
	})
}

func TestAlarmsForgetEarlierSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rung []alarm
		var mu sync.Mutex
		a := alarms{ring: func(m any) { mu.Lock(); rung = append(rung, m.(alarm)); mu.Unlock() }}
		a.set(alarmRetry, time.Second)
		a.set(alarmRetry, 2*time.Second)
		a.set(alarmWatch, 3*time.Second)
		a.stop(alarmWatch)
		time.Sleep(time.Minute) // simulated
		synctest.Wait()
		if len(rung) != 1 || !a.due(rung[0]) {
			t.Fatalf("rung: %v", rung)
		}
		a.set(alarmRetry, time.Second)
		if a.due(rung[0]) {
			t.Error("mail of an earlier setting is not due")
		}
		a.clear()
	})
}

func TestVerdicts(t *testing.T) {
	tests := []struct {
		err   error
		code  string
		final bool
	}{
		{whatsmeow.ErrMessageTimedOut, "no_answer", false},
		{&whatsmeow.DisconnectedError{Action: "message send"}, "no_answer", false},
		{fmt.Errorf("x: %w", whatsmeow.ErrNotConnected), "no_answer", false},
		{context.DeadlineExceeded, "no_answer", false},
		{fmt.Errorf("%w %d", whatsmeow.ErrServerReturnedError, 463), "reachout_timelock", true},
		{fmt.Errorf("%w %d", whatsmeow.ErrServerReturnedError, 479), "invalid_message", true},
		{fmt.Errorf("%w %d", whatsmeow.ErrServerReturnedError, 400), "refused_400", true},
		{fmt.Errorf("%w %d", whatsmeow.ErrServerReturnedError, 429), "rate_limited", true},
		{store.Errorf(store.CodeInvalid, "invalid_content", "Bad"), "invalid_content", true},
		{store.Errorf(store.CodeDiskFull, "disk_full", "Full"), "storage", false},
		{&uploadError{errors.New("status 500")}, "media_upload_failed", false},
		{&uploadError{whatsmeow.ErrNotConnected}, "no_answer", false},
		{whatsmeow.ErrNotInGroup, "not_in_group", true},
		{whatsmeow.ErrUnknownServer, "invalid_recipient", true},
		{fmt.Errorf("x: %w", whatsmeow.ErrIQRateOverLimit), "busy", false},
		{whatsmeow.ErrIQBadRequest, "refused_400", true},
	}
	for _, tt := range tests {
		v, ok := verdictOf(tt.err)
		if !ok || v.code != tt.code || v.final != tt.final || !strings.HasSuffix(v.sentence, ".") {
			t.Errorf("verdictOf(%v) = %+v, %v; want %s, final %v", tt.err, v, ok, tt.code, tt.final)
		}
		if !v.final && v.attempts < 2 {
			t.Errorf("verdictOf(%v) allows %d attempts", tt.err, v.attempts)
		}
	}
	for code, want := range map[int]string{403: "not_in_group", 404: "not_in_group", 420: "rate_limited", 400: "refused_400"} {
		v, _ := verdictOf(fmt.Errorf("%w %d", whatsmeow.ErrServerReturnedError, code))
		if got := v.toGroup(types.NewJID("120363000000000001", types.GroupServer)).code; got != want {
			t.Errorf("a group's %d is %s, want %s", code, got, want)
		}
		if got := v.toGroup(types.NewJID("6281", types.DefaultUserServer)); got != v {
			t.Errorf("a person's %d is %+v, want %+v", code, got, v)
		}
	}
	if v, ok := verdictOf(errors.New("no idea")); ok {
		t.Errorf("an unknown error has the verdict %+v", v)
	}
}

func TestLogTellsNobodyWhoItWasAbout(t *testing.T) {
	var out bytes.Buffer
	l := libLog{log: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	jid := types.NewJID("6281234567890", types.DefaultUserServer)
	l.Warnf("Failed %s to %v after %d: %s", jid, &jid, 3, &waBinary.Node{Tag: "message", Content: []byte("secret words")})
	l.Errorf("Failed: %v", fmt.Errorf("no session with %s: 3EB0AABBCCDD11223344", jid))
	l.Sub("Recv").Warnf("%s", "secret words")
	quiet := signalLog{l.log}
	quiet.Warning("x.go:1", "no session for 6281234567890_1:0")
	got := out.String()
	for _, word := range []string{"6281234567890", "secret", "3EB0AABB"} {
		if strings.Contains(got, word) {
			t.Errorf("the log says %q:\n%s", word, got)
		}
	}
	for _, word := range []string{"after 3: <message>", "no session with"} {
		if !strings.Contains(got, word) {
			t.Errorf("the log does not say %q:\n%s", word, got)
		}
	}
}

func TestCodesRotate(t *testing.T) {
	c := codes{"ref1,old", "ref2,old"}
	c.rotate("old", "new")
	if c[0] != "ref1,new" || c[1] != "ref2,new" {
		t.Errorf("rotated: %v", c)
	}
}
