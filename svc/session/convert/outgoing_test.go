package convert

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"wamux/store"
)

var uploaded = &Uploaded{
	URL: "https://mmg.whatsapp.net/u", DirectPath: "/v/p", MediaKey: []byte("key"), FileEncSHA256: []byte("enc"), FileSHA256: []byte("sha"), FileLength: 1234,
}

type sendable struct {
	content  store.Content
	wantType string // as which it comes in
	wantText string
	wantMeta []string // parts of the metadata it comes in with
}

// contents is everything that can be sent, by the name of its golden file.
func contents() map[string]sendable {
	media := func(kind, text string, m store.Media) store.Content {
		return store.Content{Type: kind, Text: text, Media: &m}
	}
	key := &store.MessageKey{RemoteJID: jane.String(), FromMe: true, ID: "3EB0T"}
	quotedImage, _ := proto.Marshal(&waE2E.Message{EphemeralMessage: future(&waE2E.Message{ImageMessage: photo()})})
	quotedMedia := json.RawMessage(`{"imageMessage":{"caption":"sunset","jpegThumbnail":{"type":"Buffer","data":[1,2]}}}`)
	captioned, _ := proto.Marshal(&waE2E.Message{DocumentWithCaptionMessage: future(&waE2E.Message{DocumentMessage: &waE2E.DocumentMessage{
		FileName: proto.String("bill.pdf"), Caption: proto.String("old"), MediaKey: []byte("key")}})})
	forward := func(f store.Forward) store.Content { return store.Content{Type: "forward", Forward: &f} }
	passed, _ := proto.Marshal(&waE2E.Message{MessageContextInfo: &waE2E.MessageContextInfo{MessageSecret: []byte("SECRET")}, ExtendedTextMessage: &waE2E.ExtendedTextMessage{
		Text: proto.String("rumour"), ContextInfo: &waE2E.ContextInfo{ForwardingScore: proto.Uint32(2), StanzaID: proto.String("3EB0Q")}}})
	reply := func(r store.Reply) store.Content { return store.Content{Type: "text", Text: "until six", Reply: &r} }
	return map[string]sendable{
		"text":              {store.Content{Type: "text", Text: "Héllo 🌍"}, "text", "Héllo 🌍", nil},
		"mention":           {store.Content{Type: "text", Text: "hi @6281000000002", Mentions: []string{"+62 810-0000-0002", "222222222222222:3@lid"}}, "text", "hi @6281000000002", []string{`"mentions":["6281000000002@s.whatsapp.net","222222222222222@lid"]`}},
		"ephemeral":         {store.Content{Type: "text", Text: "gone soon", ExpiresIn: 86400}, "text", "gone soon", []string{`"expiration":86400`}},
		"reply":             {reply(store.Reply{Key: store.MessageKey{RemoteJID: jane.String(), ID: "3EB0Q"}, Text: "open today?"}), "text", "until six", []string{`"quoted":{"id":"3EB0Q","participant":"6281000000002@s.whatsapp.net","text":"open today?","type":"text"}`}},
		"reply_to_own":      {reply(store.Reply{Key: store.MessageKey{RemoteJID: jane.String(), FromMe: true, ID: "3EB0Q"}, Text: "we are open"}), "text", "until six", []string{`"participant":"6281000000001@s.whatsapp.net"`}},
		"reply_to_image":    {reply(store.Reply{Key: store.MessageKey{RemoteJID: group.String(), ID: "3EB0Q", Participant: janeLID.String()}, Raw: quotedImage}), "text", "until six", []string{`"text":"sunset","type":"image"`, `"participant":"222222222222222@lid"`}},
		"image":             {media("image", "sunset", store.Media{Mimetype: "image/png", Width: 640, Height: 480, Thumbnail: []byte("thumb")}), "image", "sunset", []string{`"mimetype":"image/png"`, `"width":640`, `"height":480`, `"fileLength":1234`}},
		"image_view_once":   {media("image", "", store.Media{ViewOnce: true}), "image", "", []string{`"viewOnce":true`, `"mimetype":"image/jpeg"`}},
		"video":             {media("video", "clip", store.Media{Mimetype: "video/mp4", Seconds: 3}), "video", "clip", []string{`"seconds":3`}},
		"gif":               {media("video", "", store.Media{GIF: true}), "gif", "", []string{`"gif":true`}},
		"ptv":               {media("video", "", store.Media{PTV: true}), "ptv", "", nil},
		"audio":             {media("audio", "", store.Media{Mimetype: "audio/mpeg", Seconds: 180}), "audio", "", []string{`"seconds":180`, `audio/mpeg`}},
		"voice":             {media("voice", "", store.Media{Mimetype: "audio/ogg", Seconds: 2, Waveform: []byte{1, 2}}), "voice", "", []string{`"ptt":true`, `audio/ogg; codecs=opus`}},
		"voice_view_once":   {media("audio", "", store.Media{PTT: true, ViewOnce: true}), "voice", "", []string{`"viewOnce":true`}},
		"document":          {media("document", "", store.Media{Mimetype: "application/pdf", FileName: `C:\bills\..\bill.pdf`}), "document", "", []string{`"fileName":"bill.pdf"`}},
		"document_caption":  {media("document", "see", store.Media{Mimetype: "application/pdf", FileName: "bill.pdf"}), "document", "see", []string{`"caption":"see"`}},
		"sticker":           {media("sticker", "", store.Media{Mimetype: "image/webp", Width: 512, Height: 512}), "sticker", "", []string{`"mimetype":"image/webp"`}},
		"location":          {store.Content{Type: "location", Location: &store.Location{Latitude: -6.2, Longitude: 106.8, Name: "Monas", Address: "Jakarta"}}, "location", "Monas", []string{`"latitude":-6.2`, `"longitude":106.8`, `"address":"Jakarta"`}},
		"live_location":     {store.Content{Type: "liveLocation", Text: "on my way", Location: &store.Location{Latitude: -6.2, Longitude: 106.8}}, "liveLocation", "on my way", []string{`"latitude":-6.2`}},
		"contact":           {store.Content{Type: "contacts", Contacts: &store.Contacts{VCards: []string{vcard}}}, "contact", "John Doe", []string{`TEL;waid=628123`}},
		"contacts":          {store.Content{Type: "contacts", Contacts: &store.Contacts{DisplayName: "2 contacts", VCards: []string{vcard, vcard}}}, "contacts", "2 contacts", []string{`TEL;waid=628123`}},
		"reply_to_given":    {reply(store.Reply{Key: store.MessageKey{RemoteJID: jane.String(), ID: "3EB0Q"}, Message: quotedMedia, Text: "sunset"}), "text", "until six", []string{`"text":"sunset","type":"image"`}},
		"reply_to_nonsense": {reply(store.Reply{Key: store.MessageKey{RemoteJID: jane.String(), ID: "3EB0Q"}, Message: json.RawMessage(`{"conversation":7}`), Text: "open?"}), "text", "until six", []string{`"text":"open?","type":"text"`}},
		"mention_all":       {store.Content{Type: "text", Text: "hi all", MentionAll: true}, "text", "hi all", []string{`"mentionAll":true`}},
		"preview":           {store.Content{Type: "text", Text: "see https://a.b/c", Preview: &store.LinkPreview{URL: "https://a.b/c", Title: "T", Description: "D", Thumbnail: []byte("thumb")}}, "text", "see https://a.b/c", []string{`"title":"T"`}},
		"sticker_animated":  {media("sticker", "", store.Media{Animated: true}), "sticker", "", []string{`"animated":true`}},
		"album":             {store.Content{Type: "album", Album: &store.Album{Images: 2, Videos: 1}}, "album", "", nil},
		"image_in_album":    {store.Content{Type: "image", Key: key, Media: &store.Media{}}, "image", "", []string{`"parentId":"3EB0T"`}},
		"poll":              {store.Content{Type: "poll", Poll: &store.Poll{Name: "Lunch?", Options: []string{"Soup", "Rice"}, Selectable: 1}, ExpiresIn: 60}, "poll", "Lunch?", []string{`"options":["Soup","Rice"]`, `"selectableCount":1`, `"expiration":60`}},
		"event":             {store.Content{Type: "event", Occasion: &store.Occasion{Name: "Opening", Description: "cake", Start: noon.Unix(), End: noon.Unix() + 60, Location: &store.Location{Name: "Hall", Latitude: 1, Longitude: 2}, ExtraGuests: true, JoinLink: "https://call.whatsapp.com/x"}}, "event", "Opening", []string{`"description":"cake"`, `"startsAt"`, `"endsAt"`, `"extraGuestsAllowed":true`, `"joinLink":"https://call`, `"name":"Hall"`}},
		"event_cancelled":   {store.Content{Type: "event", Occasion: &store.Occasion{Name: "Opening", Start: noon.Unix(), Cancelled: true}}, "event", "Opening", []string{`"cancelled":true`}},
		"invite":            {store.Content{Type: "invite", Text: "join us", Invite: &store.Invite{Group: group.String(), Name: "Us", Code: "AbC", Expires: noon.Unix()}}, "groupInvite", "join us", []string{`AbC`}},
		"pin":               {store.Content{Type: "pin", Key: key, Pin: &store.Pin{Seconds: 604800}}, "pin", "", []string{`"pinned":true`, `"seconds":604800`, `"id":"3EB0T"`}},
		"unpin":             {store.Content{Type: "pin", Key: key, Pin: &store.Pin{Unpin: true}}, "pin", "", []string{`"id":"3EB0T"`}},
		"forward":           {forward(store.Forward{Raw: passed}), "text", "rumour", []string{`"forwarded":true`, `"forwardingScore":3`}},
		"forward_own":       {forward(store.Forward{Message: json.RawMessage(`{"conversation":"ours"}`), Own: true}), "text", "ours", nil},
		"forward_image":     {forward(store.Forward{Raw: quotedImage}), "image", "sunset", []string{`"forwarded":true`}},
		"forward_document":  {forward(store.Forward{Raw: captioned}), "document", "old", []string{`"forwarded":true`}},
		"forward_poll":      {forward(store.Forward{Message: json.RawMessage(`{"pollCreationMessageV3":{"name":"Lunch?","options":[{"optionName":"Soup"}],"selectableOptionsCount":1}}`)}), "poll", "Lunch?", []string{`"forwardingScore":1`}},
		"edit_caption":      {store.Content{Type: "edit", Text: "fixed", Key: key, Original: quotedImage}, "", "fixed", nil},
		"edit_document":     {store.Content{Type: "edit", Text: "fixed", Key: key, Original: captioned}, "", "fixed", nil},
		"reaction":          {store.Content{Type: "reaction", Text: "👍", Key: key}, "reaction", "👍", []string{`"target":{"fromMe":false,"id":"3EB0T"`}},
		"reaction_removed":  {store.Content{Type: "reaction", Key: key}, "reaction", "", nil},
		"edit":              {store.Content{Type: "edit", Text: "fixed", Key: key}, "", "fixed", nil},
		"edit_mention":      {store.Content{Type: "edit", Text: "fixed @1", Key: key, Mentions: []string{"1"}}, "", "fixed @1", nil},
		"revoke":            {store.Content{Type: "revoke", Key: key}, "", "", nil},
		"revoke_of_other":   {store.Content{Type: "revoke", Key: &store.MessageKey{RemoteJID: group.String(), ID: "3EB0T", Participant: jane.String()}}, "", "", nil},
	}
}

