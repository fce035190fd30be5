package api

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"wamux/store"
)

// What a message of the root API may hold, as its error tells.
const (
	kindsAccepted = "text, image, video, audio, document, sticker, location, contacts, react, delete, edit"
	textLimit     = 65536 // characters
)

// rootMessage is Baileys' message content as JSON. What it does not name is ignored, as the old service did, unless
// nothing is left of the message then.
type rootMessage struct {
	Text     *string       `json:"text"`
	Image    *source       `json:"image"`
	Video    *source       `json:"video"`
	Audio    *source       `json:"audio"`
	Document *source       `json:"document"`
	Sticker  *source       `json:"sticker"`
	Location *rootLocation `json:"location"`
	Contacts *rootContacts `json:"contacts"`
	React    *rootReaction `json:"react"`
	Delete   *key          `json:"delete"`
	Edit     *key          `json:"edit"`
	Mentions []string      `json:"mentions"`

	Caption     string  `json:"caption"`
	Mimetype    string  `json:"mimetype"`
	FileName    string  `json:"fileName"`
	PTT         bool    `json:"ptt"`
	GIFPlayback bool    `json:"gifPlayback"`
	PTV         bool    `json:"ptv"`
	ViewOnce    bool    `json:"viewOnce"`
	Seconds     float64 `json:"seconds"`
	Width       float64 `json:"width"`
	Height      float64 `json:"height"`
	Thumbnail   *inline `json:"jpegThumbnail"`
	Waveform    *inline `json:"waveform"`
	notYet
}

// notYet are kinds that Baileys knows and that are not accepted yet.
type notYet struct {
	Poll        *present `json:"poll"`
	Forward     *present `json:"forward"`
	Pin         *present `json:"pin"`
	Event       *present `json:"event"`
	Album       *present `json:"album"`
	Buttons     *present `json:"buttons"`
	Sections    *present `json:"sections"`
	ButtonReply *present `json:"buttonReply"`
	ListReply   *present `json:"listReply"`
	GroupInvite *present `json:"groupInvite"`
	Product     *present `json:"product"`
	Contact     *present `json:"contact"`
	Disappear   *present `json:"disappearingMessagesInChat"`
}

// present notes that a field is there, whatever it holds.
type present struct{}

// UnmarshalJSON takes anything.
func (*present) UnmarshalJSON([]byte) error { return nil }

type rootLocation struct {
	Latitude  *float64 `json:"degreesLatitude"`
	Longitude *float64 `json:"degreesLongitude"`
	Name      string   `json:"name"`
	Address   string   `json:"address"`
}

type rootContacts struct {
	DisplayName string `json:"displayName"`
	Contacts    []struct {
		VCard string `json:"vcard"`
	} `json:"contacts"`
}

type rootReaction struct {
	Text string `json:"text"`
	Key  key    `json:"key"`
}

// rootOptions are Baileys' options of one send.
type rootOptions struct {
	Quoted    *quoted `json:"quoted"`
	Ephemeral float64 `json:"ephemeralExpiration"`
	MessageID string  `json:"messageId"`
}

// quoted is the message replied to: a whole WebMessageInfo or just its key and message.
type quoted struct {
	Key     key             `json:"key"`
	Message json.RawMessage `json:"message"`
}

// content turns the message into what is to be sent to chat, and the media to load for it, nil when there is none.
func (m *rootMessage) content(chat string) (store.Content, *source, error) {
	if err := m.oneKind(); err != nil {
		return store.Content{}, nil, err
	}
	c := store.Content{Text: m.Caption}
	if m.Text != nil && (*m.Text != "" || m.Caption == "") {
		c.Text = *m.Text
	}
	media, err := m.fill(&c, chat)
	if err != nil {
		return c, nil, err
	}
	if utf8.RuneCountInString(c.Text) > textLimit {
		return c, nil, invalid("message.text", fmt.Sprintf("The text is longer than %d characters", textLimit))
	}
	c.Mentions, err = mentions("message.mentions", m.Mentions)
	return c, media, err
}

