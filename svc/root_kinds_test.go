package svc_test

import (
	"encoding/base64"
	"testing"
)

// TestRootKinds holds the answers to every kind of message of the root API, good
// and bad, against golden files.
func TestRootKinds(t *testing.T) {
	t.Parallel()
	g := start(t, t.TempDir(), nil, "run", "--sandbox")
	g.pair("shop", ours)
	g.phone(theirs)
	g.play(goodKinds())
	g.play(mediaKinds())
	incoming := g.phoneSends(theirs, object{"to": ours, "type": "text", "text": "open today?"})
	g.inHistory(incoming)
	g.play([]scenario{kindWith("kind-quoted", 200, object{"text": "until six"}, object{"quoted": object{"key": theirKey(incoming)}})})
	g.play([]scenario{
		{name: "contacts", method: "GET", path: "/shop/contacts?limit=5&search=phone%20" + theirs, status: 200},
		{name: "contacts-number", method: "GET", path: "/shop/contacts?search=%2B62%20810-0000-0002", status: 200},
		{name: "contacts-nobody", method: "GET", path: "/shop/contacts?search=nobody", status: 200},
		{name: "contacts-bad-limit", method: "GET", path: "/shop/contacts?limit=many", status: 400},
		{name: "contacts-unknown", method: "GET", path: "/nobody/contacts", status: 404},
	})
	g.play(badKinds(incoming))
	g.play(repeats())
	own := g.send(object{"text": "under an id of wamux"}, nil).ID
	if again := g.send(object{"text": "under an id of wamux"}, object{"messageId": own}).ID; again != own {
		t.Errorf("the same message under the id that it got is %s, want %s", again, own)
	}
	if status, answer := g.call("POST", "/shop/messages/send", kindWith("x", 0, object{"text": "another"}, nil).under(own)); status != 409 {
		t.Errorf("another message under an id of wamux: got %d %s", status, answer)
	}
	if got := len(g.inbox(theirs)); got != len(goodKinds())+len(mediaKinds())+4 {
		t.Errorf("the phone has %d messages: one for each scenario that says so, and one under the id that is used again", got)
	}
	g.play(polls())
}

const about = theirs + "@s.whatsapp.net" // the chat that keys are of

func kind(name string, status int, message object) scenario {
	return kindWith(name, status, message, nil)
}

// kindWith is kind with more options than the id.
func kindWith(name string, status int, message, options object) scenario {
	return scenario{name: name, status: status, method: "POST", path: "/shop/messages/send",
		body: object{"jid": theirs, "type": "number", "message": message, "options": with(options, "messageId", "3EB0"+hexOf(name))}}
}

// under is the body of a scenario with another message id.
func (s scenario) under(id string) object {
	return with(s.body.(object), "options", object{"messageId": id})
}

// theirKey is the key of a message that came in.
func theirKey(id string) object { return object{"remoteJid": about, "fromMe": false, "id": id} }

// mediaKinds are the kinds with a file, as an old client writes them.
func mediaKinds() []scenario {
	file := object{"url": "data:image/png;base64," + base64.StdEncoding.EncodeToString(testPNG())}
	return []scenario{
		kind("kind-image", 200, object{"image": buffer(testJPEG()), "caption": "sunset"}),
		kind("kind-image-data-url", 200, object{"image": file, "mimetype": "image/png"}),
		kind("kind-view-once", 200, object{"image": buffer(testJPEG()), "viewOnce": true}),
		kind("kind-video", 200, object{"video": buffer(testMP4()), "caption": "clip", "seconds": 3}),
		kind("kind-gif", 200, object{"video": buffer(testMP4()), "gifPlayback": true}),
		kind("kind-ptv", 200, object{"video": buffer(testMP4()), "ptv": true}),
		kind("kind-audio", 200, object{"audio": buffer([]byte("ID3\x03 a song")), "mimetype": "audio/mpeg"}),
		kind("kind-ptt", 200, object{"audio": buffer(testOgg()), "ptt": true}),
		kind("kind-document", 200, object{"document": buffer([]byte("%PDF-1.4")), "mimetype": "application/pdf", "fileName": "bill.pdf"}),
		kind("kind-sticker", 200, object{"sticker": buffer(testWebP())}),
		kindWith("kind-ephemeral", 200, object{"text": "gone soon"}, object{"ephemeralExpiration": 86400}),
	}
}

// repeats send again under an id that is used: the same message is the earlier one, another is refused.
func repeats() []scenario {
	used := func(name string, status int, to string, message object) scenario {
		return scenario{name: name, status: status, method: "POST", path: "/shop/messages/send",
			body: object{"jid": to, "type": "number", "message": message, "options": object{"messageId": "ORDER-4711"}}}
	}
	picture := object{"image": buffer(testJPEG()), "caption": "the bill"}
	return []scenario{
		used("id-first", 200, theirs, picture),
		used("id-same", 200, theirs, picture),
		used("id-other-text", 409, theirs, object{"text": "something else"}),
		used("id-other-picture", 409, theirs, object{"image": buffer(testPNG()), "caption": "the bill"}),
		used("id-other-recipient", 409, ours, picture),
		{name: "id-v1", status: 409, method: "POST", path: "/v1/sessions/shop/messages", body: object{"to": theirs, "type": "text", "text": object{"body": "x"}, "messageId": "ORDER-4711"}},
	}
}

// hexOf makes a message id of a name, so that one scenario can speak of another.
func hexOf(name string) string {
	const digits = "0123456789ABCDEF"
	out := ""
	for _, c := range []byte(name) {
		out += string(digits[c>>4]) + string(digits[c&15])
	}
	return out
}

