package convert

import (
	"crypto/sha256"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"go.mau.fi/whatsmeow/proto/waE2E"
)

// TestChosen names options in the order of the poll, whatever it is covered with.
func TestChosen(t *testing.T) {
	hash := func(s string) []byte { sum := sha256.Sum256([]byte(s)); return sum[:] }
	raw, err := proto.Marshal(&waE2E.Message{EphemeralMessage: future(&waE2E.Message{PollCreationMessageV3: lunch()})})
	if err != nil {
		t.Fatal(err)
	}
	first, second := lunch().GetOptions()[0].GetOptionName(), lunch().GetOptions()[1].GetOptionName()
	for _, c := range []struct {
		votes [][]byte
		want  []string
	}{
		{[][]byte{hash(second), hash(first)}, []string{first, second}},
		{[][]byte{hash("not in it"), hash(first), nil}, []string{first}},
		{nil, nil},
	} {
		if got := Chosen(raw, &waE2E.PollVoteMessage{SelectedOptions: c.votes}); !slices.Equal(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	if got := Chosen([]byte{0xff}, &waE2E.PollVoteMessage{SelectedOptions: [][]byte{hash(first)}}); got != nil {
		t.Errorf("got %q of no poll", got)
	}
}
