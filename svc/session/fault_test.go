package session_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types/events"

	"wamux/api"
	"wamux/store"
	"wamux/svc/session"
	"wamux/svc/session/convert"
)

func numbered(n int) []string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = fmt.Sprint("text ", i+1)
	}
	return texts
}

// A connection that breaks comes back, and nothing of what was said meanwhile
// is lost, repeated or out of order.
func TestBrokenConnectionsComeBack(t *testing.T) {
	for _, kind := range []string{"drop", "503", "515", "login_503", "500"} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t)
			w.phone(bob)
			w.pair("shop", alice)
			w.fault(kind, alice)
			w.texts(bob, alice, numbered(20)...)
			w.received("shop", numbered(20)...)
			w.state("shop", store.StateOnline)
			w.send("shop", bob, "back")
			w.got(bob, "back")
		})
	}
}

func TestEndsThatNeedAPerson(t *testing.T) {
	tests := []struct {
		kind  string
		state store.SessionState
		code  string
	}{
		{"replaced", store.StateReplaced, "replaced"},
		{"device_removed", store.StateLoggedOut, "device_removed"},
		{"401", store.StateLoggedOut, "logged_out"},
		{"402", store.StateBanned, "banned_101"},
		{"403", store.StateLoggedOut, "account_locked"},
		{"405", store.StateOutdated, "client_outdated"},
		{"406", store.StateLoggedOut, "account_banned"},
		{"409", store.StateFailed, "refused_409"},
		{"411", store.StateFailed, "refused_411"},
		{"413", store.StateFailed, "refused_414"}, // the library tells no difference
		{"414", store.StateFailed, "refused_414"},
		{"415", store.StateFailed, "refused_415"},
		{"418", store.StateFailed, "refused_418"},
		{"501", store.StateFailed, "refused_501"},
	}
	for _, tt := range tests {
		t.Run(tt.kind, func(t *testing.T) {
			w := newWorld(t, func(w *world) { w.options.Scale = 1 })
			w.pair("shop", alice)
			w.fault(tt.kind, alice)
			s := w.state("shop", tt.state, tt.code)
			if s.Reason == "" || s.Next == "" {
				t.Errorf("people are told nothing: %+v", s)
			}
			if s.State == store.StateBanned && s.Until.IsZero() {
				t.Error("nobody is told until when")
			}
			if w.events("shop", "session.state")[0] == "" {
				t.Error("no event of it")
			}
			err := w.m.Start(t.Context(), "shop")
			if tt.kind == "402" {
				if restart := w.m.Restart(t.Context(), "shop"); store.ErrorCode(err) != store.CodeConflict || store.ErrorCode(restart) != store.CodeConflict {
					t.Errorf("a banned session was started: %v, %v", err, restart)
				}
				return
			}
			w.must(err)
			if s.State == store.StateLoggedOut {
				w.scan("shop", alice)
			}
			w.state("shop", store.StateOnline)
		})
	}
}

// events lists the data of a session's events of a type, the newest first.
func (w *world) events(id, kind string) (list []string) {
	w.t.Helper()
	all, err := w.db.Events(w.t.Context(), 0, 10000)
	w.must(err)
	for _, e := range all {
		if e.Session == id && e.Type == kind {
			list = append(list, string(e.Data))
		}
	}
	slices.Reverse(list)
	return list
}

func TestReplacedTriesAgainLater(t *testing.T) {
	w := newWorld(t, func(w *world) { w.options.Scale = 100 })
	w.pair("shop", alice)
	w.fault("replaced", alice)
	w.state("shop", store.StateReplaced)
	w.state("shop", store.StateOnline)
}

func TestGivesUpWhenToldTo(t *testing.T) {
	w := newWorld(t, func(w *world) { w.options.Scale, w.options.MaxReconnects = 50, 3 })
	w.pair("shop", alice)
	w.must(w.server.Fault(t.Context(), api.SandboxFault{Kind: "500", Count: 100}))
	w.state("shop", store.StateFailed, "gave_up")
	w.must(w.server.ClearFaults(t.Context()))
	w.must(w.m.Start(t.Context(), "shop"))
	w.state("shop", store.StateOnline)
}

