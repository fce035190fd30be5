package store

import (
	"encoding/json"
	"testing"
	"time"
)

func receipt(chat, by, status string, ids ...string) Entry {
	return Entry{Receipt: &Receipt{Chat: chat, By: by, Status: status, MessageIDs: ids, At: noon}}
}

func wantStatus(t *testing.T, db *DB, id, want string) {
	t.Helper()
	if got := mustMessage(t, db, id).Status; got != want {
		t.Errorf("%s is %q, want %q", id, got, want)
	}
}

func TestReceipt(t *testing.T) {
	t.Run("OnlyForward", func(t *testing.T) {
		db := withSession(t)
		m := out(peer, "A1", "x")
		m.Status = StatusPending
		mustRecord(t, db, Entry{Message: m})
		for _, step := range [][2]string{
			{StatusServer, StatusServer}, {StatusDelivered, StatusDelivered}, {StatusServer, StatusDelivered}, {StatusPlayed, StatusPlayed},
			{StatusRead, StatusPlayed}, {StatusDelivered, StatusPlayed}, {"nonsense", StatusPlayed},
		} {
			mustRecord(t, db, receipt(peer, peer, step[0], "A1"))
			wantStatus(t, db, "A1", step[1])
		}
	})

	t.Run("Many", func(t *testing.T) {
		db := withSession(t)
		mustRecord(t, db, Entry{Message: out(peer, "A1", "x")}, Entry{Message: out(peer, "A2", "y")})
		mustRecord(t, db, receipt(peer, peer, StatusRead, "A1", "unknown", "A2"))
		wantStatus(t, db, "A1", StatusRead)
		wantStatus(t, db, "A2", StatusRead)
	})

	t.Run("LIDForPhone", func(t *testing.T) {
		db := withSession(t)
		mustRecord(t, db, Entry{Message: out(peer, "A1", "x")}, Entry{Message: out(peerLID, "A2", "x")}, Entry{Message: out(peer, "A3", "x")})
		mustRecord(t, db, receipt(peerLID, peerLID, StatusDelivered, "A1"))
		mustRecord(t, db, receipt(peer, peer, StatusDelivered, "A2"))
		mustRecord(t, db, Entry{Receipt: &Receipt{Chat: "91:3@lid", AltChat: peer, Status: StatusRead, MessageIDs: []string{"A3"}, At: noon}})
		wantStatus(t, db, "A1", StatusDelivered)
		wantStatus(t, db, "A2", StatusDelivered)
		wantStatus(t, db, "A3", StatusRead)
	})

	t.Run("NotOurs", func(t *testing.T) {
		db := withSession(t)
		mustRecord(t, db, Entry{Message: in(peer, "A1", "x")}, Entry{Message: out(peer, "A2", "x")})
		mustRecord(t, db, receipt(peer, peer, StatusRead, "A1"), receipt("7@s.whatsapp.net", "7@s.whatsapp.net", StatusRead, "A2"), receipt(group, peer, StatusRead, "A2"))
		wantStatus(t, db, "A1", "")
		wantStatus(t, db, "A2", StatusServer)
		if n := countRows(t, db, "message_receipts", "user001"); n != 0 {
			t.Errorf("%d recipients are noted, want none", n)
		}
	})

	t.Run("PerRecipient", func(t *testing.T) {
		db := withSession(t)
		mustRecord(t, db, Entry{Message: out(group, "A1", "x")})
		for range 2 {
			mustRecord(t, db, receipt(group, "1:2@lid", StatusDelivered, "A1"), receipt(group, "1:5@lid", StatusDelivered, "A1"),
				receipt(group, "1@lid", StatusRead, "A1"), receipt(group, "2@lid", StatusDelivered, "A1"))
		}
		if n := countRows(t, db, "message_receipts", "user001"); n != 3 {
			t.Errorf("%d recipients are noted, want 3", n)
		}
		wantStatus(t, db, "A1", StatusRead)
	})

	// The receipt is faster than the note that the message was sent.
	t.Run("BeforeTheRow", func(t *testing.T) {
		db := withSession(t)
		j, _, err := db.AddJob(t.Context(), &Job{Session: "user001", MessageID: "A1", To: peer}, nil)
		if err != nil {
			t.Fatal(err)
		}
		mustRecord(t, db, receipt(peerLID, peerLID, StatusDelivered, "A1", "A0"))
		j.State = JobSent
		if err := db.FinishJob(t.Context(), j, Entry{Message: out(peer, "A1", "x")}); err != nil {
			t.Fatal(err)
		}
		wantStatus(t, db, "A1", StatusDelivered)
		if n := countRows(t, db, "message_receipts", "user001"); n != 1 {
			t.Errorf("%d recipients are noted, want 1: A0 is not ours", n)
		}
	})
}

