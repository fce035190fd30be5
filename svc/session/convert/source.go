package convert

import (
	"reflect"
	"strings"
	"time"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"wamux/store"
)

// Known is an event about a chat or person, with the other identity of who it is
// about. Give it to [Incoming] in place of the event.
type Known struct {
	Event any
	JID   types.JID
	Alt   types.JID
}

// About names whom an event of the app state is about; empty for all other
// events. WhatsApp tells one identity only.
func About(evt any) types.JID {
	switch e := evt.(type) {
	case *events.Pin:
		return e.JID
	case *events.Mute:
		return e.JID
	case *events.Archive:
		return e.JID
	case *events.MarkChatAsRead:
		return e.JID
	case *events.ClearChat:
		return e.JID
	case *events.DeleteChat:
		return e.JID
	case *events.Star:
		return e.ChatJID
	case *events.DeleteForMe:
		return e.ChatJID
	case *events.LabelAssociationChat:
		return e.JID
	case *events.LabelAssociationMessage:
		return e.JID
	case *events.UserStatusMute:
		return e.JID
	}
	return types.JID{}
}

// source is the session that an event came to.
type source struct {
	session string
	own     Own
	known   Known // whose other identity is known; may be empty
}

// fact is one event whose id is made of what names it; what is empty in data
// stays out of the id, so the parts must tell repeats from news.
func (s source) fact(kind string, at time.Time, data meta, parts ...string) []store.Entry {
	return []store.Entry{{Events: []store.Event{s.event(kind, at, data, parts...)}}}
}

// moment is an event that nothing names: the same again is another one. The
// store gives it a random id and the time.
func (s source) moment(kind string, data meta) []store.Entry {
	return []store.Entry{{Events: []store.Event{{Type: kind, Session: s.session, Data: data.json()}}}}
}

func (s source) event(kind string, at time.Time, data meta, parts ...string) store.Event {
	data.instant("timestamp", at)
	body := data.json()
	if len(parts) == 0 {
		parts = []string{string(body)}
	}
	id := store.EventID(append([]string{s.session, kind}, parts...)...)
	return store.Event{ID: id, Type: kind, Session: s.session, Timestamp: at.UTC(), Data: body}
}

// chat is a change of a chat's settings or state by one of our own devices.
func (s source) chat(jid types.JID, at time.Time, data meta) []store.Entry {
	data["chat"] = who("", jid, s.alt(jid))
	return s.fact("chat.updated", at, data)
}

// chatRow is such a change that shows in the list of chats, too.
func (s source) chatRow(jid types.JID, at time.Time, data meta, change store.ChatChange) []store.Entry {
	out := s.chat(jid, at, data)
	change.ID, change.Alt = bare(jid), bare(s.alt(jid))
	out[0].Chat = &change
	return out
}

// alt is the other identity of jid where it is known.
func (s source) alt(jid types.JID) types.JID {
	switch {
	case s.own.Is(jid):
		return s.own.other(jid)
	case same(jid, s.known.JID):
		return s.known.Alt
	}
	return types.JID{}
}

func (s source) mute(e *events.Mute) []store.Entry {
	data := meta{"change": "muted", "muted": e.Action.GetMuted()}
	if end := e.Action.GetMuteEndTimestamp(); end > 0 {
		data.millis("mutedUntil", end)
	}
	return s.chat(e.JID, e.Timestamp, data)
}

func (s source) labelEdit(e *events.LabelEdit) []store.Entry {
	data := meta{"id": clean(e.LabelID), "name": clean(e.Action.GetName()), "color": e.Action.GetColor(), "deleted": e.Action.GetDeleted()}
	return s.fact("label.updated", e.Timestamp, data)
}

func (s source) labelChat(e *events.LabelAssociationChat) []store.Entry {
	data := meta{"id": clean(e.LabelID), "chat": who("", e.JID, s.alt(e.JID)), "labeled": e.Action.GetLabeled()}
	return s.fact("label.chat", e.Timestamp, data)
}

func (s source) labelMessage(e *events.LabelAssociationMessage) []store.Entry {
	data := meta{"id": clean(e.LabelID), "chat": who("", e.JID, s.alt(e.JID)), "messageId": clean(e.MessageID), "labeled": e.Action.GetLabeled()}
	return s.fact("label.message", e.Timestamp, data)
}

// restricted tells that WhatsApp lets the account write to known chats only.
func (s source) restricted(e *events.NotifyAccountReachoutTimelock) []store.Entry {
	data := meta{"active": e.IsActive, "kind": clean(e.EnforcementType)}
	data.instant("until", e.TimeEnforcementEnds.Time)
	return s.fact("session.restricted", e.Mex.Timestamp, data)
}

// unknown is an event that has no line in the table, with what it holds but
// its secrets. Nothing names it, so its id is random.
func (s source) unknown(kind string, content any) []store.Entry {
	data := meta{"kind": strings.TrimPrefix(kind, "*")}
	if x := plain(reflect.ValueOf(content), 0); x != nil {
		data["content"] = x
	}
	return s.moment("unknown", data)
}