// breaking makes a converter that does what it is told on the messages it is
// told, once each.
func breaking(on func(text string) bool, do func() []store.Entry) func(session.Converter) session.Converter {
	return func(good session.Converter) session.Converter {
		return func(id string, own convert.Own, evt any) []store.Entry {
			if m, ok := evt.(*events.Message); ok && on(m.Message.GetConversation()+m.Message.GetExtendedTextMessage().GetText()) {
				return do()
			}
			return good(id, own, evt)
		}
	}
}

func TestPanickingHandlerLosesNothing(t *testing.T) {
	var broken atomic.Int32
	w := newWorld(t, func(w *world) {
		w.wrap = breaking(func(text string) bool { return text == "text 5" && broken.Add(1) <= 2 }, func() []store.Entry { panic("on purpose") })
	})
	w.phone(bob)
	w.pair("shop", alice)
	w.texts(bob, alice, numbered(30)...)
	w.received("shop", numbered(30)...)
	if n := broken.Load(); n < 3 {
		t.Errorf("the message was handled %d times, want 3", n)
	}
	if !strings.Contains(strings.Join(w.events("shop", "session.state"), " "), "handler_failed") {
		t.Error("nobody was told of the panic")
	}
	w.state("shop", store.StateOnline)
	w.once()
}

func TestMessageThatAlwaysBreaksIsSetAside(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.wrap = breaking(func(text string) bool { return text == "text 5" }, func() []store.Entry { panic("on purpose") })
	})
	w.phone(bob)
	w.pair("shop", alice)
	w.texts(bob, alice, numbered(10)...)
	w.received("shop", slices.Delete(numbered(10), 4, 5)...)
	list := w.events("shop", "unknown")
	if !slices.ContainsFunc(list, func(data string) bool { return strings.Contains(data, "text 5") }) {
		t.Errorf("its content is lost: %v", list)
	}
}

func TestStoreThatRefusesLosesNothing(t *testing.T) {
	w := newWorld(t)
	w.phone(bob)
	w.pair("shop", alice)
	w.sql(`CREATE TRIGGER refuse BEFORE INSERT ON chat_history WHEN NEW.message = 'text 7' BEGIN SELECT RAISE(ABORT, 'on purpose'); END`)
	w.texts(bob, alice, numbered(30)...)
	w.until("somebody to be told", func() bool {
		return strings.Contains(strings.Join(w.events("shop", "session.state"), " "), `"state":"storage_error"`)
	})
	w.sql("DROP TRIGGER refuse")
	w.received("shop", numbered(30)...)
	w.state("shop", store.StateOnline)
	w.once()
}

func (w *world) sql(query string) {
	w.t.Helper()
	w.must(w.db.Update(w.t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(query)
		return err
	}))
}

// once checks that no message could not be read and no key was used twice.
func (w *world) once() {
	w.t.Helper()
	phones, err := w.server.Phones(w.t.Context())
	w.must(err)
	for _, p := range phones {
		if p.Undecryptable > 0 || p.ReusedCounters > 0 {
			w.t.Errorf("phone %s: %d undecryptable, %d reused counters", p.Phone, p.Undecryptable, p.ReusedCounters)
		}
	}
	if list := w.events("shop", "message.undecryptable"); len(list) > 0 {
		w.t.Errorf("undecryptable: %v", list)
	}
}

// greet sends the first message of a chat and waits for the privacy token that
// the library sends after it: when the line breaks under both, the library
// races with itself.
func (w *world) greet(id, to string) {
	w.t.Helper()
	w.send(id, to, "greeting")
	w.until("the privacy token", func() bool {
		list, err := w.server.Traffic(w.t.Context(), "", 0, 10000)
		w.must(err)
		asked := slices.ContainsFunc(list, func(s api.SandboxStanza) bool {
			return s.Direction == "in" && strings.Contains(s.XML, `xmlns="privacy"`)
		})
		return asked
	})
}

