package api

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wamux/store"
)

const chat = "6281000000002@s.whatsapp.net"

func decodeMessage(t testing.TB, body string) (store.Content, *source, error) {
	t.Helper()
	var in rootSend
	if err := parse([]byte(`{"jid":"6281000000002","message":`+body+`}`), &in, false); err != nil {
		return store.Content{}, nil, err
	}
	if in.Message == nil {
		t.Fatal("no message")
	}
	return in.Message.content(chat)
}

// TestMessageKinds decodes every kind into what is to be sent.
func TestMessageKinds(t *testing.T) {
	key := store.MessageKey{RemoteJID: chat, FromMe: true, ID: "M1"}
	group := store.MessageKey{RemoteJID: "123456789012345@g.us", ID: "M1", Participant: "628222222@s.whatsapp.net"}
	for name, c := range map[string]struct {
		body string
		want store.Content
		data string
	}{
		"text":     {`{"text":"hi"}`, store.Content{Type: "text", Text: "hi"}, ""},
		"mentions": {`{"text":"hi","mentions":["6281@c.us","62 822-22"]}`, store.Content{Type: "text", Text: "hi", Mentions: []string{"6281@s.whatsapp.net"}}, "bad"},
		"mention":  {`{"text":"hi","mentions":["628111@c.us"]}`, store.Content{Type: "text", Text: "hi", Mentions: []string{"628111@s.whatsapp.net"}}, ""},
		"image":    {`{"image":{"type":"Buffer","data":[1,2,255]},"caption":"c","viewOnce":true}`, store.Content{Type: "image", Text: "c", Media: &store.Media{ViewOnce: true}}, "\x01\x02\xff"},
		"video":    {`{"video":{"data":"AQI="},"gifPlayback":true,"seconds":3.5}`, store.Content{Type: "video", Media: &store.Media{GIF: true, Seconds: 3}}, "\x01\x02"},
		"ptv":      {`{"video":{"data":"AQI"},"ptv":true}`, store.Content{Type: "video", Media: &store.Media{PTV: true}}, "\x01\x02"},
		"audio":    {`{"audio":{"data":"AQI="},"mimetype":"audio/mpeg"}`, store.Content{Type: "audio", Media: &store.Media{Mimetype: "audio/mpeg"}}, "\x01\x02"},
		"voice":    {`{"audio":{"data":"AQI="},"ptt":true,"waveform":[0,50,100]}`, store.Content{Type: "voice", Media: &store.Media{PTT: true, Waveform: []byte{0, 50, 100}}}, "\x01\x02"},
		"document": {`{"document":{"data":"AQI="},"fileName":"a.pdf","caption":"c"}`, store.Content{Type: "document", Text: "c", Media: &store.Media{FileName: "a.pdf"}}, "\x01\x02"},
		"sticker":  {`{"sticker":{"data":"AQI="}}`, store.Content{Type: "sticker", Media: &store.Media{}}, "\x01\x02"},
		"location": {`{"location":{"degreesLatitude":-6.2,"degreesLongitude":106.8,"name":"Monas"}}`, store.Content{Type: "location", Location: &store.Location{Latitude: -6.2, Longitude: 106.8, Name: "Monas"}}, ""},
		"contacts": {`{"contacts":{"displayName":"J","contacts":[{"vcard":"BEGIN:VCARD\nEND:VCARD"}]}}`, store.Content{Type: "contacts", Contacts: &store.Contacts{DisplayName: "J", VCards: []string{"BEGIN:VCARD\nEND:VCARD"}}}, ""},
		"react":    {`{"react":{"text":"👍","key":{"id":"M1","fromMe":true}}}`, store.Content{Type: "reaction", Text: "👍", Key: &key}, ""},
		"unreact":  {`{"react":{"text":"","key":{"id":"M1","fromMe":true}}}`, store.Content{Type: "reaction", Key: &key}, ""},
		"delete":   {`{"delete":{"remoteJid":"123456789012345@g.us","id":"M1","participant":"628222222:4@s.whatsapp.net"}}`, store.Content{Type: "revoke", Key: &group}, ""},
		"edit":     {`{"text":"new","edit":{"id":"M1","fromMe":true}}`, store.Content{Type: "edit", Text: "new", Key: &key}, ""},
		"nulls":    {`{"text":"hi","image":null,"poll":null,"linkPreview":{}}`, store.Content{Type: "text", Text: "hi"}, ""},
		"poll":     {`{"poll":{"name":"Lunch?","values":["Soup","Rice"],"selectableCount":1}}`, store.Content{Type: "poll", Poll: &store.Poll{Name: "Lunch?", Options: []string{"Soup", "Rice"}, Selectable: 1}}, ""},
		"any poll": {`{"poll":{"name":"Lunch?","values":["Soup","Rice"]}}`, store.Content{Type: "poll", Poll: &store.Poll{Name: "Lunch?", Options: []string{"Soup", "Rice"}}}, ""},
		"event":    {`{"event":{"name":"Opening","startDate":"2026-12-24T18:00:00.000Z","endTime":1798142400,"location":{"name":"Hall"},"extraGuestsAllowed":true}}`, store.Content{Type: "event", Occasion: &store.Occasion{Name: "Opening", Start: 1798135200, End: 1798142400, Location: &store.Location{Name: "Hall"}, ExtraGuests: true}}, ""},
		"millis":   {`{"event":{"name":"Opening","startDate":1798135200000,"isCancelled":true}}`, store.Content{Type: "event", Occasion: &store.Occasion{Name: "Opening", Start: 1798135200, Cancelled: true}}, ""},
		"invite":   {`{"groupInvite":{"jid":"123456789012345@g.us","subject":"Us","inviteCode":"AbC","inviteExpiration":1798135200,"text":"join"}}`, store.Content{Type: "invite", Text: "join", Invite: &store.Invite{Group: "123456789012345@g.us", Name: "Us", Code: "AbC", Expires: 1798135200}}, ""},
		"album":    {`{"album":{"expectedImageCount":2,"expectedVideoCount":1}}`, store.Content{Type: "album", Album: &store.Album{Images: 2, Videos: 1}}, ""},
		"in album": {`{"image":{"data":"AQI="},"albumParentKey":{"id":"M1","fromMe":true}}`, store.Content{Type: "image", Key: &key, Media: &store.Media{}}, "\x01\x02"},
		"forward":  {`{"forward":{"key":{"id":"M1","fromMe":true},"message":{"conversation":"hi"}}}`, store.Content{Type: "forward", Key: &key, Forward: &store.Forward{Message: json.RawMessage(`{"conversation":"hi"}`), Own: true}}, ""},
		"force":    {`{"forward":{"key":{"id":"M1","fromMe":true}},"force":true}`, store.Content{Type: "forward", Key: &key, Forward: &store.Forward{}}, ""},
		"pin":      {`{"pin":{"id":"M1","fromMe":true},"type":1,"time":604800}`, store.Content{Type: "pin", Key: &key, Pin: &store.Pin{Seconds: 604800}}, ""},
		"pin day":  {`{"pin":{"id":"M1","fromMe":true}}`, store.Content{Type: "pin", Key: &key, Pin: &store.Pin{Seconds: 86400}}, ""},
		"unpin":    {`{"pin":{"id":"M1","fromMe":true},"type":2}`, store.Content{Type: "pin", Key: &key, Pin: &store.Pin{Unpin: true}}, ""},
		"preview":  {`{"text":"see https://a.b/c.","linkPreview":{"canonical-url":"https://a.b/c","title":"T","description":"D","jpegThumbnail":"AQI="}}`, store.Content{Type: "text", Text: "see https://a.b/c.", Preview: &store.LinkPreview{URL: "https://a.b/c", Title: "T", Description: "D", Thumbnail: []byte{1, 2}}}, ""},
		"all":      {`{"text":"hi","mentionAll":true,"linkPreview":null}`, store.Content{Type: "text", Text: "hi", MentionAll: true}, ""},
		"no text":  {`{"text":"","image":{"data":"AQI="}}`, store.Content{Type: "image", Media: &store.Media{}}, "\x01\x02"},
	} {
		got, from, err := decodeMessage(t, c.body)
		if c.data == "bad" {
			if err == nil {
				t.Errorf("%s: got no error", name)
			}
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v, got (+) want (-):\n%s", name, err, diff)
		}
		if (from != nil) != (c.data != "") || from != nil && string(from.data) != c.data {
			t.Errorf("%s: media: got %v, want %q", name, from, c.data)
		}
	}
}

