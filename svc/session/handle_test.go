package session

import (
	"slices"
	"testing"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"
)

// TestWasReadFrom: a message is known by its plaintext, also when the library wrote into it, and by no other.
func TestWasReadFrom(t *testing.T) {
	text := func(s string) *waE2E.Message {
		return &waE2E.Message{Conversation: proto.String(s), MessageContextInfo: &waE2E.MessageContextInfo{MessageSecret: []byte(s)}}
	}
	wrapped := &waE2E.Message{EphemeralMessage: &waE2E.FutureProofMessage{Message: &waE2E.Message{Conversation: proto.String("a")}},
		MessageContextInfo: &waE2E.MessageContextInfo{MessageSecret: []byte("secret")}}
	padded := func(m *waE2E.Message) []byte {
		data, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return append(data, slices.Repeat([]byte{7}, 7)...)
	}
	plain := map[string][]byte{"a": padded(text("a")), "b": padded(text("b")), "wrapped": padded(wrapped),
		"nothing": nil, "no padding": {9}, "no message": {255, 255, 1}}
	for name, m := range map[string]*waE2E.Message{"a": text("a"), "b": text("b"), "wrapped": wrapped} {
		evt := (&events.Message{RawMessage: m}).UnwrapRaw()
		for of, plaintext := range plain {
			if got := wasReadFrom(evt, plaintext); got != (of == name) {
				t.Errorf("message %q was read from the plaintext of %q: %v", name, of, got)
			}
		}
	}
}

// TestBuffered: what the library keeps nowhere marks no other message as handled.
func TestBuffered(t *testing.T) {
	for sender, want := range map[types.JID]bool{
		types.NewJID("49151", types.DefaultUserServer): true,
		types.NewJID("1001", types.HiddenUserServer):   true,
		types.NewJID("1203", types.NewsletterServer):   false,
		types.MetaAIJID: false,
		types.NewJID("718584497008509", types.BotServer): false,
	} {
		m := &events.Message{Info: types.MessageInfo{MessageSource: types.MessageSource{Sender: sender}}}
		if got := buffered(m); got != want {
			t.Errorf("a message of %s is buffered: %v, want %v", sender, got, want)
		}
	}
}