// received is what the other side gets of a content.
func received(t *testing.T, c store.Content) (*waE2E.Message, store.Entry) {
	t.Helper()
	var up *Uploaded
	if _, ok := MediaKind(c); ok {
		up = uploaded
	}
	msg, err := Outgoing(c, up)
	if err != nil {
		t.Fatal(err)
	}
	Stamp(msg, own, noon)
	b, err := proto.Marshal(msg)
	if err != nil {
		t.Fatal(err)
	}
	back := new(waE2E.Message)
	if err := proto.Unmarshal(b, back); err != nil {
		t.Fatal(err)
	}
	info := types.MessageInfo{ID: "3EB0O", Timestamp: noon, MessageSource: from(ours, ours)}
	entries := incoming("theirs", Own{JID: jane, LID: janeLID}, (&events.Message{Info: info, RawMessage: back}).UnwrapRaw())
	if len(entries) != 1 {
		t.Fatalf("got %d entries, want one", len(entries))
	}
	return msg, entries[0]
}

// TestRoundTrip: what is sent comes in with the same content.
func TestRoundTrip(t *testing.T) {
	for name, c := range contents() {
		t.Run(name, func(t *testing.T) {
			msg, got := received(t, c.content)
			golden(t, "out_"+name, json.RawMessage(JSON(msg)))
			switch {
			case c.content.Type == "edit":
				if got.Edit == nil || got.Edit.ID != "3EB0T" || got.Edit.Text != c.wantText || !got.Edit.At.Equal(noon) {
					t.Errorf("got edit %+v", got.Edit)
				}
			case c.content.Type == "revoke":
				if got.Revoke == nil || got.Revoke.ID != "3EB0T" || got.Revoke.By != ours.String() {
					t.Errorf("got revoke %+v", got.Revoke)
				}
			case got.Message == nil || got.Message.Type != c.wantType || got.Message.Text != c.wantText:
				t.Errorf("got row %+v, want %s %q", got.Message, c.wantType, c.wantText)
			default:
				for _, want := range c.wantMeta {
					if !strings.Contains(string(got.Message.Metadata), want) {
						t.Errorf("got metadata %s, want %s in it", got.Message.Metadata, want)
					}
				}
			}
		})
	}
}

