package signal

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"go.mau.fi/libsignal/keys/chain"
	"go.mau.fi/libsignal/state/record"
)

func TestLRU(t *testing.T) {
	c := newLRU(10, func(_ string, v []byte) int { return len(v) })
	has := func(key string) bool { _, ok, _ := c.get(key); return ok }
	c.put("a", make([]byte, 4))
	c.put("b", make([]byte, 4))
	c.get("a")
	c.put("c", make([]byte, 4))
	if !has("a") || has("b") || !has("c") {
		t.Errorf("a %v, b %v, c %v: want what was used last", has("a"), has("b"), has("c"))
	}
	c.put("a", make([]byte, 1))
	c.put("big", make([]byte, 100))
	if c.put("d", nil); has("a") || c.sum != 1 {
		t.Errorf("%d bytes are kept, want 1", c.sum)
	}
	epoch := c.now()
	c.put("d", []byte("new"))
	if c.fill("d", []byte("read before"), epoch); true {
		if v, _, _ := c.get("d"); string(v) != "new" {
			t.Errorf("a late reader brought %q back", v)
		}
	}
	epoch = c.now()
	c.forget("d", "none")
	if c.fill("d", []byte("read before"), epoch); has("d") {
		t.Error("a late reader brought a forgotten value back")
	}
	c.fill("d", nil, c.now())
	if v, ok, _ := c.get("d"); !ok || v != nil {
		t.Error("that there is nothing is not remembered")
	}
	if c.clear(); has("d") || c.sum != 0 {
		t.Error("not cleared")
	}
}

func TestParseAddress(t *testing.T) {
	for in, want := range map[string]address{
		"123:0":     {user: "123", device: "0"},
		"123_1:12":  {user: "123", agent: "1", device: "12"},
		"a_b_129:3": {user: "a_b", agent: "129", device: "3"},
		"a_b:3":     {user: "a_b", device: "3"},
		"a:b:3":     {user: "a:b", device: "3"},
		"_1:3":      {user: "_1", device: "3"},
		"123_:3":    {user: "123_", device: "3"},
		"":          {},
		":1":        {},
		"123":       {},
		"123:":      {},
		"123:x":     {},
		"123:1:":    {},
	} {
		if got, ok := parseAddress(in); got != want || ok != (want.user != "") {
			t.Errorf("%q: got %+v %v, want %+v", in, got, ok, want)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"123:0", "123_1:12", "a_b:3", "::", "_:_", "1_1_1:1"} {
		f.Add(s, "120363@g.us")
	}
	f.Fuzz(func(t *testing.T, s, group string) {
		if a, ok := parseAddress(s); ok && a.String() != s {
			t.Errorf("%q became %q", s, a)
		}
		g, a, ok := splitSenderKey(senderKeyKey(group, s))
		if !ok || !strings.Contains(s, "--") && !strings.HasPrefix(s, "-") && (g != group || a != s) {
			t.Errorf("%q in %q became %q in %q", s, group, a, g)
		}
		keyAddress(s)
	})
}

func TestValues(t *testing.T) {
	for _, in := range [][]byte{{}, []byte("x"), []byte(`{"a":1}`), []byte(`{not json`), {0, 1, 255}, []byte(`"text"`), []byte("null")} {
		value := encodeBytes(in)
		if !json.Valid(value) {
			t.Errorf("%q is kept as %q, which is no JSON", in, value)
		}
		if out, err := decodeBytes("row", value); err != nil || !bytes.Equal(out, in) || out == nil {
			t.Errorf("%q came back as %q %v", in, out, err)
		}
	}
	if _, err := decodeBytes("session-1:0", []byte(`"sécret%"`)); err == nil || strings.Contains(err.Error(), "sécret") {
		t.Errorf("got %v, want an error without the value", err)
	}
}

func FuzzValues(f *testing.F) {
	f.Add([]byte(`{"a":1}`))
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, in []byte) {
		if out, err := decodeBytes("row", encodeBytes(in)); err != nil || !bytes.Equal(out, in) {
			t.Errorf("%q came back as %q %v", in, out, err)
		}
		_, _ = decodeBytes("row", in)
	})
}

func TestCredsAreRefused(t *testing.T) {
	good := linked(t)
	for name, change := range map[string]func(*credsRow){
		"account":      func(r *credsRow) { r.Account = nil },
		"me.id":        func(r *credsRow) { r.Me.ID = "" },
		"me.lid":       func(r *credsRow) { r.Me.LID = "@" },
		"noiseKey":     func(r *credsRow) { r.NoiseKey.Private = r.NoiseKey.Private[1:] },
		"identityKey":  func(r *credsRow) { r.IdentityKey.Public = r.NoiseKey.Public },
		"signedPreKey": func(r *credsRow) { r.SignedPreKey.Signature = nil },
	} {
		var row credsRow
		must(t, json.Unmarshal(good, &row))
		change(&row)
		if _, err := decodeCreds(encode(row)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v, want an error that names it", name, err)
		}
	}
}

