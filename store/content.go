package store

import "encoding/json"

// Content is what is to be sent, in the one form that every API decodes into.
// Exactly the fields of its Type are set; it is kept as JSON in jobs.content.
type Content struct {
	Type       string       `json:"type"`           // text, image, video, audio, voice, document, sticker, location, liveLocation, contacts, poll, event, invite, album, reaction, pin, forward, edit, revoke
	Text       string       `json:"text,omitempty"` // the text, caption, emoji ("" takes a reaction back), or new text of an edit
	Media      *Media       `json:"media,omitempty"`
	Location   *Location    `json:"location,omitempty"`
	Contacts   *Contacts    `json:"contacts,omitempty"`
	Poll       *Poll        `json:"poll,omitempty"`
	Occasion   *Occasion    `json:"occasion,omitempty"` // of an event
	Invite     *Invite      `json:"invite,omitempty"`
	Album      *Album       `json:"album,omitempty"`
	Pin        *Pin         `json:"pin,omitempty"`
	Forward    *Forward     `json:"forward,omitempty"`
	Preview    *LinkPreview `json:"preview,omitempty"`    // of a link in a text; nil for none
	Key        *MessageKey  `json:"key,omitempty"`        // what a reaction, pin, edit or revoke is about; the album that media belongs to
	Original   []byte       `json:"original,omitempty"`   // protobuf of the message that is edited, where it has media: its caption changes
	Reply      *Reply       `json:"reply,omitempty"`      // the quoted message; nil for none
	Mentions   []string     `json:"mentions,omitempty"`   // JIDs
	MentionAll bool         `json:"mentionAll,omitempty"` // everybody in the group
	ExpiresIn  uint32       `json:"expiresIn,omitempty"`  // seconds; 0 means it stays
}

// Media describes the bytes that travel beside a [Content], in job_media.
type Media struct {
	Mimetype  string `json:"mimetype"`
	FileName  string `json:"fileName,omitempty"`
	PTT       bool   `json:"ptt,omitempty"`
	GIF       bool   `json:"gif,omitempty"`
	PTV       bool   `json:"ptv,omitempty"`
	Animated  bool   `json:"animated,omitempty"` // of a sticker
	ViewOnce  bool   `json:"viewOnce,omitempty"`
	Seconds   uint32 `json:"seconds,omitempty"`
	Width     uint32 `json:"width,omitempty"`
	Height    uint32 `json:"height,omitempty"`
	Thumbnail []byte `json:"thumbnail,omitempty"` // JPEG
	Waveform  []byte `json:"waveform,omitempty"`  // 64 values from 0 to 100
	Size      int64  `json:"size"`                // bytes
}

// Location is a point on the map.
type Location struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	Name      string  `json:"name,omitempty"`
	Address   string  `json:"address,omitempty"`
}

// Contacts is one or more business cards. A card's own name is its FN line.
type Contacts struct {
	DisplayName string   `json:"displayName,omitempty"`
	VCards      []string `json:"vcards"`
}

// Poll asks a question. Its options are told apart by their texts.
type Poll struct {
	Name       string   `json:"name"`
	Options    []string `json:"options"`
	Selectable uint32   `json:"selectable"` // how many may be chosen; 0 means any number
}

// Occasion is an event that people can say to come to.
type Occasion struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Start       int64     `json:"start"`         // unix seconds
	End         int64     `json:"end,omitempty"` // unix seconds; 0 when it is open
	Location    *Location `json:"location,omitempty"`
	JoinLink    string    `json:"joinLink,omitempty"` // of a call
	Cancelled   bool      `json:"cancelled,omitempty"`
	ExtraGuests bool      `json:"extraGuests,omitempty"` // people may bring others
	Scheduled   bool      `json:"scheduled,omitempty"`   // it is a call that is planned
}

// Invite lets somebody join a group.
type Invite struct {
	Group   string `json:"group"` // JID
	Name    string `json:"name"`
	Code    string `json:"code"`
	Expires int64  `json:"expires"` // unix seconds
}

// Album announces pictures and videos that follow and are shown together.
type Album struct {
	Images uint32 `json:"images"`
	Videos uint32 `json:"videos"`
}

// Pin fixes a message at the top of its chat, for everybody.
type Pin struct {
	Unpin   bool   `json:"unpin,omitempty"`
	Seconds uint32 `json:"seconds,omitempty"` // how long; 0 to unpin
}

// Forward is a message that is passed on. Exactly one of Raw and Message is set.
type Forward struct {
	Raw     []byte          `json:"raw,omitempty"`     // protobuf of the waE2E.Message, from the history
	Message json.RawMessage `json:"message,omitempty"` // the same as JSON, as the caller gave it
	Own     bool            `json:"own,omitempty"`     // we wrote it: it is not marked as forwarded
}

// LinkPreview is what a chat shows of the page behind a link.
type LinkPreview struct {
	URL         string `json:"url"` // as it stands in the text
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
	Thumbnail   []byte `json:"thumbnail,omitempty"` // JPEG
}

// MessageKey names one message as WhatsApp does.
type MessageKey struct {
	RemoteJID   string `json:"remoteJid"`
	FromMe      bool   `json:"fromMe"`
	ID          string `json:"id"`
	Participant string `json:"participant,omitempty"` // who wrote it, in a group
}

// Reply is the message that a new one quotes.
type Reply struct {
	Key     MessageKey      `json:"key"`
	Raw     []byte          `json:"raw,omitempty"`     // protobuf of the quoted waE2E.Message; nil when the history has none
	Message json.RawMessage `json:"message,omitempty"` // the same as JSON, as the caller gave it; counts when Raw is nil
	Text    string          `json:"text,omitempty"`    // what is quoted when neither is there
}