func TestOutgoingRefuses(t *testing.T) {
	key := &store.MessageKey{RemoteJID: jane.String(), ID: "3EB0T"}
	for name, c := range map[string]store.Content{
		"no type":            {},
		"unknown type":       {Type: "telepathy"},
		"no text":            {Type: "text"},
		"no media":           {Type: "image"},
		"no place":           {Type: "location"},
		"off the globe":      {Type: "location", Location: &store.Location{Latitude: 91}},
		"no cards":           {Type: "contacts", Contacts: &store.Contacts{}},
		"no vCard":           {Type: "contacts", Contacts: &store.Contacts{VCards: []string{"Jane"}}},
		"no key":             {Type: "reaction", Text: "👍"},
		"half a key":         {Type: "revoke", Key: &store.MessageKey{ID: "x"}},
		"edit of another":    {Type: "edit", Text: "x", Key: key},
		"empty edit":         {Type: "edit", Key: &store.MessageKey{RemoteJID: jane.String(), ID: "x", FromMe: true}},
		"nonsense mention":   {Type: "text", Text: "x", Mentions: []string{"Jane"}},
		"no poll":            {Type: "poll"},
		"one option":         {Type: "poll", Poll: &store.Poll{Name: "x", Options: []string{"a"}}},
		"two alike":          {Type: "poll", Poll: &store.Poll{Name: "x", Options: []string{"a", "a"}}},
		"too many answers":   {Type: "poll", Poll: &store.Poll{Name: "x", Options: []string{"a", "b"}, Selectable: 3}},
		"no event":           {Type: "event"},
		"event without time": {Type: "event", Occasion: &store.Occasion{Name: "x"}},
		"no invite":          {Type: "invite"},
		"small album":        {Type: "album", Album: &store.Album{Images: 1}},
		"pin of nothing":     {Type: "pin", Pin: &store.Pin{Seconds: 1}},
		"pin for no time":    {Type: "pin", Key: key, Pin: &store.Pin{}},
		"edit of garbage":    {Type: "edit", Text: "x", Key: &store.MessageKey{RemoteJID: jane.String(), ID: "x", FromMe: true}, Original: []byte{0xff}},
		"forward nothing":    {Type: "forward"},
		"forward garbage":    {Type: "forward", Forward: &store.Forward{Raw: []byte{0xff}}},
		"forward no object":  {Type: "forward", Forward: &store.Forward{Message: json.RawMessage(`[]`)}},
		"forward reaction":   {Type: "forward", Forward: &store.Forward{Message: json.RawMessage(`{"reactionMessage":{"text":"x"}}`)}},
		"forward view once":  {Type: "forward", Forward: &store.Forward{Message: json.RawMessage(`{"viewOnceMessage":{"message":{"imageMessage":{"caption":"x"}}}}`)}},
		"forward once":       {Type: "forward", Forward: &store.Forward{Message: json.RawMessage(`{"imageMessage":{"viewOnce":true}}`)}},
		"reply to nothing":   {Type: "text", Text: "x", Reply: &store.Reply{}},
		"reply to a garbage": {Type: "text", Text: "x", Reply: &store.Reply{Key: *key, Raw: []byte{0xff}}},
	} {
		t.Run(name, func(t *testing.T) {
			msg, err := Outgoing(c, nil)
			if msg != nil || store.ErrorCode(err) != store.CodeInvalid || store.ErrorMessage(err) == "" {
				t.Errorf("got %v %v, want an error of code invalid", msg, err)
			}
		})
	}
}

