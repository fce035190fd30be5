package phone

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

const card = "BEGIN:VCARD\nVERSION:3.0\nFN:Bob Ross\nTEL:+777\nEND:VCARD"

func uploaded() *Media {
	return &Media{
		URL: "https://mmg.whatsapp.net/x?y", DirectPath: "/x?y", Key: make([]byte, 32), SHA256: []byte{1}, EncSHA256: []byte{2},
		Length: 5, Mimetype: "a/b", FileName: "c.pdf",
	}
}

// TestBuildAndRead sends every kind of draft over the wire and reads what comes.
func TestBuildAndRead(t *testing.T) {
	target := &Target{
		Chat: types.NewJID("22", types.HiddenUserServer), Sender: types.NewJID("22", types.HiddenUserServer), ID: "AAA",
		Message: &waE2E.Message{Conversation: proto.String("old")},
	}
	mine := &Target{Chat: target.Chat, Sender: types.NewJID("11", types.HiddenUserServer), FromMe: true, ID: "BBB"}
	sealing := &Target{Chat: target.Chat, Sender: target.Sender, ID: "CCC", Message: &waE2E.Message{
		Conversation: proto.String("old"), MessageContextInfo: &waE2E.MessageContextInfo{MessageSecret: make([]byte, 32)}}}
	for name, one := range map[string]struct {
		draft  Draft
		target *Target
		want   Content
		stanza Stanza
	}{
		"text":     {Draft{Type: "text", Text: "hi"}, nil, Content{Type: "text", Text: "hi"}, Stanza{Type: "text"}},
		"mention":  {Draft{Type: "text", Text: "hi @7", Mentions: []string{"7@lid"}}, nil, Content{Type: "text", Text: "hi @7"}, Stanza{Type: "text"}},
		"reply":    {Draft{Type: "reply", Text: "yes"}, target, Content{Type: "text", Text: "yes", Target: "AAA"}, Stanza{Type: "text"}},
		"expiring": {Draft{Type: "text", Text: "hi", ExpiresIn: 86400}, nil, Content{Type: "text", Text: "hi", ExpiresIn: 86400}, Stanza{Type: "text"}},
		"image":    {Draft{Type: "image", Caption: "look", Media: uploaded()}, nil, Content{Type: "image", Text: "look"}, Stanza{Type: "media", MediaType: "image"}},
		"image reply": {Draft{Type: "image", Media: uploaded()}, target, Content{Type: "image", Target: "AAA"},
			Stanza{Type: "media", MediaType: "image"}},
		"view once":      {Draft{Type: "image", Media: uploaded(), ViewOnce: true}, nil, Content{Type: "image", ViewOnce: true}, Stanza{Type: "media", MediaType: "image"}},
		"video":          {Draft{Type: "video", Caption: "v", Media: uploaded(), Seconds: 3}, nil, Content{Type: "video", Text: "v"}, Stanza{Type: "media", MediaType: "video"}},
		"gif":            {Draft{Type: "video", Media: uploaded(), GIF: true}, nil, Content{Type: "video"}, Stanza{Type: "media", MediaType: "gif"}},
		"video note":     {Draft{Type: "video", Media: uploaded(), PTV: true}, nil, Content{Type: "video"}, Stanza{Type: "media", MediaType: "video"}},
		"audio":          {Draft{Type: "audio", Media: uploaded()}, nil, Content{Type: "audio"}, Stanza{Type: "media", MediaType: "audio"}},
		"voice":          {Draft{Type: "voice", Media: uploaded(), Seconds: 2, Waveform: []byte{1}}, nil, Content{Type: "voice"}, Stanza{Type: "media", MediaType: "ptt"}},
		"ptt":            {Draft{Type: "audio", Media: uploaded(), PTT: true}, nil, Content{Type: "voice"}, Stanza{Type: "media", MediaType: "ptt"}},
		"voice once":     {Draft{Type: "voice", Media: uploaded(), ViewOnce: true}, nil, Content{Type: "voice", ViewOnce: true}, Stanza{Type: "media", MediaType: "ptt"}},
		"document":       {Draft{Type: "document", Media: uploaded()}, nil, Content{Type: "document"}, Stanza{Type: "media", MediaType: "document"}},
		"document, text": {Draft{Type: "document", Media: uploaded(), Caption: "read"}, nil, Content{Type: "document", Text: "read"}, Stanza{Type: "media", MediaType: "document"}},
		"sticker":        {Draft{Type: "sticker", Media: uploaded()}, nil, Content{Type: "sticker"}, Stanza{Type: "media", MediaType: "sticker"}},
		"location": {Draft{Type: "location", Latitude: 1, Longitude: 2, Name: "Home", Address: "Street"}, nil,
			Content{Type: "location", Text: "Home\nStreet"}, Stanza{Type: "media", MediaType: "location"}},
		"live location": {Draft{Type: "live_location", Latitude: 1, Caption: "on my way"}, nil,
			Content{Type: "live_location", Text: "on my way"}, Stanza{Type: "media", MediaType: "livelocation"}},
		"contact": {Draft{Type: "contact", DisplayName: "Bob", VCards: []string{card}}, nil,
			Content{Type: "contact", Text: "Bob"}, Stanza{Type: "media", MediaType: "vcard"}},
		"contacts": {Draft{Type: "contacts", DisplayName: "2 people", VCards: []string{card, card}}, nil,
			Content{Type: "contacts", Text: "2 people"}, Stanza{Type: "media", MediaType: "contact_array"}},
		"poll": {Draft{Type: "poll", Text: "Lunch?", Options: []string{"yes", "no"}}, nil,
			Content{Type: "poll", Text: "Lunch?"}, Stanza{Type: "poll", PollType: "creation"}},
		"poll, one": {Draft{Type: "poll", Text: "Lunch?", Options: []string{"yes", "no"}, Selectable: 1}, nil,
			Content{Type: "poll", Text: "Lunch?"}, Stanza{Type: "poll", PollType: "creation"}},
		"event": {Draft{Type: "event", Name: "Party", Caption: "bring cake", StartsAt: noon(), Address: "Home"}, nil,
			Content{Type: "event", Text: "Party\nbring cake"}, Stanza{Type: "text"}},
		"event response": {Draft{Type: "event_response", Text: "going"}, sealing, Content{Type: "event_response", Target: "CCC"}, Stanza{Type: "text"}},
		"sealed reaction": {Draft{Type: "enc_reaction", Text: "👍"}, sealing, Content{Type: "reaction", Target: "CCC"},
			Stanza{Type: "reaction", DecryptFail: "hide"}},
		"comment":     {Draft{Type: "comment", Text: "nice"}, sealing, Content{Type: "comment", Target: "CCC"}, Stanza{Type: "text"}},
		"sealed edit": {Draft{Type: "enc_edit", Text: "new"}, sealing, Content{Type: "enc_edit", Target: "CCC"}, Stanza{Type: "text"}},
		"reaction": {Draft{Type: "reaction", Text: "👍"}, target, Content{Type: "reaction", Text: "👍", Target: "AAA"},
			Stanza{Type: "reaction", DecryptFail: "hide"}},
		"reaction back": {Draft{Type: "reaction"}, mine, Content{Type: "reaction", Target: "BBB", TargetFromMe: true},
			Stanza{Type: "reaction", Edit: "7", DecryptFail: "hide"}},
		"edit": {Draft{Type: "edit", Text: "new"}, mine, Content{Type: "edit", Text: "new", Target: "BBB", TargetFromMe: true},
			Stanza{Type: "text", Edit: "1", DecryptFail: "hide"}},
		"revoke": {Draft{Type: "revoke"}, mine, Content{Type: "revoke", Target: "BBB", TargetFromMe: true},
			Stanza{Type: "text", Edit: "7", DecryptFail: "hide"}},
		"admin revoke": {Draft{Type: "revoke"}, target, Content{Type: "revoke", Target: "AAA"},
			Stanza{Type: "text", Edit: "8", DecryptFail: "hide"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPhone(t, "1", "11")
			msg, err := p.Build(one.draft, one.target, noon())
			if err != nil {
				t.Fatal(err)
			}
			got := Read(overWire(t, msg))
			if _, isFile := MediaKind(one.draft.Type); isFile {
				checkFile(t, got.Media, one.draft.Type)
			} else if got.Media != nil {
				t.Errorf("has a file: %+v", got.Media)
			}
			if !json.Valid(got.JSON) || len(got.JSON) < 10 {
				t.Errorf("JSON %s", got.JSON)
			}
			hasSecret := len(msg.GetMessageContextInfo().GetMessageSecret()) == 32
			if change := slices.Contains([]string{"reaction", "edit", "revoke", "event_response", "comment", "enc_edit"}, got.Type); change == hasSecret {
				t.Errorf("has a secret: %v", hasSecret)
			}
			got.Media, got.JSON, got.Inner = nil, nil, nil
			if !reflect.DeepEqual(got, one.want) {
				t.Errorf("got %+v, want %+v", got, one.want)
			}
			if stanza := StanzaOf(msg); stanza != one.stanza {
				t.Errorf("stanza %+v, want %+v", stanza, one.stanza)
			}
			own := Read(overWire(t, DeviceSent(target.Chat, msg)))
			if own.SentTo != "22@lid" || own.Type != one.want.Type || own.Text != one.want.Text {
				t.Errorf("as device sent: %+v", own)
			}
		})
	}
}