// TestMessageMistakes has a sentence for each.
func TestMessageMistakes(t *testing.T) {
	for body, want := range map[string]string{
		`{}`:                          "accepted are text, image",
		`{"text":" "}`:                "The text is empty",
		`{"edit":{"id":"M1"}}`:        "An edit needs the new text",
		`{"delete":{"id":""}}`:        "with its id",
		`{"react":{"text":"x"}}`:      "with its id",
		`{"pin":{}}`:                  "with its id",
		`{"pin":{"id":"x"},"type":3}`: "The type of a pin",
		`{"pin":{"id":"x"},"time":5}`: "a day, a week or 30 days",
		`{"forward":{}}`:              "with its id",
		`{"event":{}}`:                "needs a name",
		`{"event":{"name":"x"}}`:      "time at which it begins",
		`{"event":{"name":"x","startDate":"tomorrow"}}`:                    "A time must be",
		`{"event":{"name":"x","startTime":9,"endTime":8}}`:                 "before it begins",
		`{"event":{"name":"x","startTime":9,"call":"video"}}`:              "Links for calls",
		`{"poll":{"name":"x","values":["a"]}}`:                             "2 to 12",
		`{"poll":{"name":"","values":["a","b"]}}`:                          "needs a name",
		`{"poll":{"name":"x","values":["a","a"]}}`:                         "differ",
		`{"poll":{"name":"x","values":["a","b"],"selectableCount":3}}`:     "from 0 to 2",
		`{"groupInvite":{"jid":"628111@s.whatsapp.net","inviteCode":"x"}}`: "@g.us",
		`{"groupInvite":{"jid":"123456789012345@g.us"}}`:                   "inviteCode",
		`{"album":{"expectedImageCount":1}}`:                               "2 or more",
		`{"text":"x","viewOnce":true}`:                                     "viewed once",
		`{"video":{"data":"AQI="},"ptv":true,"viewOnce":true}`:             "viewed once",
		`{"buttons":[],"text":"x"}`:                                        "buttons are not accepted; accepted are text",
		`{"image":"x.jpg"}`:                                                "must be",
		`{"image":{"url":5}}`:                                              "must be",
		`{"image":{"url":""}}`:                                             "empty",
		`{"image":{"data":[]}}`:                                            "empty",
		`{"image":{"data":[256]}}`:                                         "0 to 255",
		`{"image":{"data":[-1]}}`:                                          "0 to 255",
		`{"image":{"data":[1.5]}}`:                                         "0 to 255",
		`{"image":{"url":"ftp://x/y"}}`:                                    "must begin with",
		`{"video":{"stream":1}}`:                                           "stream",
		`{"location":{"degreesLatitude":1}}`:                               "degreesLongitude",
		`{"location":{"degreesLatitude":91,"degreesLongitude":0}}`:         "between",
		`{"contacts":{"contacts":[]}}`:                                     "vcard",
		`{"contacts":{"contacts":[{"vcard":"x"}]}}`:                        "BEGIN:VCARD",
		`{"react":{"text":"x","key":{"id":"A1","remoteJid":"nobody"}}}`:    "not a WhatsApp JID",
		`{"text":7}`: "message.text must not be a number",
	} {
		_, _, err := decodeMessage(t, body)
		if p := (*problem)(nil); !errors.As(err, &p) || !strings.Contains(p.Detail, want) {
			t.Errorf("%s: got %v, want %q", body, err, want)
		}
	}
}