func TestLostAckSendsTheSameMessageAgain(t *testing.T) {
	w := newWorld(t)
	w.phone(bob)
	w.pair("shop", alice)
	w.greet("shop", bob)
	w.fault("lost_ack", alice)
	j := w.send("shop", bob, "only once")
	w.send("shop", bob, "next")
	w.got(bob, "greeting", "only once", "next")
	list, err := w.server.Inbox(t.Context(), bob, 0, 10)
	w.must(err)
	if list[1].ID != j.MessageID {
		t.Errorf("message id %s, want the job's %s", list[0].ID, j.MessageID)
	}
	rows, total, err := w.db.Messages(t.Context(), store.MessageQuery{Session: "shop"})
	w.must(err)
	if total != 3 {
		t.Errorf("%d rows in the history, want 3: %+v", total, rows)
	}
}

func TestRefusedMessagesFailByName(t *testing.T) {
	w := newWorld(t)
	w.phone(bob)
	w.pair("shop", alice)
	for kind, code := range map[string]string{"error_463": "reachout_timelock", "error_479": "invalid_message", "error_400": "refused_400"} {
		w.fault(kind, alice)
		j := w.deliver(w.job("shop", bob, kind))
		if j.State != store.JobFailed || j.Code != code || j.Error == "" {
			t.Errorf("%s: job is %s (%s: %s), want failed (%s)", kind, j.State, j.Code, j.Error, code)
		}
	}
	if got := w.events("shop", "message.failed"); len(got) != 3 {
		t.Errorf("events: %v", got)
	}
	w.send("shop", bob, "fine")
	w.got(bob, "fine")
}

func TestUnknownNumberFailsAtOnce(t *testing.T) {
	w := newWorld(t)
	w.pair("shop", alice)
	j := w.deliver(w.job("shop", "6289999999999", "anybody?"))
	if j.State != store.JobFailed || j.Code != "not_on_whatsapp" {
		t.Errorf("job is %s (%s: %s)", j.State, j.Code, j.Error)
	}
}

func TestJobPastItsDeadlineFails(t *testing.T) {
	w := newWorld(t)
	w.phone(bob)
	w.pair("shop", alice)
	j, _, err := w.db.AddJob(t.Context(), &store.Job{Session: "shop", MessageID: "X1", To: bob + "@s.whatsapp.net",
		Content: store.Content{Type: "text", Text: "late"}, Deadline: time.Now().Add(-time.Second)}, nil)
	w.must(err)
	if j := w.deliver(j); j.State != store.JobFailed || j.Code != "deadline" {
		t.Errorf("job is %s (%s)", j.State, j.Code)
	}
}

// TestDeadlineIsForWhatHasNotLeft: a message that a crash cut off may have arrived, and
// is never called too late.
func TestDeadlineIsForWhatHasNotLeft(t *testing.T) {
	w := newWorld(t)
	w.phone(bob)
	w.pair("shop", alice)
	w.must(w.m.Stop(t.Context(), "shop"))
	j, _, err := w.db.AddJob(t.Context(), &store.Job{Session: "shop", MessageID: "X1", To: bob + "@s.whatsapp.net",
		Content: store.Content{Type: "text", Text: "on its way"}, Deadline: time.Now().Add(-time.Second)}, nil)
	w.must(err)
	w.must(w.db.Update(t.Context(), func(tx *store.Tx) error { return tx.StartJob(j.ID) }))
	w.must(w.m.Start(t.Context(), "shop"))
	if j := w.deliver(j); j.State != store.JobSent {
		t.Errorf("job is %s (%s)", j.State, j.Code)
	}
	w.got(bob, "on its way")
	if !w.hasOnce("on its way") {
		t.Error("it is not in history")
	}
}