// fill is the table of kinds.
func (m *rootMessage) fill(c *store.Content, chat string) (*source, error) {
	var err error
	switch {
	case m.Edit != nil:
		c.Type = "edit"
		if c.Text == "" {
			return nil, invalid("message.text", "An edit needs the new text")
		}
		c.Key, err = m.Edit.stored("message.edit", chat)
	case m.Delete != nil:
		c.Type = "revoke"
		c.Key, err = m.Delete.stored("message.delete", chat)
	case m.React != nil:
		c.Type, c.Text = "reaction", m.React.Text
		c.Key, err = m.React.Key.stored("message.react.key", chat)
	case m.Location != nil:
		c.Type = "location"
		c.Location, err = m.Location.stored("message.location")
	case m.Contacts != nil:
		c.Type = "contacts"
		c.Contacts, err = m.Contacts.stored("message.contacts")
	case m.Text != nil && m.media() == nil:
		c.Type = "text"
		if strings.TrimSpace(c.Text) == "" {
			return nil, invalid("message.text", "The text is empty")
		}
	default:
		return m.fillMedia(c)
	}
	return nil, err
}

func (m *rootMessage) fillMedia(c *store.Content) (*source, error) {
	c.Type = mediaType(m.kinds()[0], m.PTT)
	c.Media = &store.Media{
		Mimetype: m.Mimetype, FileName: m.FileName, PTT: c.Type == "voice", GIF: m.GIFPlayback, PTV: m.PTV,
		ViewOnce: m.ViewOnce, Seconds: whole(m.Seconds), Width: whole(m.Width), Height: whole(m.Height),
		Thumbnail: m.Thumbnail.bytes(), Waveform: m.Waveform.bytes(),
	}
	return m.media(), m.media().check("message." + m.kinds()[0])
}

// mediaType tells a voice note from other audio.
func mediaType(kind string, ptt bool) string {
	if kind == "audio" && ptt {
		return "voice"
	}
	return kind
}

func (m *rootMessage) media() *source {
	for _, s := range []*source{m.Image, m.Video, m.Audio, m.Document, m.Sticker} {
		if s != nil {
			return s
		}
	}
	return nil
}

// kinds names what the message holds; an edit has its text beside it, an empty text beside something else is nothing.
func (m *rootMessage) kinds() []string {
	var found []string
	for _, k := range []struct {
		name string
		ok   bool
	}{
		{"image", m.Image != nil}, {"video", m.Video != nil}, {"audio", m.Audio != nil}, {"document", m.Document != nil},
		{"sticker", m.Sticker != nil}, {"location", m.Location != nil}, {"contacts", m.Contacts != nil},
		{"react", m.React != nil}, {"delete", m.Delete != nil}, {"edit", m.Edit != nil},
	} {
		if k.ok {
			found = append(found, k.name)
		}
	}
	if m.Text != nil && m.Edit == nil && (*m.Text != "" || len(found) == 0) {
		found = append(found, "text")
	}
	return found
}

func (m *rootMessage) oneKind() error {
	if later := m.notYet.name(); later != "" {
		return invalid("message."+later, "Messages of kind "+later+" are not accepted yet; accepted are "+kindsAccepted)
	}
	switch kinds := m.kinds(); len(kinds) {
	case 0:
		return invalid("message", "This kind of message is not known; accepted are "+kindsAccepted)
	case 1:
		return nil
	default:
		return invalid("message", "A message has one kind, not "+strings.Join(kinds, " and "))
	}
}

func (n *notYet) name() string {
	for name, p := range map[string]*present{
		"poll": n.Poll, "forward": n.Forward, "pin": n.Pin, "event": n.Event, "album": n.Album, "buttons": n.Buttons,
		"sections": n.Sections, "buttonReply": n.ButtonReply, "listReply": n.ListReply, "groupInvite": n.GroupInvite,
		"product": n.Product, "contact": n.Contact, "disappearingMessagesInChat": n.Disappear,
	} {
		if p != nil {
			return name
		}
	}
	return ""
}

