package api

import (
	"encoding/json"

	"wamux/store"
)

// v1SendBody is the body of POST /v1/sessions/:s/messages: who, which type, and one object named after the type.
type v1SendBody struct {
	To       string      `json:"to"`
	Type     string      `json:"type"`
	Text     *v1Text     `json:"text"`
	Image    *v1Media    `json:"image"`
	Video    *v1Media    `json:"video"`
	GIF      *v1Media    `json:"gif"`
	PTV      *v1Media    `json:"ptv"`
	Audio    *v1Media    `json:"audio"`
	Voice    *v1Media    `json:"voice"`
	Document *v1Media    `json:"document"`
	Sticker  *v1Media    `json:"sticker"`
	Location *v1Location `json:"location"`
	Live     *v1Live     `json:"liveLocation"`
	Contact  *v1Contact  `json:"contact"`
	Contacts *v1Contacts `json:"contacts"`
	Poll     *v1Poll     `json:"poll"`
	Event    *v1Event    `json:"event"`
	Reaction *v1Reaction `json:"reaction"`

	ReplyTo     string     `json:"replyTo"`
	Mentions    []string   `json:"mentions"`
	MentionAll  bool       `json:"mentionAll"`
	ViewOnce    bool       `json:"viewOnce"`
	ExpiresIn   uint32     `json:"expiresIn"`
	LinkPreview *v1Preview `json:"linkPreview"`
	MessageID   string     `json:"messageId"`
}

// v1Text is a text; a bare JSON string is one too.
type v1Text struct {
	Body string `json:"body"`
}

// UnmarshalJSON takes "hello" and {"body":"hello"}.
func (t *v1Text) UnmarshalJSON(raw []byte) error {
	if raw[0] == '"' {
		return json.Unmarshal(raw, &t.Body)
	}
	type plain v1Text
	return parse(raw, (*plain)(t), true)
}

type v1Media struct {
	URL       string `json:"url"`
	Data      []byte `json:"data"`
	Caption   string `json:"caption"`
	Mimetype  string `json:"mimetype"`
	FileName  string `json:"fileName"`
	Seconds   uint32 `json:"seconds"`
	Width     uint32 `json:"width"`
	Height    uint32 `json:"height"`
	Thumbnail []byte `json:"thumbnail"`
	Waveform  []byte `json:"waveform"`
}

type v1Location struct {
	Latitude  *float64 `json:"latitude"`
	Longitude *float64 `json:"longitude"`
	Name      string   `json:"name"`
	Address   string   `json:"address"`
}

// v1Live is where somebody is at this moment.
type v1Live struct {
	Latitude  *float64 `json:"latitude"`
	Longitude *float64 `json:"longitude"`
	Caption   string   `json:"caption"`
}

type v1Contact struct {
	VCard string `json:"vcard"`
}

type v1Contacts struct {
	DisplayName string   `json:"displayName"`
	VCards      []string `json:"vcards"`
}

type v1Poll struct {
	Name       string   `json:"name"`
	Options    []string `json:"options"`
	Selectable float64  `json:"selectableCount"` // 0 means any number
}

type v1Event struct {
	Name        string      `json:"name"`
	Description string      `json:"description"`
	StartsAt    moment      `json:"startsAt"`
	EndsAt      moment      `json:"endsAt"`
	Location    *v1Location `json:"location"`
	JoinLink    string      `json:"joinLink"`
	Cancelled   bool        `json:"cancelled"`
	ExtraGuests bool        `json:"extraGuestsAllowed"`
}

func (e *v1Event) stored() (*store.Occasion, error) {
	o := &store.Occasion{Name: e.Name, Description: e.Description, Start: int64(e.StartsAt), End: int64(e.EndsAt), JoinLink: e.JoinLink,
		Cancelled: e.Cancelled, ExtraGuests: e.ExtraGuests}
	if l := e.Location; l != nil {
		place, err := l.stored("event.location")
		if err != nil {
			return nil, err
		}
		o.Location = place
	}
	return o, occasion("event", o)
}

func (l *v1Location) stored(field string) (*store.Location, error) {
	if l.Latitude == nil || l.Longitude == nil {
		return nil, invalid(field, "A location needs latitude and longitude")
	}
	return location(field, *l.Latitude, *l.Longitude, l.Name, l.Address)
}

type v1Reaction struct {
	MessageID string `json:"messageId"`
	Emoji     string `json:"emoji"`
}

const v1Types = "text, image, video, gif, ptv, audio, voice, document, sticker, location, liveLocation, contact, contacts, poll, event, reaction"
