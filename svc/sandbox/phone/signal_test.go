package phone

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// end is one side of a conversation, with its disk.
type end struct {
	phone *Phone
	disk  disk
}

func newEnd(t *testing.T, number, lid string) *end {
	e := &end{phone: newPhone(t, number, lid), disk: disk{}}
	e.disk.save(e.phone)
	return e
}

func (e *end) reload(t *testing.T) {
	e.disk.save(e.phone)
	e.phone = e.disk.load(t)
}

func (e *end) send(t *testing.T, to *end, text string) Encrypted {
	t.Helper()
	var bundle *Bundle
	if !e.phone.HasSession(device(to.phone, 0)) {
		b, err := to.phone.Bundle()
		if err != nil {
			t.Fatal(err)
		}
		to.disk.save(to.phone)
		bundle = &b
	}
	enc, err := e.phone.Encrypt(device(to.phone, 0), []byte(text), bundle)
	if err != nil {
		t.Fatalf("encrypt %s: %v", text, err)
	}
	e.disk.save(e.phone)
	return enc
}

func (e *end) receive(from *end, enc Encrypted) (string, error) {
	plain, err := e.phone.Decrypt(device(from.phone, 0), enc.Type, enc.Data)
	e.disk.save(e.phone)
	return string(plain), err
}

// TestDuplex sends 500 messages each way, in bursts, out of order, some lost, some repeated, both
// sides beginning at once, each side restarted in between.
func TestDuplex(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	ends := [2]*end{newEnd(t, "1", "11"), newEnd(t, "2", "22")}
	type flying struct {
		text string
		enc  Encrypted
	}
	var air [2][]flying // by receiver
	got := [2]map[string]int{{}, {}}
	deliver := func(to int) {
		batch := air[to]
		air[to] = nil
		rng.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
		for _, f := range batch {
			text, err := ends[to].receive(ends[1-to], f.enc)
			if err != nil || text != f.text {
				t.Fatalf("to %d: %q, want %q, %v", to, text, f.text, err)
			}
			got[to][text]++
			if rng.IntN(10) == 0 {
				if _, err := ends[to].receive(ends[1-to], f.enc); !errors.Is(err, ErrDuplicate) {
					t.Fatalf("a repeat: %v", err)
				}
			}
		}
	}
	lost := 0
	for n := range 500 {
		for from := range 2 {
			text := fmt.Sprintf("%d says %d %s", from, n, strings.Repeat("x", rng.IntN(40)))
			enc := ends[from].send(t, ends[1-from], text)
			if n > 2 && rng.IntN(20) == 0 {
				lost++
				continue
			}
			air[1-from] = append(air[1-from], flying{text, enc})
		}
		if rng.IntN(8) == 0 {
			deliver(rng.IntN(2))
		}
		if rng.IntN(50) == 0 {
			ends[rng.IntN(2)].reload(t)
		}
	}
	deliver(0)
	deliver(1)
	if total := len(got[0]) + len(got[1]) + lost; total != 1000 {
		t.Errorf("%d messages came or were lost, want 1000", total)
	}
	for key := range ends[0].disk {
		if strings.HasPrefix(key, "prekey/") {
			t.Errorf("a used pre-key is still there: %s", key)
		}
	}
}

