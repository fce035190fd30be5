package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	peer    = "6281@s.whatsapp.net"
	peerLID = "91@lid"
	own     = "6299@s.whatsapp.net"
	ownLID  = "99@lid"
	group   = "120363@g.us"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 123e6, time.UTC)

// withSession opens a database with the paired session user001.
func withSession(tb testing.TB) *DB {
	tb.Helper()
	db := fresh(tb)
	addTestSession(tb, db, "user001")
	if err := db.SetIdentity(tb.Context(), "user001", Identity{JID: "6299:7@s.whatsapp.net", LID: ownLID, Phone: "6299"}); err != nil {
		tb.Fatal(err)
	}
	return db
}

// mustRecord records entries and returns how many messages were new.
func mustRecord(tb testing.TB, db *DB, entries ...Entry) int {
	tb.Helper()
	n, err := db.Record(tb.Context(), "user001", entries...)
	if err != nil {
		tb.Fatalf("record: %v", err)
	}
	return n
}

func mustMessage(tb testing.TB, db *DB, id string) *Message {
	tb.Helper()
	m, err := db.Message(tb.Context(), "user001", id)
	if err != nil {
		tb.Fatalf("message %s: %v", id, err)
	}
	return m
}

func in(chat, id, text string) *Message {
	return &Message{Chat: chat, Sender: chat, ID: id, Phone: strings.Trim(chat, "@.abcdefghijklmnopqrstuvwxyz"), Text: text, Type: "text", Timestamp: noon}
}

func out(chat, id, text string) *Message {
	m := in(chat, id, text)
	m.Sender, m.Outgoing, m.Status = own, true, StatusServer
	return m
}

func TestRecordMessage(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		db := withSession(t)
		m := in(peer, "A1", "hello")
		m.Metadata, m.Raw = json.RawMessage(`{"pushName":"Ann"}`), []byte{1, 2, 0, 3}
		if n := mustRecord(t, db, Entry{Message: m, Events: []Event{{ID: "evt_1", Type: "message.received", Data: json.RawMessage(`{"a":1}`)}}}); n != 1 {
			t.Errorf("%d rows are new, want 1", n)
		}
		got := mustMessage(t, db, "A1")
		if got.Seq == 0 || got.Session != "user001" || got.Chat != peer || got.Sender != peer || got.Phone != "6281" || got.Text != "hello" ||
			got.Type != "text" || got.Outgoing || string(got.Metadata) != `{"pushName":"Ann"}` || string(got.Raw) != "\x01\x02\x00\x03" || !got.Timestamp.Equal(noon) {
			t.Errorf("got %+v", got)
		}
		list, err := db.Events(t.Context(), 0, 0)
		if err != nil || len(list) != 1 || list[0].ID != "evt_1" || list[0].Session != "user001" || string(list[0].Data) != `{"a":1}` || list[0].Timestamp.IsZero() {
			t.Errorf("got %+v, %v", list, err)
		}
	})

	t.Run("Repeat", func(t *testing.T) {
		db := withSession(t)
		e := Entry{Message: in(peer, "A1", "hello"), Events: []Event{{Type: "message.received"}}}
		mustRecord(t, db, e)
		e.Message.Text = "other"
		if n := mustRecord(t, db, e, e); n != 0 {
			t.Errorf("%d rows are new, want none", n)
		}
		if got := mustMessage(t, db, "A1"); got.Text != "hello" {
			t.Errorf("the repeat changed the row: %+v", got)
		}
		if list, err := db.Events(t.Context(), 0, 0); err != nil || len(list) != 1 {
			t.Errorf("got %d events, %v, want 1", len(list), err)
		}
	})

	t.Run("SameIDElsewhere", func(t *testing.T) {
		db := withSession(t)
		second := in(group, "A1", "two")
		part := in(peer, "A1", "three")
		part.Part = 1
		if n := mustRecord(t, db, Entry{Message: in(peer, "A1", "one")}, Entry{Message: second}, Entry{Message: part}); n != 3 {
			t.Errorf("%d rows are new, want 3", n)
		}
	})

	t.Run("EventRepeat", func(t *testing.T) {
		db := withSession(t)
		e := Entry{Events: []Event{{ID: EventID("user001", "x"), Type: "presence.updated", Data: json.RawMessage("no object")}}}
		mustRecord(t, db, e, e)
		list, err := db.Events(t.Context(), 0, 0)
		if err != nil || len(list) != 1 || string(list[0].Data) != `{"unparsed":"no object"}` {
			t.Errorf("got %v, %v", list, err)
		}
	})

	t.Run("ErrAllOrNothing", func(t *testing.T) {
		db := withSession(t)
		_, err := db.Record(t.Context(), "user001", Entry{Message: in(peer, "A1", "x")}, Entry{Events: []Event{{Session: "nobody", Type: "x"}}})
		wantError(t, err, CodeNotFound, "Session not found")
		_, err = db.Message(t.Context(), "user001", "A1")
		wantError(t, err, CodeNotFound, "Message not found")
	})

	t.Run("ErrNoSession", func(t *testing.T) {
		for _, e := range []Entry{{Message: in(peer, "A1", "x")}, {Contact: &Contact{ID: peer}}, {Events: []Event{{Type: "x"}}}} {
			_, err := fresh(t).Record(t.Context(), "nobody", e)
			wantError(t, err, CodeNotFound, "Session not found")
		}
	})
}

