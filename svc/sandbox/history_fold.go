package sandbox

import (
	"slices"

	"go.mau.fi/whatsmeow/proto/waWeb"
	"go.mau.fi/whatsmeow/types"

	"wamux/svc/sandbox/phone"
)

// pastChat is a conversation on its way into a history sync, the newest message first.
type pastChat struct {
	jid      types.JID // as inboxes name it
	place    place
	messages []phone.PastMessage
	unread   uint32
}

// archive is what a phone has of its past. The rows of its inbox are put together as it shows them: what changes or answers an
// earlier message becomes part of that.
type archive struct {
	s      *Server
	a      *account
	owned  phone.Owned
	names  map[string]string // what the owner calls people, by number
	states map[types.JID]phone.ChatState
	byJID  map[types.JID]*pastChat
	chats  []*pastChat // in the order of their first message
}

// past reads all conversations of an account.
func (s *Server) past(a *account) (*archive, error) {
	ph, err := s.phoneOf(a)
	if err != nil {
		return nil, err
	}
	f := &archive{s: s, a: a, names: map[string]string{}, states: map[types.JID]phone.ChatState{}, byJID: map[types.JID]*pastChat{}}
	if f.owned, err = ph.Owned(); err != nil {
		return nil, err
	}
	for _, c := range f.owned.Contacts {
		f.names[c.Number] = c.FullName
	}
	for _, c := range f.owned.Chats {
		if j, err := types.ParseJID(c.JID); err == nil {
			f.states[s.inboxChat(j)] = c
		}
	}
	err = each(s.db.read, `SELECT `+inboxColumns+` FROM inbox WHERE number=? ORDER BY seq`, []any{a.number}, func(scan func(...any) error) error {
		row, err := scanInbox(scan)
		if err == nil {
			f.add(row)
		}
		return err
	})
	for _, c := range f.chats {
		slices.Reverse(c.messages)
	}
	return f, err
}

func (f *archive) add(row *inboxRow) {
	c := f.byJID[row.chat]
	if c == nil {
		c = &pastChat{jid: row.chat, place: f.s.placeOf(row.chat)}
		if c.place.peer == nil && c.place.group == nil {
			return // it is gone
		}
		f.byJID[row.chat] = c
		f.chats = append(f.chats, c)
	}
	content := phone.Read(row.message)
	switch content.Type {
	case "protocol":
	case "edit", "revoke", "reaction", "vote":
		if target := c.find(content.Target); target != nil {
			f.fold(target, row, content)
		}
	default:
		f.file(c, row)
	}
}

func (c *pastChat) find(id string) *phone.PastMessage {
	for i := len(c.messages) - 1; i >= 0; i-- {
		if c.messages[i].ID == id {
			return &c.messages[i]
		}
	}
	return nil
}

// file adds a message of its own, unless its owner has deleted it. Who answers has read what came before.
func (f *archive) file(c *pastChat, row *inboxRow) {
	if f.gone(c, row) {
		return
	}
	m := phone.PastMessage{
		ID: row.id, FromMe: row.fromMe, At: row.at, Message: row.message, Status: waWeb.WebMessageInfo_Status(row.status + 1),
		Starred: slices.ContainsFunc(f.owned.Starred, func(r phone.MessageRef) bool { return r.ID == row.id }),
	}
	if !row.fromMe {
		m.Status, m.PushName, m.Sender = waWeb.WebMessageInfo_DELIVERY_ACK, f.authorName(row), f.author(c, row)
	}
	c.messages = append(c.messages, m)
	if c.unread++; row.fromMe || row.status >= statusRead {
		c.unread = 0
	}
}

// gone tells what the owner has deleted for themselves or cleared.
func (f *archive) gone(c *pastChat, row *inboxRow) bool {
	same := func(jid string) bool {
		j, err := types.ParseJID(jid)
		return err == nil && f.s.inboxChat(j) == c.jid
	}
	return slices.ContainsFunc(f.owned.Hidden, func(r phone.MessageRef) bool { return r.ID == row.id && same(r.Chat) }) ||
		slices.ContainsFunc(f.owned.Chats, func(s phone.ChatState) bool { return row.at.Unix() <= s.Cleared.Unix() && same(s.JID) })
}

// author names who wrote a message, which only groups need.
func (f *archive) author(c *pastChat, row *inboxRow) string {
	author := f.s.find(row.sender)
	if c.place.group == nil || author == nil || row.fromMe {
		return ""
	}
	return author.lidJID().String()
}

func (f *archive) authorName(row *inboxRow) string {
	if author := f.s.find(row.sender); author != nil {
		return author.name
	}
	return ""
}

// fold makes an edit, a revoke, a reaction or a vote part of its message.
func (f *archive) fold(target *phone.PastMessage, row *inboxRow, content phone.Content) {
	answer := phone.PastAnswer{ID: row.id, FromMe: row.fromMe, Text: content.Text, At: row.at, Sender: f.author(f.byJID[row.chat], row)}
	switch content.Type {
	case "edit":
		if edited := content.Inner.GetProtocolMessage().GetEditedMessage(); edited != nil {
			secret := target.Message.GetMessageContextInfo()
			target.Message = edited
			if edited.MessageContextInfo == nil {
				edited.MessageContextInfo = secret
			}
		}
	case "revoke":
		target.Revoked = true
	case "reaction":
		if target.Reactions = without(target.Reactions, answer); answer.Text != "" {
			target.Reactions = append(target.Reactions, answer)
		}
	case "vote":
		answer.Options = f.voted(target, row)
		target.Votes = append(without(target.Votes, answer), answer)
	}
}

// without drops what the same person said before.
func without(answers []phone.PastAnswer, by phone.PastAnswer) []phone.PastAnswer {
	return slices.DeleteFunc(answers, func(x phone.PastAnswer) bool { return x.FromMe == by.FromMe && x.Sender == by.Sender })
}

// voted opens a vote. Who voted, and who asked, may have done so under either identity.
func (f *archive) voted(target *phone.PastMessage, row *inboxRow) []string {
	voter, creator := f.s.find(row.sender), f.a
	if !target.FromMe {
		creator = f.s.placeOf(row.chat).peer
		if j, err := types.ParseJID(target.Sender); err == nil && target.Sender != "" {
			creator = f.s.find(j)
		}
	}
	if voter == nil || creator == nil {
		return nil
	}
	for _, lid := range []bool{true, false} {
		t := &phone.Target{ID: target.ID, Sender: creator.jid(0, lid), Message: target.Message}
		if options, err := phone.OpenVote(t, voter.jid(0, lid), row.message); err == nil {
			return options
		}
	}
	return nil
}