func TestSent(t *testing.T) {
	job := func(c store.Content) *store.Job {
		return &store.Job{Session: "shop", MessageID: "3EB0O", To: jane.String(), Chat: janeLID.String(), Content: c}
	}
	sent := func(name string) store.Entry {
		c := contents()[name].content
		msg, _ := received(t, c)
		return Sent("shop", own, job(c), msg, noon)
	}
	t.Run("Text", func(t *testing.T) {
		e := sent("text")
		m := e.Message
		if m == nil || m.Chat != janeLID.String() || m.Sender != oursLID.String() || m.Phone != jane.User || !m.Outgoing || m.Status != store.StatusServer || m.Text != "Héllo 🌍" || !m.Timestamp.Equal(noon) {
			t.Errorf("got %+v", m)
		}
		if len(e.Events) != 1 || e.Events[0].Type != "message.sent" || e.Contact != nil {
			t.Errorf("got %+v", e)
		}
		if again := sent("text"); again.Events[0].ID != e.Events[0].ID {
			t.Error("the same message has two event ids")
		}
	})
	t.Run("Edit", func(t *testing.T) {
		if e := sent("edit"); e.Message != nil || e.Edit == nil || e.Edit.Text != "fixed" || e.Events[0].Type != "message.edited" {
			t.Errorf("got %+v", e)
		}
	})
	t.Run("Revoke", func(t *testing.T) {
		if e := sent("revoke"); e.Message != nil || e.Revoke == nil || e.Revoke.ID != "3EB0T" || e.Events[0].Type != "message.revoked" {
			t.Errorf("got %+v", e)
		}
	})
	t.Run("Reaction", func(t *testing.T) {
		if e := sent("reaction"); e.Message == nil || e.Message.Text != "👍" || e.Events[0].Type != "message.reaction" {
			t.Errorf("got %+v", e)
		}
	})
	t.Run("Group", func(t *testing.T) {
		j := job(contents()["text"].content)
		j.To, j.Chat = group.String(), ""
		if m := Sent("shop", own, j, text("x"), noon).Message; m.Chat != group.String() || m.Phone != group.User || m.Sender != ours.String() {
			t.Errorf("got %+v", m)
		}
	})
}