func checkFile(t *testing.T, got *Media, draftType string) {
	t.Helper()
	want := uploaded()
	want.Kind, _ = MediaKind(draftType)
	if draftType != "document" {
		want.FileName = ""
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("file %+v, want %+v", got, want)
	}
}

func overWire(t *testing.T, msg *waE2E.Message) *waE2E.Message {
	t.Helper()
	raw, err := Marshal(msg)
	if err != nil {
		t.Fatal(err)
	}
	read, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func TestReplyQuotes(t *testing.T) {
	p := newPhone(t, "1", "11")
	old, err := p.Build(Draft{Type: "text", Text: "old", ExpiresIn: 60}, nil, noon())
	if err != nil {
		t.Fatal(err)
	}
	sender := types.NewJID("22", types.HiddenUserServer)
	sender.Device = 3
	msg, err := p.Build(Draft{Type: "reply", Text: "new"}, &Target{Sender: sender, ID: "A", Message: old}, noon())
	if err != nil {
		t.Fatal(err)
	}
	context := msg.GetExtendedTextMessage().GetContextInfo()
	if context.GetParticipant() != "22@lid" || context.GetStanzaID() != "A" {
		t.Errorf("got %v", context)
	}
	if quote := context.GetQuotedMessage(); quote.GetExtendedTextMessage().GetText() != "old" || quote.MessageContextInfo != nil {
		t.Errorf("the quote is %v", quote)
	}
}

func TestEditKeepsTheFile(t *testing.T) {
	p := newPhone(t, "1", "11")
	for _, kind := range []string{"image", "video", "document"} {
		old, err := p.Build(Draft{Type: kind, Caption: "old", Media: uploaded()}, nil, noon())
		if err != nil {
			t.Fatal(err)
		}
		msg, err := p.Build(Draft{Type: "edit", Text: "new"}, &Target{FromMe: true, ID: "A", Message: old}, noon())
		if err != nil {
			t.Fatal(err)
		}
		if got := Read(msg); got.Type != "edit" || got.Text != "new" {
			t.Errorf("%s: %+v", kind, got)
		}
		change := msg.GetEditedMessage().GetMessage().GetProtocolMessage().GetEditedMessage()
		if got := Read(change); got.Type != kind || got.Text != "new" || got.Media == nil {
			t.Errorf("%s: the new message is %+v", kind, got)
		}
		if Read(old).Text != "old" {
			t.Errorf("%s: the old message changed", kind)
		}
	}
}

func TestVote(t *testing.T) {
	asker, voter := newPhone(t, "1", "11"), newPhone(t, "2", "22")
	poll, err := asker.Build(Draft{Type: "poll", Text: "Lunch?", Options: []string{"yes", "no", "late"}}, nil, noon())
	if err != nil {
		t.Fatal(err)
	}
	target := &Target{Chat: asker.LID(), Sender: asker.LID(), ID: "POLL", Message: overWire(t, poll)}
	for _, options := range [][]string{{"yes"}, {"no", "late"}, {}} {
		vote, err := voter.Build(Draft{Type: "vote", Options: options}, target, noon())
		if err != nil {
			t.Fatal(err)
		}
		if got := Read(vote); got.Type != "vote" || got.Target != "POLL" {
			t.Errorf("got %+v", got)
		}
		got, err := OpenVote(target, voter.LID(), overWire(t, vote))
		if err != nil || !slices.Equal(got, options) {
			t.Errorf("%v: got %v, %v", options, got, err)
		}
		if _, err := OpenVote(target, asker.LID(), vote); !errors.Is(err, ErrMalformed) {
			t.Errorf("somebody else's vote: %v", err)
		}
	}
	if _, err := OpenVote(target, voter.LID(), poll); !errors.Is(err, ErrMalformed) {
		t.Errorf("no vote: %v", err)
	}
}

func TestBuildRaw(t *testing.T) {
	p := newPhone(t, "1", "11")
	for kind, msg := range map[string]*waE2E.Message{
		"list":    {ListMessage: &waE2E.ListMessage{Title: proto.String("A"), Description: proto.String("B")}},
		"buttons": {ButtonsMessage: &waE2E.ButtonsMessage{ContentText: proto.String("A\nB")}},
		"template": {TemplateMessage: &waE2E.TemplateMessage{HydratedTemplate: &waE2E.TemplateMessage_HydratedFourRowTemplate{
			HydratedContentText: proto.String("A\nB"),
		}}},
		"interactive": {InteractiveMessage: &waE2E.InteractiveMessage{
			Body: &waE2E.InteractiveMessage_Body{Text: proto.String("A\nB")},
		}},
		"group_invite": {GroupInviteMessage: &waE2E.GroupInviteMessage{GroupName: proto.String("A"), Caption: proto.String("B")}},
	} {
		raw, err := Marshal(msg)
		if err != nil {
			t.Fatal(err)
		}
		built, err := p.Build(Draft{Type: "raw", Raw: raw}, nil, noon())
		if err != nil || !proto.Equal(built, msg) {
			t.Errorf("%s: %v, %v", kind, built, err)
		}
		if got := Read(built); got.Type != kind || got.Text != "A\nB" {
			t.Errorf("%s: got %s %q", kind, got.Type, got.Text)
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	p := newPhone(t, "1", "11")
	target := &Target{ID: "A"}
	for want, one := range map[string]struct {
		draft  Draft
		target *Target
	}{
		"unknown":              {Draft{Type: "poem"}, nil},
		"needs a text":         {Draft{Type: "text"}, nil},
		"message it answers":   {Draft{Type: "reply", Text: "x"}, nil},
		"message it is about":  {Draft{Type: "reaction", Text: "x"}, nil},
		"new text":             {Draft{Type: "edit"}, target},
		"its secret":           {Draft{Type: "vote"}, target},
		"needs a vCard":        {Draft{Type: "contact"}, nil},
		"two options":          {Draft{Type: "poll", Text: "x", Options: []string{"y"}}, nil},
		"name and a time":      {Draft{Type: "event", Name: "x"}, nil},
		"protobuf bytes":       {Draft{Type: "raw", Raw: []byte{0xff}}, nil},
		"needs an uploaded":    {Draft{Type: "image"}, nil},
		"a voice message need": {Draft{Type: "voice", Media: &Media{}}, nil},
	} {
		_, err := p.Build(one.draft, one.target, noon())
		if !errors.Is(err, ErrDraft) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestReadOddities(t *testing.T) {
	deep := &waE2E.Message{Conversation: proto.String("deep")}
	for range 50 {
		deep = &waE2E.Message{EphemeralMessage: &waE2E.FutureProofMessage{Message: deep}}
	}
	for name, one := range map[string]struct {
		msg  *waE2E.Message
		kind string
	}{
		"nil":            {nil, "unknown"},
		"empty":          {&waE2E.Message{}, "unknown"},
		"too deep":       {deep, "unknown"},
		"empty envelope": {&waE2E.Message{EditedMessage: &waE2E.FutureProofMessage{}}, "unknown"},
		"key share":      {newPhone(t, "1", "2").ShareKeys(noon()), "protocol"},
		"sender key": {&waE2E.Message{
			Conversation:                 proto.String("hi"),
			SenderKeyDistributionMessage: &waE2E.SenderKeyDistributionMessage{},
		}, "text"},
		"no text at all": {&waE2E.Message{Conversation: proto.String("a\xffb")}, "text"},
	} {
		if got := Read(one.msg); got.Type != one.kind || !json.Valid(got.JSON) {
			t.Errorf("%s: type %s, JSON %s", name, got.Type, got.JSON)
		}
	}
}

func FuzzRead(f *testing.F) {
	p, err := New("1", "11", nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, d := range []Draft{
		{Type: "text", Text: "hi", ExpiresIn: 4}, {Type: "image", Media: uploaded(), ViewOnce: true},
		{Type: "poll", Text: "x", Options: []string{"a", "b"}}, {Type: "edit", Text: "x"}, {Type: "revoke"},
		{Type: "contacts", VCards: []string{card, card}},
	} {
		msg, err := p.Build(d, &Target{ID: "A"}, noon())
		if err != nil {
			f.Fatal(err)
		}
		raw, err := Marshal(msg)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, plaintext []byte) {
		msg, err := Parse(plaintext)
		if err != nil {
			return
		}
		if got := Read(msg); !json.Valid(got.JSON) || got.Type == "" || got.Inner == nil {
			t.Errorf("got %+v", got)
		}
		StanzaOf(msg)
		_, _ = OpenVote(&Target{ID: "A", Message: msg}, p.LID(), msg)
		_, _ = p.Build(Draft{Type: "reply", Text: "x"}, &Target{ID: "A", Message: msg}, noon())
		_, _ = p.Build(Draft{Type: "edit", Text: "x"}, &Target{ID: "A", Message: msg}, noon())
	})
}
