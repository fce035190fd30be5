package session_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"wamux/api"
	"wamux/store"
)

const (
	alice = "6281100000001"
	bob   = "6281100000002"
)

func TestPairAndTalk(t *testing.T) {
	w := newWorld(t)
	w.phone(bob)
	w.pair("shop", alice)
	s := w.session("shop")
	if s.Phone != alice || s.JID != alice+"@s.whatsapp.net" || s.LID == "" || s.Wanted != store.WantRunning {
		t.Errorf("session is %+v", s)
	}
	j := w.send("shop", bob, "hello")
	if j.Chat == "" || j.SentAt.IsZero() || len(j.Sent) == 0 {
		t.Errorf("job is %+v", j)
	}
	w.got(bob, "hello")
	w.texts(bob, alice, "hi", "there")
	w.received("shop", "hi", "there")
}

func TestStatusOfOurMessages(t *testing.T) {
	w := newWorld(t)
	w.phone(bob)
	w.pair("shop", alice)
	j := w.send("shop", bob, "hello")
	w.status("shop", j.MessageID, store.StatusDelivered)
	w.must(w.server.Read(t.Context(), bob, alice, nil))
	w.status("shop", j.MessageID, store.StatusRead)
}

func (w *world) status(id, messageID, want string) {
	w.t.Helper()
	w.until("status "+want, func() bool {
		m, err := w.db.Message(w.t.Context(), id, messageID)
		return err == nil && m.Status == want
	})
}

func TestRestartKeepsTheLink(t *testing.T) {
	w := newWorld(t)
	w.phone(bob)
	w.pair("shop", alice)
	w.send("shop", bob, "before")
	w.close()
	db, err := store.Open(t.Context(), store.Options{Path: w.path})
	w.must(err)
	if s, err := db.Session(t.Context(), "shop"); err != nil || s.State != store.StateOffline || s.Wanted != store.WantRunning {
		t.Errorf("between two runs the session is %+v, %v", s, err)
	}
	w.must(db.Close())
	w.texts(bob, alice, "1", "2", "3")
	w.open()
	w.state("shop", store.StateOnline)
	w.received("shop", "1", "2", "3")
	w.send("shop", bob, "after")
	w.got(bob, "before", "after")
}

func TestStopIsNotLogout(t *testing.T) {
	w := newWorld(t)
	w.phone(bob)
	w.pair("shop", alice)
	w.must(w.m.Stop(t.Context(), "shop"))
	if s := w.state("shop", store.StateStopped, "stopped"); s.Wanted != store.WantStopped {
		t.Errorf("wanted %s", s.Wanted)
	}
	w.texts(bob, alice, "1", "2")
	w.reopen()
	if s := w.session("shop"); s.State != store.StateStopped {
		t.Errorf("a stopped session is %s after a restart", s.State)
	}
	w.must(w.m.Start(t.Context(), "shop"))
	w.state("shop", store.StateOnline)
	w.received("shop", "1", "2")
	w.must(w.m.Restart(t.Context(), "shop"))
	w.state("shop", store.StateOnline)
	w.send("shop", bob, "back")
	w.got(bob, "back")
}

func TestLogout(t *testing.T) {
	w := newWorld(t)
	w.pair("shop", alice)
	w.must(w.m.Logout(t.Context(), "shop"))
	w.state("shop", store.StateLoggedOut, "logged_out")
	w.until("the phone to have no device", func() bool { return w.devices(alice) == 0 })
	w.reopen()
	w.state("shop", store.StateLoggedOut)
	w.must(w.m.Start(t.Context(), "shop"))
	w.scan("shop", alice)
}

func (w *world) devices(number string) int {
	w.t.Helper()
	p, err := w.server.Phone(w.t.Context(), number)
	w.must(err)
	return len(p.Devices)
}

func TestLogoutNeedsAConnection(t *testing.T) {
	w := newWorld(t)
	w.pair("shop", alice)
	w.must(w.m.Stop(t.Context(), "shop"))
	if err := w.m.Logout(t.Context(), "shop"); store.ErrorCode(err) != store.CodeOffline {
		t.Errorf("logout of a stopped session: %v", err)
	}
}

func TestDelete(t *testing.T) {
	w := newWorld(t)
	w.phone(bob)
	w.pair("shop", alice)
	w.send("shop", bob, "hello")
	w.must(w.m.Delete(t.Context(), "shop"))
	if _, err := w.db.Session(t.Context(), "shop"); store.ErrorCode(err) != store.CodeNotFound {
		t.Errorf("after delete: %v", err)
	}
	w.until("the phone to have no device", func() bool { return w.devices(alice) == 0 })
	for name, err := range map[string]error{
		"start": w.m.Start(t.Context(), "shop"), "stop": w.m.Stop(t.Context(), "shop"), "delete": w.m.Delete(t.Context(), "shop"),
		"logout": w.m.Logout(t.Context(), "shop"), "restart": w.m.Restart(t.Context(), "shop"),
	} {
		if store.ErrorCode(err) != store.CodeNotFound {
			t.Errorf("%s of a deleted session: %v", name, err)
		}
	}
	w.pair("shop", alice)
}

