package signal

import (
	"context"
	"testing"
	"time"

	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
)

func TestMessageSecrets(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	ctx, pn, lid, group := t.Context(), pnJID("4977"), lidJID("77"), types.JID{User: "120363", Server: types.GroupServer}
	withDevice := pn
	withDevice.Device = 4
	must(t, d.LIDs.PutLIDMapping(ctx, lid, pn))
	must(t, d.MsgSecrets.PutMessageSecret(ctx, pn, withDevice, "A", []byte("a")))
	must(t, d.MsgSecrets.PutMessageSecret(ctx, pn, pn, "A", []byte("not the first")))
	must(t, d.MsgSecrets.PutMessageSecrets(ctx, []wastore.MessageSecretInsert{
		{Chat: group, Sender: lid, ID: "B", Secret: []byte("b")},
		{Chat: group, Sender: lid, ID: "", Secret: []byte("no id")},
		{Chat: group, ID: "C", Secret: []byte("no sender")},
		{Chat: group, Sender: lid, ID: "D"},
	}))
	for _, c := range []struct {
		chat, sender types.JID
		id, want     string
		real         types.JID
	}{
		{pn, pn, "A", "a", pn},
		{lid, lid, "A", "a", pn},
		{lid, pn, "A", "a", pn},
		{group, pn, "B", "b", lid},
		{group, lid, "B", "b", lid},
		{group, lid, "A", "", types.EmptyJID},
		{pn, pnJID("1"), "A", "", types.EmptyJID},
		{group, lid, "D", "", types.EmptyJID},
	} {
		secret, real, err := d.MsgSecrets.GetMessageSecret(ctx, c.chat, c.sender, c.id)
		if err != nil || string(secret) != c.want || real != c.real {
			t.Errorf("%s %s %s: got %q %v %v, want %q %v", c.chat, c.sender, c.id, secret, real, err, c.want, c.real)
		}
	}
	if n := p.rows(`SELECT COUNT(*) FROM message_secrets`); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}

// TestLateWrites: what comes with a message waits for its Clear, and nothing
// else waits.
func TestLateWrites(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	ctx, hash := t.Context(), [32]byte{1}
	secrets := func() int { return p.rows(`SELECT COUNT(*) FROM message_secrets`) }
	put := func(id string) { must(t, d.MsgSecrets.PutMessageSecret(ctx, pnJID("1"), pnJID("2"), id, []byte(id))) }
	put("nobody is decrypting")
	if secrets() != 1 {
		t.Error("a secret outside of a message waits")
	}
	must(t, d.EventBuffer.DoDecryptionTxn(ctx, func(ctx context.Context) error {
		return d.EventBuffer.PutBufferedEvent(ctx, hash, []byte("text"), time.Now())
	}))
	put("with the message")
	if secret, _, err := d.MsgSecrets.GetMessageSecret(ctx, pnJID("1"), pnJID("2"), "with the message"); err != nil || len(secret) == 0 || secrets() != 1 {
		t.Errorf("got %q %v, %d on disk", secret, err, secrets())
	}
	d = p.device("one") // a crash: the message is handled again from the buffer
	e := get(d.EventBuffer.GetBufferedEvent(ctx, hash))(t)
	if e == nil || string(e.Plaintext) != "text" {
		t.Fatalf("got %+v, want the plaintext", e)
	}
	put("with the message")
	must(t, d.EventBuffer.ClearBufferedEventPlaintext(ctx, hash))
	if secrets() != 2 {
		t.Error("the Clear did not take the secret along")
	}
	put("afterwards")
	if secrets() != 3 {
		t.Error("a secret after the Clear waits")
	}
}

func TestEventBuffer(t *testing.T) {
	p := newPlace(t)
	p.now = time.Now()
	d := p.paired("one", "49151", "1001")
	ctx, hash := t.Context(), [32]byte{1}
	if e := get(d.EventBuffer.GetBufferedEvent(ctx, hash))(t); e != nil {
		t.Errorf("got %+v, want nothing", e)
	}
	must(t, d.EventBuffer.PutBufferedEvent(ctx, hash, []byte("text"), time.Unix(1700000000, 0)))
	e := get(d.EventBuffer.GetBufferedEvent(ctx, hash))(t)
	if e == nil || string(e.Plaintext) != "text" || e.ServerTime.Unix() != 1700000000 || e.InsertTime.UnixMilli() != p.now.UnixMilli() {
		t.Errorf("got %+v", e)
	}
	must(t, d.EventBuffer.ClearBufferedEventPlaintext(ctx, hash))
	must(t, d.EventBuffer.PutBufferedEvent(ctx, hash, []byte("back from the dead"), time.Now()))
	for _, days := range []int{0, 13, 2} {
		p.now = p.now.AddDate(0, 0, days)
		must(t, d.EventBuffer.DeleteOldBufferedHashes(ctx))
		e = get(d.EventBuffer.GetBufferedEvent(ctx, hash))(t)
		if days == 2 && e != nil || days != 2 && (e == nil || e.Plaintext != nil) {
			t.Errorf("%d days on: %+v", days, e)
		}
	}
}

