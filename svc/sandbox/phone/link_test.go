package phone

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"testing"

	"go.mau.fi/libsignal/ecc"
	"go.mau.fi/whatsmeow/proto/waAdv"
	"go.mau.fi/whatsmeow/util/hkdfutil"
	"go.mau.fi/whatsmeow/util/keys"
	"golang.org/x/crypto/curve25519"
	"golang.org/x/crypto/pbkdf2"
	"google.golang.org/protobuf/proto"
)

func zeros(n int) string { return base64.StdEncoding.EncodeToString(make([]byte, n)) }

func TestParseQR(t *testing.T) {
	noise, identity, secret := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32), bytes.Repeat([]byte{3}, 32)
	enc := base64.StdEncoding.EncodeToString
	fields := "2@ref/with+signs=," + enc(noise) + "," + enc(identity) + "," + enc(secret)
	for name, text := range map[string]string{
		"old form":       fields,
		"URL":            "https://wa.me/settings/linked_devices#" + fields + ",1",
		"URL with space": "  https://wa.me/settings/linked_devices#" + fields + ",c\n",
	} {
		qr, err := ParseQR(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if qr.Ref != "2@ref/with+signs=" || !bytes.Equal(qr.Noise[:], noise) ||
			!bytes.Equal(qr.Identity[:], identity) || !bytes.Equal(qr.Secret[:], secret) {
			t.Errorf("%s: got %+v", name, qr)
		}
	}
	for _, text := range []string{
		"", ",,,", "#", "hello", "https://wa.me/settings/linked_devices", "r," + zeros(32) + "," + zeros(32),
		"r," + zeros(31) + "," + zeros(32) + "," + zeros(32), "r,?,?,?", "," + zeros(32) + "," + zeros(32) + "," + zeros(32),
		fields + ",1,2",
	} {
		if _, err := ParseQR(text); !errors.Is(err, ErrQR) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

// companion does what whatsmeow's pair.go does with a pair-success: it verifies and counter-signs.
type companion struct {
	identity *keys.KeyPair
	secret   [32]byte
}

var errPair = errors.New("the companion refuses")

func (c companion) accept(container []byte) (answer []byte, account *waAdv.ADVSignedDeviceIdentity, err error) {
	var outer waAdv.ADVSignedDeviceIdentityHMAC
	if err := proto.Unmarshal(container, &outer); err != nil {
		return nil, nil, err
	}
	mac := hmac.New(sha256.New, c.secret[:])
	mac.Write(outer.Details)
	if !hmac.Equal(mac.Sum(nil), outer.HMAC) {
		return nil, nil, errPair
	}
	var signed waAdv.ADVSignedDeviceIdentity
	if err := proto.Unmarshal(outer.Details, &signed); err != nil {
		return nil, nil, err
	}
	message := slices.Concat([]byte{6, 0}, signed.Details, c.identity.Pub[:])
	if !ecc.VerifySignature(ecc.NewDjbECPublicKey([32]byte(signed.AccountSignatureKey)), message, [64]byte(signed.AccountSignature)) {
		return nil, nil, errPair
	}
	message = slices.Concat([]byte{6, 1}, signed.Details, c.identity.Pub[:], signed.AccountSignatureKey)
	signature := ecc.CalculateSignature(ecc.NewDjbECPrivateKey(*c.identity.Priv), message)
	signed.DeviceSignature = signature[:]
	account = proto.CloneOf(&signed)
	signed.AccountSignatureKey = nil
	answer, err = proto.Marshal(&signed)
	return answer, account, err
}

func TestLink(t *testing.T) {
	p := newPhone(t, "1", "2")
	c := companion{identity: keys.NewKeyPair(), secret: [32]byte{7}}
	for want := uint32(1); want <= 2; want++ {
		link, err := p.Link(*c.identity.Pub, c.secret, noon())
		if err != nil {
			t.Fatal(err)
		}
		answer, account, err := c.accept(link.Container)
		if err != nil {
			t.Fatal(err)
		}
		index, err := p.CheckSign(*c.identity.Pub, answer)
		if err != nil || index != want || link.KeyIndex != want {
			t.Errorf("key index %d, %d, want %d, err %v", index, link.KeyIndex, want, err)
		}
		full, err := proto.Marshal(account)
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckDevice(*c.identity.Pub, full); err != nil {
			t.Errorf("somebody else's check: %v", err)
		}
		if err := CheckDevice(*keys.NewKeyPair().Pub, full); !errors.Is(err, ErrSignature) {
			t.Errorf("another identity passed: %v", err)
		}
		for i := range answer {
			damaged := slices.Clone(answer)
			damaged[i] ^= 0x40
			if _, err := p.CheckSign(*c.identity.Pub, damaged); err == nil && !sameIdentity(damaged, answer) {
				t.Fatalf("an answer with byte %d changed passed", i)
			}
		}
	}
	other := companion{identity: c.identity, secret: [32]byte{8}}
	link, err := p.Link(*c.identity.Pub, c.secret, noon())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := other.accept(link.Container); !errors.Is(err, errPair) {
		t.Error("a companion with another secret accepts")
	}
}

// sameIdentity tells whether two answers differ in fields that nobody reads only.
func sameIdentity(a, b []byte) bool {
	var x, y waAdv.ADVSignedDeviceIdentity
	if proto.Unmarshal(a, &x) != nil || proto.Unmarshal(b, &y) != nil {
		return false
	}
	return bytes.Equal(x.Details, y.Details) && bytes.Equal(x.DeviceSignature, y.DeviceSignature) &&
		bytes.Equal(x.AccountSignature, y.AccountSignature)
}

func TestKeyIndexes(t *testing.T) {
	p, saved := newPhone(t, "1", "2"), disk{}
	for range 3 {
		if _, err := p.Link([32]byte{1}, [32]byte{2}, noon()); err != nil {
			t.Fatal(err)
		}
	}
	p.Unlink(2)
	saved.save(p)
	p = saved.load(t)
	raw, err := p.KeyIndexes(noon())
	if err != nil {
		t.Fatal(err)
	}
	var signed waAdv.ADVSignedKeyIndexList
	var list waAdv.ADVKeyIndexList
	if err := errors.Join(proto.Unmarshal(raw, &signed), proto.Unmarshal(signed.Details, &list)); err != nil {
		t.Fatal(err)
	}
	if list.GetCurrentIndex() != 3 || !slices.Equal(list.ValidIndexes, []uint32{0, 1, 3}) {
		t.Errorf("got current %d, valid %v", list.GetCurrentIndex(), list.ValidIndexes)
	}
	public := p.Identity()
	if !verify(public[:], signed.AccountSignature, []byte{6, 2}, signed.Details) {
		t.Error("the list is not signed")
	}
}

func TestParseCode(t *testing.T) {
	for text, want := range map[string]string{"ABCD-1234": "ABCD1234", " abcd 1234 ": "ABCD1234", "ZZZZ9999": "ZZZZ9999"} {
		if got, err := ParseCode(text); got != want || err != nil {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "ABCD-123", "ABCD-12345", "ABCD-0234", "IBCD-1234", "OBCD-1234", "UBCD-1234", "ÄBCD123"} {
		if _, err := ParseCode(text); !errors.Is(err, ErrCode) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

// codeCompanion does what whatsmeow's pair-code.go does on its side.
type codeCompanion struct {
	code      string
	ephemeral *keys.KeyPair
	identity  *keys.KeyPair
}

func (c codeCompanion) hello() []byte {
	salt, iv := bytes.Repeat([]byte{5}, 32), bytes.Repeat([]byte{6}, 16)
	return slices.Concat(salt, iv, c.crypt(salt, iv, c.ephemeral.Pub[:]))
}

func (c codeCompanion) crypt(salt, iv, data []byte) []byte {
	block, err := aes.NewCipher(pbkdf2.Key([]byte(c.code), salt, 2<<16, 32, sha256.New))
	if err != nil {
		panic(err)
	}
	out := make([]byte, len(data))
	cipher.NewCTR(block, iv).XORKeyStream(out, data)
	return out
}

func (c codeCompanion) finish(wrapped, primary []byte) (bundle []byte, secret [32]byte, err error) {
	public := c.crypt(wrapped[:32], wrapped[32:48], wrapped[48:80])
	shared, err := curve25519.X25519(c.ephemeral.Priv[:], public)
	if err != nil {
		return nil, secret, err
	}
	salt, nonce, random := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 12), bytes.Repeat([]byte{3}, 32)
	block, err := aes.NewCipher(hkdfutil.SHA256(shared, salt, []byte("link_code_pairing_key_bundle_encryption_key"), 32))
	if err != nil {
		return nil, secret, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, secret, err
	}
	sealed := gcm.Seal(nil, nonce, slices.Concat(c.identity.Pub[:], primary, random), nil)
	identities, err := curve25519.X25519(c.identity.Priv[:], primary)
	if err != nil {
		return nil, secret, err
	}
	adv := hkdfutil.SHA256(slices.Concat(shared, identities, random), nil, []byte("adv_secret"), 32)
	return slices.Concat(salt, nonce, sealed), [32]byte(adv), nil
}

func TestCodeLink(t *testing.T) {
	p := newPhone(t, "1", "2")
	c := codeCompanion{code: "ABCD1234", ephemeral: keys.NewKeyPair(), identity: keys.NewKeyPair()}
	link, err := p.EnterCode("abcd-1234", c.hello())
	if err != nil {
		t.Fatal(err)
	}
	if len(link.Wrapped) != 80 || len(link.Identity) != 32 {
		t.Fatalf("wrapped %d bytes, identity %d", len(link.Wrapped), len(link.Identity))
	}
	bundle, want, err := c.finish(link.Wrapped, link.Identity)
	if err != nil {
		t.Fatal(err)
	}
	identity, secret, err := link.Finish(bundle, c.identity.Pub[:])
	if err != nil || secret != want || identity != *c.identity.Pub {
		t.Fatalf("got secret %x, want %x, err %v", secret, want, err)
	}
	answer, err := p.Link(identity, secret, noon())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := (companion{identity: c.identity, secret: want}).accept(answer.Container); err != nil {
		t.Errorf("the companion refuses: %v", err)
	}
	if _, _, err := link.Finish(bundle, keys.NewKeyPair().Pub[:]); !errors.Is(err, ErrMalformed) {
		t.Errorf("another identity passed: %v", err)
	}
	bundle[60] ^= 1
	if _, _, err := link.Finish(bundle, c.identity.Pub[:]); !errors.Is(err, ErrWrongCode) {
		t.Errorf("a damaged bundle: %v", err)
	}
	if _, _, err := link.Finish(nil, nil); !errors.Is(err, ErrMalformed) {
		t.Errorf("an empty bundle: %v", err)
	}
}

func TestCodeLinkWrongCode(t *testing.T) {
	p := newPhone(t, "1", "2")
	c := codeCompanion{code: "ABCD1234", ephemeral: keys.NewKeyPair(), identity: keys.NewKeyPair()}
	link, err := p.EnterCode("ABCD-1235", c.hello())
	if err != nil {
		t.Fatal(err)
	}
	bundle, _, err := c.finish(link.Wrapped, link.Identity)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := link.Finish(bundle, c.identity.Pub[:]); !errors.Is(err, ErrWrongCode) {
		t.Errorf("got %v", err)
	}
	if _, err := p.EnterCode("ABCD-1234", make([]byte, 79)); !errors.Is(err, ErrMalformed) {
		t.Errorf("a short key: %v", err)
	}
}

func FuzzParseQR(f *testing.F) {
	f.Add("https://wa.me/settings/linked_devices#2@x," + zeros(32) + "," + zeros(32) + "," + zeros(32) + ",1")
	f.Add(",,,,")
	f.Fuzz(func(t *testing.T, text string) {
		if qr, err := ParseQR(text); err == nil && qr.Ref == "" {
			t.Error("a code without a ref")
		}
	})
}

// FuzzCode types any code, and lets the companion say anything about it.
func FuzzCode(f *testing.F) {
	p := newPhone(f, "4911111111", "123456789012345")
	link, err := p.EnterCode("ABCD-1234", make([]byte, 80))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("ABCD-1234", make([]byte, 140), make([]byte, 32))
	f.Add("abcd 1234", []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, text string, bundle, companion []byte) {
		if code, err := ParseCode(text); err == nil {
			if again, err := ParseCode(code); again != code || len(code) != 8 || err != nil {
				t.Errorf("%q becomes %q, then %q", text, code, again)
			}
		}
		if _, _, err := link.Finish(bundle, companion); err == nil {
			t.Error("a bundle that nobody made was opened")
		}
	})
}