func TestPairingByCode(t *testing.T) {
	w := newWorld(t)
	w.phone(alice)
	_, err := w.m.Add(t.Context(), "shop")
	w.must(err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	asked := time.Now()
	code, expires, err := w.m.PairingCode(ctx, "shop", alice)
	w.must(err)
	if life := time.Duration(float64(expires.Sub(asked)) * w.options.Scale); life < 2*time.Minute || life > 3*time.Minute {
		t.Errorf("the code can be used for %v, want the time of the QR codes, 160 s", life)
	}
	w.must(w.server.EnterCode(ctx, alice, code))
	w.state("shop", store.StateOnline)
	if _, _, err := w.m.PairingCode(ctx, "shop", alice); store.ErrorCode(err) != store.CodeConflict {
		t.Errorf("a code for a linked session: %v", err)
	}
}

func TestPairingCodeWantsARealNumber(t *testing.T) {
	w := newWorld(t)
	_, err := w.m.Add(t.Context(), "shop")
	w.must(err)
	for _, phone := range []string{"123", "081234567890"} {
		if _, _, err := w.m.PairingCode(t.Context(), "shop", phone); store.ErrorCode(err) != store.CodeInvalid {
			t.Errorf("code for %s: %v", phone, err)
		}
	}
}

// TestPairingCodeOutlivesItsConnection asks for a code so slowly that the connection which was asked ends before it answers.
func TestPairingCodeOutlivesItsConnection(t *testing.T) {
	w := newWorld(t, func(w *world) { w.options.Scale = 100 }) // new codes, and a connection, every 1.6 s
	w.phone(alice)
	_, err := w.m.Add(t.Context(), "shop")
	w.must(err)
	w.showsCode("shop")
	w.must(w.server.Fault(t.Context(), api.SandboxFault{Kind: "slow_network", DelayMS: 2000, ForMS: 2500}))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if code, _, err := w.m.PairingCode(ctx, "shop", alice); err != nil || len(code) != 9 {
		t.Errorf("got %q, %v, want a code of the next connection", code, err)
	}
}

func TestUnscannedCodesExpireAndComeBack(t *testing.T) {
	w := newWorld(t, func(w *world) { w.options.Scale = 400 })
	w.phone(alice)
	_, err := w.m.Add(t.Context(), "shop")
	w.must(err)
	w.state("shop", store.StateStopped, "qr_expired")
	if s := w.session("shop"); s.Reason == "" || s.Next == "" {
		t.Errorf("nobody is told: %+v", s)
	}
	w.m.QR("shop")
	w.until("a new code", func() bool { _, _, ok := w.m.QR("shop"); return ok })
}

func TestCodesChange(t *testing.T) {
	w := newWorld(t, func(w *world) { w.options.Scale = 100 })
	_, err := w.m.Add(t.Context(), "shop")
	w.must(err)
	seen := map[string]bool{}
	w.until("eight codes, which are more than one connection has", func() bool {
		if qr, until, ok := w.m.QR("shop"); ok {
			seen[qr] = true
			if until.IsZero() {
				t.Error("a code without an end")
			}
		}
		return len(seen) >= 8
	})
}

func TestAddIsIdempotentAndLimited(t *testing.T) {
	w := newWorld(t, func(w *world) { w.options.MaxSessions = 1 })
	for range 3 {
		if _, err := w.m.Add(t.Context(), "one"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.m.Add(t.Context(), "two"); store.ErrorCode(err) != store.CodeLimit {
		t.Errorf("a second session: %v", err)
	}
	if _, err := w.m.Add(t.Context(), "a/b"); store.ErrorCode(err) != store.CodeInvalid {
		t.Errorf("a bad id: %v", err)
	}
}

func TestUnknownSession(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	if _, _, ok := w.m.QR("nobody"); ok {
		t.Error("a code of nobody")
	}
	_, awaited := w.m.Await(ctx, "nobody")
	_, delivered := w.m.Deliver(ctx, &store.Job{ID: "job_x", Session: "nobody"})
	_, picture := w.m.Picture(ctx, "nobody")
	_, groups := w.m.Groups(ctx, "nobody")
	for name, err := range map[string]error{"await": awaited, "deliver": delivered, "picture": picture, "groups": groups, "start": w.m.Start(ctx, "nobody")} {
		if store.ErrorCode(err) != store.CodeNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	if id := w.m.NewMessageID("nobody"); len(id) != 22 || id[:4] != "3EB0" {
		t.Errorf("message id %q", id)
	}
}

func TestDeliverGivesUpWithItsContext(t *testing.T) {
	w := newWorld(t)
	w.pair("shop", alice)
	w.must(w.m.Stop(t.Context(), "shop"))
	j := w.job("shop", bob, "later")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	got, err := w.m.Deliver(ctx, j)
	if !errors.Is(err, context.DeadlineExceeded) || got.State != store.JobQueued {
		t.Errorf("deliver = %+v, %v; want the job as it is", got, err)
	}
	w.phone(bob)
	w.must(w.m.Start(t.Context(), "shop"))
	w.got(bob, "later")
}

func TestCloseWithoutSessions(t *testing.T) {
	w := newWorld(t)
	w.close()
}

func TestCloseWhilePairing(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"one", "two", "three"} {
		_, err := w.m.Add(t.Context(), id)
		w.must(err)
	}
	m := w.m
	w.close()
	if _, err := m.Add(t.Context(), "four"); err == nil {
		t.Error("a session was added to a closed manager")
	}
}
