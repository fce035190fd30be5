package session

import (
	"context"
	"errors"
	"fmt"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"wamux/store"
	"wamux/svc/session/convert"
)

// reveal decrypts what is encrypted once more inside a message, with the secret of
// the message it is about: votes, answers to events, reactions and comments in
// announcement groups, some edits. An event that holds nothing of the kind comes
// back as it is; so does one that cannot be opened, which is then kept as it
// came: its secret may never have reached this device.
func (s *session) reveal(r *run, evt any) any {
	m, ok := evt.(*events.Message)
	if !ok || !sealed(m.Message) {
		return evt
	}
	opened, err := unseal(r.ctx, r.client, m)
	if err != nil && !m.Info.SenderAlt.IsEmpty() { // who seals may go by the other identity
		other := *m
		other.Info.Sender, other.Info.SenderAlt = m.Info.SenderAlt, m.Info.Sender
		if opened, err = unseal(r.ctx, r.client, &other); err == nil {
			opened.Message = m
		}
	}
	if err != nil {
		s.log.Info("an encrypted part of a message stays closed", "message", m.Info.ID, "error", redact(err))
		return evt
	}
	if opened.Vote != nil {
		opened.Options = s.chosen(r.ctx, m.Message.GetPollUpdateMessage().GetPollCreationMessageKey().GetID(), opened.Vote)
	}
	return opened
}

func sealed(m *waE2E.Message) bool {
	return m.GetPollUpdateMessage() != nil || m.GetEncEventResponseMessage() != nil || m.GetEncReactionMessage() != nil ||
		m.GetEncCommentMessage() != nil || m.GetSecretEncryptedMessage() != nil
}

// unseal opens what is sealed. Whoever sent it may have put anything there; what
// breaks the library is an error like another.
func unseal(ctx context.Context, c *whatsmeow.Client, m *events.Message) (out *convert.Decrypted, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("the library broke: %v", broken)
		}
	}()
	out = &convert.Decrypted{Message: m}
	switch {
	case m.Message.GetPollUpdateMessage() != nil:
		out.Vote, err = c.DecryptPollVote(ctx, m)
	case m.Message.GetEncEventResponseMessage() != nil:
		out.Response, err = eventResponse(ctx, c, m)
	case m.Message.GetEncReactionMessage() != nil:
		var reaction *waE2E.ReactionMessage
		reaction, err = c.DecryptReaction(ctx, m)
		out.Content = &waE2E.Message{ReactionMessage: reaction}
	case m.Message.GetEncCommentMessage() != nil:
		var said *waE2E.Message
		said, err = c.DecryptComment(ctx, m)
		out.Content = &waE2E.Message{CommentMessage: &waE2E.CommentMessage{Message: said, TargetMessageKey: m.Message.GetEncCommentMessage().GetTargetMessageKey()}}
	default:
		out.Content, err = c.DecryptSecretEncryptedMessage(ctx, m)
	}
	if err == nil && out.Content != nil && proto.Size(out.Content) == 0 {
		err = errors.New("there is nothing inside")
	}
	return out, err
}

// eventResponse has no method of its own in the library.
func eventResponse(ctx context.Context, c *whatsmeow.Client, m *events.Message) (*waE2E.EventResponseMessage, error) {
	enc := m.Message.GetEncEventResponseMessage()
	//lint:ignore SA1019 the library opens answers to events by no other way
	plain, err := c.DangerousInternals().DecryptMsgSecret(ctx, m, whatsmeow.EncSecretEventResponse, enc, enc.GetEventCreationMessageKey())
	if err != nil {
		return nil, err
	}
	out := new(waE2E.EventResponseMessage)
	return out, proto.Unmarshal(plain, out)
}

// chosen names what a vote chose, as far as the history knows the poll.
func (s *session) chosen(ctx context.Context, poll string, vote *waE2E.PollVoteMessage) []string {
	row, err := s.m.db.Message(ctx, s.id, poll)
	if err != nil {
		if store.ErrorCode(err) != store.CodeNotFound {
			s.log.Warn("a vote is kept without the texts of its options", "error", err)
		}
		return nil
	}
	return convert.Chosen(row.Raw, vote)
}
