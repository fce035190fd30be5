package store

import (
	"strings"
	"testing"
	"time"
)

func TestNotices(t *testing.T) {
	db := withSession(t)
	ctx := t.Context()
	for _, id := range []string{"A", "B", "A"} {
		if err := db.AddNotice(ctx, Notice{Session: "user001", MessageID: id, Data: []byte("notice " + id)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.AddNotice(ctx, Notice{Session: "nobody", MessageID: "A", Data: []byte("x")}); ErrorCode(err) != CodeNotFound {
		t.Errorf("a notice for a session that is not there: %v", err)
	}
	first, err := db.NextNotice(ctx, "user001")
	if err != nil || first.MessageID != "A" || string(first.Data) != "notice A" || first.Attempts != 0 {
		t.Fatalf("got %+v, %v", first, err)
	}
	if err := db.FailNotice(ctx, first.Seq); err != nil {
		t.Fatal(err)
	}
	if again, err := db.NextNotice(ctx, "user001"); err != nil || again.Seq != first.Seq || again.Attempts != 1 {
		t.Errorf("got %+v, %v", again, err)
	}
	if err := db.EndNotice(ctx, first, Entry{Message: in(peer, "M1", "old"), Past: true}); err != nil {
		t.Fatal(err)
	}
	if mustMessage(t, db, "M1").Text != "old" {
		t.Error("what was left is not there")
	}
	second, err := db.NextNotice(ctx, "user001")
	if err != nil || second.MessageID != "B" {
		t.Fatalf("got %+v, %v", second, err)
	}
	if err := db.EndNotice(ctx, second); err != nil {
		t.Fatal(err)
	}
	if none, err := db.NextNotice(ctx, "user001"); none != nil || err != nil {
		t.Errorf("got %+v, %v", none, err)
	}
}

// TestPastMessages: what was before is listed where it belongs, and is no news in its chat.
func TestPastMessages(t *testing.T) {
	db := withSession(t)
	at := func(m *Message, minutes int) *Message {
		m.Timestamp = noon.Add(time.Duration(minutes) * time.Minute)
		return m
	}
	mustRecord(t, db, Entry{Message: at(in(peerLID, "NEW", "new"), 10)})
	mustRecord(t, db, Entry{Message: at(in(peerLID, "OLD2", "old 2"), 2), Past: true}, Entry{Message: at(in(peerLID, "OLD1", "old 1"), 1), Past: true},
		Entry{Message: at(in(group, "G1", "in the group"), 3), Past: true})
	again := at(in(peer, "OLD1", "old 1"), 1) // as the phone names it after a move to LIDs
	again.Phone = strings.TrimSuffix(peerLID, "@lid")
	if n := mustRecord(t, db, Entry{Message: again, Past: true}); n != 0 {
		t.Error("a message came twice under another identity")
	}
	var seen []string
	for q := (MessageQuery{Session: "user001", Limit: 1}); ; {
		list, total, err := db.Messages(t.Context(), q)
		if err != nil || total != 4 {
			t.Fatalf("%d messages, %v", total, err)
		}
		if len(list) == 0 {
			break
		}
		seen, q.Before = append(seen, list[0].ID), list[0].Seq
	}
	if want := "NEW G1 OLD2 OLD1"; strings.Join(seen, " ") != want {
		t.Errorf("got %s, want %s", strings.Join(seen, " "), want)
	}
	if got := unread(t, db); got[peerLID] != 1 || got[group] != 0 {
		t.Errorf("unread are %v", got)
	}
}

// unread is how much is unread in each chat.
func unread(t *testing.T, db *DB) map[string]int {
	t.Helper()
	list, _, err := db.Chats(t.Context(), ChatQuery{Session: "user001"})
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, c := range list {
		counts[c.ID] = c.Unread
	}
	return counts
}

func TestChatChanges(t *testing.T) {
	db := withSession(t)
	count := func(at time.Time, n int) Entry {
		return Entry{Chat: &ChatChange{ID: peerLID, Phone: "6281", Name: "Sari", Count: n, CountAt: at}}
	}
	mustRecord(t, db, count(noon, 3), count(noon, 3))
	if got := unread(t, db); got[peerLID] != 3 {
		t.Errorf("unread are %v, want 3", got)
	}
	mustRecord(t, db, Entry{Message: in(peerLID, "M1", "hi")})
	mustRecord(t, db, count(noon.Add(-time.Minute), 7)) // it tells of a time before
	if got := unread(t, db); got[peerLID] != 4 {
		t.Errorf("unread are %v, want 4", got)
	}
	for _, step := range []struct {
		change ChatChange
		want   int
	}{
		{ChatChange{ID: peer, Alt: peerLID, Read: true}, 0}, {ChatChange{ID: peerLID, Unread: true}, 1}, {ChatChange{ID: group, Read: true}, 1},
	} {
		mustRecord(t, db, Entry{Chat: &step.change})
		if got := unread(t, db); got[peerLID] != step.want || len(got) != 1 {
			t.Errorf("after %+v unread are %v, want %d", step.change, got, step.want)
		}
	}
	mustRecord(t, db, Entry{Chat: &ChatChange{ID: peerLID, Gone: true}})
	if got := unread(t, db); len(got) != 0 {
		t.Errorf("the chat is still there: %v", got)
	}
	if mustMessage(t, db, "M1").Text != "hi" {
		t.Error("its message is gone")
	}
}

// TestOnePersonOnce: who has a row under both identities is listed once, and names the chat under either.
func TestOnePersonOnce(t *testing.T) {
	db := withSession(t)
	mustRecord(t, db, Entry{Contact: &Contact{ID: peerLID, LID: peerLID, PushName: "sari"}}, Entry{Contact: &Contact{ID: peer, Phone: "6281", LID: peerLID, Name: "Sari Dewi"}},
		Entry{Contact: &Contact{ID: "77@lid", LID: "77@lid", PushName: "budi"}})
	list, err := db.Contacts(t.Context(), ContactQuery{Session: "user001"})
	if err != nil || len(list) != 2 || list[0].ID != peer || list[1].ID != "77@lid" {
		t.Errorf("got %+v, %v", list, err)
	}
	byLID, alone := in(peerLID, "M1", "hi"), in("77@lid", "M2", "hi")
	byLID.Phone = "6281"
	mustRecord(t, db, Entry{Message: byLID}, Entry{Message: alone})
	chats, _, err := db.Chats(t.Context(), ChatQuery{Session: "user001"})
	if err != nil || len(chats) != 2 || chats[0].Name != "Sari Dewi" && chats[1].Name != "Sari Dewi" || chats[0].Name != "budi" && chats[1].Name != "budi" {
		t.Errorf("got %+v, %+v, %v", chats[0], chats[1], err)
	}
}