func TestDecryptErrors(t *testing.T) {
	a, b := newEnd(t, "1", "11"), newEnd(t, "2", "22")
	first := a.send(t, b, "first")
	if first.Type != TypePreKey {
		t.Fatalf("the first message has type %s", first.Type)
	}
	if _, err := b.receive(a, Encrypted{Type: "skmsg", Data: first.Data}); !errors.Is(err, ErrMalformed) {
		t.Errorf("an unknown type: %v", err)
	}
	if text, err := b.receive(a, first); text != "first" || err != nil {
		t.Fatalf("got %q, %v", text, err)
	}
	if _, err := b.receive(a, first); !errors.Is(err, ErrDuplicate) {
		t.Errorf("a repeat: %v", err)
	}
	if text, err := a.receive(b, b.send(t, a, "answer")); text != "answer" || err != nil {
		t.Fatalf("got %q, %v", text, err)
	}
	second := a.send(t, b, "second")
	if second.Type != TypeMessage {
		t.Errorf("after an answer the type is still %s", second.Type)
	}
	for _, i := range []int{0, 1, 10, len(second.Data) - 1} {
		damaged := Encrypted{Type: second.Type, Data: bytes.Clone(second.Data)}
		damaged.Data[i] ^= 0x81
		if _, err := b.receive(a, damaged); err == nil {
			t.Errorf("byte %d changed: it decrypts", i)
		}
	}
	damaged := Encrypted{Type: second.Type, Data: bytes.Clone(second.Data)}
	damaged.Data[len(damaged.Data)-1] ^= 1
	if _, err := b.receive(a, damaged); !errors.Is(err, ErrBadMAC) {
		t.Errorf("a damaged MAC: %v", err)
	}
	if text, err := b.receive(a, second); text != "second" || err != nil {
		t.Errorf("after damaged ones: %q, %v", text, err)
	}
	stranger := newEnd(t, "3", "33")
	if _, err := stranger.receive(a, second); !errors.Is(err, ErrNoSession) {
		t.Errorf("a stranger: %v", err)
	}
	if _, err := stranger.receive(a, first); !errors.Is(err, ErrNoPreKey) {
		t.Errorf("a pre-key that is not ours: %v", err)
	}
	if _, err := stranger.phone.Encrypt(device(a.phone, 0), []byte("x"), nil); !errors.Is(err, ErrNoSession) {
		t.Errorf("encrypt without a session: %v", err)
	}
	if stranger.phone.Changes() != nil {
		t.Error("what failed left traces")
	}
}

func TestFailureLeavesNoTrace(t *testing.T) {
	a, b := newEnd(t, "1", "11"), newEnd(t, "2", "22")
	first := a.send(t, b, "first")
	damaged := Encrypted{Type: first.Type, Data: bytes.Clone(first.Data)}
	damaged.Data[len(damaged.Data)-2] ^= 1
	before := len(b.disk)
	if _, err := b.receive(a, damaged); err == nil {
		t.Fatal("a damaged first message decrypts")
	}
	if len(b.disk) != before || b.phone.HasSession(device(a.phone, 0)) {
		t.Error("a damaged first message left a session")
	}
	if text, err := b.receive(a, first); text != "first" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
}

// TestReusedCounter puts an older copy of the sender's records back, as a bare .db file put back
// over a newer one does.
func TestReusedCounter(t *testing.T) {
	a, b := newEnd(t, "1", "11"), newEnd(t, "2", "22")
	for range 3 {
		if _, err := b.receive(a, a.send(t, b, "hello")); err != nil {
			t.Fatal(err)
		}
		if _, err := a.receive(b, b.send(t, a, "hello")); err != nil {
			t.Fatal(err)
		}
	}
	backup := disk{}
	for key, value := range a.disk {
		backup[key] = value
	}
	if _, err := b.receive(a, a.send(t, b, "after the backup")); err != nil {
		t.Fatal(err)
	}
	b.reload(t)
	a.disk = backup
	a.phone = a.disk.load(t)
	if _, err := b.receive(a, a.send(t, b, "again")); !errors.Is(err, ErrReused) {
		t.Errorf("a used counter: %v", err)
	}
}

func TestOldCounter(t *testing.T) {
	a, b := newEnd(t, "1", "11"), newEnd(t, "2", "22")
	first := a.send(t, b, "first")
	if _, err := b.receive(a, first); err != nil {
		t.Fatal(err)
	}
	b.phone.seen = map[string]*seen{} // as if 2,048 others had come since
	if _, err := b.receive(a, first); !errors.Is(err, ErrOldCounter) {
		t.Errorf("got %v", err)
	}
}

func TestSeenForgetsTheOldest(t *testing.T) {
	s, records := newSeen(), newRecords(map[string][]byte{})
	name := func(n int) mark { return mark{byte(n), byte(n >> 8)} }
	for n := range seenSize + 3 {
		key, value := s.add("a:0", name(n+1), imprint{1})
		records.put(key, value)
	}
	loaded := loadSeen(records)["a:0"]
	for _, side := range []*seen{s, loaded} {
		if err := side.check(name(3), imprint{2}); err != nil {
			t.Errorf("the third is remembered: %v", err)
		}
		if err := side.check(name(4), imprint{2}); !errors.Is(err, ErrReused) {
			t.Errorf("the fourth: %v", err)
		}
		if len(side.prints) != seenSize || side.next != seenSize+3 {
			t.Errorf("%d remembered, next %d", len(side.prints), side.next)
		}
	}
}

