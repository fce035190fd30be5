package seal

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
)

// TestHeads: what is sealed together shares a header, each value is an age file by
// itself, also for who holds only the identity, and no two are alike.
func TestHeads(t *testing.T) {
	for _, hybrid := range []bool{false, true} {
		k := keys(t, hybrid)
		s, binding := sealOf(t, k)
		first, again := closed(t, s, here, "secret"), closed(t, s, here, "secret")
		if !bytes.Equal(headerOf(first), headerOf(again)) {
			t.Error("each value has a header of its own")
		}
		if n := len(headerOf(first)); bytes.Equal(first[n:n+nonceSize], again[n:n+nonceSize]) {
			t.Error("two values have the same nonce")
		}
		fresh, err := WithBinding(k, binding)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range [][]byte{first, again} {
			opens(t, fresh, here, file, "secret")
			r, err := age.Decrypt(bytes.NewReader(file), k.identities...)
			if err != nil {
				t.Fatal(err)
			}
			if plain, err := io.ReadAll(r); err != nil || !strings.HasSuffix(string(plain), "\nsecret") {
				t.Errorf("age reads %q, %v", plain, err)
			}
		}
		refuses(t, s, Place{"shop", "auth_data", "other"}, first, ErrMoved)
		mixed := append(bytes.Clone(headerOf(first)), again[len(headerOf(again)):]...)
		opens(t, s, here, mixed, "secret")
	}
}

// TestHeadsEnd: a header serves for so many values and so long, and what was sealed to
// other keys never shares it.
func TestHeadsEnd(t *testing.T) {
	k := keys(t, false)
	s, _ := sealOf(t, k)
	first := headerOf(closed(t, s, here, "1"))
	s.heads.now.left = 0
	second := headerOf(closed(t, s, here, "2"))
	s.heads.now.until = time.Now().Add(-time.Second)
	third := headerOf(closed(t, s, here, "3"))
	other := headerOf(closed(t, s.With(keys(t, false)), here, "4"))
	seen := map[string]bool{}
	for _, h := range [][]byte{first, second, third, other} {
		seen[string(h)] = true
	}
	if len(seen) != 4 || len(first) == 0 {
		t.Errorf("%d headers, want 4", len(seen))
	}
	if s.heads.now.left != headValues-1 {
		t.Errorf("a header serves for %d more values", s.heads.now.left)
	}
}

// TestHeadsAreBounded opens values of more headers than are kept.
func TestHeadsAreBounded(t *testing.T) {
	k := keys(t, false)
	s, _ := sealOf(t, k)
	for i := range keptHeads {
		s.heads.known[fmt.Sprint(i)] = nil
	}
	opens(t, s, here, closed(t, s, here, "secret"), "secret")
	if n := len(s.heads.known); n != 1 {
		t.Errorf("%d headers are kept", n)
	}
}

// TestLengths seals values around the size of a piece of age's.
func TestLengths(t *testing.T) {
	s, _ := sealOf(t, keys(t, false))
	line := len(here.line(s.mac(here, nil)))
	for _, n := range []int{0, 1, chunkSize - line - 1, chunkSize - line, chunkSize - line + 1, 3 * chunkSize} {
		value := strings.Repeat("x", n)
		sealed := closed(t, s, here, value)
		opens(t, s, here, sealed, value)
		r, err := age.Decrypt(bytes.NewReader(sealed), s.keys.identities...)
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := io.ReadAll(r); err != nil || len(plain) != line+n {
			t.Errorf("%d bytes: age reads %d, %v", n, len(plain), err)
		}
		for _, cut := range []int{1, 16, 17} {
			refuses(t, s, here, sealed[:len(sealed)-cut], ErrDamaged)
		}
		refuses(t, s, here, append(sealed, 0), ErrDamaged)
	}
}

// TestHeadsAtOnce seals and opens from many goroutines.
func TestHeadsAtOnce(t *testing.T) {
	s, _ := sealOf(t, keys(t, false))
	s.heads.now.left = 0
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for i := range 50 {
				opens(t, s, here, closed(t, s, here, fmt.Sprint(i)), fmt.Sprint(i))
			}
		})
	}
	wait.Wait()
}
