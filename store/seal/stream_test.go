package seal

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"filippo.io/age/armor"
)

// TestStream encrypts more than one chunk and reads it back with each identity.
func TestStream(t *testing.T) {
	for _, hybrid := range []bool{false, true} {
		one, two := keys(t, hybrid), keys(t, hybrid)
		plain := bytes.Repeat([]byte("0123456789abcdef"), 10_000)
		file := streamed(t, plain, one.names[0], two.names[0])
		for _, k := range []*Keys{one, two} {
			if got, err := unstreamed(file, k); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
			if got, err := unstreamed(armored(t, file), k); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("armored: got %d bytes, %v", len(got), err)
			}
		}
		if _, err := unstreamed(file, keys(t, hybrid)); !errors.Is(err, ErrWrongKey) {
			t.Errorf("got %v, want ErrWrongKey", err)
		}
	}
}

// TestStreamDamaged cuts and bends a file in every region.
func TestStreamDamaged(t *testing.T) {
	k := keys(t, false)
	file := streamed(t, bytes.Repeat([]byte("x"), 200_000), k.names[0])
	for _, cut := range []int{0, 10, 100, 250, 70_000, len(file) / 2, len(file) - 1} {
		if _, err := unstreamed(file[:cut], k); err == nil {
			t.Errorf("the first %d bytes of %d were taken", cut, len(file))
		}
	}
	for at := 0; at < len(file); at += 997 {
		bent := slices.Clone(file)
		bent[at] ^= 4
		if _, err := unstreamed(bent, k); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrWrongKey) {
			t.Errorf("byte %d changed: got %v", at, err)
		}
	}
	if _, err := unstreamed(append(slices.Clone(file), 0), k); !errors.Is(err, ErrDamaged) {
		t.Errorf("a byte more: got %v", err)
	}
}

func TestCheckRecipients(t *testing.T) {
	a, b, pq := keys(t, false).names[0], keys(t, false).names[0], keys(t, true).names[0]
	for _, good := range [][]string{{a}, {a, b}, {pq}} {
		if err := CheckRecipients(good); err != nil {
			t.Errorf("%.60q: %v", good, err)
		}
	}
	for want, bad := range map[string][]string{"begins with age1": {"me"}, "one kind": {a, pq}, "one word": {a + "\n" + b}} {
		if err := CheckRecipients(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: got %v, want %q", bad, err, want)
		}
	}
	if err := CheckRecipients(nil); err == nil {
		t.Error("nobody is a recipient")
	}
}

func streamed(t *testing.T, plain []byte, recipients ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := EncryptTo(&out, recipients)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func unstreamed(file []byte, k *Keys) ([]byte, error) {
	r, err := DecryptFrom(bytes.NewReader(file), k)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func armored(t *testing.T, file []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	a := armor.NewWriter(&out)
	if _, err := a.Write(file); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
