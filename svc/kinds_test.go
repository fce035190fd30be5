package svc_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"strings"
	"testing"
)

const (
	ours   = "6281000000001" // the gateway's account
	theirs = "6281000000002" // a person with a phone
)

// TestSendKinds sends every kind of message through the root API and looks at
// what arrived at the phone: the content, and media byte for byte.
func TestSendKinds(t *testing.T) {
	t.Parallel()
	g := sandboxed(t)
	g.pair("shop", ours)
	g.phone(theirs)
	for _, k := range sendKinds() {
		t.Run(k.name, func(t *testing.T) {
			g := *g
			g.t = t
			key := g.send(k.message, k.options)
			got := g.arrived(theirs, key.ID)
			if got.Type != k.wantType {
				t.Errorf("got type %q, want %q", got.Type, k.wantType)
			}
			for _, want := range k.want {
				if !strings.Contains(compact(got.Content), want) {
					t.Errorf("got content %s, want %s in it", compact(got.Content), want)
				}
			}
			g.sameMedia(got, k.media)
		})
	}
	g.healthy(ours, theirs)
}

type sendKind struct {
	name     string
	message  object
	options  object
	media    []byte
	wantType string
	want     []string // parts of the content's JSON
}

func sendKinds() []sendKind {
	picture, pdf, voice := testJPEG(), []byte("%PDF-1.4\nwamux\n%%EOF"), testOgg()
	video, webp := testMP4(), testWebP()
	vcard := "BEGIN:VCARD\nVERSION:3.0\nFN:Jane\nTEL;waid=628123:+62 8123\nEND:VCARD"
	return []sendKind{
		{name: "Text", message: object{"text": "Héllo 🌍"}, wantType: "text", want: []string{`Héllo 🌍`}},
		{name: "Mention", message: object{"text": "hi @6281000000002", "mentions": []string{theirs + "@s.whatsapp.net"}}, wantType: "text", want: []string{`"mentionedJID":["6281000000002@s.whatsapp.net"]`}},
		{name: "Ephemeral", message: object{"text": "gone soon"}, options: object{"ephemeralExpiration": 86400}, wantType: "text", want: []string{`"expiration":86400`}},
		{name: "ImageBuffer", message: object{"image": buffer(picture), "caption": "sunset"}, media: picture, wantType: "image", want: []string{`"caption":"sunset"`, `"mimetype":"image/jpeg"`, `"JPEGThumbnail":"`}},
		{name: "ImageNumbers", message: object{"image": object{"type": "Buffer", "data": numbers(picture)}}, media: picture, wantType: "image"},
		{name: "ImageDataURL", message: object{"image": object{"url": "data:image/png;base64," + base64.StdEncoding.EncodeToString(testPNG())}}, media: testPNG(), wantType: "image", want: []string{`"mimetype":"image/png"`}},
		{name: "ViewOnce", message: object{"image": buffer(picture), "viewOnce": true}, media: picture, wantType: "image", want: []string{`"viewOnce":true`}},
		{name: "ViewOnceWrapped", message: object{"image": buffer(picture), "viewOnce": true}, media: picture, wantType: "image", want: []string{`"viewOnceMessage":{"message":{"imageMessage"`}},
		{name: "ViewOnceVideo", message: object{"video": buffer(video), "viewOnce": true}, media: video, wantType: "video", want: []string{`"viewOnceMessage":{"message":{"videoMessage"`, `"viewOnce":true`}},
		{name: "ViewOnceVoice", message: object{"audio": buffer(voice), "ptt": true, "viewOnce": true}, media: voice, wantType: "voice", want: []string{`"viewOnceMessageV2Extension":{"message":{"audioMessage"`, `"viewOnce":true`}},
		{name: "Video", message: object{"video": buffer(video), "caption": "clip", "seconds": 3}, media: video, wantType: "video", want: []string{`"caption":"clip"`, `"seconds":3`}},
		{name: "GIF", message: object{"video": buffer(video), "gifPlayback": true}, media: video, wantType: "video", want: []string{`"gifPlayback":true`}},
		{name: "PTV", message: object{"video": buffer(video), "ptv": true}, media: video, wantType: "video", want: []string{`"ptvMessage"`}},
		{name: "Audio", message: object{"audio": buffer([]byte("ID3\x03wamux-audio")), "mimetype": "audio/mpeg"}, media: []byte("ID3\x03wamux-audio"), wantType: "audio", want: []string{`"mimetype":"audio/mpeg"`}},
		{name: "Voice", message: object{"audio": buffer(voice), "ptt": true}, media: voice, wantType: "voice", want: []string{`"PTT":true`, `audio/ogg`}},
		{name: "Document", message: object{"document": buffer(pdf), "mimetype": "application/pdf", "fileName": "bill.pdf", "caption": "see"}, media: pdf, wantType: "document", want: []string{`"fileName":"bill.pdf"`, `"mimetype":"application/pdf"`}},
		{name: "Sticker", message: object{"sticker": buffer(webp)}, media: webp, wantType: "sticker", want: []string{`"mimetype":"image/webp"`}},
		{name: "Location", message: object{"location": object{"degreesLatitude": -6.2, "degreesLongitude": 106.8, "name": "Monas", "address": "Jakarta"}}, wantType: "location", want: []string{`"degreesLatitude":-6.2`, `"degreesLongitude":106.8`, `"name":"Monas"`, `"address":"Jakarta"`}},
		{name: "Contact", message: object{"contacts": object{"displayName": "Jane", "contacts": []object{{"vcard": vcard}}}}, wantType: "contact", want: []string{`TEL;waid=628123`}},
		{name: "Contacts", message: object{"contacts": object{"displayName": "2 contacts", "contacts": []object{{"vcard": vcard}, {"vcard": vcard}}}}, wantType: "contacts", want: []string{`"contactsArrayMessage"`}},
		{name: "Poll", message: object{"poll": object{"name": "Lunch?", "values": []string{"Soup", "Rice"}, "selectableCount": 1}}, wantType: "poll", want: []string{`"name":"Lunch?"`, `"optionName":"Rice"`, `"selectableOptionsCount":1`, `"messageSecret":"`}},
		{name: "Event", message: object{"event": object{"name": "Opening", "description": "cake", "startDate": "2026-12-24T18:00:00.000Z", "endDate": "2026-12-24T20:00:00.000Z", "location": object{"name": "Hall"}, "extraGuestsAllowed": true}}, wantType: "event", want: []string{`"description":"cake"`, `"startTime":"1798135200"`, `"endTime":"1798142400"`, `"extraGuestsAllowed":true`, `"messageSecret":"`}},
		{name: "GroupInvite", message: object{"groupInvite": object{"jid": "120363000000000001@g.us", "subject": "Us", "inviteCode": "AbCd", "inviteExpiration": 1798135200, "text": "join"}}, wantType: "group_invite", want: []string{`"inviteCode":"AbCd"`, `"groupName":"Us"`, `"caption":"join"`}},
		{name: "LinkPreview", message: object{"text": "see https://example.com/a", "linkPreview": object{"canonical-url": "https://example.com/a", "matched-text": "https://example.com/a", "title": "Example", "description": "A page", "jpegThumbnail": buffer([]byte{1, 2})}}, wantType: "text", want: []string{`"matchedText":"https://example.com/a"`, `"title":"Example"`, `"description":"A page"`, `"JPEGThumbnail":"AQI="`}},
		{name: "NoLinkPreview", message: object{"text": "see https://example.com/a", "linkPreview": nil}, wantType: "text"},
		{name: "Album", message: object{"album": object{"expectedImageCount": 2}}, wantType: "album", want: []string{`"expectedImageCount":2`}},
		{name: "ForwardGiven", message: object{"forward": object{"key": object{"remoteJid": "628999@s.whatsapp.net", "id": "3EB0GIVEN"}, "message": object{"extendedTextMessage": object{"text": "passed on", "contextInfo": object{"forwardingScore": 4, "stanzaId": "3EB0X"}}}}}, wantType: "text", want: []string{`"text":"passed on"`, `"forwardingScore":5`, `"isForwarded":true`}},
	}
}

