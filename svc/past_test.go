package svc_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

const (
	pastShop = "6286660000001"
	pastSari = "6286660000002"
	pastBudi = "6286660000003"
)

// phoneSends lets a sandbox phone send a message and returns its id.
func (g *gateway) phoneSends(from string, message object) string {
	g.t.Helper()
	return must[struct{ ID string }](g, 200, "POST", "/v1/sandbox/phones/"+from+"/messages", message).ID
}

// lived is a gateway whose phones have talked before anything is linked.
func lived(t *testing.T) (g *gateway, old int) {
	g = sandboxed(t)
	for _, number := range []string{pastShop, pastSari, pastBudi} {
		g.phone(number)
	}
	poll := g.phoneSends(pastSari, object{"to": pastShop, "type": "poll", "text": "When?", "options": []string{"now", "later"}, "selectable": 1})
	must[object](g, 200, "POST", "/v1/sandbox/phones/"+pastSari+"/messages:bulk", object{"to": pastShop, "text": "old", "count": 40})
	g.phoneSends(pastShop, object{"to": pastSari, "type": "vote", "target": poll, "options": []string{"later"}})
	answer := g.phoneSends(pastShop, object{"to": pastSari, "type": "text", "text": "our answer"})
	g.phoneSends(pastSari, object{"to": pastShop, "type": "reaction", "target": answer, "text": "😀"})
	g.phoneSends(pastBudi, object{"to": pastShop, "type": "text", "text": "hello from Budi"})
	g.changes(pastShop, object{"kind": "contact", "contact": pastSari, "name": "Sari Dewi"})
	return g, 45
}

// changes lets the owner of a phone change something.
func (g *gateway) changes(number string, change object) {
	g.t.Helper()
	must[object](g, 200, "POST", "/v1/sandbox/phones/"+number+"/changes", change)
}

// told is an event of the log.
type told struct {
	Type string
	Data struct {
		Change, Kind, Name, ID string
		Progress, Messages     int
		Chat, Contact          struct{ ID, Phone, LID, Name string }
	}
}

func (g *gateway) events() []told {
	g.t.Helper()
	return must[struct{ Data []told }](g, 200, "GET", "/v1/events?limit=1000", nil).Data
}

// heard tells whether there is an event that fits.
func (g *gateway) heard(fits func(told) bool) bool { return slices.ContainsFunc(g.events(), fits) }

// TestPast links a phone that has talked before: its messages, chats and contacts are in the database, once, in their order, and no
// bot takes them for news.
func TestPast(t *testing.T) {
	t.Parallel()
	g, old := lived(t)
	g.pair("shop", pastShop)
	eventually(t, "the history", func() bool { return len(g.history("shop")) == old })
	g.pastIs(old)
	eventually(t, "the end of the history", func() bool {
		return g.heard(func(e told) bool {
			return e.Type == "history.synced" && e.Data.Kind == "recent" && e.Data.Progress == 100
		})
	})
	if g.heard(func(e told) bool { return strings.HasPrefix(e.Type, "message.") }) {
		t.Error("an old message is told as news")
	}
	g.contactIs(pastSari, "Sari Dewi", "Phone "+pastSari)
	g.phoneSends(pastSari, object{"to": pastShop, "type": "text", "text": "news"})
	eventually(t, "a new message on top", func() bool { rows := g.latest("shop", 1); return rows[len(rows)-1].Message == "news" })

	g.kill()
	g.begin()
	g.online("shop")
	g.logOutAndPairAgain("shop", pastShop)
	eventually(t, "the history a second time", func() bool {
		n := 0
		for _, e := range g.events() {
			if e.Type == "history.synced" && e.Data.Kind == "recent" {
				n++
			}
		}
		return n == 2
	})
	g.pastIs(old + 1)
	g.healthy(pastShop, pastSari, pastBudi)
}

// pastIs checks that all old messages are there, each once and where it belongs.
func (g *gateway) pastIs(want int) {
	g.t.Helper()
	rows := g.history("shop")
	if len(rows) != want {
		g.t.Errorf("%d rows, want %d", len(rows), want)
	}
	if !slices.IsSortedFunc(rows, func(x, y row) int { return strings.Compare(x.Timestamp, y.Timestamp) }) {
		g.t.Error("the rows are not in the order of their times")
	}
	kinds := map[string]int{}
	for _, r := range rows {
		kinds[r.MessageType+" "+r.Direction+" "+strings.TrimRight(r.Message, "0123456789")]++
	}
	for kind, n := range map[string]int{
		"text incoming old #": 40, "poll incoming When?": 1, "pollVote outgoing later": 1, "text outgoing our answer": 1,
		"reaction incoming 😀": 1, "text incoming hello from Budi": 1,
	} {
		if kinds[kind] != n {
			g.t.Errorf("%d of %q, want %d", kinds[kind], kind, n)
		}
	}
}

