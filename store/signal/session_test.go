package signal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"wamux/store"
)

func TestDeleteByUser(t *testing.T) {
	all := []string{"123:0", "123:7", "123_1:0", "123_1:9", "1234:0", "12:0", "12_3:0", "x123:0", "123%:0", "123_:0", "123_1_1:0"}
	gone := []string{"123:0", "123:7", "123_1:0", "123_1:9"}
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	other := p.paired("two", "49152", "1002")
	for _, address := range all {
		must(t, d.Sessions.PutSession(t.Context(), address, []byte(address)))
		must(t, d.Identities.PutIdentity(t.Context(), address, [32]byte{1}))
	}
	must(t, other.Sessions.PutSession(t.Context(), "123:0", []byte("x")))
	must(t, d.Sessions.DeleteAllSessions(t.Context(), "123"))
	must(t, d.Identities.DeleteAllIdentities(t.Context(), "123"))
	for _, address := range all {
		want := !slices.Contains(gone, address)
		if has := get(d.Sessions.HasSession(t.Context(), address))(t); has != want {
			t.Errorf("session %s: there %v, want %v", address, has, want)
		}
		if trusted := get(d.Identities.IsTrustedIdentity(t.Context(), address, [32]byte{2}))(t); trusted == want {
			t.Errorf("identity %s: there %v, want %v", address, !trusted, want)
		}
	}
	if has := get(other.Sessions.HasSession(t.Context(), "123:0"))(t); !has {
		t.Error("another account lost its session")
	}
}

func TestDeleteOne(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	for _, address := range []string{"123_1:0", "12351:0", "123_1:01"} {
		must(t, d.Sessions.PutSession(t.Context(), address, []byte("x")))
		must(t, d.Identities.PutIdentity(t.Context(), address, [32]byte{1}))
	}
	must(t, d.Sessions.DeleteSession(t.Context(), "123_1:0"))
	must(t, d.Identities.DeleteIdentity(t.Context(), "123_1:0"))
	if n := p.rows(`SELECT COUNT(*) FROM auth_data WHERE key LIKE 'session-%' OR key LIKE 'identity-key-%'`); n != 4 {
		t.Errorf("%d rows are left, want 4", n)
	}
}