// TestRecipients writes every way to name somebody in one way, or refuses it.
func TestRecipients(t *testing.T) {
	for _, c := range []struct{ jid, kind, country, want string }{
		{"+62 812-3456-7890", "number", "", "6281234567890@s.whatsapp.net"},
		{"0812-3456-7890", "number", "62", "6281234567890@s.whatsapp.net"},
		{"081234567890", "number", "", ""},
		{"0062812345678", "number", "62", ""},
		{"abc", "number", "", ""},
		{"1234567890123456", "number", "", ""},
		{"6281234567890:3@s.whatsapp.net", "jid", "", "6281234567890@s.whatsapp.net"},
		{"6281234567890@c.us", "", "", "6281234567890@s.whatsapp.net"},
		{"900000000000001:2@lid", "jid", "", "900000000000001@lid"},
		{"120363000000000000@g.us", "jid", "", "120363000000000000@g.us"},
		{"6281234567890-1600000000@g.us", "jid", "", "6281234567890-1600000000@g.us"},
		{"120363000000000000@newsletter", "jid", "", "120363000000000000@newsletter"},
		{"status@broadcast", "jid", "", "status@broadcast"},
		{"6281234567890", "jid", "", ""},
		{"a@s.whatsapp.net", "jid", "", ""},
		{"6281@evil.example", "jid", "", ""},
		{"6281234567890@s.whatsapp.net\n", "", "", "6281234567890@s.whatsapp.net"},
		{"6281234567890", "fax", "", ""},
	} {
		got, err := rootRecipient(c.jid, c.kind, c.country)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%q as %q: got %q, %v, want %q", c.jid, c.kind, got, err, c.want)
		}
	}
}