// TestConversion: a picture becomes a sticker, Ogg Opus gets its waveform, and
// what needs ffmpeg says so where that is not there.
func TestConversion(t *testing.T) {
	t.Parallel()
	g := start(t, t.TempDir(), []string{"PATH="}, "run", "--sandbox")
	g.pair("shop", ours)
	g.phone(theirs)
	sticker := g.arrived(theirs, g.send(object{"sticker": buffer(testPNG())}, nil).ID)
	if got := compact(sticker.Content); sticker.Type != "sticker" || sticker.Mimetype != "image/webp" || !strings.Contains(got, `"width":512`) || !strings.Contains(got, `"height":512`) {
		t.Errorf("sticker: got %s %s %s", sticker.Type, sticker.Mimetype, got)
	}
	if _, data := g.call("GET", fmt.Sprintf("/v1/sandbox/phones/%s/messages/%d/media", theirs, sticker.Seq), nil); !bytes.HasPrefix(data, []byte("RIFF")) || !bytes.Contains(data[:16], []byte("WEBP")) {
		t.Errorf("sticker: got %q", data[:min(len(data), 16)])
	}
	note, err := os.ReadFile("media/testdata/loud-quiet.ogg")
	if err != nil {
		t.Fatal(err)
	}
	voice := g.arrived(theirs, g.send(object{"audio": buffer(note), "ptt": true}, nil).ID)
	g.sameMedia(voice, note)
	if got := compact(voice.Content); !strings.Contains(got, `"seconds":2`) || !strings.Contains(got, `"waveform":"`) {
		t.Errorf("voice: got %s", got)
	}
	mp3 := object{"data": []byte("ID3\x04 some sound")}
	if status, answer := g.call("POST", "/v1/sessions/shop/messages", object{"to": theirs, "type": "voice", "voice": mp3}); status != 422 || !strings.Contains(string(answer), `"conversion_unavailable"`) || !strings.Contains(string(answer), "ffmpeg") {
		t.Errorf("mp3 without ffmpeg: got %d %s", status, answer)
	}
	if status, answer := g.call("POST", "/shop/messages/send", object{"jid": theirs, "message": object{"audio": buffer([]byte("ID3\x04 some sound")), "ptt": true}}); status != 500 || !strings.Contains(string(answer), "ffmpeg") {
		t.Errorf("root: mp3 without ffmpeg: got %d %s", status, answer)
	}
	if status, answer := g.call("POST", "/v1/sessions/shop/messages", object{"to": theirs, "type": "sticker", "sticker": object{"data": []byte("%PDF-1.4")}}); status != 422 || !strings.Contains(string(answer), `"media_unreadable"`) {
		t.Errorf("sticker of a PDF: got %d %s", status, answer)
	}
	g.healthy(ours, theirs)
}

