package signal

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.mau.fi/libsignal/ecc"
	"go.mau.fi/libsignal/groups"
	"go.mau.fi/libsignal/keys/identity"
	"go.mau.fi/libsignal/keys/prekey"
	"go.mau.fi/libsignal/protocol"
	libsession "go.mau.fi/libsignal/session"
	"go.mau.fi/libsignal/util/optional"
	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/keys"
)

// person is a device that talks as whatsmeow's client does, step for step, but
// without a server.
type person struct {
	t testing.TB
	*Device
	sendLock sync.Mutex // whatsmeow's messageSendLock
	sent     int
}

func (p *person) address() *protocol.SignalAddress { return p.LID.SignalAddress() }

var serial = wastore.SignalProtobufSerializer

// bundle makes what the server hands out of a person's keys.
func (p *person) bundle() *prekey.Bundle {
	p.t.Helper()
	list := get(p.PreKeys.GetOrGenPreKeys(p.t.Context(), 1))(p.t)
	must(p.t, p.PreKeys.MarkPreKeysAsUploaded(p.t.Context(), list[0].KeyID))
	return bundleOf(p.Device, list[0])
}

func bundleOf(d *Device, k *keys.PreKey) *prekey.Bundle {
	return prekey.NewBundle(d.RegistrationID, uint32(d.ID.Device), optional.NewOptionalUint32(k.KeyID), d.SignedPreKey.KeyID,
		ecc.NewDjbECPublicKey(*k.Pub), ecc.NewDjbECPublicKey(*d.SignedPreKey.Pub), *d.SignedPreKey.Signature,
		identity.NewKey(ecc.NewDjbECPublicKey(*d.IdentityKey.Pub)))
}

// send does what SendMessage does in a direct message. bundle may be nil.
func (p *person) send(ctx context.Context, to *person, text string, bundle *prekey.Bundle) (protocol.CiphertextMessage, error) {
	ctx, release := p.SendContext(ctx)
	defer release()
	p.sendLock.Lock()
	defer p.sendLock.Unlock()
	p.sent++
	chat, id := to.LID.ToNonAD(), fmt.Sprint("MSG", p.sent)
	if err := p.EventBuffer.AddOutgoingEvent(ctx, chat, id, "wa", []byte(text)); err != nil {
		return nil, err
	}
	if err := p.EventBuffer.DeleteOldOutgoingEvents(ctx); err != nil {
		return nil, err
	}
	if err := p.MsgSecrets.PutMessageSecret(ctx, chat, p.LID, id, []byte("secret of "+id)); err != nil {
		return nil, err
	}
	_, cached, err := p.WithCachedSessions(ctx, []string{to.address().String()})
	if err != nil {
		return nil, err
	}
	message, err := p.encrypt(cached, to, text, bundle)
	if err != nil {
		return nil, err
	}
	if err := p.PutCachedSessions(cached); err != nil {
		return nil, err
	}
	_, err = p.PrivacyTokens.GetPrivacyToken(ctx, chat)
	return message, err
}

// encrypt does what encryptMessageForDevice does, which is also what answers a
// retry receipt, then without a context of ours.
func (p *person) encrypt(ctx context.Context, to *person, text string, bundle *prekey.Bundle) (protocol.CiphertextMessage, error) {
	builder := libsession.NewBuilderFromSignal(p.Device.Device, to.address(), serial)
	if bundle != nil {
		if err := builder.ProcessBundle(ctx, bundle); err != nil {
			return nil, err
		}
	}
	return libsession.NewCipher(builder, to.address()).Encrypt(ctx, []byte(text))
}

var errHandled = errors.New("handled before")

// receive does what decryptMessages does, up to the ack.
func (p *person) receive(ctx context.Context, from *person, message protocol.CiphertextMessage) (string, error) {
	hash := sha256.Sum256(message.Serialize())
	buffered, err := p.EventBuffer.GetBufferedEvent(ctx, hash)
	if err != nil {
		return "", err
	}
	var text []byte
	if buffered != nil {
		if text = buffered.Plaintext; text == nil {
			return "", errHandled
		}
	} else if text, err = p.decrypt(ctx, from, message, hash); err != nil {
		return "", err
	}
	if err := p.MsgSecrets.PutMessageSecret(ctx, from.LID, from.LID, string(text), []byte("s")); err != nil {
		return "", err
	}
	return string(text), p.EventBuffer.ClearBufferedEventPlaintext(ctx, hash)
}

