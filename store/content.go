package store

// Content is what is to be sent, in the one form that every API decodes into.
// Exactly the fields of its Type are set; it is kept as JSON in jobs.content.
type Content struct {
	Type      string      `json:"type"`           // text, image, video, audio, voice, document, sticker, location, contacts, reaction, edit, revoke
	Text      string      `json:"text,omitempty"` // the text, caption, emoji ("" takes a reaction back), or new text of an edit
	Media     *Media      `json:"media,omitempty"`
	Location  *Location   `json:"location,omitempty"`
	Contacts  *Contacts   `json:"contacts,omitempty"`
	Key       *MessageKey `json:"key,omitempty"`   // what a reaction, edit or revoke is about
	Reply     *Reply      `json:"reply,omitempty"` // the quoted message; nil for none
	Mentions  []string    `json:"mentions,omitempty"`
	ExpiresIn uint32      `json:"expiresIn,omitempty"` // seconds; 0 means it stays
}

// Media describes the bytes that travel beside a [Content], in job_media.
type Media struct {
	Mimetype  string `json:"mimetype"`
	FileName  string `json:"fileName,omitempty"`
	PTT       bool   `json:"ptt,omitempty"`
	GIF       bool   `json:"gif,omitempty"`
	PTV       bool   `json:"ptv,omitempty"`
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

// MessageKey names one message as WhatsApp does.
type MessageKey struct {
	RemoteJID   string `json:"remoteJid"`
	FromMe      bool   `json:"fromMe"`
	ID          string `json:"id"`
	Participant string `json:"participant,omitempty"` // who wrote it, in a group
}

// Reply is the message that a new one quotes.
type Reply struct {
	Key  MessageKey `json:"key"`
	Raw  []byte     `json:"raw,omitempty"` // protobuf of the quoted waE2E.Message; nil when only Text is known
	Text string     `json:"text,omitempty"`
}