// TestV1Kinds sends through /v1 what the root API has under other names.
func TestV1Kinds(t *testing.T) {
	t.Parallel()
	g := sandboxed(t)
	g.pair("shop", ours)
	g.phone(theirs)
	for _, c := range []struct {
		kind     string
		content  any
		wantType string
		want     string
	}{
		{"text", object{"body": "hi"}, "text", `"text":"hi"`},
		{"poll", object{"name": "Lunch?", "options": []string{"Soup", "Rice"}, "selectableCount": 1}, "poll", `"optionName":"Rice"`},
		{"event", object{"name": "Opening", "startsAt": "2026-12-24T18:00:00Z", "location": object{"latitude": 1, "longitude": 2, "name": "Hall"}}, "event", `"startTime":"1798135200"`},
		{"contact", object{"vcard": "BEGIN:VCARD\nFN:Jane\nEND:VCARD"}, "contact", `FN:Jane`},
		{"liveLocation", object{"latitude": -6.2, "longitude": 106.8, "caption": "on my way"}, "live_location", `"caption":"on my way"`},
		{"sticker", object{"data": testPNG()}, "sticker", `"mimetype":"image/webp"`},
	} {
		body := object{"to": theirs, "type": c.kind, c.kind: c.content, "expiresIn": 86400}
		job := must[struct{ MessageID string }](g, 200, "POST", "/v1/sessions/shop/messages", body)
		got := g.arrived(theirs, job.MessageID)
		if text := compact(got.Content); got.Type != c.wantType || !strings.Contains(text, c.want) || !strings.Contains(text, `"expiration":86400`) {
			t.Errorf("%s: got %s %s, want %s in it", c.kind, got.Type, text, c.want)
		}
	}
	g.healthy(ours, theirs)
}

