package sandbox

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"wamux/api"
	"wamux/store"
	"wamux/svc/sandbox/phone"
)

// Send sends one message from the phone.
func (s *Server) Send(ctx context.Context, number string, m api.SandboxMessage) (api.SandboxSent, error) {
	sent, err := s.SendBulk(ctx, number, m, 1)
	if err != nil {
		return api.SandboxSent{}, err
	}
	return sent[0], nil
}

// SendBulk sends count messages; with more than one a text gets " #n" added, n from 1.
func (s *Server) SendBulk(ctx context.Context, number string, m api.SandboxMessage, count int) ([]api.SandboxSent, error) {
	if count < 1 || count > 100_000 {
		return nil, invalid("count_invalid", "The count is from 1 to 100,000.")
	}
	c := &composer{s: s, number: number, m: m, count: count}
	if err := c.seal(); err != nil {
		return nil, err
	}
	var all []api.SandboxSent
	for len(all) < count {
		// A few at a time, so that others get the lock in between.
		err := s.do(ctx, func() error {
			some, err := c.some(len(all), min(count-len(all), 16))
			all = append(all, some...)
			return err
		})
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// composer makes the messages of one Send or SendBulk.
type composer struct {
	s      *Server
	number string
	m      api.SandboxMessage
	count  int
	media  *phone.Media
	blob   []byte // the encrypted media until it is saved
}

// seal encrypts the media, outside the lock.
func (c *composer) seal() (err error) {
	kind, ok := phone.MediaKind(c.m.Type)
	if !ok {
		return nil
	}
	if len(c.m.Data) == 0 {
		return invalid("data_missing", "A message of this type needs data: the bytes of the file.")
	}
	if c.media, c.blob, err = phone.SealMedia(kind, c.m.Data, nil); err != nil {
		return err
	}
	c.media.Mimetype, c.media.FileName = c.m.Mimetype, c.m.FileName
	return nil
}

// some sends n messages; done are sent already.
func (c *composer) some(done, n int) ([]api.SandboxSent, error) {
	a, to, err := c.s.pair(c.number, c.m.To)
	if err != nil {
		return nil, err
	}
	target, err := c.target(a, to)
	if err != nil {
		return nil, err
	}
	if c.blob != nil {
		c.media.DirectPath = c.s.saveMedia(string(c.media.Kind), c.blob)
		c.media.URL = mediaURL(c.media.DirectPath)
		c.blob = nil
	}
	sent := make([]api.SandboxSent, 0, n)
	for i := range n {
		one, err := c.one(a, to, target, done+i+1)
		if err != nil {
			return sent, err
		}
		sent = append(sent, one)
	}
	return sent, nil
}

func (c *composer) one(a *account, to place, target *phone.Target, n int) (api.SandboxSent, error) {
	ph, err := c.s.phoneOf(a)
	if err != nil {
		return api.SandboxSent{}, err
	}
	id, now := c.m.ID, c.s.now()
	if id == "" || c.count > 1 {
		id = "3A" + randomID(9)
	}
	draft, err := c.draft(n)
	if err != nil {
		return api.SandboxSent{}, err
	}
	msg, err := ph.Build(draft, target, now)
	if err != nil {
		if errors.Is(err, phone.ErrDraft) {
			return api.SandboxSent{}, &store.Error{Code: store.CodeInvalid, Name: "message_invalid", Message: sentence(err), Err: err}
		}
		return api.SandboxSent{}, err
	}
	seq, err := c.s.phoneSends(newOutgoing(a, to, id, msg, now))
	return api.SandboxSent{ID: id, Seq: seq}, err
}

// sentence turns an error of the phone into one for people.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// extra is what SandboxMessage.Extra may hold.
type extra struct {
	Width     uint32    `json:"width"`
	Height    uint32    `json:"height"`
	Thumbnail []byte    `json:"thumbnail"` // JPEG, base64
	Waveform  []byte    `json:"waveform"`  // base64
	StartsAt  time.Time `json:"startsAt"`  // of an event
	Guests    uint32    `json:"guests"`    // of an event response
	Mentions  []string  `json:"mentions"`
	ExpiresIn uint32    `json:"expiresIn"` // seconds
}

func (c *composer) draft(n int) (phone.Draft, error) {
	m := c.m
	d := phone.Draft{
		Type: m.Type, Text: m.Text, Caption: m.Caption, Media: c.media, PTT: m.PTT, GIF: m.GIF, PTV: m.PTV, ViewOnce: m.ViewOnce,
		Seconds: m.Seconds, Latitude: m.Latitude, Longitude: m.Longitude, Name: m.Name, Address: m.Address, DisplayName: m.DisplayName,
		VCards: m.VCards, Options: m.Options, Selectable: uint32(m.Selectable), Raw: m.Raw,
	}
	if d.Type == "" {
		d.Type = "text"
	}
	if c.count > 1 && d.Text != "" {
		d.Text = fmt.Sprintf("%s #%d", d.Text, n)
	}
	if len(m.Extra) == 0 {
		return d, nil
	}
	var x extra
	if err := json.Unmarshal(m.Extra, &x); err != nil {
		return d, invalid("extra_invalid", "The extra of a message has width, height, thumbnail, waveform, startsAt, guests, mentions and expiresIn.")
	}
	d.Width, d.Height, d.Thumbnail, d.Waveform = x.Width, x.Height, x.Thumbnail, x.Waveform
	d.StartsAt, d.Guests, d.Mentions, d.ExpiresIn = x.StartsAt, x.Guests, x.Mentions, x.ExpiresIn
	return d, nil
}

// target finds the message that a reaction, edit, revoke, reply or vote is about. One that the phone does not know is
// described as the caller says.
func (c *composer) target(a *account, to place) (*phone.Target, error) {
	if c.m.Target == "" {
		return nil, nil
	}
	t := &phone.Target{Chat: to.jid(), Sender: to.jid(), ID: c.m.Target, FromMe: c.m.TargetFromMe}
	row, err := c.s.inboxByID(a.number, c.m.Target)
	if err != nil {
		return nil, err
	}
	if row != nil {
		t.FromMe, t.Message = row.fromMe, row.message
		if author := c.s.find(row.sender); author != nil {
			t.Sender = author.lidJID()
		}
	} else if to.group != nil && !t.FromMe {
		return nil, invalid("target_unknown", "The phone does not have the target of this message in the group.")
	}
	if t.FromMe {
		t.Sender = a.lidJID()
	}
	return t, nil
}

// Inbox lists what the phone received or its own linked devices sent, in order, with Seq above after.
func (s *Server) Inbox(_ context.Context, number string, after int64, limit int) ([]api.SandboxReceived, error) {
	number, err := s.known(number)
	if err != nil {
		return nil, err
	}
	rows, err := s.inboxAfter(number, after, limit)
	if err != nil {
		return nil, err
	}
	list := make([]api.SandboxReceived, 0, len(rows))
	for _, r := range rows {
		list = append(list, r.describe())
	}
	return list, nil
}

// known checks that there is such a phone.
func (s *Server) known(number string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.account(number)
	if err != nil {
		return "", err
	}
	return a.number, nil
}

func (r *inboxRow) describe() api.SandboxReceived {
	c := phone.Read(r.message)
	e := api.SandboxReceived{
		Seq: r.seq, ID: r.id, Chat: r.chat.String(), From: r.sender.String(), FromMe: r.fromMe, Type: c.Type, Text: c.Text,
		Content: json.RawMessage(c.JSON), At: r.at.UTC(),
	}
	if r.fromMe {
		e.Status = statusNames[r.status]
	}
	if c.Media != nil {
		e.HasMedia, e.Mimetype, e.FileName = true, c.Media.Mimetype, c.Media.FileName
		e.MediaSHA256 = hex.EncodeToString(c.Media.SHA256)
	}
	return e
}

// Media returns the decrypted media bytes of one inbox message.
func (s *Server) Media(_ context.Context, number string, seq int64) ([]byte, string, error) {
	number, err := s.known(number)
	if err != nil {
		return nil, "", err
	}
	row, err := s.inboxBySeq(number, seq)
	if err != nil {
		return nil, "", err
	}
	if row == nil {
		return nil, "", store.Errorf(store.CodeNotFound, "message_not_found", "The phone has no message with this number.")
	}
	m := phone.Read(row.message).Media
	if m == nil {
		return nil, "", store.Errorf(store.CodeNotFound, "media_not_found", "This message has no file.")
	}
	path, _, _ := strings.Cut(m.DirectPath, "?")
	blob, err := s.media(path)
	if err != nil {
		return nil, "", err
	}
	if blob == nil {
		return nil, "", store.Errorf(store.CodeNotFound, "media_not_found", "The file of this message was never uploaded, or is deleted.")
	}
	data, err := m.Open(blob)
	if err != nil {
		return nil, "", &store.Error{Code: store.CodeUnprocessable, Name: "media_damaged", Message: sentence(err), Err: err}
	}
	return data, m.Mimetype, nil
}