func TestIdentities(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	for _, c := range []struct {
		name string
		do   func() error
		key  [32]byte
		want bool
	}{
		{"unknown is trusted", func() error { return nil }, [32]byte{1}, true},
		{"the same is trusted", func() error { return d.Identities.PutIdentity(t.Context(), "5_1:0", [32]byte{1}) }, [32]byte{1}, true},
		{"another is not", func() error { return nil }, [32]byte{2}, false},
		{"replaced", func() error { return d.Identities.PutIdentity(t.Context(), "5_1:0", [32]byte{2}) }, [32]byte{2}, true},
	} {
		must(t, c.do())
		if got := get(d.Identities.IsTrustedIdentity(t.Context(), "5_1:0", c.key))(t); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
	before := p.commits()
	must(t, d.Identities.PutIdentity(t.Context(), "5_1:0", [32]byte{2}))
	if p.commits() != before {
		t.Error("writing what is there already cost a commit")
	}
}

func TestManySessions(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	put := make(map[string][]byte)
	var asked []string
	for i := range 1500 {
		asked = append(asked, fmt.Sprintf("%d_1:0", i))
		if i%2 == 0 {
			put[asked[i]] = fmt.Appendf(nil, `{"SessionState":null,"n":%d}`, i)
		}
	}
	put["bytes_1:0"] = []byte{0, 255, '{'}
	asked = append(asked, "bytes_1:0")
	must(t, d.Sessions.PutManySessions(t.Context(), put))
	for _, round := range []string{"cached", "read"} {
		got := get(d.Sessions.GetManySessions(t.Context(), asked))(t)
		if len(got) != len(asked) {
			t.Errorf("%s: %d addresses came back, want %d", round, len(got), len(asked))
		}
		found := maps.Collect(func(yield func(string, []byte) bool) {
			for address, record := range got {
				if record != nil && !yield(address, record) {
					return
				}
			}
		})
		if !maps.EqualFunc(found, put, func(a, b []byte) bool { return string(a) == string(b) }) {
			t.Errorf("%s: not what was written", round)
		}
		d = p.device("one")
	}
	if got := get(d.Sessions.GetManySessions(t.Context(), nil))(t); len(got) != 0 {
		t.Errorf("asked for nothing, got %v", got)
	}
}

func TestManySessionsAllOrNone(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	ctx, release := d.SendContext(t.Context())
	defer release()
	d.stores.work(ctx).stage(func(b *batch) {
		b.run(func(*store.Tx) error { return errors.New("the last statement fails") })
	})
	must(t, d.Sessions.PutManySessions(ctx, map[string][]byte{"1_1:0": {1}, "2_1:0": {2}}))
	if mark, _ := d.Mark(); d.Wait(mark) == nil {
		t.Fatal("what depends on them would leave")
	}
	if n := p.rows(`SELECT COUNT(*) FROM auth_data WHERE key LIKE 'session-%'`); n != 0 {
		t.Errorf("%d sessions were written", n)
	}
	if value, _, _ := d.stores.cache.get(sessionKey("1_1:0")); value != nil {
		t.Error("the cache changed without a commit")
	}
}

func TestOverlay(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	address, boom := "5_1:0", errors.New("boom")
	must(t, d.Sessions.PutSession(t.Context(), address, []byte("old")))
	runs := 0
	decrypt := func(result error) func(context.Context) error {
		return func(ctx context.Context) error {
			runs++
			if got := get(d.Sessions.GetSession(ctx, address))(t); string(got) != "old" {
				t.Errorf("run %d starts with %q", runs, got)
			}
			must(t, d.Sessions.PutSession(ctx, address, []byte("new")))
			must(t, d.Sessions.PutManySessions(ctx, map[string][]byte{"6_1:0": []byte("six")}))
			must(t, d.Identities.PutIdentity(ctx, address, [32]byte{9}))
			must(t, d.SenderKeys.PutSenderKey(ctx, "g@g.us", address, []byte("key")))
			must(t, d.EventBuffer.PutBufferedEvent(ctx, [32]byte{7}, []byte("text"), time.Unix(5, 0)))
			if got := get(d.Sessions.GetSession(ctx, address))(t); string(got) != "new" {
				t.Errorf("its own write reads as %q", got)
			}
			if ok := get(d.Identities.IsTrustedIdentity(ctx, address, [32]byte{8}))(t); ok {
				t.Error("its own identity is not seen")
			}
			if got := get(d.SenderKeys.GetSenderKey(ctx, "g@g.us", address))(t); string(got) != "key" {
				t.Errorf("its own sender key reads as %q", got)
			}
			if e := get(d.EventBuffer.GetBufferedEvent(ctx, [32]byte{7}))(t); e == nil || string(e.Plaintext) != "text" || e.ServerTime.Unix() != 5 {
				t.Errorf("its own event reads as %+v", e)
			}
			return result
		}
	}
	if err := d.EventBuffer.DoDecryptionTxn(t.Context(), decrypt(boom)); !errors.Is(err, boom) {
		t.Fatalf("got %v", err)
	}
	if n := p.rows(`SELECT COUNT(*) FROM event_buffer`); n != 0 {
		t.Error("a failed decryption was written")
	}
	before := p.commits()
	must(t, d.EventBuffer.DoDecryptionTxn(t.Context(), decrypt(nil)))
	if got := get(d.Sessions.GetSession(t.Context(), address))(t); string(got) != "new" {
		t.Errorf("after the decryption: %q", got)
	}
	must(t, d.EventBuffer.ClearBufferedEventPlaintext(t.Context(), [32]byte{7}))
	if n := p.commits() - before; n != 1 {
		t.Errorf("a decryption costs %d commits", n)
	}
	d = p.device("one")
	if got := get(d.Sessions.GetSession(t.Context(), address))(t); string(got) != "new" {
		t.Errorf("after the commit: %q", got)
	}
}

func TestSendStagesUntilTheRatchet(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	before := p.commits()
	ctx, release := d.SendContext(t.Context())
	must(t, d.EventBuffer.AddOutgoingEvent(ctx, lidJID("5"), "ID", "wa", []byte("text")))
	must(t, d.MsgSecrets.PutMessageSecret(ctx, lidJID("5"), d.LID, "ID", []byte("secret")))
	must(t, d.Identities.PutIdentity(ctx, "5_1:0", [32]byte{1}))
	if secret, sender, err := d.MsgSecrets.GetMessageSecret(ctx, lidJID("5"), d.LID, "ID"); err != nil || string(secret) != "secret" || sender != d.LID.ToNonAD() {
		t.Errorf("the staged secret: %q %v %v", secret, sender, err)
	}
	if p.commits() != before {
		t.Error("something was committed early")
	}
	get(d.Sessions.GetManySessions(ctx, []string{"5_1:0"}))(t)
	must(t, d.Sessions.PutManySessions(ctx, map[string][]byte{"5_1:0": []byte("r")}))
	if n := p.commits() - before; n != 1 {
		t.Errorf("%d commits, want 1", n)
	}
	if n := p.rows(`SELECT (SELECT COUNT(*) FROM outgoing_events) + (SELECT COUNT(*) FROM message_secrets)
		+ (SELECT COUNT(*) FROM auth_data WHERE key IN ('session-5_1:0', 'identity-key-5_1:0'))`); n != 4 {
		t.Errorf("%d of 4 rows are on disk before the message leaves", n)
	}
	release()
	release() // twice does no harm
	if n := p.commits() - before; n != 1 {
		t.Errorf("%d commits after the release, want 1", n)
	}
}

// TestSendWithoutMove is a send in which nothing was encrypted: whatsmeow never
// calls PutManySessions then, and the lock must come back all the same.
func TestSendWithoutMove(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	for _, c := range []struct {
		name string
		end  func(ctx context.Context, release func())
	}{
		{"asked for the token", func(ctx context.Context, _ func()) { get(d.PrivacyTokens.GetPrivacyToken(ctx, lidJID("5")))(t) }},
		{"released", func(_ context.Context, release func()) { release() }},
	} {
		ctx, release := d.SendContext(t.Context())
		must(t, d.EventBuffer.AddOutgoingEvent(ctx, lidJID("5"), c.name, "wa", []byte("text")))
		get(d.Sessions.GetManySessions(ctx, []string{"5_1:0"}))(t)
		blocked, cancel := context.WithCancel(t.Context())
		cancel()
		if err := d.EventBuffer.DoDecryptionTxn(blocked, func(context.Context) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: a decryption ran within the send: %v", c.name, err)
		}
		c.end(ctx, release)
		must(t, d.EventBuffer.DoDecryptionTxn(t.Context(), func(context.Context) error { return nil }))
		if n := p.rows(`SELECT COUNT(*) FROM outgoing_events WHERE messageId = ?`, c.name); n != 1 {
			t.Errorf("%s: what was staged is not on disk", c.name)
		}
		release()
	}
}

func TestLeaseEnds(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	d.stores.ratchet.lease = time.Millisecond
	get(d.Sessions.GetSession(t.Context(), "5_1:0"))(t) // and never a PutSession
	must(t, d.EventBuffer.DoDecryptionTxn(t.Context(), func(context.Context) error { return nil }))
	must(t, d.Sessions.PutSession(t.Context(), "5_1:0", []byte("late")))
}

func TestWaitingForTheLockEndsWithTheContext(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	faults := countFaults(d)
	ctx, release := d.SendContext(t.Context())
	get(d.Sessions.GetManySessions(ctx, []string{"5_1:0"}))(t)
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := d.Sessions.GetSession(short, "5_1:0"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the end of the context", err)
	}
	release()
	if faults() != 0 {
		t.Error("taken for a fault")
	}
}