// TestSendAbout sends what speaks of an earlier message.
func TestSendAbout(t *testing.T) {
	t.Parallel()
	g := sandboxed(t)
	g.pair("shop", ours)
	g.phone(theirs)
	first := g.send(object{"text": "frist"}, nil)
	chat := theirs + "@s.whatsapp.net"
	key := object{"remoteJid": chat, "fromMe": true, "id": first.ID}

	edit := g.send(object{"text": "first", "edit": key}, nil)
	if got := g.arrived(theirs, edit.ID); !strings.Contains(compact(got.Content), first.ID) {
		t.Errorf("edit: got %s, want the target's id", compact(got.Content))
	}
	react := g.send(object{"react": object{"text": "👍", "key": key}}, nil)
	if got := g.arrived(theirs, react.ID); got.Type != "reaction" || !strings.Contains(compact(got.Content), "👍") {
		t.Errorf("reaction: got %s %s", got.Type, compact(got.Content))
	}
	asked := must[struct{ ID string }](g, 200, "POST", "/v1/sandbox/phones/"+theirs+"/messages", object{"to": ours, "type": "text", "text": "open today?"})
	eventually(t, "the question is in history", func() bool { return g.texts("shop", "incoming")["open today?"] == 1 })
	reply := g.send(object{"text": "until six"}, object{"quoted": object{"key": object{"remoteJid": chat, "fromMe": false, "id": asked.ID}, "message": object{"conversation": "open today?"}}})
	if got := compact(g.arrived(theirs, reply.ID).Content); !strings.Contains(got, `"stanzaID":"`+asked.ID+`"`) || !strings.Contains(got, "open today?") {
		t.Errorf("reply: got %s, want the quoted message", got)
	}
	pin := g.send(object{"pin": key, "type": 1, "time": 604800}, nil)
	if got := g.arrived(theirs, pin.ID); got.Type != "pin" || !strings.Contains(compact(got.Content), `"PIN_FOR_ALL"`) || !strings.Contains(compact(got.Content), `"messageAddOnDurationInSecs":604800`) {
		t.Errorf("pin: got %s %s", got.Type, compact(got.Content))
	}
	unpin := g.send(object{"pin": key, "type": 2}, nil)
	if got := compact(g.arrived(theirs, unpin.ID).Content); !strings.Contains(got, `"UNPIN_FOR_ALL"`) {
		t.Errorf("unpin: got %s", got)
	}
	passed := g.send(object{"forward": object{"key": object{"remoteJid": chat, "fromMe": false, "id": asked.ID}}}, nil)
	if got := g.arrived(theirs, passed.ID); got.Text != "open today?" || !strings.Contains(compact(got.Content), `"isForwarded":true`) || strings.Contains(compact(got.Content), "stanzaID") {
		t.Errorf("forward: got %s", compact(got.Content))
	}
	own := g.send(object{"forward": object{"key": key, "message": object{"conversation": "cut sho"}}}, nil)
	if got := g.arrived(theirs, own.ID); got.Text != "first" || strings.Contains(compact(got.Content), `"isForwarded"`) {
		t.Errorf("forward of our own: got %s, want the edited text from the history, not marked", compact(got.Content))
	}
	forced := g.send(object{"forward": object{"key": key}, "force": true}, nil)
	if got := compact(g.arrived(theirs, forced.ID).Content); !strings.Contains(got, `"isForwarded":true`) {
		t.Errorf("forced forward: got %s", got)
	}
	photo := g.send(object{"image": buffer(testJPEG()), "caption": "sunste"}, nil)
	again := g.send(object{"forward": object{"key": object{"remoteJid": chat, "fromMe": true, "id": photo.ID}}, "force": true}, nil)
	g.sameMedia(g.arrived(theirs, again.ID), testJPEG())
	caption := g.send(object{"text": "sunset", "edit": object{"remoteJid": chat, "fromMe": true, "id": photo.ID}}, nil)
	if got := g.arrived(theirs, caption.ID); got.Type != "edit" || got.Text != "sunset" || !strings.Contains(compact(got.Content), `"editedMessage":{"imageMessage":{`) {
		t.Errorf("edit of a caption: got %s %q %s", got.Type, got.Text, compact(got.Content))
	}
	eventually(t, "the caption in history", func() bool { return g.inHistory(photo.ID).Message == "sunset" })
	revoke := g.send(object{"delete": key}, nil)
	if got := compact(g.arrived(theirs, revoke.ID).Content); !strings.Contains(got, `"REVOKE"`) {
		t.Errorf("delete: got %s, want a revoke", got)
	}
	g.healthy(ours, theirs)
}

// sentKey is the key of a sent message.
type sentKey struct {
	RemoteJid, ID string
	FromMe        bool
}

func (g *gateway) send(message, options object) sentKey {
	g.t.Helper()
	body := object{"jid": theirs, "type": "number", "message": message}
	if options != nil {
		body["options"] = options
	}
	v := must[struct {
		Success bool
		Data    struct{ Key sentKey }
	}](g, 200, "POST", "/shop/messages/send", body)
	if !v.Success || !v.Data.Key.FromMe || v.Data.Key.ID == "" {
		g.t.Fatalf("send: got %+v", v)
	}
	return v.Data.Key
}