// TestSniff names types by their first bytes.
func TestSniff(t *testing.T) {
	for data, want := range map[string]string{
		"OggS": "audio/ogg", "\x00\x00\x00\x18ftypmp42": "video/mp4", "\x00\x00\x00\x18ftypM4A ": "audio/mp4", "\xff\xd8\xff": "image/jpeg",
		"RIFF\x00\x00\x00\x00WEBPVP8 ": "image/webp", "%PDF-1.4": "application/pdf", "ID3\x03": "audio/mpeg", "\xff\xfb\x90": "audio/mpeg", "\x00\x01": "",
	} {
		if got := sniff([]byte(data)); got != want {
			t.Errorf("%q: got %q, want %q", data, got, want)
		}
	}
}

// TestBufferForms reads Node's three ways to write bytes.
func TestBufferForms(t *testing.T) {
	for _, raw := range []string{`"AQL/"`, `"AQL_"`, `[1,2,255]`, `[ 1 , 2,255 ]`, `{"type":"Buffer","data":[1,2,255]}`, `{"type":"Buffer","data":"AQL/"}`} {
		if got, err := buffer([]byte(raw)); string(got) != "\x01\x02\xff" || err != nil {
			t.Errorf("%s: got %q, %v", raw, got, err)
		}
	}
}

// FuzzMessage decodes anything without a panic, and what it accepts survives the way into the jobs table.
func FuzzMessage(f *testing.F) {
	for _, body := range []string{
		`{"text":"hi","mentions":["6281@c.us"]}`, `{"image":{"url":"data:image/png;base64,AQI="}}`, `{"image":{"type":"Buffer","data":[1,2]}}`,
		`{"location":{"degreesLatitude":1,"degreesLongitude":2}}`, `{"react":{"text":"x","key":{"id":"A"}}}`, `{"delete":{"id":"A"}}`, `{"poll":{"name":"x","values":["a","b"]}}`,
		`{"event":{"name":"x","startDate":"2026-12-24T18:00:00Z"}}`, `{"forward":{"key":{"id":"A"},"message":{}}}`, `{"pin":{"id":"A"},"type":1,"time":86400}`,
		`{"text":"https://a.b","linkPreview":{"title":"x"}}`, `{"groupInvite":{"jid":"12345@g.us","inviteCode":"x"}}`, `{"album":{"expectedImageCount":2}}`, `[`, `null`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var m rootMessage
		if parse(body, &m, false) != nil {
			return
		}
		c, from, err := m.content(chat)
		if err != nil {
			return
		}
		if from != nil && strings.HasPrefix(from.url, "data:") {
			_, _, _ = dataURL("image", from.url)
		}
		stored, err := json.Marshal(c)
		var back store.Content
		if err != nil || json.Unmarshal(stored, &back) != nil || back.Type != c.Type {
			t.Errorf("%s: became %s, %v", body, stored, err)
		}
	})
}

// FuzzBuffer agrees with base64 and arrays as encoding/json writes them.
func FuzzBuffer(f *testing.F) {
	f.Add([]byte{0, 1, 255})
	f.Fuzz(func(t *testing.T, data []byte) {
		list := make([]int, len(data))
		for i, b := range data {
			list[i] = int(b)
		}
		array, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range []string{string(array), `"` + base64.StdEncoding.EncodeToString(data) + `"`} {
			if got, err := buffer([]byte(raw)); string(got) != string(data) || err != nil {
				t.Errorf("%s: got %v, %v", raw, got, err)
			}
		}
	})
}