// linked returns the credentials of a linked device.
func linked(t testing.TB) []byte {
	d := newDevice()
	id := pnJID("49151")
	d.ID = &id
	d.LID = lidJID("1001")
	row := credsRow{
		NoiseKey: newKeyRow(d.NoiseKey), IdentityKey: newKeyRow(d.IdentityKey), Account: &accountRow{Details: []byte("d")}, Me: meRow{ID: id.String(), LID: d.LID.String()},
		SignedPreKey: signedKeyRow{KeyID: 1, KeyPair: newKeyRow(&d.SignedPreKey.KeyPair), Signature: d.SignedPreKey.Signature[:]},
	}
	if _, err := decodeCreds(encode(row)); err != nil {
		t.Fatal(err)
	}
	return encode(row)
}

func FuzzCreds(f *testing.F) {
	f.Add(linked(f))
	f.Add([]byte(`{"me":{"id":":@"},"account":{}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := decodeCreds(in)
		if err != nil {
			return
		}
		again, err := encodeCreds(d)
		must(t, err)
		if _, err := decodeCreds(again); err != nil {
			t.Errorf("what was read is written as %s: %v", again, err)
		}
	})
}

// TestFollows is the table of who may replace whom. Chains are "ratchet:index".
func TestFollows(t *testing.T) {
	type state struct {
		base, sender string
		at           uint32
		receivers    map[string]uint32
		skipped      int
	}
	build := func(states ...state) []byte {
		var r record.SessionStructure
		for i, s := range states {
			st := &record.StateStructure{SenderBaseKey: []byte(s.base), SenderChain: chainAt(s.sender, s.at, 0)}
			for _, name := range []string{"x", "y", "z"} {
				if at, ok := s.receivers[name]; ok {
					st.ReceiverChains = append(st.ReceiverChains, chainAt(name, at, s.skipped))
				}
			}
			if i == 0 {
				r.SessionState = st
			} else {
				r.PreviousStates = append(r.PreviousStates, st)
			}
		}
		return encode(r)
	}
	type chains = map[string]uint32
	now := state{"base", "s", 5, chains{"x": 3}, 2}
	for _, c := range []struct {
		name string
		next []state
		want bool
	}{
		{"the same again", []state{now}, false},
		{"encrypted", []state{{"base", "s", 6, chains{"x": 3}, 2}}, true},
		{"encrypted from an older one", []state{{"base", "s", 5, chains{"x": 2}, 2}}, false},
		{"encrypted twice from here", []state{{"base", "s", 7, chains{"x": 3}, 2}}, true},
		{"decrypted", []state{{"base", "s", 5, chains{"x": 4}, 2}}, true},
		{"decrypted what was skipped", []state{{"base", "s", 5, chains{"x": 3}, 1}}, true},
		{"has again what was skipped", []state{{"base", "s", 5, chains{"x": 3}, 3}}, false},
		{"decrypted a new chain", []state{{"base", "t", 0, chains{"x": 3, "y": 1}, 2}}, true},
		{"before the chain turned", []state{{"base", "r", 9, chains{"x": 3}, 2}}, false},
		{"went back sending", []state{{"base", "s", 4, chains{"x": 9}, 2}}, false},
		{"went back receiving", []state{{"base", "s", 6, chains{"x": 2}, 2}}, false},
		{"lost a chain", []state{{"base", "s", 6, chains{}, 2}}, false},
		{"built anew", []state{{"other", "o", 0, chains{"z": 0}, 0}, now}, true},
		{"built anew from an older one", []state{{"other", "o", 0, chains{"z": 0}, 0}, {"base", "s", 4, chains{"x": 3}, 2}}, false},
		{"knows nothing of it", []state{{"other", "o", 0, chains{"z": 0}, 0}}, false},
	} {
		if got := follows(build(now), build(c.next...)); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
	if !follows([]byte("bytes"), build(now)) || !follows(build(now), []byte("bytes")) {
		t.Error("what is no record can't be judged")
	}
}

func chainAt(name string, at uint32, skipped int) *record.ChainStructure {
	c := &record.ChainStructure{SenderRatchetKeyPublic: []byte(name), ChainKey: &chain.KeyStructure{Index: at}}
	for range skipped {
		c.MessageKeys = append(c.MessageKeys, nil)
	}
	return c
}

func FuzzFollows(f *testing.F) {
	f.Add([]byte(`{"SessionState":{}}`), []byte(`{"SessionState":{"ReceiverChains":[null]},"PreviousStates":[null]}`))
	f.Fuzz(func(_ *testing.T, a, b []byte) { follows(a, b) })
}