func TestOutgoingEvents(t *testing.T) {
	p := newPlace(t)
	p.now = time.Now()
	d := p.paired("one", "49151", "1001")
	faults := countFaults(d)
	ctx, pn, lid := t.Context(), pnJID("4977"), lidJID("77")
	must(t, d.EventBuffer.AddOutgoingEvent(ctx, lid, "A", "wa", []byte("one")))
	must(t, d.EventBuffer.AddOutgoingEvent(ctx, lid, "A", "fb", []byte("two")))
	for _, c := range []struct {
		chat, alt types.JID
		id, want  string
	}{{lid, types.EmptyJID, "A", "two"}, {pn, lid, "A", "two"}, {pn, types.EmptyJID, "A", ""}, {lid, pn, "B", ""}} {
		format, text, err := d.EventBuffer.GetOutgoingEvent(ctx, c.chat, c.alt, c.id)
		if (err == nil) != (c.want != "") || string(text) != c.want || err == nil && format != "fb" {
			t.Errorf("%v %v %s: got %q %q %v", c.chat, c.alt, c.id, format, text, err)
		}
	}
	p.now = p.now.AddDate(0, 0, 8)
	must(t, d.EventBuffer.DeleteOldOutgoingEvents(ctx))
	if n := p.rows(`SELECT COUNT(*) FROM outgoing_events`); n != 0 {
		t.Error("still there after 8 days")
	}
	before := p.commits()
	must(t, d.EventBuffer.DeleteOldOutgoingEvents(ctx))
	if p.commits() != before {
		t.Error("asked again at once it costs a commit")
	}
	if faults() != 0 {
		t.Error("not found was taken for a fault")
	}
}

func TestPrivacyTokens(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	ctx, pn, lid := t.Context(), pnJID("4977"), lidJID("77")
	put := func(user types.JID, token string, at, sender int64) {
		t.Helper()
		tok := wastore.PrivacyToken{User: user, Token: []byte(token), Timestamp: time.Unix(at, 0)}
		if sender != 0 {
			tok.SenderTimestamp = time.Unix(sender, 0)
		}
		must(t, d.PrivacyTokens.PutPrivacyTokens(ctx, tok))
	}
	want := func(user types.JID, token string, sender int64) {
		t.Helper()
		got := get(d.PrivacyTokens.GetPrivacyToken(ctx, user))(t)
		if token == "" {
			if got != nil {
				t.Errorf("got %+v, want none", got)
			}
			return
		}
		if got == nil || string(got.Token) != token || got.User != user || (sender == 0) != got.SenderTimestamp.IsZero() || sender != 0 && got.SenderTimestamp.Unix() != sender {
			t.Errorf("got %+v, want %s sent %d", got, token, sender)
		}
	}
	want(pn, "", 0)
	put(pn, "one", 10, 5)
	put(pn, "older", 9, 6)
	want(pn, "one", 5)
	put(pn, "two", 10, 0)
	want(pn, "two", 5)
	want(lid, "", 0)
	must(t, d.LIDs.PutLIDMapping(ctx, lid, pn))
	want(lid, "two", 5)
	put(lid, "three", 20, 0)
	want(pn, "three", 0)
	must(t, d.PrivacyTokens.PutPrivacyTokens(ctx))
	if n := get(d.PrivacyTokens.DeleteExpiredPrivacyTokens(ctx, time.Unix(15, 0)))(t); n != 1 {
		t.Errorf("%d tokens expired, want 1", n)
	}
	want(pn, "three", 0)
	if n := get(d.PrivacyTokens.DeleteExpiredPrivacyTokens(ctx, time.Unix(21, 0)))(t); n != 1 {
		t.Errorf("%d tokens expired, want 1", n)
	}
	want(pn, "", 0)
}

func TestNCTSalt(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	ctx := t.Context()
	for _, want := range []string{"", "salt", "more"} {
		if want != "" {
			must(t, d.NCTSalt.PutNCTSalt(ctx, []byte(want)))
		}
		if got := get(d.NCTSalt.GetNCTSalt(ctx))(t); string(got) != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	must(t, d.NCTSalt.DeleteNCTSalt(ctx))
	if got := get(d.NCTSalt.GetNCTSalt(ctx))(t); got != nil {
		t.Errorf("got %q after the deletion", got)
	}
}
