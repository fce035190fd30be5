package phone

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"slices"
	"testing"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/util/cbcutil"
	"go.mau.fi/whatsmeow/util/hkdfutil"
)

var kinds = map[Kind]whatsmeow.MediaType{
	KindImage: whatsmeow.MediaImage, KindVideo: whatsmeow.MediaVideo, KindAudio: whatsmeow.MediaAudio,
	KindDocument: whatsmeow.MediaDocument, KindHistory: whatsmeow.MediaHistory, KindAppState: whatsmeow.MediaAppState,
}

// TestMedia opens our files as whatsmeow's download.go does, and whatsmeow's as we do.
func TestMedia(t *testing.T) {
	for kind, info := range kinds {
		for _, size := range []int{0, 1, 15, 16, 17, 4096, 100_000} {
			file := bytes.Repeat([]byte{byte(size), 7}, size)[:size]
			m, blob, err := SealMedia(kind, file, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := m.Open(blob); err != nil || !bytes.Equal(got, file) {
				t.Errorf("%s, %d bytes: our own file: %v", kind, size, err)
			}
			keys := hkdfutil.SHA256(m.Key, nil, []byte(info), 112)
			sealed, mac := slices.Clone(blob[:len(blob)-10]), blob[len(blob)-10:]
			if !hmac.Equal(macOf(keys, sealed), mac) {
				t.Errorf("%s, %d bytes: another MAC", kind, size)
			}
			got, err := cbcutil.Decrypt(keys[16:48], keys[:16], sealed)
			if err != nil || !bytes.Equal(got, file) {
				t.Errorf("%s, %d bytes: whatsmeow reads something else: %v", kind, size, err)
			}
			theirs, err := cbcutil.Encrypt(keys[16:48], keys[:16], slices.Clone(file))
			if err != nil {
				t.Fatal(err)
			}
			theirs = append(theirs, macOf(keys, theirs)...)
			if got, err := m.Open(theirs); err != nil || !bytes.Equal(got, file) {
				t.Errorf("%s, %d bytes: their file: %v", kind, size, err)
			}
		}
	}
}

func macOf(keys, sealed []byte) []byte {
	mac := hmac.New(sha256.New, keys[48:80])
	mac.Write(keys[:16])
	mac.Write(sealed)
	return mac.Sum(nil)[:10]
}

func TestMediaDamage(t *testing.T) {
	m, blob, err := SealMedia(KindImage, []byte("a picture"), nil)
	if err != nil {
		t.Fatal(err)
	}
	changed := func(f func(*Media)) *Media {
		c := *m
		f(&c)
		return &c
	}
	flipped := slices.Clone(blob)
	flipped[3] ^= 1
	for name, one := range map[string]struct {
		media *Media
		blob  []byte
	}{
		"blob":                  {m, flipped},
		"blob, hash not said":   {changed(func(m *Media) { m.EncSHA256 = nil }), flipped},
		"empty":                 {m, nil},
		"short":                 {changed(func(m *Media) { m.EncSHA256 = nil }), blob[:10]},
		"cut":                   {changed(func(m *Media) { m.EncSHA256 = nil }), blob[:20]},
		"key":                   {changed(func(m *Media) { m.Key = make([]byte, 32) }), blob},
		"no key":                {changed(func(m *Media) { m.Key = nil }), blob},
		"kind":                  {changed(func(m *Media) { m.Kind = KindVideo }), blob},
		"no kind":               {changed(func(m *Media) { m.Kind = "" }), blob},
		"hash":                  {changed(func(m *Media) { m.SHA256 = make([]byte, 32) }), blob},
		"hash of the encrypted": {changed(func(m *Media) { m.EncSHA256 = make([]byte, 32) }), blob},
		"length":                {changed(func(m *Media) { m.Length = 4 }), blob},
	} {
		if _, err := one.media.Open(one.blob); !errors.Is(err, ErrMedia) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := SealMedia("film", nil, nil); !errors.Is(err, ErrMedia) {
		t.Errorf("an unknown kind: %v", err)
	}
}

func TestMediaKind(t *testing.T) {
	for draft, want := range map[string]Kind{
		"image": KindImage, "sticker": KindImage, "video": KindVideo, "audio": KindAudio, "voice": KindAudio, "document": KindDocument,
	} {
		if got, ok := MediaKind(draft); got != want || !ok {
			t.Errorf("%s: %s, %v", draft, got, ok)
		}
	}
	if _, ok := MediaKind("text"); ok {
		t.Error("a text has a file")
	}
}

func FuzzMedia(f *testing.F) {
	m, blob, err := SealMedia(KindImage, []byte("a picture"), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.Key, blob)
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, key, blob []byte) {
		_, _ = (&Media{Kind: KindImage, Key: key}).Open(blob)
	})
}