func TestCancelledJobIsNotSent(t *testing.T) {
	w := newWorld(t)
	w.phone(bob)
	w.pair("shop", alice)
	w.must(w.m.Stop(t.Context(), "shop"))
	j := w.job("shop", bob, "never")
	if ok, err := w.m.Cancel(t.Context(), j.Session, j.ID); !ok || err != nil {
		t.Fatal(ok, err)
	}
	w.must(w.m.Start(t.Context(), "shop"))
	w.send("shop", bob, "now")
	w.got(bob, "now")
	if j := w.deliver(j); j.State != store.JobCancelled {
		t.Errorf("job is %s", j.State)
	}
}

func TestOfflineMessagesComeInOrder(t *testing.T) {
	w := newWorld(t)
	w.phone(bob)
	w.pair("shop", alice)
	for round := range 3 {
		w.must(w.m.Stop(t.Context(), "shop"))
		all := numbered(25 * (round + 1))
		w.texts(bob, alice, all[25*round:]...)
		w.must(w.m.Start(t.Context(), "shop"))
		w.received("shop", all...)
	}
	w.once()
}

func TestJobsKeepTheirOrderOverDrops(t *testing.T) {
	w := newWorld(t)
	w.phone(bob)
	w.pair("shop", alice)
	w.greet("shop", bob)
	all := numbered(60)
	for i, text := range all {
		j := w.job("shop", bob, text)
		if i%20 == 10 {
			w.fault("drop", alice)
		}
		if i == len(all)-1 {
			w.deliver(j)
		}
	}
	w.got(bob, append([]string{"greeting"}, all...)...)
	w.once()
}

func TestMediaArrivesByteForByte(t *testing.T) {
	w := newWorld(t)
	w.phone(bob)
	w.pair("shop", alice)
	data := []byte(strings.Repeat("not really a PDF ", 10000))
	c := store.Content{Type: "document", Text: "see", Media: &store.Media{Mimetype: "application/pdf", FileName: "a.pdf", Size: int64(len(data))}}
	w.fault("upload_500", "")
	j := w.deliver(w.jobOf("shop", bob, c, data))
	if j.State != store.JobSent {
		t.Fatalf("job is %s (%s: %s)", j.State, j.Code, j.Error)
	}
	list, err := w.server.Inbox(t.Context(), bob, 0, 10)
	w.must(err)
	got, mimetype, err := w.server.Media(t.Context(), bob, list[0].Seq)
	w.must(err)
	if string(got) != string(data) || mimetype != "application/pdf" {
		t.Errorf("%d bytes of %s arrived, want %d", len(got), mimetype, len(data))
	}
	if left, err := w.db.JobMedia(t.Context(), j.ID); len(left) > 0 {
		t.Errorf("%d bytes of media left behind, %v", len(left), err)
	}
}

func TestTwoSessionsTalkAtOnce(t *testing.T) {
	w := newWorld(t)
	w.pair("shop", alice)
	w.pair("desk", bob)
	const n = 150
	var last [2]*store.Job
	for _, text := range numbered(n) {
		last[0] = w.job("shop", bob, text)
		last[1] = w.job("desk", alice, text)
	}
	for _, j := range last {
		if done := w.deliver(j); done.State != store.JobSent {
			t.Errorf("job is %+v", done)
		}
	}
	w.received("shop", numbered(n)...)
	w.received("desk", numbered(n)...)
	w.once()
}

// TestCancelWhileSending takes jobs back while the sender is at work: each is
// either taken back or arrives, never both, never neither.
func TestCancelWhileSending(t *testing.T) {
	w := newWorld(t)
	w.phone(bob)
	w.pair("shop", alice)
	var want []string
	for _, text := range numbered(150) {
		j := w.job("shop", bob, text)
		if cancelled, err := w.m.Cancel(t.Context(), "shop", j.ID); err != nil {
			t.Fatal(err)
		} else if !cancelled {
			want = append(want, text)
		}
		if len(want)%2 == 0 { // every now and then one is left alone
			text += " kept"
			w.job("shop", bob, text)
			want = append(want, text)
		}
	}
	w.send("shop", bob, "last")
	w.got(bob, append(want, "last")...)
	t.Logf("%d arrived", len(want))
}