// TestStamp: the same job gives the same message, and nothing is overwritten.
func TestStamp(t *testing.T) {
	msg, _ := Outgoing(contents()["reaction"].content, nil)
	Stamp(msg, own, noon)
	Stamp(msg, own, noon.Add(time.Hour))
	if got := msg.GetReactionMessage().GetSenderTimestampMS(); got != noon.UnixMilli() {
		t.Errorf("got %d, want the first time", got)
	}
	Stamp(nil, own, noon)
	Stamp(&waE2E.Message{}, own, noon)
}

func TestJSON(t *testing.T) {
	msg := &waE2E.Message{ImageMessage: photo(), MessageContextInfo: &waE2E.MessageContextInfo{MessageSecret: []byte{1}}}
	for _, want := range []string{`"url":"https:`, `"fileSha256":"U0VD`, `"fileEncSha256":"`, `"jpegThumbnail":"`, `"fileLength":"1234"`, `"stanzaId":"3EB0QUOTE"`,
		`"mentionedJid":["6281000000002@s.whatsapp.net"]`, `"quotedMessage":{"conversation":"open today?"}`, `"messageSecret":"AQ=="`, `"isForwarded":true`} {
		if got := string(JSON(msg)); !strings.Contains(got, want) {
			t.Errorf("got %s, want %s in it", got, want)
		}
	}
	if string(JSON(nil)) != "{}" || string(JSON(&waE2E.Message{})) != "{}" {
		t.Error("no message is not {}")
	}
	bad := text("\xff\x00")
	if !json.Valid(JSON(bad)) {
		t.Error("text that is no UTF-8 breaks JSON")
	}
}