func (p *person) decrypt(ctx context.Context, from *person, message protocol.CiphertextMessage, hash [32]byte) (text []byte, err error) {
	cipher := libsession.NewCipher(libsession.NewBuilderFromSignal(p.Device.Device, from.address(), serial), from.address())
	err = p.EventBuffer.DoDecryptionTxn(ctx, func(ctx context.Context) (err error) {
		if message.Type() == protocol.PREKEY_TYPE {
			parsed, err := protocol.NewPreKeySignalMessageFromBytes(message.Serialize(), serial.PreKeySignalMessage, serial.SignalMessage)
			if err != nil {
				return err
			}
			text, err = cipher.DecryptMessage(ctx, parsed)
			if err != nil {
				return err
			}
			return p.EventBuffer.PutBufferedEvent(ctx, hash, text, time.Now())
		}
		parsed, err := protocol.NewSignalMessageFromBytes(message.Serialize(), serial.SignalMessage)
		if err != nil {
			return err
		}
		if text, err = cipher.Decrypt(ctx, parsed); err != nil {
			return err
		}
		return p.EventBuffer.PutBufferedEvent(ctx, hash, text, time.Now())
	})
	return text, err
}

// couple is two people with a session, each side having sent and received.
func couple(t testing.TB, p *place) (ada, bob *person) {
	t.Helper()
	ada = &person{t: t, Device: p.paired("ada", "49151", "1001")}
	bob = &person{t: t, Device: p.paired("bob", "49152", "1002")}
	m := get(ada.send(t.Context(), bob, "hello", bob.bundle()))(t)
	if got := get(bob.receive(t.Context(), ada, m))(t); got != "hello" {
		t.Fatalf("bob got %q", got)
	}
	m = get(bob.send(t.Context(), ada, "hello ada", nil))(t)
	if got := get(ada.receive(t.Context(), bob, m))(t); got != "hello ada" {
		t.Fatalf("ada got %q", got)
	}
	return ada, bob
}

func TestTalk(t *testing.T) {
	p := newPlace(t)
	ada, bob := couple(t, p)
	if n := get(bob.PreKeys.UploadedPreKeyCount(t.Context()))(t); n != 0 {
		t.Errorf("bob still has %d pre-keys, the one used should be gone", n)
	}
	m := get(ada.send(t.Context(), bob, "again", nil))(t)
	get(bob.receive(t.Context(), ada, m))(t)
	if _, err := bob.receive(t.Context(), ada, m); !errors.Is(err, errHandled) {
		t.Errorf("a repeat: got %v, want handled", err)
	}
	p.reopen()
	ada.Device, bob.Device = p.device("ada"), p.device("bob")
	m = get(ada.send(t.Context(), bob, "after the restart", nil))(t)
	if got := get(bob.receive(t.Context(), ada, m))(t); got != "after the restart" {
		t.Errorf("got %q", got)
	}
	format, text, err := ada.EventBuffer.GetOutgoingEvent(t.Context(), types.EmptyJID, bob.LID, fmt.Sprint("MSG", ada.sent))
	if err != nil || format != "wa" || string(text) != "after the restart" {
		t.Errorf("the copy for retries: %q %q %v", format, text, err)
	}
}

// TestCommits holds the price of a message in commits, which are fsyncs.
func TestCommits(t *testing.T) {
	p := newPlace(t)
	ada, bob := couple(t, p)
	before := p.commits()
	m := get(ada.send(t.Context(), bob, "text", nil))(t)
	if n := p.commits() - before; n != 1 {
		t.Errorf("a sent text costs %d commits, want 1", n)
	}
	before = p.commits()
	get(bob.receive(t.Context(), ada, m))(t)
	if n := p.commits() - before; n != 1 {
		t.Errorf("a received text costs %d commits, want 1", n)
	}
}

func (p *place) commits() int { return p.rows(`SELECT commits FROM epoch`) }

