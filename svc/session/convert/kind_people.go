package convert

import (
	"strings"

	"go.mau.fi/whatsmeow/proto/waE2E"
)

func location(l *waE2E.LocationMessage) content {
	m := place(l)
	if l.GetIsLive() {
		m["live"] = true
	}
	return content{"location", firstOf(l.GetName(), l.GetAddress(), l.GetComment()), m, l.GetContextInfo()}
}

func place(l *waE2E.LocationMessage) meta {
	m := meta{"latitude": number(l.GetDegreesLatitude()), "longitude": number(l.GetDegreesLongitude())}
	put(m, "name", l.GetName())
	put(m, "address", l.GetAddress())
	put(m, "url", l.GetURL())
	put(m, "comment", l.GetComment())
	put(m, "accuracyInMeters", l.GetAccuracyInMeters())
	return m
}

func liveLocation(l *waE2E.LiveLocationMessage) content {
	m := meta{"latitude": number(l.GetDegreesLatitude()), "longitude": number(l.GetDegreesLongitude())}
	put(m, "caption", l.GetCaption())
	put(m, "accuracyInMeters", l.GetAccuracyInMeters())
	put(m, "speedInMps", float64(l.GetSpeedInMps()))
	put(m, "degreesFromNorth", l.GetDegreesClockwiseFromMagneticNorth())
	put(m, "sequence", l.GetSequenceNumber())
	put(m, "timeOffset", l.GetTimeOffset())
	return content{"liveLocation", l.GetCaption(), m, l.GetContextInfo()}
}

func contact(c *waE2E.ContactMessage) content {
	m := meta{"contacts": []meta{card(c)}}
	put(m, "displayName", c.GetDisplayName())
	return content{"contact", firstOf(c.GetDisplayName(), fullName(c.GetVcard())), m, c.GetContextInfo()}
}

func contacts(a *waE2E.ContactsArrayMessage) content {
	cards := make([]meta, len(a.GetContacts()))
	for i, c := range a.GetContacts() {
		cards[i] = card(c)
	}
	m := meta{"contacts": cards}
	put(m, "displayName", a.GetDisplayName())
	return content{"contacts", a.GetDisplayName(), m, a.GetContextInfo()}
}

func card(c *waE2E.ContactMessage) meta {
	m := meta{}
	put(m, "displayName", c.GetDisplayName())
	put(m, "vcard", c.GetVcard())
	return m
}

// fullName is the FN line of a vCard, "" when it has none.
func fullName(vcard string) string {
	for line := range strings.Lines(vcard) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		name, _, _ = strings.Cut(name, ";")
		if ok && strings.EqualFold(strings.TrimSpace(name), "FN") {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func groupInvite(g *waE2E.GroupInviteMessage) content {
	m := meta{}
	put(m, "group", g.GetGroupJID())
	put(m, "groupName", g.GetGroupName())
	put(m, "code", g.GetInviteCode())
	put(m, "caption", g.GetCaption())
	m.seconds("expiresAt", g.GetInviteExpiration())
	return content{"groupInvite", firstOf(g.GetCaption(), g.GetGroupName()), m, g.GetContextInfo()}
}

func newsletterAdminInvite(n *waE2E.NewsletterAdminInviteMessage) content {
	m := newsletterMeta(n.GetNewsletterJID(), n.GetNewsletterName(), n.GetCaption())
	m.seconds("expiresAt", n.GetInviteExpiration())
	return content{"newsletterAdminInvite", firstOf(n.GetCaption(), n.GetNewsletterName()), m, n.GetContextInfo()}
}

func newsletterInvite(n *waE2E.NewsletterFollowerInviteMessage) content {
	m := newsletterMeta(n.GetNewsletterJID(), n.GetNewsletterName(), n.GetCaption())
	return content{"newsletterInvite", firstOf(n.GetCaption(), n.GetNewsletterName()), m, n.GetContextInfo()}
}

func newsletterMeta(jid, name, caption string) meta {
	m := meta{}
	put(m, "newsletter", jid)
	put(m, "newsletterName", name)
	put(m, "caption", caption)
	return m
}

func callLog(c *waE2E.CallLogMessage) content {
	m := meta{}
	put(m, "video", c.GetIsVideo())
	put(m, "seconds", c.GetDurationSecs())
	put(m, "outcome", c.GetCallOutcome().String())
	put(m, "callType", c.GetCallType().String())
	var who []meta
	for _, p := range c.GetParticipants() {
		who = append(who, meta{"id": clean(p.GetJID()), "outcome": p.GetCallOutcome().String()})
	}
	list(m, "participants", who)
	return content{Type: "callLog", Meta: m}
}

func scheduledCall(s *waE2E.ScheduledCallCreationMessage) content {
	m := meta{}
	put(m, "title", s.GetTitle())
	put(m, "callType", s.GetCallType().String())
	m.millis("at", s.GetScheduledTimestampMS())
	return content{Type: "scheduledCall", Text: s.GetTitle(), Meta: m}
}

func scheduledCallEdit(s *waE2E.ScheduledCallEditMessage) content {
	c := about("scheduledCallEdit")
	put(c.Meta, "action", s.GetEditType().String())
	return c
}
