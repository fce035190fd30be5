package api_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"wamux/store"
)

// TestSettle: what a message is about is completed from the history.
func TestSettle(t *testing.T) {
	const group, author = "120363000000000000@g.us", "628777777777@s.whatsapp.net"
	w := newWorld(t, nil)
	row := func(id, kind string, ours, revoked bool) {
		e := store.Entry{Message: &store.Message{Chat: group, Sender: author, Outgoing: ours, ID: id, Type: kind, Raw: []byte("raw " + id), Timestamp: time.Unix(1, 0)}}
		if revoked {
			e.Revoke = &store.Revoke{Chat: group, ID: id, At: time.Unix(2, 0)}
		}
		if _, err := w.db.Record(context.Background(), "shop", e); err != nil {
			t.Fatal(err)
		}
	}
	row("G1", "text", false, false)
	row("G2", "image", true, false)
	row("G3", "text", true, true)
	row("G4", "text", true, false)
	var sent store.Content
	w.sessions.job = func(j *store.Job) {
		sent = j.Content
		j.State, j.Code = store.JobFailed, "seen"
	}
	send := func(status int, body string) string {
		sent = store.Content{}
		rec := w.play(t, scenario{method: "POST", path: sendPath, body: `{"jid":"` + group + `","message":` + body + `}`, status: status})
		return rec.Body.String()
	}
	key := func(id string) string { return `{"remoteJid":"` + group + `","id":"` + id + `"}` }
	own := func(id string) string { return `{"remoteJid":"` + group + `","fromMe":true,"id":"` + id + `"}` }
	direct := `{"remoteJid":"` + author + `","id":"unknown"}`
	send(500, `{"delete":`+key("G1")+`}`)
	if sent.Type != "revoke" || sent.Key.FromMe || sent.Key.Participant != author {
		t.Errorf("delete of another's message: got %+v, want its author %s", sent.Key, author)
	}
	send(500, `{"react":{"text":"👍","key":`+key("unknown")+`}}`)
	if sent.Key == nil || sent.Key.Participant != "" {
		t.Errorf("reaction to a message that is not known: got %+v", sent.Key)
	}
	send(500, `{"forward":{"key":`+key("G1")+`,"message":{"conversation":"x"}}}`)
	if string(sent.Forward.Raw) != "raw G1" || sent.Forward.Message != nil || sent.Key != nil {
		t.Errorf("forward: got %+v, want the content of the history", sent.Forward)
	}
	send(500, `{"forward":{"key":`+key("unknown")+`,"message":{"conversation":"x"}}}`)
	if string(sent.Forward.Message) != `{"conversation":"x"}` {
		t.Errorf("forward: got %+v, want the content that was given", sent.Forward)
	}
	send(500, `{"text":"new","edit":`+own("G2")+`}`)
	if string(sent.Original) != "raw G2" {
		t.Errorf("edit of a caption: got %+v, want the media", sent)
	}
	for body, want := range map[string]string{
		`{"forward":{"key":` + key("unknown") + `}}`: "not in the history",
		`{"forward":{"key":` + key("G3") + `}}`:      "was deleted",
		`{"text":"x","edit":` + own("G3") + `}`:      "was deleted",
		`{"text":"x","edit":` + own("G1") + `}`:      "Only your own messages can be edited",
		`{"text":"x","edit":` + key("G4") + `}`:      "Only your own messages can be edited",
		`{"delete":` + own("G1") + `}`:               "Only your own messages can be deleted",
		`{"delete":` + direct + `}`:                  "Only your own messages can be deleted",
	} {
		if got := send(400, body); !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %q", body, got, want)
		}
	}
}
