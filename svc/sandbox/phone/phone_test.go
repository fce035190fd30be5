package phone

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"os"
	"testing"
	"time"

	"go.mau.fi/libsignal/logger"
	"go.mau.fi/whatsmeow/types"
)

// silent keeps libsignal from printing what these tests provoke.
type silent struct{}

func (silent) Debug(string, string)   {}
func (silent) Info(string, string)    {}
func (silent) Warning(string, string) {}
func (silent) Error(string, string)   {}
func (silent) Configure(string)       {}

func TestMain(m *testing.M) {
	logger.Logger = silent{}
	os.Exit(m.Run())
}

func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// stream is a reader of bytes that are the same in every run.
type stream struct{ seed, at uint64 }

func (s *stream) Read(b []byte) (int, error) {
	for i := range b {
		s.at++
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, s.seed), s.at))
		b[i] = sum[0]
	}
	return len(b), nil
}

// disk is what a server keeps of a phone.
type disk map[string][]byte

func (d disk) save(p *Phone) {
	for key, value := range p.Changes() {
		if value == nil {
			delete(d, key)
		} else {
			d[key] = value
		}
	}
}

func (d disk) load(t *testing.T) *Phone {
	t.Helper()
	p, err := Load(maps.Clone(d), nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newPhone(t testing.TB, number, lid string) *Phone {
	t.Helper()
	p, err := New(number, lid, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func device(p *Phone, n uint16) types.JID {
	jid := p.LID()
	jid.Device = n
	return jid
}

func TestNewAndLoad(t *testing.T) {
	made, err := New("4915100000001", "111", &stream{seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	again, err := New("4915100000001", "111", &stream{seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if made.Identity() != again.Identity() {
		t.Error("the same randomness made two identities")
	}
	saved := disk{}
	saved.save(made)
	if made.Changes() != nil {
		t.Error("changes are there twice")
	}
	loaded := saved.load(t)
	if loaded.Identity() != made.Identity() || loaded.RegistrationID() != made.RegistrationID() {
		t.Error("the loaded phone has other keys")
	}
	if loaded.JID().String() != "4915100000001@s.whatsapp.net" || loaded.LID().String() != "111@lid" {
		t.Errorf("the loaded phone is %s, %s", loaded.JID(), loaded.LID())
	}
	if loaded.Changes() != nil {
		t.Error("loading changed something")
	}
}

func TestLoadRefusesDamage(t *testing.T) {
	for name, records := range map[string]map[string][]byte{
		"nothing":    {},
		"no json":    {recordSelf: []byte("x")},
		"short keys": {recordSelf: []byte(`{"Identity":"AAAA"}`)},
		"no app-state key": {recordSelf: []byte(`{"Identity":"` + zeros(32) + `","Signed":"` + zeros(32) + `","Signature":"` +
			zeros(64) + `"}`)},
	} {
		if _, err := Load(records, nil); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
}

func TestMessageIDs(t *testing.T) {
	p := newPhone(t, "1", "2")
	a, err := p.NewMessageID()
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.NewMessageID()
	if err != nil {
		t.Fatal(err)
	}
	if len(a) != 32 || a == b {
		t.Errorf("ids %s, %s", a, b)
	}
}
