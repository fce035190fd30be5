package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"image"
	"slices"
	"strings"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"

	"wamux/api"
	"wamux/store"
	"wamux/svc/sandbox/phone"
)

func sortCalls(list []api.SandboxCall) {
	slices.SortFunc(list, func(x, y api.SandboxCall) int { return cmp.Or(x.At.Compare(y.At), strings.Compare(x.ID, y.ID)) })
}

// Block makes the phone block another one, or no longer.
func (s *Server) Block(ctx context.Context, number, other string, blocked bool) error {
	return s.do(ctx, func() error {
		a, err := s.account(number)
		if err != nil {
			return err
		}
		peer, err := s.account(other)
		if err != nil {
			return err
		}
		if peer == a {
			return invalid("phone_invalid", "A phone cannot block itself.")
		}
		s.setBlocked(a, peer, nil, blocked)
		return nil
	})
}

// SetProfile changes what people see of the phone.
func (s *Server) SetProfile(ctx context.Context, number string, p api.SandboxProfile) error {
	if len(p.Picture) > 0 {
		if _, kind, err := image.DecodeConfig(bytes.NewReader(p.Picture)); err != nil || kind != "jpeg" {
			return invalid("picture_invalid", "A profile picture is a JPEG.")
		}
	}
	return s.do(ctx, func() error {
		a, err := s.account(number)
		if err != nil {
			return err
		}
		if p.About != nil {
			s.setAbout(a, *p.About)
		}
		switch {
		case p.RemovePicture:
			s.setPicture(a, nil, nil)
		case len(p.Picture) > 0:
			s.setPicture(a, nil, p.Picture)
		}
		return nil
	})
}

// AddNewsletter makes a newsletter of a phone.
func (s *Server) AddNewsletter(ctx context.Context, n api.SandboxNewNewsletter) (api.SandboxNewsletter, error) {
	var made api.SandboxNewsletter
	err := s.do(ctx, func() error {
		owner, err := s.account(n.Owner)
		if err != nil {
			return err
		}
		if strings.TrimSpace(n.Name) == "" || len([]rune(n.Name)) > 100 || len([]rune(n.Description)) > maxDescription {
			return invalid("newsletter_invalid", "A newsletter needs a name of at most 100 characters, and a description of at most 2,048.")
		}
		made = s.newNewsletter(owner, n.Name, n.Description).describe()
		return nil
	})
	return made, err
}

// Newsletters lists all newsletters, the oldest first.
func (s *Server) Newsletters(context.Context) ([]api.SandboxNewsletter, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []api.SandboxNewsletter{}
	for _, l := range s.newsletters {
		list = append(list, l.describe())
	}
	slices.SortFunc(list, func(x, y api.SandboxNewsletter) int { return strings.Compare(x.JID, y.JID) })
	return list, nil
}

// Post posts in a newsletter, which is named by its JID or the digits of it, as its owner's phone does.
func (s *Server) Post(ctx context.Context, name string, n api.SandboxNewPost) (api.SandboxPost, error) {
	if n.Type == "" {
		n.Type = "text"
	}
	kind, media := phone.MediaKind(n.Type)
	if err := checkPost(n, media); err != nil {
		return api.SandboxPost{}, err
	}
	var p *post
	err := s.do(ctx, func() (err error) {
		l := s.newsletters[digits(name)]
		if l == nil {
			return store.Errorf(store.CodeNotFound, "newsletter_not_found", "There is no sandbox newsletter with this JID.")
		}
		if p, err = s.draftPost(l, n, kind); err == nil {
			s.publish(l, p, nil)
		}
		return err
	})
	if err != nil {
		return api.SandboxPost{}, err
	}
	return p.describe(), nil
}

func checkPost(n api.SandboxNewPost, media bool) error {
	switch {
	case !media && n.Type != "text":
		return invalid("message_invalid", "A post is a text, an image, a video, an audio, a voice, a document or a sticker.")
	case media && len(n.Data) == 0:
		return invalid("data_missing", "A post of this type needs data: the bytes of the file.")
	case !media && strings.TrimSpace(n.Text) == "":
		return invalid("message_invalid", "The text is empty.")
	}
	return nil
}

// draftPost makes a post. Its file is not encrypted, as everybody may read it.
func (s *Server) draftPost(l *newsletter, n api.SandboxNewPost, kind phone.Kind) (*post, error) {
	msg, p := &waE2E.Message{Conversation: proto.String(n.Text)}, &post{ID: randomID(10), Kind: "text", At: s.now()}
	if kind != "" {
		ph, err := s.phoneOf(s.byNumber[l.Owner])
		if err != nil {
			return nil, err
		}
		path := s.saveMedia(string(kind), n.Data)
		sum := sha256.Sum256(n.Data)
		draft := phone.Draft{Type: n.Type, Caption: n.Caption, Media: &phone.Media{Kind: kind, DirectPath: path, URL: mediaURL(path),
			SHA256: sum[:], Length: uint64(len(n.Data)), Mimetype: n.Mimetype, FileName: n.FileName}}
		if msg, err = ph.Build(draft, nil, p.At); err != nil {
			return nil, err
		}
		msg.MessageContextInfo = nil
		p.Kind, p.MediaType = kinds[n.Type][0], kinds[n.Type][1]
	}
	var err error
	if p.Data, err = proto.Marshal(msg); err != nil {
		return nil, invalid("message_invalid", "The text is not made of characters.")
	}
	return p, nil
}

func (l *newsletter) describe() api.SandboxNewsletter {
	n := api.SandboxNewsletter{JID: l.jid().String(), Name: l.Name, Description: l.Description, Owner: l.Owner, Invite: l.Invite,
		Followers: append([]string{}, l.Followers...), Posts: []api.SandboxPost{}}
	for _, p := range l.Posts {
		n.Posts = append(n.Posts, p.describe())
	}
	return n
}

func (p *post) describe() api.SandboxPost {
	d := api.SandboxPost{ServerID: p.ServerID, ID: p.ID, Type: p.Kind, Views: len(p.Views), Reactions: map[string]int{}, At: p.At}
	for _, code := range p.Reactions {
		d.Reactions[code]++
	}
	var m waE2E.Message
	if proto.Unmarshal(p.Data, &m) == nil {
		d.Text = phone.Read(&m).Text
	}
	return d
}