func (l *rootLocation) stored(field string) (*store.Location, error) {
	if l.Latitude == nil || l.Longitude == nil {
		return nil, invalid(field, "A location needs degreesLatitude and degreesLongitude")
	}
	return location(field, *l.Latitude, *l.Longitude, l.Name, l.Address)
}

func location(field string, lat, long float64, name, address string) (*store.Location, error) {
	if lat < -90 || lat > 90 || long < -180 || long > 180 {
		return nil, invalid(field, "A latitude is between -90 and 90, a longitude between -180 and 180")
	}
	return &store.Location{Latitude: lat, Longitude: long, Name: name, Address: address}, nil
}

func (c *rootContacts) stored(field string) (*store.Contacts, error) {
	cards := []string{}
	for _, one := range c.Contacts {
		cards = append(cards, one.VCard)
	}
	return contacts(field, c.DisplayName, cards)
}

func contacts(field, displayName string, cards []string) (*store.Contacts, error) {
	if len(cards) == 0 || slices.ContainsFunc(cards, func(v string) bool { return !strings.Contains(v, "BEGIN:VCARD") }) {
		return nil, invalid(field, "Contacts need at least one vcard, each beginning with BEGIN:VCARD")
	}
	return &store.Contacts{DisplayName: displayName, VCards: cards}, nil
}

// mentions takes numbers and JIDs and returns JIDs.
func mentions(field string, who []string) ([]string, error) {
	var jids []string
	for i, one := range who {
		jid, err := recipient(fmt.Sprintf("%s[%d]", field, i), one, "")
		if err != nil {
			return nil, err
		}
		jids = append(jids, jid)
	}
	return jids, nil
}

func whole(n float64) uint32 {
	if n > 0 && n < 1<<31 {
		return uint32(n)
	}
	return 0
}

// inline is a small piece of bytes in JSON: base64, an array of numbers, or Node's Buffer.
type inline []byte

// UnmarshalJSON reads any of the three forms.
func (b *inline) UnmarshalJSON(raw []byte) error {
	data, err := buffer(raw)
	*b = data
	return err
}

func (b *inline) bytes() []byte {
	if b == nil {
		return nil
	}
	return *b
}

// buffer reads bytes as Node writes them: {"type":"Buffer","data":…}, the bare array, or base64. Null is none.
func buffer(raw []byte) ([]byte, error) {
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return nil, nil
	case raw[0] == '"':
		return base64Text(raw)
	case raw[0] == '[':
		return numbers(raw)
	}
	var b struct {
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(raw, &b); err != nil || len(b.Data) == 0 || b.Data[0] == '{' {
		return nil, errBuffer()
	}
	return buffer(b.Data)
}

func errBuffer() error {
	return invalid("message", `Media bytes must be base64 or an array of numbers from 0 to 255, as in {"type":"Buffer","data":…}`)
}

func base64Text(raw []byte) ([]byte, error) {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, errBuffer()
	}
	text = strings.TrimRight(strings.NewReplacer("\n", "", "\r", "", "-", "+", "_", "/").Replace(text), "=")
	data, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, errBuffer()
	}
	return data, nil
}

// numbers reads [1,2,255] without making a float of each.
func numbers(raw []byte) ([]byte, error) {
	data := make([]byte, 0, len(raw)/3)
	n, digits := 0, 0
	for _, c := range raw[1:] {
		switch {
		case c >= '0' && c <= '9' && digits < 3:
			n, digits = n*10+int(c-'0'), digits+1
		case c == ',' && digits > 0, c == ']' && digits > 0:
			if n > 255 {
				return nil, errBuffer()
			}
			data, n, digits = append(data, byte(n)), 0, 0
		case c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == ']':
		default:
			return nil, errBuffer()
		}
	}
	return data, nil
}