func TestMessages(t *testing.T) {
	db := withSession(t)
	for i := range 30 {
		chat := []string{peer, group, peerLID}[i%3]
		m := in(chat, fmt.Sprint("M", i), fmt.Sprint("text ", i))
		if chat == peerLID {
			m.Phone = "6281" // known by then
		}
		mustRecord(t, db, Entry{Message: m})
	}
	for name, c := range map[string]struct {
		q     MessageQuery
		total int
		first string
		n     int
	}{
		"All":    {MessageQuery{}, 30, "M29", 25},
		"Phone":  {MessageQuery{Phone: "6281"}, 20, "M29", 20},
		"Chat":   {MessageQuery{Chat: group}, 10, "M28", 10},
		"Both":   {MessageQuery{Phone: "6281", Chat: peer}, 10, "M27", 10},
		"Limit":  {MessageQuery{Limit: 3}, 30, "M29", 3},
		"Offset": {MessageQuery{Limit: 3, Offset: 3}, 30, "M26", 3},
		"Before": {MessageQuery{Limit: 3, Before: 10, Chat: peer}, 10, "M6", 3},
		"None":   {MessageQuery{Phone: "1"}, 0, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			c.q.Session = "user001"
			list, total, err := db.Messages(t.Context(), c.q)
			if err != nil || total != c.total || len(list) != c.n || list == nil {
				t.Fatalf("got %d of %d, %v, want %d of %d", len(list), total, err, c.n, c.total)
			}
			if c.n > 0 && list[0].ID != c.first {
				t.Errorf("the first is %s, want %s", list[0].ID, c.first)
			}
		})
	}
}

func TestChats(t *testing.T) {
	db := withSession(t)
	late := in(group, "B1", "later")
	late.Timestamp = noon.Add(time.Hour)
	mustRecord(t, db,
		Entry{Message: in(peer, "A1", "one"), Contact: &Contact{ID: peer, PushName: "Ann"}},
		Entry{Message: in(peer, "A2", "two")}, Entry{Message: late}, Entry{Message: out("7@s.whatsapp.net", "C1", "mine")})
	list, total, err := db.Chats(t.Context(), ChatQuery{Session: "user001"})
	if err != nil || total != 3 || len(list) != 3 {
		t.Fatalf("got %d of %d, %v", len(list), total, err)
	}
	if c := list[0]; c.ID != group || !c.LastMessageAt.Equal(late.Timestamp) || c.Unread != 1 {
		t.Errorf("got %+v first", c)
	}
	if c := list[1]; c.ID != peer || c.Name != "Ann" || c.Phone != "6281" || c.Unread != 2 {
		t.Errorf("got %+v second", c)
	}
	if c := list[2]; c.Unread != 0 {
		t.Errorf("got %+v third", c)
	}
	mustRecord(t, db, Entry{Message: out(peer, "A3", "answer")})
	if list, _, err = db.Chats(t.Context(), ChatQuery{Session: "user001", Offset: 1, Limit: 1}); err != nil || len(list) != 1 || list[0].Unread != 0 {
		t.Errorf("after the answer: %+v, %v", list, err)
	}
}

