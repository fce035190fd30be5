package store

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wamux/store/seal"
)

// keeping opens a new database that keeps so much, with a session.
func keeping(t *testing.T, h History) *DB {
	t.Helper()
	db, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "wamux.db"), Log: slog.New(slog.DiscardHandler), History: h})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	addTestSession(t, db, "shop")
	return db
}

// told is an entry as a message leaves it, with the word canary in every place that
// tells what was said.
func told(id string, outgoing bool) Entry {
	event := "message.received"
	if outgoing {
		event = "message.sent"
	}
	return Entry{
		Message: &Message{Chat: "1@s.whatsapp.net", Sender: "1@s.whatsapp.net", ID: id, Phone: "1", Text: "canary", Type: "text", Outgoing: outgoing,
			Metadata: json.RawMessage(`{"messageId":"` + id + `","fileName":"canary","quoted":{"id":"Q","text":"canary"},"link":{"title":"canary"},"mentions":["canary"]}`),
			Raw:      []byte("canary"), Timestamp: noon},
		Events: []Event{{ID: EventID(id), Type: event, Data: json.RawMessage(`{"id":"` + id + `","chat":{"id":"1@s.whatsapp.net"},"type":"text","text":"canary","metadata":{"messageId":"` + id + `","caption":"canary"}}`)}},
	}
}

// TestHistoryKept: what is kept of messages, whatever comes: news, repeats, edits,
// receipts, jobs of our own.
func TestHistoryKept(t *testing.T) {
	for _, tt := range []struct {
		history  History
		rows     int
		canaries bool
	}{{HistoryFull, 2, true}, {"", 2, true}, {HistoryMetadata, 2, false}, {HistoryOff, 0, false}} {
		t.Run(string(tt.history), func(t *testing.T) {
			db := keeping(t, tt.history)
			job := mustAddJob(t, db, &Job{Session: "shop", MessageID: "OUT", To: "1@s.whatsapp.net", Content: Content{Type: "text", Text: "canary"}}, nil)
			job.State, job.Sent = JobSent, json.RawMessage(`{"conversation":"canary"}`)
			if err := db.FinishJob(t.Context(), job, told("OUT", true)); err != nil {
				t.Fatal(err)
			}
			for range 2 { // WhatsApp repeats itself
				keepRecord(t, db, told("IN", false), Entry{Message: nil, Events: []Event{{ID: EventID("unknown"), Type: "unknown", Data: json.RawMessage(`{"content":"canary"}`)}}})
				keepRecord(t, db, Entry{Receipt: &Receipt{Chat: "1@s.whatsapp.net", MessageIDs: []string{"OUT"}, Status: StatusRead, By: "1@s.whatsapp.net", At: noon},
					Events: []Event{{ID: EventID("read"), Type: "message.status", Data: json.RawMessage(`{"id":"OUT","status":"read"}`)}}})
				keepRecord(t, db, Entry{Edit: &Edit{Chat: "1@s.whatsapp.net", ID: "IN", Text: "canary", Raw: []byte("canary"), By: "1@s.whatsapp.net", At: noon.Add(1e9)}})
			}
			list, total, err := db.Messages(t.Context(), MessageQuery{Session: "shop"})
			if err != nil || total != tt.rows {
				t.Fatalf("got %d rows, %v, want %d", total, err, tt.rows)
			}
			for _, m := range list {
				if m.Outgoing && m.Status != StatusRead || m.Type != "text" || !strings.Contains(string(m.Metadata), m.ID) {
					t.Errorf("got %+v, want what it is and how far it came", m)
				}
				if !m.Outgoing && m.EditedAt.IsZero() {
					t.Error("the edit left no trace")
				}
			}
			events, err := db.Events(t.Context(), 0, 0)
			if kinds := eventKinds(events); err != nil || kinds["message.received"] != 1 || kinds["message.sent"] != 1 || kinds["message.status"] != 1 || kinds["unknown"] != 1 {
				t.Errorf("got events %v, %v, want one of each", kinds, err)
			}
			chats, _, err := db.Chats(t.Context(), ChatQuery{Session: "shop"})
			if err != nil || len(chats) != 1 || chats[0].Unread != 1 {
				t.Errorf("got chats %+v, %v, want one with one unread", chats, err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			whole, err := os.ReadFile(db.Path())
			if has := strings.Contains(string(whole), "canary"); err != nil || has != tt.canaries {
				t.Errorf("what was said is in the file: %v, want %v (%v)", has, tt.canaries, err)
			}
		})
	}
}

func eventKinds(events []Event) map[string]int {
	kinds := map[string]int{}
	for _, e := range events {
		kinds[e.Type]++
	}
	return kinds
}

func keepRecord(t testing.TB, db *DB, entries ...Entry) {
	t.Helper()
	if _, err := db.Record(t.Context(), "shop", entries...); err != nil {
		t.Fatal(err)
	}
}

// TestCancelledJobKept: what was never sent is not kept either.
func TestCancelledJobKept(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		db := keeping(t, HistoryOff)
		if sealed {
			if err := db.BeginSeal(t.Context(), keysOf(t, newIdentity(t))); err != nil {
				t.Fatal(err)
			}
		}
		job := mustAddJob(t, db, &Job{Session: "shop", MessageID: "OUT", To: "x", Content: Content{Type: "text", Text: "canary"}}, nil)
		if cancelled, err := db.CancelJob(t.Context(), job.ID); !cancelled || err != nil {
			t.Fatalf("got %v, %v", cancelled, err)
		}
		got, err := db.Job(t.Context(), "shop", job.ID)
		if err != nil || got.State != JobCancelled || got.Content.Type != "text" || got.Content.Text != "" {
			t.Errorf("got %+v, %v, want the type alone", got, err)
		}
		if cancelled, err := db.CancelJob(t.Context(), "job_none"); cancelled || ErrorCode(err) != CodeNotFound {
			t.Errorf("got %v, %v for a job that is not there", cancelled, err)
		}
	}
}

// TestSealedQR: the code that links an account is sealed in the log, and read by
// those who may.
func TestSealedQR(t *testing.T) {
	v, line := newVaultTest(t), newIdentity(t)
	db, err := v.open(line)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		data := json.RawMessage(fmt.Sprintf(`{"qr":%q}`, v.secret("event", fmt.Sprint(i))))
		keepRecord(t, db, Entry{Events: []Event{{Type: "session.state", Data: json.RawMessage(`{"a":1}`)}, {Type: secretEvent, Data: data}}})
	}
	if err := db.Convert(t.Context()); err != nil {
		t.Fatal(err)
	}
	events, err := db.Events(t.Context(), 0, 0)
	if err != nil || len(events) < 6 || eventKinds(events)[secretEvent] != 3 {
		t.Fatalf("got %v, %v", events, err)
	}
	for _, e := range events {
		if e.Type == secretEvent && !strings.Contains(string(e.Data), "planted-event-") || !json.Valid(e.Data) || seal.Sealed(e.Data) {
			t.Errorf("got %s %s", e.Type, e.Data)
		}
	}
	v.shut(db)
	if seen := v.scan(); len(seen) > 0 {
		t.Errorf("%q lie in clear", seen)
	}
}
