package api

import (
	"slices"
	"strings"

	"wamux/store"
)

// settle completes a content by what the history knows of the message it is about.
func (a *api) settle(r *request, c *store.Content) error {
	if c.Key == nil || c.Media != nil {
		return nil
	}
	known, err := a.DB.Message(r.Context(), r.id, c.Key.ID)
	if err != nil && store.ErrorCode(err) != store.CodeNotFound {
		return err
	}
	if c.Type == "forward" {
		c.Key = nil
		return settleForward(c.Forward, known)
	}
	if known == nil {
		return nil
	}
	if c.Key.Participant == "" && !c.Key.FromMe && !known.Outgoing && strings.HasSuffix(c.Key.RemoteJID, "@"+serverGroup) {
		c.Key.Participant = known.Sender // nobody could tell otherwise whose message it is
	}
	if c.Type == "edit" {
		return settleEdit(c, known)
	}
	return nil
}

// editable are the kinds that have a text to edit; captions hide among media.
var editable = []string{"text", "image", "video", "gif", "document"}

func settleEdit(c *store.Content, known *store.Message) error {
	switch {
	case !known.RevokedAt.IsZero():
		return invalid("message.edit", "The message was deleted and cannot be edited")
	case !slices.Contains(editable, known.Type):
		return invalid("message.edit", "A message of type "+known.Type+" has no text to edit")
	case known.Type != "text":
		c.Original = known.Raw
	}
	return nil
}

// settleForward takes the content from the history where it is there: what a caller gives may be cut short.
func settleForward(f *store.Forward, known *store.Message) error {
	switch {
	case known != nil && !known.RevokedAt.IsZero():
		return invalid("message.forward", "The message was deleted and cannot be forwarded")
	case known != nil && len(known.Raw) > 0:
		f.Raw, f.Message = known.Raw, nil
	case len(f.Message) == 0:
		return invalid("message.forward", "The message is not in the history of this session: give its content as message.forward.message")
	}
	return nil
}
