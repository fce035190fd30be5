package convert

import "go.mau.fi/whatsmeow/proto/waE2E"

func poll(p *waE2E.PollCreationMessage) content {
	m := meta{"options": pollOptions(p), "selectableCount": p.GetSelectableOptionsCount()}
	put(m, "name", p.GetName())
	put(m, "correctAnswer", p.GetCorrectAnswer().GetOptionName())
	put(m, "hideParticipantName", p.GetHideParticipantName())
	put(m, "allowAddOption", p.GetAllowAddOption())
	m.seconds("endsAt", p.GetEndTime())
	if p.PollType != nil {
		m["pollType"] = p.GetPollType().String()
	}
	return content{"poll", p.GetName(), m, p.GetContextInfo()}
}

func pollOptions(p *waE2E.PollCreationMessage) []string {
	out := make([]string, len(p.GetOptions()))
	for i, o := range p.GetOptions() {
		out[i] = clean(o.GetOptionName())
	}
	return out
}

func pollOption(p *waE2E.PollAddOptionMessage) content {
	c := about("pollAddOption")
	c.Text = p.GetAddOption().GetOptionName()
	put(c.Meta, "option", c.Text)
	return c
}

func pollResult(p *waE2E.PollResultSnapshotMessage) content {
	votes := make([]meta, len(p.GetPollVotes()))
	for i, v := range p.GetPollVotes() {
		votes[i] = meta{"option": clean(v.GetOptionName()), "count": v.GetOptionVoteCount()}
	}
	m := meta{"votes": votes}
	put(m, "name", p.GetName())
	return content{"pollResult", p.GetName(), m, p.GetContextInfo()}
}

func event(e *waE2E.EventMessage) content {
	m := meta{}
	put(m, "name", e.GetName())
	put(m, "description", e.GetDescription())
	put(m, "joinLink", e.GetJoinLink())
	put(m, "cancelled", e.GetIsCanceled())
	put(m, "extraGuestsAllowed", e.GetExtraGuestsAllowed())
	put(m, "scheduledCall", e.GetIsScheduleCall())
	m.seconds("startsAt", e.GetStartTime())
	m.seconds("endsAt", e.GetEndTime())
	if e.GetLocation() != nil {
		m["location"] = place(e.GetLocation())
	}
	return content{"event", e.GetName(), m, e.GetContextInfo()}
}

func eventInvite(e *waE2E.EventInviteMessage) content {
	m := meta{}
	put(m, "eventId", e.GetEventID())
	put(m, "name", e.GetEventTitle())
	put(m, "caption", e.GetCaption())
	put(m, "callLink", e.GetCallLink())
	put(m, "cancelled", e.GetIsCanceled())
	m.seconds("startsAt", e.GetStartTime())
	m.seconds("endsAt", e.GetEndTime())
	return content{"eventInvite", firstOf(e.GetCaption(), e.GetEventTitle()), m, e.GetContextInfo()}
}

// about is a kind that says something about an earlier message; which one that
// is, [target] tells for all kinds.
func about(kind string) content { return content{Type: kind, Meta: meta{}} }

// encrypted is a kind whose content only the session can open, with a secret of
// the message it is about. What is encrypted stays in the raw message.
func encrypted(kind string) content { return content{Type: kind, Meta: meta{"encrypted": true}} }

func secretEncrypted(s *waE2E.SecretEncryptedMessage) content {
	c := encrypted("encrypted")
	put(c.Meta, "purpose", s.GetSecretEncType().String())
	return c
}

func comment(c *waE2E.CommentMessage) content {
	out := about("comment")
	if in := Unwrap(c.GetMessage()); in.CommentMessage == nil {
		said := describe(in)
		out.Text, out.Context = said.Text, said.Context
		for k, v := range said.Meta {
			out.Meta[k] = v
		}
		put(out.Meta, "commentType", said.Type)
	}
	return out
}

func pin(p *waE2E.PinInChatMessage) content {
	c := about("pin")
	c.Meta["pinned"] = p.GetType() == waE2E.PinInChatMessage_PIN_FOR_ALL
	return c
}

func keep(k *waE2E.KeepInChatMessage) content {
	c := about("keep")
	c.Meta["kept"] = k.GetKeepType() == waE2E.KeepType_KEEP_FOR_ALL
	return c
}

// protocol is what remains of protocol messages when those that change
// something have been taken care of.
func protocol(p *waE2E.ProtocolMessage) content {
	c := about("protocol")
	c.Meta["content"] = remains(p)
	if p.Type != nil {
		c.Meta["protocolType"] = p.GetType().String()
	}
	return c
}