// TestDuplex lets two people write to each other at the same time, while both
// also answer retry receipts and move contacts, and counts what arrives.
func TestDuplex(t *testing.T) {
	const each = 300
	p := newPlace(t)
	ada, bob := couple(t, p)
	faults := []func() int{countFaults(ada.Device), countFaults(bob.Device)}
	var group sync.WaitGroup
	for _, pair := range [][2]*person{{ada, bob}, {bob, ada}} {
		from, to := pair[0], pair[1]
		wire := make(chan protocol.CiphertextMessage, 2*each)
		var writers sync.WaitGroup
		writers.Go(func() {
			for i := range each {
				if m, err := from.send(t.Context(), to, fmt.Sprint("s", i), nil); err == nil {
					wire <- m
				} else {
					t.Errorf("send: %v", err)
				}
			}
		})
		writers.Go(func() {
			for i := range each {
				if m, err := from.encrypt(t.Context(), to, fmt.Sprint("r", i), nil); err == nil {
					wire <- m
				} else {
					t.Errorf("retry: %v", err)
				}
			}
		})
		writers.Go(func() {
			for i := range each / 10 {
				pn := pnJID(fmt.Sprint(700 + i))
				if err := from.Sessions.MigratePNToLID(t.Context(), pn, lidJID(fmt.Sprint(800+i))); err != nil {
					t.Errorf("migrate: %v", err)
				}
			}
		})
		group.Go(func() { writers.Wait(); close(wire) })
		group.Go(func() {
			got := make(map[string]bool)
			for m := range wire {
				text, err := to.receive(t.Context(), from, m)
				if err != nil {
					t.Errorf("receive: %v", err)
				}
				got[text] = true
			}
			if len(got) != 2*each {
				t.Errorf("%d of %d messages arrived", len(got), 2*each)
			}
		})
	}
	group.Wait()
	for _, n := range faults {
		if n() != 0 {
			t.Error("a fault in the middle of it")
		}
	}
}

// TestForkedRetry lets a retry receipt's answer lose its lease, and a send move
// the ratchet meanwhile: its write must fail, and not be acked.
func TestForkedRetry(t *testing.T) {
	p := newPlace(t)
	ada, bob := couple(t, p)
	ada.stores.ratchet.lease = time.Millisecond
	address := bob.address().String()
	old := get(ada.Sessions.GetSession(t.Context(), address))(t)
	m := get(ada.send(t.Context(), bob, "in between", nil))(t) // waits for the lease to end
	get(bob.receive(t.Context(), ada, m))(t)

	builder := libsession.NewBuilderFromSignal(&staleStore{ada.Device.Device, old}, bob.address(), serial)
	_, err := libsession.NewCipher(builder, bob.address()).Encrypt(t.Context(), []byte("forked"))
	if !errors.Is(err, errForked) || !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want a fork that is left unacked", err)
	}
	m = get(ada.send(t.Context(), bob, "goes on", nil))(t)
	if got := get(bob.receive(t.Context(), ada, m))(t); got != "goes on" {
		t.Errorf("got %q", got)
	}
}

func TestGroup(t *testing.T) {
	p := newPlace(t)
	ada, bob := couple(t, p)
	group := types.JID{User: "120363", Server: types.GroupServer}
	name := protocol.NewSenderKeyName(group.String(), ada.address())
	ctx, release := ada.SendContext(t.Context())
	defer release()
	builder := groups.NewGroupSessionBuilder(ada.Device.Device, serial)
	key := get(builder.Create(ctx, name))(t)
	first := get(groups.NewGroupCipher(builder, name, ada.Device.Device).Encrypt(ctx, []byte("one")))(t)
	second := get(groups.NewGroupCipher(builder, name, ada.Device.Device).Encrypt(ctx, []byte("two")))(t)

	// The key comes with a direct message; it waits for that message's Clear.
	m := get(ada.send(t.Context(), bob, "key", nil))(t)
	hash := sha256.Sum256(m.Serialize())
	get(bob.decrypt(t.Context(), ada, m, hash))(t)
	theirs := groups.NewGroupSessionBuilder(bob.Device.Device, serial)
	before := p.commits()
	must(t, theirs.Process(t.Context(), name, get(protocol.NewSenderKeyDistributionMessageFromBytes(key.Serialize(), serial.SenderKeyDistributionMessage))(t)))
	if p.commits() != before {
		t.Error("the sender key of a message being handled had a commit of its own")
	}
	must(t, bob.EventBuffer.ClearBufferedEventPlaintext(t.Context(), hash))
	p.reopen()
	bob.Device = p.device("bob")
	for i, text := range []string{"one", "two"} {
		theirs = groups.NewGroupSessionBuilder(bob.Device.Device, serial)
		cipher := groups.NewGroupCipher(theirs, name, bob.Device.Device)
		raw := [][]byte{first.SignedSerialize(), second.SignedSerialize()}[i]
		parsed := get(protocol.NewSenderKeyMessageFromBytes(raw, serial.SenderKeyMessage))(t)
		must(t, bob.EventBuffer.DoDecryptionTxn(t.Context(), func(ctx context.Context) error {
			got, err := cipher.Decrypt(ctx, parsed)
			if string(got) != text {
				t.Errorf("got %q, want %q", got, text)
			}
			return err
		}))
	}
}
