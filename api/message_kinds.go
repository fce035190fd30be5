package api

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"wamux/store"
)

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

type rootPoll struct {
	Name       string   `json:"name"`
	Values     []string `json:"values"`
	Selectable float64  `json:"selectableCount"`
}

const (
	maxOptions = 12   // of a poll; phones show no poll that has more
	pollLimit  = 4096 // characters of a poll together; phones show far less
)

// poll checks a poll. No count means that any number of options may be chosen.
func poll(field, name string, options []string, selectable float64) (*store.Poll, error) {
	switch {
	case strings.TrimSpace(name) == "":
		return nil, invalid(field+".name", "A poll needs a name: the question it asks")
	case utf8.RuneCountInString(name+strings.Join(options, "")) > pollLimit:
		return nil, invalid(field, fmt.Sprintf("A poll has at most %d characters", pollLimit))
	case len(options) < 2 || len(options) > maxOptions:
		return nil, invalid(field, fmt.Sprintf("A poll has 2 to %d options", maxOptions))
	case selectable < 0 || selectable > float64(len(options)) || selectable != float64(int(selectable)):
		return nil, invalid(field, fmt.Sprintf("selectableCount must be a whole number from 0 to %d, the number of options; 0 means any number", len(options)))
	}
	for i, o := range options {
		if strings.TrimSpace(o) == "" || slices.Contains(options[:i], o) {
			return nil, invalid(field, "The options of a poll must differ and not be empty")
		}
	}
	return &store.Poll{Name: name, Options: options, Selectable: uint32(selectable)}, nil
}

type rootEvent struct {
	Name           string        `json:"name"`
	Description    string        `json:"description"`
	StartDate      moment        `json:"startDate"`
	StartTime      moment        `json:"startTime"`
	EndDate        moment        `json:"endDate"`
	EndTime        moment        `json:"endTime"`
	Location       *rootLocation `json:"location"`
	Call           string        `json:"call"`
	JoinLink       string        `json:"joinLink"`
	Cancelled      bool          `json:"isCancelled"`
	Canceled       bool          `json:"isCanceled"`
	ExtraGuests    bool          `json:"extraGuestsAllowed"`
	IsScheduleCall bool          `json:"isScheduleCall"`
}

func (e *rootEvent) stored(field string) (*store.Occasion, error) {
	o := &store.Occasion{
		Name: e.Name, Description: e.Description, Start: max(int64(e.StartDate), int64(e.StartTime)), End: max(int64(e.EndDate), int64(e.EndTime)),
		JoinLink: e.JoinLink, Cancelled: e.Cancelled || e.Canceled, ExtraGuests: e.ExtraGuests, Scheduled: e.IsScheduleCall,
	}
	if e.Call != "" {
		return nil, invalid(field+".call", "Links for calls cannot be made here: leave call out, or give the link as joinLink")
	}
	if l := e.Location; l != nil && l.Latitude == nil && l.Longitude == nil { // a place may have a name only
		o.Location = &store.Location{Name: l.Name, Address: l.Address}
	} else if l != nil {
		var err error
		if o.Location, err = l.stored(field + ".location"); err != nil {
			return nil, err
		}
	}
	return o, occasion(field, o)
}

// occasion checks what every event needs.
func occasion(field string, o *store.Occasion) error {
	switch {
	case strings.TrimSpace(o.Name) == "":
		return invalid(field+".name", "An event needs a name")
	case o.Start <= 0:
		return invalid(field, "An event needs the time at which it begins, such as 2026-12-24T18:00:00Z")
	case o.End != 0 && o.End < o.Start:
		return invalid(field, "An event cannot end before it begins")
	}
	return nil
}

// moment is a time in unix seconds. It is written as RFC 3339 text, as JSON has a Date, or in seconds or milliseconds.
type moment int64

// UnmarshalJSON reads any of the forms.
func (m *moment) UnmarshalJSON(raw []byte) error {
	text := string(bytes.Trim(raw, `"`))
	if text == "null" || text == "" {
		return nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		*m = moment(at.Unix())
		return nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n < 0 || n > 1e14 {
		return invalid("", "A time must be text such as 2026-12-24T18:00:00Z, or a number of seconds or milliseconds since 1970")
	}
	if n > 1e11 { // the year 5138 in seconds
		n /= 1000
	}
	*m = moment(n)
	return nil
}

type rootInvite struct {
	JID        string `json:"jid"`
	Subject    string `json:"subject"`
	Code       string `json:"inviteCode"`
	Expiration moment `json:"inviteExpiration"`
	Text       string `json:"text"`
}

func (i *rootInvite) stored(field string) (*store.Invite, error) {
	group, err := parseJID(field+".jid", i.JID)
	switch {
	case err != nil:
		return nil, err
	case !strings.HasSuffix(group, "@"+serverGroup):
		return nil, invalid(field+".jid", "The jid of an invitation is that of a group: it ends with @g.us")
	case i.Code == "":
		return nil, invalid(field+".inviteCode", "An invitation needs its inviteCode")
	}
	return &store.Invite{Group: group, Name: i.Subject, Code: i.Code, Expires: int64(i.Expiration)}, nil
}

type rootAlbum struct {
	Images float64 `json:"expectedImageCount"`
	Videos float64 `json:"expectedVideoCount"`
}

func (a *rootAlbum) stored(field string) (*store.Album, error) {
	out := &store.Album{Images: whole(a.Images), Videos: whole(a.Videos)}
	if out.Images > 100 || out.Videos > 100 || out.Images+out.Videos < 2 {
		return nil, invalid(field, "An album announces 2 or more pictures and videos: expectedImageCount and expectedVideoCount")
	}
	return out, nil
}

// pin reads type and time of a pin, with the numbers that WhatsApp has for them.
func pin(kind any, seconds float64) (*store.Pin, error) {
	switch kind {
	case 2.0:
		return &store.Pin{Unpin: true}, nil
	case 1.0, nil:
	default:
		return nil, invalid("message.type", "The type of a pin is 1 to pin the message, 2 to take the pin away")
	}
	switch seconds {
	case 0:
		seconds = 86400
	case 86400, 604800, 2592000:
	default:
		return nil, invalid("message.time", "The time of a pin is 86400, 604800 or 2592000 seconds: a day, a week or 30 days")
	}
	return &store.Pin{Seconds: uint32(seconds)}, nil
}

// forward notes what is to be passed on: the key by which the history may know it, and the content that was given.
func (w *webMessageInfo) forward(c *store.Content, chat string, force bool) (err error) {
	if c.Key, err = w.Key.stored("message.forward.key", chat); err != nil {
		return err
	}
	c.Forward = &store.Forward{Own: w.Key.FromMe && !force}
	if raw := bytes.TrimSpace(w.Message); len(raw) > 0 && raw[0] == '{' {
		c.Forward.Message = w.Message
	}
	return nil
}
