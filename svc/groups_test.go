package svc_test

import (
	"slices"
	"strings"
	"testing"
)

// group is a group as GET /:sessionId/groups tells it.
type group struct {
	JID, Name, Description string
	ParticipantsCount      int
	IsAdmin                bool
}

func (g *gateway) groups(session string) []group {
	g.t.Helper()
	list := must[struct {
		Data  []group
		Count int
	}](g, 200, "GET", "/"+session+"/groups", nil)
	if list.Count != len(list.Data) {
		g.t.Errorf("the count is %d, there are %d", list.Count, len(list.Data))
	}
	return list.Data
}

// newGroup makes a group of the sandbox and waits until the session knows that it is in it.
func (g *gateway) newGroup(subject string, members ...string) string {
	g.t.Helper()
	jid := must[struct{ JID string }](g, 201, "POST", "/v1/sandbox/groups", object{"subject": subject, "description": "Bread and rolls", "creator": members[0], "members": members[1:]}).JID
	eventually(g.t, "the group "+subject, func() bool {
		return slices.ContainsFunc(g.groups("shop"), func(one group) bool { return one.JID == jid })
	})
	return jid
}

// toGroup sends to a group through the root API.
func (g *gateway) toGroup(jid string, message object) string {
	g.t.Helper()
	return must[struct{ Data struct{ Key sentKey } }](g, 200, "POST", "/shop/messages/send", object{"jid": jid, "type": "jid", "message": message}).Data.Key.ID
}

func (g *gateway) members(jid, action string, phones ...string) {
	g.t.Helper()
	must[object](g, 200, "POST", "/v1/sandbox/groups/"+jid+"/members", object{"action": action, "phones": phones})
}

const third = "6281000000003"

// TestGroup lives in a group: messages both ways, a poll of ours with votes, somebody who leaves and reads no more, and the end of
// our own being there.
func TestGroup(t *testing.T) {
	t.Parallel()
	g := sandboxed(t)
	g.pair("shop", ours)
	g.phone(theirs)
	g.phone(third)
	jid := g.newGroup("Bakers", theirs, ours, third)
	g.play([]scenario{{name: "groups", method: "GET", path: "/shop/groups", status: 200}})

	hello := g.toGroup(jid, object{"text": "hello all"})
	for _, number := range []string{theirs, third} {
		if got := g.arrived(number, hello); got.Chat != jid || got.Text != "hello all" || !strings.HasPrefix(got.From, ours+"@") {
			t.Errorf("%s has %+v", number, got)
		}
	}
	photo := g.toGroup(jid, object{"image": buffer(testJPEG()), "caption": "rolls"})
	g.sameMedia(g.arrived(theirs, photo), testJPEG())
	answer := g.phoneSends(third, object{"to": jid, "type": "text", "text": "hello shop"})
	if got := g.inHistory(answer); got.Message != "hello shop" || got.Direction != "incoming" || got.PhoneNumber != strings.TrimSuffix(jid, "@g.us") {
		t.Errorf("in history: %+v", got)
	}
	g.vote(jid)
	g.othersMessages(jid, answer)

	g.members(jid, "leave", third)
	eventually(t, "two are left", func() bool { return g.groups("shop")[0].ParticipantsCount == 2 })
	secret := g.toGroup(jid, object{"text": "about the one who left"})
	g.arrived(theirs, secret)
	if slices.ContainsFunc(g.inbox(third), func(m received) bool { return m.ID == secret }) {
		t.Error("who has left reads on")
	}

	g.members(jid, "leave", ours)
	eventually(t, "no group is left", func() bool { return len(g.groups("shop")) == 0 })
	send := func(name string, status int, body object) scenario {
		return scenario{name: name, method: "POST", path: "/shop/messages/send", status: status, body: body}
	}
	g.play([]scenario{
		send("send-group-left", 500, object{"jid": jid, "type": "jid", "message": object{"text": "hello?"}}),
		{name: "poll-group-left", method: "POST", path: "/shop/messages/poll", status: 500, body: object{"jid": jid, "type": "jid", "name": "Lunch?", "options": []string{"a", "b"}}},
		{name: "v1-group-left", method: "POST", path: "/v1/sessions/shop/messages", status: 422, body: object{"to": jid, "type": "text", "text": object{"body": "hello?"}}},
	})
	g.healthy(ours, theirs, third)
}

// vote asks the group by the poll call, and counts the answers.
func (g *gateway) vote(jid string) {
	g.t.Helper()
	asked := scenario{name: "poll", method: "POST", path: "/shop/messages/poll", status: 200,
		body: object{"jid": jid, "type": "jid", "name": "Lunch?", "options": []string{"Soup", "Rice"}, "selectableCount": 1}}
	g.play([]scenario{asked})
	poll := ""
	eventually(g.t, "the poll at a phone", func() bool {
		for _, m := range g.inbox(theirs) {
			if m.Type == "poll" {
				poll = m.ID
			}
		}
		return poll != ""
	})
	for number, choice := range map[string]string{theirs: "Rice", third: "Soup"} {
		id := g.phoneSends(number, object{"to": jid, "type": "vote", "target": poll, "options": []string{choice}})
		if got := g.inHistory(id); got.MessageType != "pollVote" || got.Message != choice {
			g.t.Errorf("the vote of %s is %+v, want %s", number, got, choice)
		}
	}
}

// othersMessages: nobody edits what others wrote; in a group an admin deletes it.
func (g *gateway) othersMessages(jid, theirMessage string) {
	g.t.Helper()
	key := object{"remoteJid": jid, "fromMe": false, "id": theirMessage, "participant": third + "@s.whatsapp.net"}
	if status, answer := g.call("POST", "/shop/messages/send", object{"jid": jid, "type": "jid", "message": object{"text": "x", "edit": key}}); status != 400 {
		g.t.Errorf("editing another's message: got %d %s", status, answer)
	}
	must[object](g, 200, "POST", "/v1/sandbox/groups/"+jid+"/members", object{"action": "promote", "phones": []string{ours}})
	eventually(g.t, "we are an admin", func() bool { return g.groups("shop")[0].IsAdmin })
	if got := compact(g.arrived(theirs, g.toGroup(jid, object{"delete": key})).Content); !strings.Contains(got, `"REVOKE"`) || !strings.Contains(got, theirMessage) {
		g.t.Errorf("deleting another's message as an admin: got %s", got)
	}
}
