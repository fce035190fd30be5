package phone

import (
	"errors"
	"testing"

	"go.mau.fi/whatsmeow/types"
)

var testGroup = types.NewJID("120363000000000001", types.GroupServer)

// say lets one end write to a group and returns the message with the keys for those who lack it.
func (e *end) say(t *testing.T, text string, members ...*end) ForGroup {
	t.Helper()
	var devices []types.JID
	for _, m := range members {
		devices = append(devices, device(m.phone, 0))
	}
	out, err := e.phone.EncryptGroup(testGroup, devices, []byte(text))
	if err != nil {
		t.Fatalf("encrypt %s: %v", text, err)
	}
	e.disk.save(e.phone)
	return out
}

// hear takes the key, when there is one for this end, and the message.
func (e *end) hear(t *testing.T, from *end, m ForGroup) (string, error) {
	t.Helper()
	for _, lacking := range m.Lacking {
		if lacking == device(e.phone, 0) {
			if err := e.phone.TakeGroupKey(testGroup, device(from.phone, 0), m.Key); err != nil {
				t.Fatal(err)
			}
		}
	}
	plain, err := e.phone.DecryptGroup(testGroup, device(from.phone, 0), m.Data)
	e.disk.save(e.phone)
	return string(plain), err
}

func TestGroupKeys(t *testing.T) {
	a, b, c := newEnd(t, "1", "11"), newEnd(t, "2", "22"), newEnd(t, "3", "33")
	expect := func(e *end, m ForGroup, text string, lacking int) {
		t.Helper()
		if got, err := e.hear(t, a, m); got != text || err != nil || len(m.Lacking) != lacking {
			t.Errorf("%s: got %q, %v, %d lacking", text, got, err, len(m.Lacking))
		}
	}
	first := a.say(t, "first", b)
	expect(b, first, "first", 1)
	a.reload(t)
	b.reload(t)
	expect(b, a.say(t, "after a restart", b), "after a restart", 0)

	joined := a.say(t, "c is here", b, c)
	expect(c, joined, "c is here", 1)
	if _, err := c.hear(t, a, first); !errors.Is(err, ErrOldCounter) {
		t.Errorf("a new member reads what was before: %v", err)
	}
	expect(b, joined, "c is here", 1)
	if _, err := b.hear(t, a, joined); !errors.Is(err, ErrDuplicate) {
		t.Errorf("a repeat gives %v", err)
	}

	after := a.say(t, "c is gone", b)
	expect(b, after, "c is gone", 1)
	if _, err := c.hear(t, a, after); !errors.Is(err, ErrNoSenderKey) {
		t.Errorf("who is gone reads on: %v", err)
	}

	a.phone.ForgetGroupKey(testGroup, device(b.phone, 0))
	expect(b, a.say(t, "again with the key", b), "again with the key", 1)
}

func TestGroupRefuses(t *testing.T) {
	a, b, c := newEnd(t, "1", "11"), newEnd(t, "2", "22"), newEnd(t, "3", "33")
	m := a.say(t, "signed", b)
	if err := c.phone.TakeGroupKey(types.NewJID("1", types.GroupServer), device(a.phone, 0), m.Key); !errors.Is(err, ErrMalformed) {
		t.Errorf("the key of another group was taken: %v", err)
	}
	forged := m
	forged.Data = append([]byte{}, m.Data...)
	forged.Data[len(forged.Data)-1] ^= 1
	if _, err := b.hear(t, a, forged); !errors.Is(err, ErrBadSender) {
		t.Errorf("a forged message gives %v", err)
	}
	for n := range m.Data {
		if _, err := b.phone.DecryptGroup(testGroup, device(a.phone, 0), m.Data[:n]); err == nil {
			t.Errorf("%d bytes of a message were taken", n)
		}
	}
	if got, err := b.hear(t, a, m); got != "signed" || err != nil {
		t.Errorf("after the forgeries: %q, %v", got, err)
	}
	if key, counter, ok := SenderKeyUse(m.Data); len(key) != 4 || counter != 0 || !ok {
		t.Errorf("the use of the key is %x %d %v", key, counter, ok)
	}
}