// arrived waits for a message at a phone.
func (g *gateway) arrived(number, id string) (found received) {
	g.t.Helper()
	eventually(g.t, "message at phone", func() bool {
		for _, m := range g.inbox(number) {
			if m.ID == id {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

func (g *gateway) sameMedia(got received, want []byte) {
	g.t.Helper()
	if got.HasMedia != (want != nil) {
		g.t.Fatalf("has media: got %v", got.HasMedia)
	}
	if want == nil {
		return
	}
	sum := sha256.Sum256(want)
	if got.MediaSHA256 != hex.EncodeToString(sum[:]) {
		g.t.Errorf("media: got %s, want %x", got.MediaSHA256, sum)
	}
	status, data := g.call("GET", fmt.Sprintf("/v1/sandbox/phones/%s/messages/%d/media", theirs, got.Seq), nil)
	if status != 200 || !bytes.Equal(data, want) {
		g.t.Errorf("media: got %d with %d bytes, want the %d that were sent", status, len(data), len(want))
	}
}

// TestReceiveKinds lets a phone send everything it can; each is in chat
// history with type, text and metadata.
func TestReceiveKinds(t *testing.T) {
	t.Parallel()
	g := sandboxed(t)
	g.pair("shop", ours)
	g.phone(theirs)
	for _, k := range receiveKinds() {
		t.Run(k.name, func(t *testing.T) {
			g := *g
			g.t = t
			k.send["to"] = ours
			sent := must[struct{ ID string }](&g, 200, "POST", "/v1/sandbox/phones/"+theirs+"/messages", k.send)
			got := g.inHistory(sent.ID)
			if got.MessageType != k.wantType || got.Message != k.wantText || got.Direction != "incoming" || got.PhoneNumber != theirs {
				t.Errorf("got %+v, want type %q, text %q from %s", got, k.wantType, k.wantText, theirs)
			}
			metadata, _ := json.Marshal(got.Metadata)
			for _, want := range k.want {
				if !strings.Contains(string(metadata), want) {
					t.Errorf("got metadata %s, want %s in it", metadata, want)
				}
			}
		})
	}
	g.healthy(ours, theirs)
}

// TestReceiveAbout lets a phone speak of its own earlier message: a reply and a
// reaction are rows of their own, an edit and a deletion change the row.
func TestReceiveAbout(t *testing.T) {
	t.Parallel()
	g := sandboxed(t)
	g.pair("shop", ours)
	g.phone(theirs)
	say := func(m object) string {
		m["to"] = ours
		return must[struct{ ID string }](g, 200, "POST", "/v1/sandbox/phones/"+theirs+"/messages", m).ID
	}
	first := say(object{"type": "text", "text": "frist"})
	g.inHistory(first)
	about := func(kind, words string) string {
		return say(object{"type": kind, "text": words, "target": first, "targetFromMe": true})
	}
	if got := g.inHistory(about("reply", "me again")); got.Message != "me again" || !strings.Contains(fmt.Sprint(got.Metadata), first) {
		t.Errorf("reply: got %+v, want the quoted id %s", got, first)
	}
	if got := g.inHistory(about("reaction", "👍")); got.MessageType != "reaction" || got.Message != "👍" || !strings.Contains(fmt.Sprint(got.Metadata), first) {
		t.Errorf("reaction: got %+v, want the target %s", got, first)
	}
	about("edit", "first")
	eventually(t, "the edit", func() bool { return g.inHistory(first).Message == "first" })
	if got := g.inHistory(first); got.Metadata["previous"] != "frist" {
		t.Errorf("edit: got %+v, want the old text kept", got)
	}
	about("revoke", "")
	eventually(t, "the deletion", func() bool { return g.inHistory(first).Metadata["revokedAt"] != nil })
	g.healthy(ours, theirs)
}

// inHistory waits for the row of one message id.
func (g *gateway) inHistory(id string) (found row) {
	g.t.Helper()
	eventually(g.t, "message "+id+" in history", func() bool {
		for _, r := range g.history("shop") {
			if r.Metadata["messageId"] == id {
				found = r
				return true
			}
		}
		return false
	})
	return found
}

type receiveKind struct {
	name               string
	send               object
	wantType, wantText string
	want               []string
}

func receiveKinds() []receiveKind {
	return []receiveKind{
		{"Text", object{"type": "text", "text": "hello"}, "text", "hello", []string{`"pushName"`}},
		{"Image", object{"type": "image", "data": testJPEG(), "mimetype": "image/jpeg", "caption": "look"}, "image", "look", []string{`"mimetype":"image/jpeg"`}},
		{"Video", object{"type": "video", "data": testMP4(), "mimetype": "video/mp4", "seconds": 3}, "video", "", []string{`"seconds":3`}},
		{"Voice", object{"type": "voice", "data": testOgg(), "mimetype": "audio/ogg; codecs=opus", "seconds": 2}, "voice", "", []string{`audio/ogg`}},
		{"Audio", object{"type": "audio", "data": []byte("ID3"), "mimetype": "audio/mpeg"}, "audio", "", []string{`"mimetype":"audio/mpeg"`}},
		{"Document", object{"type": "document", "data": []byte("%PDF-1.4"), "mimetype": "application/pdf", "fileName": "a.pdf"}, "document", "", []string{`"fileName":"a.pdf"`}},
		{"Sticker", object{"type": "sticker", "data": testWebP(), "mimetype": "image/webp"}, "sticker", "", []string{`"mimetype":"image/webp"`}},
		{"Location", object{"type": "location", "latitude": -6.2, "longitude": 106.8, "name": "Monas"}, "location", "Monas", []string{`-6.2`}},
		{"Contact", object{"type": "contact", "displayName": "Jane", "vcards": []string{"BEGIN:VCARD\nFN:Jane\nEND:VCARD"}}, "contact", "Jane", []string{`BEGIN:VCARD`}},
		{"GIF", object{"type": "video", "data": testMP4(), "mimetype": "video/mp4", "gif": true}, "gif", "", []string{`"mimetype":"video/mp4"`}},
		{"PTV", object{"type": "video", "data": testMP4(), "mimetype": "video/mp4", "ptv": true}, "ptv", "", []string{`"mimetype":"video/mp4"`}},
		{"ViewOnce", object{"type": "image", "data": testJPEG(), "mimetype": "image/jpeg", "viewOnce": true}, "image", "", []string{`"viewOnce":true`}},
		{"LiveLocation", object{"type": "live_location", "latitude": -6.2, "longitude": 106.8, "caption": "on my way"}, "liveLocation", "on my way", []string{`-6.2`}},
		{"Contacts", object{"type": "contacts", "displayName": "2 contacts", "vcards": []string{"BEGIN:VCARD\nFN:A\nEND:VCARD", "BEGIN:VCARD\nFN:B\nEND:VCARD"}}, "contacts", "2 contacts", []string{`FN:B`}},
		{"Event", object{"type": "event", "name": "Opening", "extra": object{"startsAt": "2026-12-24T18:00:00Z"}}, "event", "Opening", []string{`2026-12-24T18:00:00`}},
		{"Poll", object{"type": "poll", "text": "Lunch?", "options": []string{"Soup", "Rice"}, "selectable": 1}, "poll", "Lunch?", []string{`Soup`, `Rice`}},
	}
}

// compact is JSON without the spaces that protojson puts in at random.
func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}

func buffer(data []byte) object { return object{"type": "Buffer", "data": data} }

func numbers(data []byte) []int {
	out := make([]int, len(data))
	for i, b := range data {
		out[i] = int(b)
	}
	return out
}

func testImage() image.Image {
	img := image.NewRGBA(image.Rect(0, 0, 64, 48))
	for i := range 64 * 48 {
		img.Set(i%64, i/64, color.RGBA{uint8(i), uint8(i / 64), 99, 255})
	}
	return img
}

func testJPEG() []byte {
	var b bytes.Buffer
	jpeg.Encode(&b, testImage(), nil)
	return b.Bytes()
}

func testPNG() []byte {
	var b bytes.Buffer
	png.Encode(&b, testImage())
	return b.Bytes()
}

// testMP4 has the box by which an MP4 file is known; WhatsApp's server and the
// gateway pass the rest on as it is.
func testMP4() []byte {
	return append([]byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"), bytes.Repeat([]byte("wamux"), 100)...)
}

// testWebP is the smallest lossless WebP: one pixel.
func testWebP() []byte {
	data, _ := base64.StdEncoding.DecodeString("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
	return data
}

// testOgg is an Ogg page with an Opus header and one that ends after a second.
func testOgg() []byte {
	head := append([]byte("OggS\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x13"), []byte("OpusHead\x01\x01\x00\x00\x80\xbb\x00\x00\x00\x00\x00")...)
	return append(head, []byte("OggS\x00\x04\x80\xbb\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x01\xfc")...)
}