func TestEdit(t *testing.T) {
	edit := func(chat, by, text string, at time.Time) Entry {
		return Entry{Edit: &Edit{Chat: chat, ID: "A1", Text: text, By: by, Raw: []byte(text), At: at}}
	}

	t.Run("OK", func(t *testing.T) {
		db := withSession(t)
		m := in(peer, "A1", "first")
		m.Metadata = json.RawMessage(`{"pushName":"Ann"}`)
		mustRecord(t, db, Entry{Message: m})
		e := edit(peer, peer, "second", noon)
		mustRecord(t, db, e, e, edit(peer, peer, "older", noon.Add(-time.Second)))
		got := mustMessage(t, db, "A1")
		var meta map[string]string
		if err := json.Unmarshal(got.Metadata, &meta); err != nil {
			t.Fatal(err)
		}
		if got.Text != "second" || string(got.Raw) != "second" || !got.EditedAt.Equal(noon) || meta["previous"] != "first" ||
			meta["editedAt"] != "2026-11-23T12:00:00.123Z" || meta["pushName"] != "Ann" {
			t.Errorf("got %+v with %v", got, meta)
		}
	})

	t.Run("UnknownTarget", func(t *testing.T) {
		mustRecord(t, withSession(t), edit(peer, peer, "x", noon))
	})

	t.Run("OnlyTheAuthor", func(t *testing.T) {
		db := withSession(t)
		mustRecord(t, db, Entry{Message: out(peer, "A1", "mine")})
		mustRecord(t, db, edit(peer, peer, "forged", noon), edit(peerLID, peerLID, "forged", noon), edit(peer, peerLID, "forged", noon),
			edit("7@s.whatsapp.net", "7@s.whatsapp.net", "forged", noon), edit(group, peer, "forged", noon))
		if got := mustMessage(t, db, "A1"); got.Text != "mine" {
			t.Errorf("somebody else changed our message: %+v", got)
		}
		mustRecord(t, db, edit(peerLID, own, "changed", noon))
		if got := mustMessage(t, db, "A1"); got.Text != "changed" {
			t.Errorf("we could not change our message: %+v", got)
		}
	})

	t.Run("OnlyTheAuthorInAGroup", func(t *testing.T) {
		db := withSession(t)
		theirs, ours := in(group, "A1", "theirs"), out(group, "A2", "ours")
		theirs.Sender = peer
		mustRecord(t, db, Entry{Message: theirs}, Entry{Message: ours})
		mustRecord(t, db, edit(group, "7@s.whatsapp.net", "forged", noon), edit(group, peerLID, "not known to be theirs", noon))
		mustRecord(t, db, Entry{Edit: &Edit{Chat: group, ID: "A2", Text: "forged", By: peer, At: noon}})
		if a, b := mustMessage(t, db, "A1").Text, mustMessage(t, db, "A2").Text; a != "theirs" || b != "ours" {
			t.Errorf("somebody else changed a message: %q, %q", a, b)
		}
		err := db.Update(t.Context(), func(tx *Tx) error {
			_, err := tx.Exec("INSERT INTO lid_map (lid, pn) VALUES ('91', '6281')")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		mustRecord(t, db, edit(group, peerLID, "changed", noon), Entry{Edit: &Edit{Chat: group, ID: "A2", Text: "changed", By: own, At: noon}})
		if a, b := mustMessage(t, db, "A1").Text, mustMessage(t, db, "A2").Text; a != "changed" || b != "changed" {
			t.Errorf("the authors could not change theirs: %q, %q", a, b)
		}
	})

	t.Run("NotTheirsByUs", func(t *testing.T) {
		db := withSession(t)
		mustRecord(t, db, Entry{Message: in(peer, "A1", "theirs")})
		mustRecord(t, db, edit(peer, own, "forged", noon), edit(peer, "99:4@lid", "forged", noon))
		if got := mustMessage(t, db, "A1"); got.Text != "theirs" {
			t.Errorf("got %+v", got)
		}
		mustRecord(t, db, edit(peer, peerLID, "changed", noon))
		if got := mustMessage(t, db, "A1"); got.Text != "changed" {
			t.Errorf("the author could not change it by the other identity: %+v", got)
		}
	})
}

func TestRevoke(t *testing.T) {
	revoke := func(by string, at time.Time) Entry {
		return Entry{Revoke: &Revoke{Chat: peer, ID: "A1", By: by, At: at}}
	}
	db := withSession(t)
	mustRecord(t, db, revoke(peer, noon), Entry{Message: in(peer, "A1", "hello")})
	mustRecord(t, db, revoke(own, noon))
	if got := mustMessage(t, db, "A1"); !got.RevokedAt.IsZero() {
		t.Errorf("somebody else took it back: %+v", got)
	}
	mustRecord(t, db, revoke(peer, noon), revoke(peer, noon.Add(time.Hour)))
	got := mustMessage(t, db, "A1")
	var meta map[string]string
	if err := json.Unmarshal(got.Metadata, &meta); err != nil {
		t.Fatal(err)
	}
	if !got.RevokedAt.Equal(noon) || meta["revokedBy"] != peer || got.Text != "hello" {
		t.Errorf("got %+v with %v", got, meta)
	}
}

func TestRevokeInAGroup(t *testing.T) {
	db := withSession(t)
	m := in(group, "A1", "hello")
	m.Sender = peer
	mustRecord(t, db, Entry{Message: m})
	by := func(admin bool) Entry {
		return Entry{Revoke: &Revoke{Chat: group, ID: "A1", By: "7@s.whatsapp.net", ByAdmin: admin, At: noon}}
	}
	mustRecord(t, db, by(false))
	if !mustMessage(t, db, "A1").RevokedAt.IsZero() {
		t.Error("another member took it back")
	}
	mustRecord(t, db, by(true))
	if mustMessage(t, db, "A1").RevokedAt.IsZero() {
		t.Error("an admin could not take it back")
	}
}
