package signal

import (
	"context"
	"fmt"
	"testing"
	"time"

	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"wamux/store"
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
	must(t, d.Identities.PutIdentity(ctx, "2:1", [32]byte{1})) // a write of somebody else takes all along
	d = p.device("one")                                        // a crash: the message is handled again from the buffer
	e := get(d.EventBuffer.GetBufferedEvent(ctx, hash))(t)
	if e == nil || string(e.Plaintext) != "text" {
		t.Fatalf("got %+v, want the plaintext", e)
	}
	put("with the message again")
	must(t, d.EventBuffer.ClearBufferedEventPlaintext(ctx, hash))
	if secrets() != 3 {
		t.Error("the Clear did not take the secret along")
	}
	put("afterwards")
	if secrets() != 4 {
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

// TestHandled holds that a message, its ratchet and its history row are one
// commit, and that nothing of them is there before.
func TestHandled(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	ctx, hash := t.Context(), [32]byte{1}
	decrypt := func() {
		must(t, d.EventBuffer.DoDecryptionTxn(ctx, func(ctx context.Context) error {
			must(t, d.Sessions.PutSession(ctx, "2:1", []byte("moved")))
			return d.EventBuffer.PutBufferedEvent(ctx, hash, []byte("text"), time.Now())
		}))
	}
	decrypt()
	if has := get(d.Sessions.HasSession(ctx, "2:1"))(t); !has {
		t.Error("the next reader does not see the ratchet")
	}
	d = p.device("one") // a crash
	if has := get(d.Sessions.HasSession(ctx, "2:1"))(t); has {
		t.Fatal("a ratchet was committed before its message was handled")
	}
	if e := get(d.EventBuffer.GetBufferedEvent(ctx, hash))(t); e != nil {
		t.Fatalf("got %+v, want a message that never came", e)
	}
	decrypt()
	before := p.commits()
	must(t, d.Handled(ctx, isText("text"), func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE whatsapp_sessions SET status = 'handled'`)
		return err
	}))
	must(t, d.EventBuffer.ClearBufferedEventPlaintext(ctx, hash))
	if n := p.commits() - before; n != 1 {
		t.Errorf("it took %d commits, want 1", n)
	}
	d = p.device("one") // a crash before the ack
	if e := get(d.EventBuffer.GetBufferedEvent(ctx, hash))(t); e == nil || e.Plaintext != nil {
		t.Errorf("got %+v, want a message that was handled", e)
	}
	if has := get(d.Sessions.HasSession(ctx, "2:1"))(t); !has || p.rows(`SELECT COUNT(*) FROM whatsapp_sessions WHERE status = 'handled'`) != 1 {
		t.Error("the ratchet or the history is missing")
	}
}

// TestSendTakesDecryptionAlong holds that what a send stands on is on disk with
// it, and the message that moved it there can still be handled.
func TestSendTakesDecryptionAlong(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	ctx, hash := t.Context(), [32]byte{1}
	must(t, d.EventBuffer.DoDecryptionTxn(ctx, func(ctx context.Context) error {
		must(t, d.Sessions.PutSession(ctx, "2:1", []byte("moved")))
		return d.EventBuffer.PutBufferedEvent(ctx, hash, []byte("text"), time.Now())
	}))
	sending, release := d.SendContext(ctx)
	get(d.Sessions.GetManySessions(sending, []string{"3:1"}))(t)
	must(t, d.Sessions.PutManySessions(sending, map[string][]byte{"3:1": []byte("sent")}))
	release()
	d = p.device("one") // a crash
	if has := get(d.Sessions.HasSession(ctx, "2:1"))(t); !has {
		t.Error("the send did not take the ratchet along")
	}
	if e := get(d.EventBuffer.GetBufferedEvent(ctx, hash))(t); e == nil || string(e.Plaintext) != "text" {
		t.Errorf("got %+v, want the plaintext of a message that waits", e)
	}
}

// isText is what a handler knows of the plaintext of its message.
func isText(text string) func([]byte) bool {
	return func(plaintext []byte) bool { return string(plaintext) == text }
}

// decrypted takes in a message, as whatsmeow does before it calls the handler.
func (p *place) decrypted(d *Device, hash byte, text string) {
	p.t.Helper()
	must(p.t, d.EventBuffer.DoDecryptionTxn(p.t.Context(), func(ctx context.Context) error {
		return d.EventBuffer.PutBufferedEvent(ctx, [32]byte{hash}, []byte(text), time.Now())
	}))
}

// TestUnreadableMessages: what decrypts and is never handled, because whatsmeow could not read it or broke, costs those
// behind it nothing: each is still one commit.
func TestUnreadableMessages(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	ctx := t.Context()
	for hash := range byte(2 * maxWaiting) {
		p.decrypted(d, 100+hash, "no message")
	}
	for hash := range byte(3) {
		p.decrypted(d, hash, fmt.Sprint("text ", hash))
		before := p.commits()
		must(t, d.Handled(ctx, isText(fmt.Sprint("text ", hash)), func(*store.Tx) error { return nil }))
		must(t, d.EventBuffer.ClearBufferedEventPlaintext(ctx, [32]byte{hash}))
		if n := p.commits() - before; n != 1 {
			t.Errorf("message %d took %d commits, want 1", hash, n)
		}
		if n := len(d.stores.late.waiting); n != 0 {
			t.Errorf("%d messages are waiting behind message %d", n, hash)
		}
	}
}

// TestLateHandler holds that a handler that was given up, and comes nevertheless, does not take the one message that waits
// for its own.
func TestLateHandler(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	ctx := t.Context()
	for hash, text := range []string{"slow", "fast", "next"} {
		if p.decrypted(d, byte(hash), text); text == "fast" {
			must(t, d.Handled(ctx, isText(text), func(*store.Tx) error { return nil }))
			must(t, d.EventBuffer.ClearBufferedEventPlaintext(ctx, [32]byte{byte(hash)}))
		}
	}
	must(t, d.Handled(ctx, isText("slow"), func(*store.Tx) error { return nil }))
	d = p.device("one") // a crash
	for hash, want := range []bool{true, false, true} {
		if e := get(d.EventBuffer.GetBufferedEvent(ctx, [32]byte{byte(hash)}))(t); e == nil || (e.Plaintext != nil) != want {
			t.Errorf("message %d: got %+v, waiting must be %v", hash, e, want)
		}
	}
}

// TestTwoMessagesAtOnce holds that a handler that overtakes another does not
// mark the other's message.
func TestTwoMessagesAtOnce(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	ctx := t.Context()
	for n := range byte(2) {
		must(t, d.EventBuffer.DoDecryptionTxn(ctx, func(ctx context.Context) error {
			return d.EventBuffer.PutBufferedEvent(ctx, [32]byte{n + 1}, []byte("text"), time.Now())
		}))
	}
	must(t, d.Handled(ctx, isText("text"), func(*store.Tx) error { return nil }))
	must(t, d.EventBuffer.ClearBufferedEventPlaintext(ctx, [32]byte{2}))
	d = p.device("one")
	for n, want := range map[byte]bool{1: true, 2: false} {
		if e := get(d.EventBuffer.GetBufferedEvent(ctx, [32]byte{n}))(t); e == nil || (e.Plaintext != nil) != want {
			t.Errorf("message %d: got %+v, waiting must be %v", n, e, want)
		}
	}
}
