package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"image"
	"slices"
	"strings"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"

	"wamux/api"
	"wamux/store"
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

// Post posts a text in a newsletter, which is named by its JID or the digits of it, as its owner's phone does.
func (s *Server) Post(ctx context.Context, name, text string) (api.SandboxPost, error) {
	if strings.TrimSpace(text) == "" {
		return api.SandboxPost{}, invalid("message_invalid", "The text is empty.")
	}
	data, err := proto.Marshal(&waE2E.Message{Conversation: proto.String(text)})
	if err != nil {
		return api.SandboxPost{}, invalid("message_invalid", "The text is not made of characters.")
	}
	p := &post{ID: randomID(10), Kind: "text", At: s.now(), Data: data}
	err = s.do(ctx, func() error {
		l := s.newsletters[digits(name)]
		if l == nil {
			return store.Errorf(store.CodeNotFound, "newsletter_not_found", "There is no sandbox newsletter with this JID.")
		}
		s.publish(l, p, nil)
		return nil
	})
	if err != nil {
		return api.SandboxPost{}, err
	}
	return p.describe(), nil
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
		d.Text = cmp.Or(m.GetConversation(), m.GetExtendedTextMessage().GetText(), m.GetImageMessage().GetCaption(), m.GetVideoMessage().GetCaption())
	}
	return d
}
