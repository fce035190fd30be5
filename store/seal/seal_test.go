package seal

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// keys makes keys, with recovery recipients or none.
func keys(t testing.TB, hybrid bool, extra ...string) *Keys {
	t.Helper()
	identity, err := Generate(hybrid)
	if err != nil {
		t.Fatal(err)
	}
	k, err := Parse([]byte("# made by a test\n"+identity+"\n"), extra)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sealOf(t testing.TB, k *Keys) (*Seal, string) {
	t.Helper()
	s, binding, err := NewBinding(k)
	if err != nil {
		t.Fatal(err)
	}
	return s, binding
}

func closed(t testing.TB, s *Seal, p Place, value string) []byte {
	t.Helper()
	sealed, err := s.Close(p, []byte(value))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func opens(t *testing.T, s *Seal, p Place, sealed []byte, want string) {
	t.Helper()
	if got, err := s.Open(p, sealed); err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func refuses(t *testing.T, s *Seal, p Place, sealed []byte, want error) {
	t.Helper()
	if got, err := s.Open(p, sealed); !errors.Is(err, want) {
		t.Errorf("got %q, %v, want the error %v", got, err, want)
	}
}

var here = Place{"shop", "auth_data", "session-4917012345:0"}

func TestSeal(t *testing.T) {
	for _, hybrid := range []bool{false, true} {
		k := keys(t, hybrid)
		s, binding := sealOf(t, k)
		for _, value := range []string{"", "x", "line\nline", strings.Repeat("long", 1<<15)} {
			sealed := closed(t, s, here, value)
			if !Sealed(sealed) || bytes.Contains(sealed, []byte("shop")) {
				t.Errorf("%.80q is no age file, or tells its place", sealed)
			}
			opens(t, s, here, sealed, value)
			again, err := WithBinding(k, binding)
			if err != nil {
				t.Fatal(err)
			}
			opens(t, again, here, sealed, value)
		}
	}
}

// TestPlaces refuses values that were sealed for another place, by somebody who
// knows only the recipient, or that were changed.
func TestPlaces(t *testing.T) {
	k := keys(t, false)
	s, _ := sealOf(t, k)
	sealed := closed(t, s, here, "secret")
	for _, p := range []Place{
		{"desk", here.Class, here.Key}, {here.Session, "incoming", here.Key}, {here.Session, here.Class, "creds"},
		{here.Session + " auth_data", "", here.Key}, {"", here.Session, here.Class + here.Key}, {},
	} {
		refuses(t, s, p, sealed, ErrMoved)
	}
	forger, _ := sealOf(t, k) // has the recipients, and a binding key of its own
	refuses(t, s, here, closed(t, forger, here, "secret"), ErrMoved)
	for cut := range sealed {
		if _, err := s.Open(here, sealed[:cut]); err == nil {
			t.Fatalf("the first %d bytes of %d were taken", cut, len(sealed))
		}
	}
	for i := range sealed {
		bent := bytes.Clone(sealed)
		bent[i] ^= 1
		if _, err := s.Open(here, bent); err == nil {
			t.Fatalf("byte %d was changed and the value was taken", i)
		}
	}
	refuses(t, s, here, append(bytes.Clone(sealed), 0), ErrDamaged)
}

func TestWrongKey(t *testing.T) {
	s, binding := sealOf(t, keys(t, false))
	other, _ := sealOf(t, keys(t, false))
	refuses(t, other, here, closed(t, s, here, "secret"), ErrWrongKey)
	if _, err := WithBinding(keys(t, false), binding); !errors.Is(err, ErrWrongKey) {
		t.Errorf("got %v, want ErrWrongKey", err)
	}
	if _, err := WithBinding(keys(t, false), "-----BEGIN AGE"); err == nil {
		t.Error("a damaged binding was taken")
	}
}

// TestRecovery opens and checks values with a recovery identity alone.
func TestRecovery(t *testing.T) {
	line, err := Generate(false)
	if err != nil {
		t.Fatal(err)
	}
	recovery, err := Parse([]byte(line), nil)
	if err != nil {
		t.Fatal(err)
	}
	s, binding := sealOf(t, keys(t, false, recovery.Recipients()...))
	back, err := WithBinding(recovery, binding)
	if err != nil {
		t.Fatal(err)
	}
	opens(t, back, here, closed(t, s, here, "secret"), "secret")
}

// TestRotate opens old and new values while both identities are there, and only
// the new ones afterwards.
func TestRotate(t *testing.T) {
	first, _ := Generate(false)
	second, _ := Generate(false)
	parse := func(lines ...string) *Keys {
		k, err := Parse([]byte(strings.Join(lines, "\n")), nil)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	s, _ := sealOf(t, parse(first))
	old := closed(t, s, here, "old")
	both := s.With(parse(second, first))
	opens(t, both, here, old, "old")
	opens(t, both, here, closed(t, both, here, "new"), "new")
	text, err := both.Binding()
	if err != nil {
		t.Fatal(err)
	}
	after, err := WithBinding(parse(second), text)
	if err != nil {
		t.Fatal(err)
	}
	opens(t, after, here, closed(t, both, here, "new"), "new")
	refuses(t, after, here, old, ErrWrongKey)
}

func TestParse(t *testing.T) {
	line, _ := Generate(false)
	hybrid, _ := Generate(true)
	own, _ := Parse([]byte(line), nil)
	pq, _ := Parse([]byte(hybrid), nil)
	for want, in := range map[string]struct{ text, extra string }{
		"no age identity":  {"", ""},
		"holds no age":     {"hello", ""},
		"one word":         {line, "age1nonsense"},
		"cannot share":     {line, pq.Recipients()[0]},
		"must be one word": {line, own.Recipients()[0] + "\n" + own.Recipients()[0]},
	} {
		var extra []string
		if in.extra != "" {
			extra = []string{in.extra}
		}
		_, err := Parse([]byte(in.text), extra)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "AGE-SECRET-KEY-1") {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	k, err := Parse([]byte(line), own.Recipients())
	if err != nil || len(k.Recipients()) != 1 {
		t.Errorf("got %v, %v, want the own recipient once", k, err)
	}
}

func TestPassphrase(t *testing.T) {
	line, _ := Generate(false)
	shut, err := Protect([]byte(line+"\n"), "correct horse", 4)
	if err != nil || !Protected(shut) || Protected([]byte(line)) {
		t.Fatalf("got %q, %v", shut, err)
	}
	if Work(shut) != 4 || Work([]byte(line)) != 0 || Work(nil) != 0 {
		t.Errorf("got work %d, want 4", Work(shut))
	}
	if text, err := Unlock(shut, "correct horse"); err != nil || string(text) != line+"\n" {
		t.Errorf("got %q, %v", text, err)
	}
	if _, err := Unlock(shut, "wrong horse"); !errors.Is(err, ErrPassphrase) {
		t.Errorf("got %v, want ErrPassphrase", err)
	}
	if _, err := Unlock(shut, ""); !errors.Is(err, ErrPassphrase) {
		t.Errorf("got %v, want ErrPassphrase", err)
	}
}

func FuzzOpen(f *testing.F) {
	k := keys(f, false)
	s, _ := sealOf(f, k)
	f.Add(closed(f, s, here, "secret"))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if value, err := s.Open(here, sealed); err == nil && string(value) != "secret" {
			t.Errorf("%q was taken", value)
		}
	})
}

func BenchmarkClose(b *testing.B) {
	for name, hybrid := range map[string]bool{"x25519": false, "hybrid": true} {
		b.Run(name, func(b *testing.B) {
			s, _ := sealOf(b, keys(b, hybrid))
			value := make([]byte, 1024)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Close(here, value); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	s, _ := sealOf(b, keys(b, false))
	sealed := closed(b, s, here, strings.Repeat("x", 1024))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Open(here, sealed); err != nil {
			b.Fatal(err)
		}
	}
}
