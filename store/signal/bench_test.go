package signal

import "testing"

// BenchmarkText is one text from one person to another and its answer, each
// encrypted, kept, decrypted and handled: six commits in all.
func BenchmarkText(b *testing.B) {
	p := newPlace(b)
	ada, bob := couple(b, p)
	for b.Loop() {
		m := get(ada.send(b.Context(), bob, "text", nil))(b)
		get(bob.receive(b.Context(), ada, m))(b)
		m = get(bob.send(b.Context(), ada, "answer", nil))(b)
		get(ada.receive(b.Context(), bob, m))(b)
	}
}
