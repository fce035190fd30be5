package convert

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"go.mau.fi/whatsmeow/proto/waE2E"
)

// describe reads the message, and what was encrypted inside it.
func (l letter) describe() content {
	c := describe(l.msg)
	if c.Type == "pin" {
		put(c.Meta, "seconds", l.msg.GetMessageContextInfo().GetMessageAddOnDurationInSecs())
	}
	switch {
	case l.opened == nil:
	case l.opened.Vote != nil:
		c.Text = strings.Join(cleaned(l.opened.Options), ", ")
		c.Meta = meta{"options": cleaned(l.opened.Options), "optionHashes": hashes(l.opened.Vote.GetSelectedOptions())}
	case l.opened.Response != nil:
		return eventResponse(l.opened.Response)
	}
	return c
}

// responses are the answers to an event.
var responses = map[waE2E.EventResponseMessage_EventResponseType]string{
	waE2E.EventResponseMessage_GOING:     "going",
	waE2E.EventResponseMessage_NOT_GOING: "notGoing",
	waE2E.EventResponseMessage_MAYBE:     "maybe",
}

func eventResponse(r *waE2E.EventResponseMessage) content {
	word := responses[r.GetResponse()]
	m := meta{"response": word}
	if word == "" {
		m["response"] = "unknown"
	}
	put(m, "extraGuests", r.GetExtraGuestCount())
	m.millis("answeredAt", r.GetTimestampMS())
	return content{Type: "eventResponse", Text: word, Meta: m}
}

// Chosen names the options of a poll that a vote chose, in the poll's order. raw
// is the protobuf that the history keeps of the poll; an option that it does not
// have is left out.
func Chosen(raw []byte, vote *waE2E.PollVoteMessage) []string {
	msg := new(waE2E.Message)
	if proto.Unmarshal(raw, msg) != nil {
		return nil
	}
	var chosen []string
	for _, o := range pollOf(Unwrap(msg)).GetOptions() {
		hash := sha256.Sum256([]byte(o.GetOptionName()))
		if slices.ContainsFunc(vote.GetSelectedOptions(), func(h []byte) bool { return bytes.Equal(h, hash[:]) }) {
			chosen = append(chosen, o.GetOptionName())
		}
	}
	return chosen
}

func hashes(options [][]byte) []string {
	out := make([]string, len(options))
	for i, o := range options {
		out[i] = hex.EncodeToString(o)
	}
	return out
}
