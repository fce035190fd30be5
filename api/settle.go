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
	if err := ownOnly(c, known); err != nil || known == nil {
		return err
	}
	if c.Key.Participant == "" && !c.Key.FromMe && !known.Outgoing && strings.HasSuffix(c.Key.RemoteJID, "@"+serverGroup) {
		c.Key.Participant = known.Sender // nobody could tell otherwise whose message it is
	}
	if c.Type == "edit" {
		return settleEdit(c, known)
	}
	return nil
}

// ownOnly keeps from what WhatsApp lets nobody do to the messages of others: to edit them, and to delete them for everyone outside of
// groups, where an admin may. known is nil for a message that is not in the history; then the key alone tells whose it is.
func ownOnly(c *store.Content, known *store.Message) error {
	theirs := !c.Key.FromMe || known != nil && !known.Outgoing
	switch {
	case theirs && c.Type == "edit":
		return invalid("message.edit", "Only your own messages can be edited")
	case theirs && c.Type == "revoke" && (c.Key.FromMe || !strings.HasSuffix(c.Key.RemoteJID, "@"+serverGroup)):
		return invalid("message.delete", "Only your own messages can be deleted for everyone; in a group an admin may delete those of others, with fromMe false in the key")
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