// contactIs checks what the contacts of the session say of a number.
func (g *gateway) contactIs(number, name, notify string) {
	g.t.Helper()
	eventually(g.t, name, func() bool {
		list := must[struct {
			Data []struct{ PhoneNumber, Name, Notify string }
		}](g, 200, "GET", "/shop/contacts?limit=100&search="+number, nil).Data
		return len(list) == 1 && list[0].Name == name && (notify == "" || list[0].Notify == notify)
	})
}

func (g *gateway) logOutAndPairAgain(session, number string) {
	g.t.Helper()
	g.call("POST", "/v1/sessions/"+session+"/logout", nil)
	eventually(g.t, "logged out", func() bool { return g.status(session) != "AUTHENTICATED" })
	if status, answer := g.call("POST", "/v1/sessions/"+session+"/start", nil); status/100 != 2 {
		g.t.Fatalf("start: got %d %s", status, answer)
	}
	if status, answer := g.call("POST", "/v1/sandbox/phones/"+number+"/scan", object{"session": session}); status != http.StatusNoContent {
		g.t.Fatalf("scan: got %d %s", status, answer)
	}
	g.online(session)
}

// TestPastFileIsGone: where a part of the history cannot be downloaded the phone is asked to upload it again.
func TestPastFileIsGone(t *testing.T) {
	t.Parallel()
	g, old := lived(t)
	must[object](g, 204, "POST", "/v1/sandbox/faults", object{"kind": "media_404", "count": 1})
	g.pair("shop", pastShop)
	eventually(t, "the history", func() bool { return len(g.history("shop")) == old })
	asked := must[struct{ Data []struct{ XML string } }](g, 200, "GET", "/v1/sandbox/traffic?session=shop", nil).Data
	if !slices.ContainsFunc(asked, func(s struct{ XML string }) bool { return strings.Contains(s.XML, `type="server-error"`) }) {
		t.Error("the phone was not asked")
	}
	g.pastIs(old)
}

// TestAppState: what the owner of the phone changes becomes events with both identities, and shows in what is stored.
func TestAppState(t *testing.T) {
	t.Parallel()
	g, old := lived(t)
	g.pair("shop", pastShop)
	eventually(t, "the history", func() bool { return len(g.history("shop")) == old })
	message := g.phoneSends(pastSari, object{"to": pastShop, "type": "text", "text": "news"})
	eventually(t, "the message", func() bool { rows := g.latest("shop", 1); return len(rows) > 0 && rows[len(rows)-1].Message == "news" })
	for _, c := range []object{
		{"kind": "contact", "contact": pastSari, "name": "Sari Putri"}, {"kind": "mute", "chat": pastSari, "until": "2030-01-02T03:04:05Z"},
		{"kind": "pin", "chat": pastSari}, {"kind": "archive", "chat": pastSari}, {"kind": "read", "chat": pastSari}, {"kind": "read", "chat": pastSari, "off": true},
		{"kind": "star", "chat": pastSari, "message": message}, {"kind": "label", "label": "5", "name": "Paid", "color": 2},
		{"kind": "labelChat", "label": "5", "chat": pastSari}, {"kind": "labelMessage", "label": "5", "chat": pastSari, "message": message},
		{"kind": "clear", "chat": pastSari}, {"kind": "delete", "chat": pastSari},
	} {
		g.changes(pastShop, c)
	}
	for _, want := range []string{"chat.updated muted", "chat.updated pinned", "chat.updated archived", "chat.updated read", "chat.updated starred",
		"label.chat ", "label.message ", "chat.updated cleared", "chat.updated deleted"} {
		eventually(t, want, func() bool {
			return g.heard(func(e told) bool {
				return fmt.Sprint(e.Type, " ", e.Data.Change) == want && e.Data.Chat.Phone == pastSari && strings.HasSuffix(e.Data.Chat.LID, "@lid")
			})
		})
	}
	if !g.heard(func(e told) bool {
		return e.Type == "contact.updated" && e.Data.Contact.Name == "Sari Putri" && e.Data.Contact.LID != ""
	}) {
		t.Error("the new name of a contact is not told")
	}
	if !g.heard(func(e told) bool { return e.Type == "label.updated" && e.Data.ID == "5" && e.Data.Name == "Paid" }) {
		t.Error("the new label is not told")
	}
	g.contactIs(pastSari, "Sari Putri", "")
}
