package convert

import (
	"go.mau.fi/whatsmeow/proto/waE2E"
)

// surroundings keeps what a message says beside its content: what it answers,
// whom it names, where it was forwarded from, when it disappears.
func surroundings(m meta, c *waE2E.ContextInfo) {
	if c == nil {
		return
	}
	if c.GetStanzaID() != "" || c.GetQuotedMessage() != nil {
		m["quoted"] = quoted(c)
	}
	list(m, "mentions", cleaned(c.GetMentionedJID()))
	put(m, "mentionAll", c.GetNonJIDMentions() > 0)
	groupMentions(m, c.GetGroupMentions())
	put(m, "forwarded", c.GetIsForwarded())
	put(m, "forwardingScore", c.GetForwardingScore())
	put(m, "expiration", c.GetExpiration())
	put(m, "participantLabel", c.GetMemberLabel().GetLabel())
	advertised(m, c.GetExternalAdReply())
	forwardedFrom(m, c.GetForwardedNewsletterMessageInfo())
}

func quoted(c *waE2E.ContextInfo) meta {
	said := describe(Unwrap(c.GetQuotedMessage()))
	m := meta{"id": clean(c.GetStanzaID()), "text": clean(said.Text)}
	put(m, "participant", c.GetParticipant())
	put(m, "chat", c.GetRemoteJID())
	put(m, "type", said.Type)
	return m
}

func groupMentions(m meta, all []*waE2E.GroupMention) {
	var groups []meta
	for _, g := range all {
		groups = append(groups, meta{"id": clean(g.GetGroupJID()), "name": clean(g.GetGroupSubject())})
	}
	list(m, "groupMentions", groups)
}

// advertised keeps which ad or link brought the person here.
func advertised(m meta, ad *waE2E.ContextInfo_ExternalAdReplyInfo) {
	if ad == nil {
		return
	}
	out := meta{}
	put(out, "title", ad.GetTitle())
	put(out, "body", ad.GetBody())
	put(out, "sourceType", ad.GetSourceType())
	put(out, "sourceId", ad.GetSourceID())
	put(out, "sourceUrl", ad.GetSourceURL())
	put(out, "mediaUrl", ad.GetMediaURL())
	put(out, "clickId", ad.GetCtwaClid())
	m["ad"] = out
}

func forwardedFrom(m meta, n *waE2E.ContextInfo_ForwardedNewsletterMessageInfo) {
	if n == nil {
		return
	}
	out := meta{}
	put(out, "id", n.GetNewsletterJID())
	put(out, "name", n.GetNewsletterName())
	put(out, "serverId", n.GetServerMessageID())
	m["newsletter"] = out
}

// association keeps which album, poll or event a message is a part of.
func association(m meta, c *waE2E.MessageContextInfo) {
	a := c.GetMessageAssociation()
	if a == nil {
		return
	}
	out := meta{"type": a.GetAssociationType().String()}
	put(out, "parentId", a.GetParentMessageKey().GetID())
	put(out, "index", a.GetMessageIndex())
	m["association"] = out
}