func TestContacts(t *testing.T) {
	db := withSession(t)
	mustRecord(t, db,
		Entry{Contact: &Contact{ID: peer, Phone: "6281", PushName: "Ann"}},
		Entry{Contact: &Contact{ID: "7@s.whatsapp.net", Name: "100%_sure"}},
		Entry{Contact: &Contact{ID: peer, LID: peerLID, Name: "Ann Smith"}})
	c, err := db.Contact(t.Context(), "user001", peer)
	if err != nil || c.Phone != "6281" || c.LID != peerLID || c.Name != "Ann Smith" || c.PushName != "Ann" || c.UpdatedAt.IsZero() {
		t.Errorf("got %+v, %v", c, err)
	}
	_, err = db.Contact(t.Context(), "user001", "nobody")
	wantError(t, err, CodeNotFound, "Contact not found")
	for search, want := range map[string]int{"": 2, "smith": 1, "ANN": 1, "6281": 1, "%": 1, "100%_s": 1, "_": 1, `\`: 0, "zzz": 0} {
		if list, err := db.Contacts(t.Context(), ContactQuery{Session: "user001", Search: search}); err != nil || len(list) != want {
			t.Errorf("%q finds %d, %v, want %d", search, len(list), err, want)
		}
	}
	list, err := db.Contacts(t.Context(), ContactQuery{Session: "user001", After: c.Seq, Limit: 1})
	if err != nil || len(list) != 1 || list[0].ID != "7@s.whatsapp.net" {
		t.Errorf("the next page is %v, %v", list, err)
	}
}

// TestContactSearch looks for names in other scripts and numbers as people write them, page by page.
func TestContactSearch(t *testing.T) {
	db := withSession(t)
	mustRecord(t, db,
		Entry{Contact: &Contact{ID: "1@s.whatsapp.net", Phone: "6282222222222", Name: "Éva Kovács"}},
		Entry{Contact: &Contact{ID: "2@s.whatsapp.net", Phone: "79261234567", PushName: "Юрий"}},
		Entry{Contact: &Contact{ID: "3@s.whatsapp.net", Phone: "4915100000000", BusinessName: "Straße 5 ΟΔΟΣ"}},
		Entry{Contact: &Contact{ID: "4@s.whatsapp.net", Name: "E\u0301va of 2 letters"}},
		Entry{Contact: &Contact{ID: "5@lid", Name: "éva"}})
	for search, want := range map[string]string{
		"éva": "1 4 5", "ÉVA": "1 4 5", "E\u0301VA": "1 4 5", "eva": "", "ЮРИЙ": "2", "STRASSE": "3", "STRAẞE": "3", "οδος": "3", "οδοσ": "3", "kovács": "1",
		"+62 822-2222-2222": "1", "(0)926 123-45": "", "+7 (926) 123": "2", "926123": "2", " +-": "", "5": "2 3 5",
	} {
		got, after := []string{}, int64(0)
		for {
			list, err := db.Contacts(t.Context(), ContactQuery{Session: "user001", Search: search, After: after, Limit: 2})
			if err != nil {
				t.Fatal(err)
			}
			if len(list) == 0 {
				break
			}
			for _, c := range list {
				got = append(got, c.ID[:1])
			}
			after = list[len(list)-1].Seq
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q finds %q, want %q", search, got, want)
		}
	}
}

// TestQuietContact repeats what is known: it comes with every message and must
// not cost a write.
func TestQuietContact(t *testing.T) {
	db := withSession(t)
	e := Entry{Contact: &Contact{ID: peer, PushName: "Ann"}}
	mustRecord(t, db, e)
	before := db.epoch.commits
	mustRecord(t, db, e)
	if db.epoch.commits != before {
		t.Error("nothing new was written to disk all the same")
	}
}

// TestRecordOnce: what comes again under another identity of its chat is no second
// message: what had to be asked for again comes from its sender and from the phone.
func TestRecordOnce(t *testing.T) {
	db := withSession(t)
	if err := db.Update(t.Context(), func(tx *Tx) error {
		_, err := tx.Exec("INSERT INTO lid_map (lid, pn) VALUES (?, ?)", user(peerLID), user(peer))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	byLID := in(peerLID, "A1", "hello")
	byLID.Phone = user(peerLID)
	later := in("6288@s.whatsapp.net", "A1", "hello")
	later.Timestamp = noon.Add(time.Second)
	for _, c := range []struct {
		name  string
		m     *Message
		added int
	}{
		{"first", byLID, 1},
		{"the same", byLID, 0},
		{"by number", in(peer, "A1", "hello"), 0},
		{"by a number that nobody knows yet", in("6288@s.whatsapp.net", "A1", "hello"), 0},
		{"by such a number, at another time", later, 1},
		{"in another chat", in(group, "A1", "hello"), 1},
	} {
		if n := mustRecord(t, db, Entry{Message: c.m}); n != c.added {
			t.Errorf("%s: %d rows, want %d", c.name, n, c.added)
		}
	}
}
