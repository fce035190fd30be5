package seal

import (
	"fmt"
	"strings"
	"time"
)

// retired is the line above the identities that a rotation replaces. It tells a
// rotation that was cut off from a file that holds several on purpose.
const retired = "# replaced by the key above; `wamux key rotate` removes what follows"

// Lines returns an identity as it stands in an identity file, with its recipient
// above, as age-keygen writes it.
func Lines(identity string, at time.Time) ([]byte, error) {
	k, err := Parse([]byte(identity), nil)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "# created: %s\n# public key: %s\n%s\n", at.UTC().Format(time.RFC3339), k.names[0], identity), nil
}

// Hybrid tells whether the first identity is of the post-quantum kind.
func (k *Keys) Hybrid() bool { return strings.HasPrefix(k.own, "AGE-SECRET-KEY-PQ-") }

// Replacing tells whether the text of an identity file is that of a rotation which
// has not come to its end.
func Replacing(text []byte) bool { return strings.Contains(string(text), retired) }

// Replace returns the text of an identity file with another identity in front:
// values are sealed to that one, and the others still open what is there.
func Replace(text, lines []byte) []byte {
	return fmt.Appendf(nil, "%s%s\n%s", lines, retired, text)
}

// Replaced returns the text with the first identity alone, or with all of them
// but without the mark of a rotation when keep is true.
func Replaced(text []byte, keep bool) []byte {
	front, old, _ := strings.Cut(string(text), retired+"\n")
	if keep {
		return []byte(front + old)
	}
	return []byte(front)
}