func keyOf(name string) object {
	return object{"remoteJid": about, "fromMe": true, "id": "3EB0" + hexOf(name)}
}

func goodKinds() []scenario {
	vcard := "BEGIN:VCARD\nVERSION:3.0\nFN:Jane\nEND:VCARD"
	link := object{"canonical-url": "https://example.com/a", "matched-text": "https://example.com/a", "title": "Example", "description": "A page"}
	return []scenario{
		kind("kind-text", 200, object{"text": "hello", "mentions": []string{about}}),
		kind("kind-preview", 200, object{"text": "see https://example.com/a", "linkPreview": link}),
		kind("kind-preview-hostile", 200, object{"text": "see http://169.254.169.254/latest", "linkPreview": true}),
		kind("kind-location", 200, object{"location": object{"degreesLatitude": -6.2, "degreesLongitude": 106.8, "name": "Monas"}}),
		kind("kind-contacts", 200, object{"contacts": object{"displayName": "Jane", "contacts": []object{{"vcard": vcard}}}}),
		kind("kind-poll", 200, object{"poll": object{"name": "Lunch?", "values": []string{"Soup", "Rice"}, "selectableCount": 1}}),
		kind("kind-event", 200, object{"event": object{"name": "Opening", "startDate": "2026-12-24T18:00:00.000Z", "location": object{"name": "Hall"}}}),
		kind("kind-invite", 200, object{"groupInvite": object{"jid": "120363000000000001@g.us", "subject": "Us", "inviteCode": "AbCd", "inviteExpiration": 1798135200, "text": "join"}}),
		kind("kind-album", 200, object{"album": object{"expectedImageCount": 2}}),
		kind("kind-react", 200, object{"react": object{"text": "👍", "key": keyOf("kind-text")}}),
		kind("kind-pin", 200, object{"pin": keyOf("kind-text"), "type": 1, "time": 86400}),
		kind("kind-unpin", 200, object{"pin": keyOf("kind-text"), "type": 2}),
		kind("kind-forward", 200, object{"forward": object{"key": keyOf("kind-preview")}, "force": true}),
		kind("kind-edit", 200, object{"edit": keyOf("kind-text"), "text": "hello again"}),
		kind("kind-delete", 200, object{"delete": keyOf("kind-text")}),
	}
}

func badKinds(incoming string) []scenario {
	return []scenario{
		kind("kind-bad-two", 400, object{"text": "x", "poll": object{"name": "x", "values": []string{"a", "b"}}}),
		kind("kind-bad-buttons", 400, object{"text": "x", "buttons": []object{}}),
		kind("kind-bad-poll", 400, object{"poll": object{"name": "Lunch?", "values": []string{"Soup"}}}),
		kind("kind-bad-event", 400, object{"event": object{"name": "Opening"}}),
		kind("kind-bad-pin", 400, object{"pin": keyOf("kind-text"), "time": 7}),
		kind("kind-bad-forward", 400, object{"forward": object{"key": keyOf("nowhere")}}),
		kind("kind-forward-deleted", 400, object{"forward": object{"key": keyOf("kind-text")}}),
		kind("kind-forward-reaction", 400, object{"forward": object{"key": keyOf("nowhere"), "message": object{"reactionMessage": object{"text": "x"}}}}),
		kind("kind-edit-deleted", 400, object{"edit": keyOf("kind-text"), "text": "x"}),
		kind("kind-edit-poll", 400, object{"edit": keyOf("kind-poll"), "text": "x"}),
		kind("kind-edit-theirs", 400, object{"edit": theirKey(incoming), "text": "x"}),
		kind("kind-edit-not-ours", 400, object{"edit": object{"remoteJid": about, "fromMe": true, "id": incoming}, "text": "x"}),
		kind("kind-delete-theirs", 400, object{"delete": theirKey(incoming)}),
		kind("kind-delete-not-ours", 400, object{"delete": object{"remoteJid": about, "fromMe": true, "id": incoming}}),
		kind("kind-view-once-text", 400, object{"text": "x", "viewOnce": true}),
	}
}

func polls() []scenario {
	group := "120363000000000001@g.us"
	poll := func(name string, status int, body any) scenario {
		return scenario{name: name, status: status, method: "POST", path: "/shop/messages/poll", body: body}
	}
	options := func(n int) []string {
		return []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m"}[:n]
	}
	full := func(change object) object {
		body := object{"jid": group, "type": "jid", "name": "Lunch?", "options": options(3), "selectableCount": 1}
		for k, v := range change {
			body[k] = v
		}
		return body
	}
	return []scenario{
		{name: "poll-unknown", status: 400, method: "POST", path: "/nobody/messages/poll", body: full(nil)},
		poll("poll-no-jid", 400, full(object{"jid": nil})),
		poll("poll-no-name", 400, full(object{"name": nil})),
		poll("poll-no-options", 400, full(object{"options": nil})),
		poll("poll-one-option", 400, full(object{"options": options(1)})),
		poll("poll-many-options", 400, full(object{"options": options(13)})),
		poll("poll-same-options", 400, full(object{"options": []string{"a", "a"}})),
		poll("poll-bad-options", 400, full(object{"options": "a,b"})),
		poll("poll-none-selectable", 400, full(object{"selectableCount": 0})),
		poll("poll-all-selectable", 400, full(object{"selectableCount": 4})),
		poll("poll-half-selectable", 400, full(object{"selectableCount": 1.5})),
		poll("poll-no-group", 400, full(object{"jid": about})),
		poll("poll-no-json", 400, "{"),
	}
}
