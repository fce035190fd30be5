package convert

import (
	"encoding/json"
	"math"
	"strings"

	"google.golang.org/protobuf/proto"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"

	"wamux/store"
)

// Outgoing makes the protocol message of a content. up is where its media was
// uploaded to, nil when it has none (see [MediaKind]). What depends on who sends
// and when is put in by [Stamp]. Errors are [*store.Error] of code invalid,
// with a sentence for the caller.
func Outgoing(c store.Content, up *Uploaded) (*waE2E.Message, error) {
	if _, media := MediaKind(c); media && (c.Media == nil || up == nil) {
		return nil, invalid("A message of type %s needs its media", c.Type)
	}
	around, err := outgoingContext(c)
	if err != nil {
		return nil, err
	}
	switch c.Type {
	case "text":
		return sendText(c, around)
	case "image":
		return inAlbum(c, sendImage(c, up, around))
	case "video", "gif", "ptv":
		return inAlbum(c, sendVideo(c, up, around))
	case "audio", "voice":
		return sendAudio(c, up, around), nil
	case "document":
		return sendDocument(c, up, around), nil
	case "sticker":
		return sendSticker(c, up, around), nil
	case "album":
		return sendAlbum(c, around)
	case "location":
		return sendLocation(c, around)
	case "liveLocation":
		return sendLiveLocation(c, around)
	case "contacts", "contact":
		return sendContacts(c, around)
	case "poll":
		return sendPoll(c, around)
	case "event":
		return sendEvent(c, around)
	case "invite":
		return sendInvite(c, around)
	case "forward":
		return sendForward(c, around)
	case "reaction":
		return sendReaction(c)
	case "pin":
		return sendPin(c)
	case "edit":
		return sendEdit(c, around)
	case "revoke":
		return sendRevoke(c)
	}
	return nil, invalid("Messages of type %q cannot be sent", clean(c.Type))
}

func invalid(format string, a ...any) error {
	return store.Errorf(store.CodeInvalid, "content_invalid", format, a...)
}

// MediaKind tells under which kind the media of a content is uploaded: "image",
// "video", "audio", "document" or "sticker"; false when it has no media.
func MediaKind(c store.Content) (string, bool) {
	switch c.Type {
	case "image", "video", "audio", "document", "sticker":
		return c.Type, true
	case "gif", "ptv":
		return "video", true
	case "voice":
		return "audio", true
	}
	return "", false
}

// JSON is the protocol message as JSON: names in camelCase, bytes in base64, as
// clients of the old service know it. It includes the keys of media, which the
// sender of a message may have. A nil message gives {}.
func JSON(msg *waE2E.Message) json.RawMessage {
	if msg == nil {
		return json.RawMessage(`{}`)
	}
	b, err := json.Marshal(tree{secrets: true}.message(msg.ProtoReflect(), 0))
	if err != nil { // a tree has only what JSON has
		return json.RawMessage(`{}`)
	}
	return b
}

func sendText(c store.Content, around *waE2E.ContextInfo) (*waE2E.Message, error) {
	if c.Text == "" {
		return nil, invalid("A text message needs a text")
	}
	text := &waE2E.ExtendedTextMessage{Text: &c.Text, ContextInfo: around}
	if p := c.Preview; p != nil {
		text.MatchedText, text.Title, text.Description = &p.URL, &p.Title, some(p.Description)
		text.JPEGThumbnail, text.PreviewType = p.Thumbnail, waE2E.ExtendedTextMessage_NONE.Enum()
	}
	return &waE2E.Message{ExtendedTextMessage: text}, nil
}

func sendLocation(c store.Content, around *waE2E.ContextInfo) (*waE2E.Message, error) {
	l := c.Location
	if !onGlobe(l) {
		return nil, offGlobe()
	}
	return &waE2E.Message{LocationMessage: &waE2E.LocationMessage{
		DegreesLatitude: &l.Latitude, DegreesLongitude: &l.Longitude, Name: some(l.Name), Address: some(l.Address), ContextInfo: around,
	}}, nil
}

// sendLiveLocation sends where somebody is at this moment; [Stamp] puts in when that is.
func sendLiveLocation(c store.Content, around *waE2E.ContextInfo) (*waE2E.Message, error) {
	if !onGlobe(c.Location) {
		return nil, offGlobe()
	}
	return &waE2E.Message{LiveLocationMessage: &waE2E.LiveLocationMessage{
		DegreesLatitude: &c.Location.Latitude, DegreesLongitude: &c.Location.Longitude, Caption: some(c.Text), ContextInfo: around,
	}}, nil
}

func onGlobe(l *store.Location) bool {
	return l != nil && within(l.Latitude, 90) && within(l.Longitude, 180)
}

func offGlobe() error {
	return invalid("A location needs a latitude from -90 to 90 and a longitude from -180 to 180")
}

func within(v, limit float64) bool { return math.Abs(v) <= limit }

// sendContacts sends one card as a contact and more as a list of them.
func sendContacts(c store.Content, around *waE2E.ContextInfo) (*waE2E.Message, error) {
	if c.Contacts == nil || len(c.Contacts.VCards) == 0 {
		return nil, invalid("A contact message needs at least one vCard")
	}
	cards := make([]*waE2E.ContactMessage, len(c.Contacts.VCards))
	for i, v := range c.Contacts.VCards {
		if !strings.Contains(strings.ToUpper(v), "BEGIN:VCARD") {
			return nil, invalid("Contact %d is no vCard; it must begin with BEGIN:VCARD", i+1)
		}
		cards[i] = &waE2E.ContactMessage{DisplayName: some(firstOf(fullName(v), c.Contacts.DisplayName)), Vcard: proto.String(v)}
	}
	if len(cards) == 1 {
		cards[0].DisplayName = some(firstOf(c.Contacts.DisplayName, fullName(c.Contacts.VCards[0])))
		cards[0].ContextInfo = around
		return &waE2E.Message{ContactMessage: cards[0]}, nil
	}
	return &waE2E.Message{ContactsArrayMessage: &waE2E.ContactsArrayMessage{
		DisplayName: some(c.Contacts.DisplayName), Contacts: cards, ContextInfo: around,
	}}, nil
}

// sendReaction reacts to a message; no emoji takes the reaction back.
func sendReaction(c store.Content) (*waE2E.Message, error) {
	key, err := sendKey(c)
	if err != nil {
		return nil, err
	}
	return &waE2E.Message{ReactionMessage: &waE2E.ReactionMessage{Key: key, Text: &c.Text}}, nil
}

func sendRevoke(c store.Content) (*waE2E.Message, error) {
	key, err := sendKey(c)
	if err != nil {
		return nil, err
	}
	return &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{Key: key, Type: waE2E.ProtocolMessage_REVOKE.Enum()}}, nil
}

func sendKey(c store.Content) (*waCommon.MessageKey, error) {
	if c.Key == nil || c.Key.ID == "" || c.Key.RemoteJID == "" {
		return nil, invalid("A message of type %s needs the key of the message it is about: remoteJid, fromMe and id", c.Type)
	}
	return &waCommon.MessageKey{
		RemoteJID: &c.Key.RemoteJID, FromMe: &c.Key.FromMe, ID: &c.Key.ID, Participant: some(c.Key.Participant),
	}, nil
}

// some is a field that is left out when it is empty.
func some[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
