package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"wamux/store"
)

// What a message of the root API may hold, as its error tells.
const (
	kindsAccepted = "text, image, video, audio, document, sticker, album, location, contacts, poll, event, groupInvite, forward, react, pin, delete, edit"
	textLimit     = 65536 // characters
)

// rootMessage is Baileys' message content as JSON. What it does not name is ignored, as the old service did, unless
// nothing is left of the message then.
type rootMessage struct {
	Text        *string         `json:"text"`
	Image       *source         `json:"image"`
	Video       *source         `json:"video"`
	Audio       *source         `json:"audio"`
	Document    *source         `json:"document"`
	Sticker     *source         `json:"sticker"`
	Album       *rootAlbum      `json:"album"`
	Location    *rootLocation   `json:"location"`
	Contacts    *rootContacts   `json:"contacts"`
	Poll        *rootPoll       `json:"poll"`
	Event       *rootEvent      `json:"event"`
	GroupInvite *rootInvite     `json:"groupInvite"`
	Forward     *webMessageInfo `json:"forward"`
	React       *rootReaction   `json:"react"`
	Pin         *key            `json:"pin"`
	Delete      *key            `json:"delete"`
	Edit        *key            `json:"edit"`

	Mentions    []string `json:"mentions"`
	MentionAll  bool     `json:"mentionAll"`
	LinkPreview *preview `json:"linkPreview"` // of a text
	Type        any      `json:"type"`        // of a pin: 1 pins, 2 takes it away
	Time        float64  `json:"time"`        // of a pin: seconds
	Force       bool     `json:"force"`       // of a forward: mark our own message too
	AlbumParent *key     `json:"albumParentKey"`

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
	refusedKinds
}

// refusedKinds are kinds that Baileys knows and that are not accepted: WhatsApp shows them no more, or they are no messages.
type refusedKinds struct {
	Buttons         *present `json:"buttons"`
	TemplateButtons *present `json:"templateButtons"`
	Sections        *present `json:"sections"`
	ButtonReply     *present `json:"buttonReply"`
	ListReply       *present `json:"listReply"`
	Product         *present `json:"product"`
	Disappear       *present `json:"disappearingMessagesInChat"`
	SharePhone      *present `json:"sharePhoneNumber"`
	RequestPhone    *present `json:"requestPhoneNumber"`
	LimitSharing    *present `json:"limitSharing"`
}

func (k *refusedKinds) name() string {
	for _, one := range []struct {
		name string
		p    *present
	}{
		{"buttons", k.Buttons}, {"templateButtons", k.TemplateButtons}, {"sections", k.Sections}, {"buttonReply", k.ButtonReply},
		{"listReply", k.ListReply}, {"product", k.Product}, {"disappearingMessagesInChat", k.Disappear}, {"sharePhoneNumber", k.SharePhone},
		{"requestPhoneNumber", k.RequestPhone}, {"limitSharing", k.LimitSharing},
	} {
		if one.p != nil {
			return one.name
		}
	}
	return ""
}

// present notes that a field is there, whatever it holds.
type present struct{}

// UnmarshalJSON takes anything.
func (*present) UnmarshalJSON([]byte) error { return nil }

// rootOptions are Baileys' options of one send.
type rootOptions struct {
	Quoted    *webMessageInfo `json:"quoted"`
	Ephemeral float64         `json:"ephemeralExpiration"`
	MessageID string          `json:"messageId"`
}

// webMessageInfo is a message as Baileys hands it out, or just its key and content: what is replied to, or passed on.
type webMessageInfo struct {
	Key     key             `json:"key"`
	Message json.RawMessage `json:"message"`
}

// content turns the message into what is to be sent to chat, and the media to load for it, nil when there is none.
func (m *rootMessage) content(chat string) (store.Content, *source, error) {
	if err := m.oneKind(); err != nil {
		return store.Content{}, nil, err
	}
	c := store.Content{Text: m.Caption, MentionAll: m.MentionAll}
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
	if m.ViewOnce && (m.Image == nil && m.Video == nil && m.Audio == nil || m.PTV) {
		return nil, invalid("message.viewOnce", "Only an image, a video or audio can be viewed once")
	}
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
	case m.Pin != nil:
		c.Type, c.Text = "pin", ""
		if c.Key, err = m.Pin.stored("message.pin", chat); err == nil {
			c.Pin, err = pin(m.Type, m.Time)
		}
	case m.Forward != nil:
		c.Type, c.Text = "forward", ""
		err = m.Forward.forward(c, chat, m.Force)
	case m.Location != nil:
		c.Type = "location"
		c.Location, err = m.Location.stored("message.location")
	case m.Contacts != nil:
		c.Type = "contacts"
		c.Contacts, err = m.Contacts.stored("message.contacts")
	case m.Poll != nil:
		c.Type, c.Text = "poll", ""
		c.Poll, err = poll("message.poll", m.Poll.Name, m.Poll.Values, m.Poll.Selectable)
	case m.Event != nil:
		c.Type, c.Text = "event", ""
		c.Occasion, err = m.Event.stored("message.event")
	case m.GroupInvite != nil:
		c.Type, c.Text = "invite", m.GroupInvite.Text
		c.Invite, err = m.GroupInvite.stored("message.groupInvite")
	case m.Album != nil:
		c.Type, c.Text = "album", ""
		c.Album, err = m.Album.stored("message.album")
	case m.Text != nil && m.media() == nil:
		c.Type, c.Preview = "text", m.LinkPreview.of(c.Text)
		if strings.TrimSpace(c.Text) == "" {
			return nil, invalid("message.text", "The text is empty")
		}
	default:
		return m.fillMedia(c, chat)
	}
	return nil, err
}

func (m *rootMessage) fillMedia(c *store.Content, chat string) (*source, error) {
	c.Type = mediaType(m.kinds()[0], m.PTT)
	c.Media = &store.Media{
		Mimetype: m.Mimetype, FileName: m.FileName, PTT: c.Type == "voice", GIF: m.GIFPlayback, PTV: m.PTV,
		ViewOnce: m.ViewOnce, Seconds: whole(m.Seconds), Width: whole(m.Width), Height: whole(m.Height),
		Thumbnail: m.Thumbnail.bytes(), Waveform: m.Waveform.bytes(),
	}
	if m.AlbumParent != nil {
		var err error
		if c.Key, err = m.AlbumParent.stored("message.albumParentKey", chat); err != nil {
			return nil, err
		}
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
		{"sticker", m.Sticker != nil}, {"album", m.Album != nil}, {"location", m.Location != nil}, {"contacts", m.Contacts != nil},
		{"poll", m.Poll != nil}, {"event", m.Event != nil}, {"groupInvite", m.GroupInvite != nil}, {"forward", m.Forward != nil},
		{"react", m.React != nil}, {"pin", m.Pin != nil}, {"delete", m.Delete != nil}, {"edit", m.Edit != nil},
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
	if refused := m.refusedKinds.name(); refused != "" {
		return invalid("message."+refused, "Messages of kind "+refused+" are not accepted; accepted are "+kindsAccepted)
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