func TestNewSessionByBundle(t *testing.T) {
	a, b := newEnd(t, "1", "11"), newEnd(t, "2", "22")
	if _, err := b.receive(a, a.send(t, b, "one")); err != nil {
		t.Fatal(err)
	}
	old := b.send(t, a, "on its way")
	bundle, err := b.phone.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	enc, err := a.phone.Encrypt(device(b.phone, 0), []byte("two"), &bundle)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := b.receive(a, enc); text != "two" || err != nil {
		t.Errorf("the new session: %q, %v", text, err)
	}
	if text, err := a.receive(b, old); text != "on its way" || err != nil {
		t.Errorf("the old session: %q, %v", text, err)
	}
	a.phone.DropSession(device(b.phone, 0))
	if a.phone.HasSession(device(b.phone, 0)) {
		t.Error("the session is still there")
	}
	bundle.Signed.Signature[3] ^= 1
	if _, err := a.phone.Encrypt(device(b.phone, 0), []byte("x"), &bundle); !errors.Is(err, ErrMalformed) {
		t.Errorf("a forged bundle: %v", err)
	}
}

func TestBundleWithoutOneTimeKey(t *testing.T) {
	a, b := newEnd(t, "1", "11"), newEnd(t, "2", "22")
	bundle, err := b.phone.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	bundle.OneTime = nil
	enc, err := a.phone.Encrypt(device(b.phone, 0), []byte("hello"), &bundle)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := b.receive(a, enc); text != "hello" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
	identity, ok := b.phone.SenderIdentity(device(a.phone, 0))
	if !ok || identity != a.phone.Identity() {
		t.Errorf("sender identity %x, %v", identity, ok)
	}
}

func TestChangesAreSmall(t *testing.T) {
	a, b := newEnd(t, "1", "11"), newEnd(t, "2", "22")
	for range 10 {
		if _, err := b.receive(a, a.send(t, b, "hello")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.phone.Encrypt(device(b.phone, 0), []byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	if changed := a.phone.Changes(); len(changed) != 1 {
		t.Errorf("sending changed %d records", len(changed))
	}
	enc := a.send(t, b, "y")
	if _, err := b.phone.Decrypt(device(a.phone, 0), enc.Type, enc.Data); err != nil {
		t.Fatal(err)
	}
	if changed := b.phone.Changes(); len(changed) != 2 {
		t.Errorf("receiving changed %d records", len(changed))
	}
}

func TestPadding(t *testing.T) {
	p := newPhone(t, "1", "2")
	for n := range 40 {
		plain := bytes.Repeat([]byte{9}, n)
		padded, err := p.pad(plain)
		if err != nil {
			t.Fatal(err)
		}
		got, err := unpad(padded)
		if err != nil || !bytes.Equal(got, plain) || len(padded) == len(plain) {
			t.Errorf("%d bytes: %x, %v", n, got, err)
		}
	}
	for _, padded := range [][]byte{nil, {0}, {2}, {5, 5, 5}} {
		if _, err := unpad(padded); !errors.Is(err, ErrMalformed) {
			t.Errorf("%x: %v", padded, err)
		}
	}
}

func FuzzDecrypt(f *testing.F) {
	a, b := newPhone(f, "1", "11"), newPhone(f, "2", "22")
	bundle, err := b.Bundle()
	if err != nil {
		f.Fatal(err)
	}
	for _, n := range []int{0, 1} {
		enc, err := a.Encrypt(device(b, 0), []byte("hello"), &bundle)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(n == 0, enc.Data)
	}
	f.Add(false, []byte{})
	f.Add(true, []byte{0x33})
	f.Fuzz(func(t *testing.T, first bool, data []byte) {
		kind := TypeMessage
		if first {
			kind = TypePreKey
		}
		_, _ = b.Decrypt(device(a, 0), kind, data)
	})
}
