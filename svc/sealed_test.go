package svc_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
)

// TestSealed: what a phone encrypts once more, with the secret of the message it
// speaks of, is opened: about our messages and about its own.
func TestSealed(t *testing.T) {
	t.Parallel()
	g := sandboxed(t)
	g.pair("shop", ours)
	g.phone(theirs)
	say := func(m object) string {
		m["to"] = ours
		return must[struct{ ID string }](g, 200, "POST", "/v1/sandbox/phones/"+theirs+"/messages", m).ID
	}
	sent := func(message object) string {
		id := g.send(message, nil).ID
		g.arrived(theirs, id)
		return id
	}
	options := []string{"Soup", "Rice", "Tea"}
	poll := sent(object{"poll": object{"name": "Lunch?", "values": options}})
	event := sent(object{"event": object{"name": "Opening", "startTime": 1798135200}})
	note := sent(object{"text": "we open at nine"})
	theirPoll := say(object{"type": "poll", "text": "Dinner?", "options": []string{"Now", "Later"}, "selectable": 1})
	theirEvent := say(object{"type": "event", "name": "Party", "extra": object{"startsAt": "2026-12-24T18:00:00Z"}})

	for _, c := range []struct {
		name           string
		send           object
		kind, text     string
		target         string
		fromMe         bool
		event          string
		metadata, want string
	}{
		{"Vote", object{"type": "vote", "target": poll, "options": []string{"Tea", "Soup"}}, "pollVote", "Soup, Tea", poll, true, "message.pollVote", "options", "[Soup Tea]"},
		{"VoteTakenBack", object{"type": "vote", "target": poll}, "pollVote", "", poll, true, "message.pollVote", "options", "[]"},
		{"VoteInTheirPoll", object{"type": "vote", "target": theirPoll, "options": []string{"Later"}}, "pollVote", "Later", theirPoll, false, "message.pollVote", "options", "[Later]"},
		{"Response", object{"type": "event_response", "target": event, "text": "maybe", "extra": object{"guests": 2}}, "eventResponse", "maybe", event, true, "message.received", "extraGuests", "2"},
		{"Reaction", object{"type": "enc_reaction", "target": note, "text": "👍"}, "reaction", "👍", note, true, "message.reaction", "encrypted", "<nil>"},
		{"Comment", object{"type": "comment", "target": note, "text": "nice"}, "comment", "nice", note, true, "message.received", "encrypted", "<nil>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := *g
			g.t = t
			got := g.inHistory(say(c.send))
			if got.MessageType != c.kind || got.Message != c.text || fmt.Sprint(got.Metadata[c.metadata]) != c.want {
				t.Errorf("got %+v, want %s %q with %s %s", got, c.kind, c.text, c.metadata, c.want)
			}
			if about, _ := got.Metadata["target"].(map[string]any); about["id"] != c.target || about["fromMe"] != c.fromMe {
				t.Errorf("got target %v, want %s", got.Metadata["target"], c.target)
			}
			if e := g.eventOf(got.Metadata["messageId"]); e != c.event {
				t.Errorf("got event %q, want %q", e, c.event)
			}
		})
	}
	say(object{"type": "enc_edit", "target": theirEvent, "text": "Party, later"})
	eventually(t, "the edited event", func() bool { return g.inHistory(theirEvent).Message == "Party, later" })
	hello := say(object{"type": "text", "text": "helo"})
	say(object{"type": "enc_edit", "target": hello, "text": "hello"})
	eventually(t, "the edited text", func() bool { return g.inHistory(hello).Message == "hello" })
	g.healthy(ours, theirs)
}

// eventOf is the type of the event about a message.
func (g *gateway) eventOf(id any) (kind string) {
	page := must[struct {
		Data []struct {
			Type string
			Data struct{ ID string }
		}
	}](g, 200, "GET", "/v1/events?limit=1000", nil)
	for _, e := range page.Data {
		if e.Data.ID == id {
			kind = e.Type
		}
	}
	return kind
}

