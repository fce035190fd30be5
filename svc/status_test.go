package svc_test

import "testing"

// TestStatus: a session gets the status posts of people whom its account knows, and posts its own to them.
func TestStatus(t *testing.T) {
	t.Parallel()
	g := sandboxed(t)
	g.phone(theirs)
	g.pair("shop", ours)
	g.changes(ours, object{"kind": "contact", "contact": theirs, "name": "Sari Dewi"})
	g.contactIs(theirs, "Sari Dewi", "")
	picture := testJPEG()
	for _, k := range []struct {
		post       object
		text, kind string
	}{
		{object{"type": "text", "text": "at the beach"}, "at the beach", "text"},
		{object{"type": "image", "data": picture, "mimetype": "image/jpeg", "caption": "look"}, "look", "image"},
	} {
		k.post["to"] = "status@broadcast"
		id := g.phoneSends(theirs, k.post)
		eventually(t, k.text, func() bool { return g.inHistory(id).Message == k.text })
		g.isStatus(g.inHistory(id), k.kind, "incoming", theirs)
	}
	for _, k := range []struct {
		message object
		kind    string
		media   []byte
	}{
		{object{"text": "open until six"}, "text", nil}, {object{"image": buffer(picture), "caption": "our shop"}, "image", picture},
	} {
		v := must[struct{ Data struct{ Key sentKey } }](g, 200, "POST", "/shop/messages/send", object{"jid": "status@broadcast", "type": "jid", "message": k.message})
		if own := g.arrived(ours, v.Data.Key.ID); !own.FromMe || own.Chat != "status@broadcast" {
			t.Errorf("our own phone got %+v", own)
		}
		got := g.arrived(theirs, v.Data.Key.ID)
		if got.Chat != "status@broadcast" || got.Type != k.kind || got.FromMe {
			t.Errorf("their phone got %+v", got)
		}
		g.sameMedia(got, k.media)
		g.isStatus(g.inHistory(v.Data.Key.ID), k.kind, "outgoing", ours)
	}
	g.healthy(ours, theirs)
}

// isStatus checks a row of the history that is a status post.
func (g *gateway) isStatus(r row, kind, direction, author string) {
	g.t.Helper()
	key, _ := r.Metadata["key"].(map[string]any)
	sender, _ := r.Metadata["sender"].(map[string]any)
	if r.PhoneNumber != "status" || r.MessageType != kind || r.Direction != direction || key["remoteJid"] != "status@broadcast" || sender["phone"] != author {
		g.t.Errorf("the history has %+v", r)
	}
}