// TestStaysSealed: what cannot be opened is kept as it came and holds up
// nothing, also when it is made to break whoever opens it.
func TestStaysSealed(t *testing.T) {
	t.Parallel()
	g := sandboxed(t)
	g.pair("shop", ours)
	g.phone(theirs)
	note := g.send(object{"poll": object{"name": "Lunch?", "values": []string{"Soup", "Rice"}}}, nil).ID
	g.arrived(theirs, note)
	vote := func(target string, iv, payload []byte) *waE2E.Message {
		return &waE2E.Message{PollUpdateMessage: &waE2E.PollUpdateMessage{
			PollCreationMessageKey: &waCommon.MessageKey{RemoteJID: proto.String(ours + "@s.whatsapp.net"), FromMe: proto.Bool(false), ID: &target},
			Vote:                   &waE2E.PollEncValue{EncIV: iv, EncPayload: payload}}}
	}
	for name, msg := range map[string]*waE2E.Message{
		"no secret":     vote("3EB0NEVERSEEN", make([]byte, 12), make([]byte, 40)),
		"forged":        vote(note, make([]byte, 12), make([]byte, 40)),
		"short iv":      vote(note, []byte{1}, make([]byte, 40)),
		"nothing in it": {PollUpdateMessage: &waE2E.PollUpdateMessage{}},
		"unknown edit":  {SecretEncryptedMessage: &waE2E.SecretEncryptedMessage{EncPayload: []byte{1}}},
	} {
		raw, err := proto.Marshal(msg)
		if err != nil {
			t.Fatal(err)
		}
		id := must[struct{ ID string }](g, 200, "POST", "/v1/sandbox/phones/"+theirs+"/messages", object{"to": ours, "type": "raw", "raw": base64.StdEncoding.EncodeToString(raw)}).ID
		got := g.inHistory(id)
		if kept, _ := json.Marshal(got.Metadata); got.Metadata["encrypted"] != true || got.Message != "" {
			t.Errorf("%s: got %s %q %s, want it kept encrypted", name, got.MessageType, got.Message, kept)
		}
	}
	after := must[struct{ ID string }](g, 200, "POST", "/v1/sandbox/phones/"+theirs+"/messages", object{"to": ours, "type": "text", "text": "still there?"}).ID
	g.inHistory(after)
	g.healthy(ours, theirs)
}

// TestSecretOutlivesLostAck: a poll that is sent again keeps its secret, so that
// votes in the copy that did arrive can be read.
func TestSecretOutlivesLostAck(t *testing.T) {
	t.Parallel()
	g := sandboxed(t)
	g.pair("shop", ours)
	g.phone(theirs)
	if status, answer := g.call("POST", "/v1/sandbox/faults", object{"kind": "lost_ack", "phone": ours}); status/100 != 2 {
		t.Fatalf("fault: got %d %s", status, answer)
	}
	type answer struct {
		Data struct {
			Key     sentKey
			Message struct {
				MessageContextInfo struct{ MessageSecret string }
			}
		}
	}
	sent := must[answer](g, 200, "POST", "/shop/messages/send", object{"jid": theirs, "message": object{"poll": object{"name": "Lunch?", "values": []string{"Soup", "Rice"}}}}).Data
	var arrived struct {
		MessageContextInfo struct{ MessageSecret string }
	}
	if err := json.Unmarshal(g.arrived(theirs, sent.Key.ID).Content, &arrived); err != nil {
		t.Fatal(err)
	}
	if got := sent.Message.MessageContextInfo.MessageSecret; got == "" || got != arrived.MessageContextInfo.MessageSecret {
		t.Errorf("got the secret %q, the phone has %q", got, arrived.MessageContextInfo.MessageSecret)
	}
	vote := must[struct{ ID string }](g, 200, "POST", "/v1/sandbox/phones/"+theirs+"/messages", object{"to": ours, "type": "vote", "target": sent.Key.ID, "options": []string{"Rice"}}).ID
	if got := g.inHistory(vote); got.Message != "Rice" {
		t.Errorf("got %+v, want the vote", got)
	}
	g.healthy(ours, theirs)
}
