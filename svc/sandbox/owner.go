package sandbox

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.mau.fi/whatsmeow/types"

	"wamux/api"
	"wamux/store"
	"wamux/svc/sandbox/phone"
)

// Change lets the owner of a phone change something in the app that linked devices learn by app state.
func (s *Server) Change(ctx context.Context, number string, c api.SandboxChange) (out api.SandboxChanged, err error) {
	err = s.do(ctx, func() error {
		a, err := s.account(number)
		if err != nil {
			return err
		}
		choice, err := s.choice(a, c)
		if err != nil {
			return err
		}
		if err := s.fillCollections(a); err != nil {
			return err
		}
		patch, err := s.choose(a, choice)
		out = api.SandboxChanged{Collection: patch.Collection, Version: patch.Version}
		return err
	})
	return out, err
}

// choice reads what a person wants.
func (s *Server) choice(a *account, c api.SandboxChange) (phone.Choice, error) {
	out := phone.Choice{Kind: c.Kind, Off: c.Off, Name: c.Name, Label: c.Label, Color: c.Color, Until: c.Until, WithMedia: c.WithMedia, LastAt: s.now()}
	if c.Contact != "" {
		out.Contact = s.contactNamed(c)
	}
	if c.Chat == "" {
		return out, nil
	}
	var err error
	if out.Chat, err = s.chatChosen(c.Chat); err != nil {
		return out, err
	}
	if c.Message != "" {
		if out.Message, _, err = s.targetOf(a, out.Chat, c.Message); err != nil {
			return out, err
		}
		if out.Message == nil {
			return out, store.Errorf(store.CodeNotFound, "message_not_found", "The phone knows no message with this id.")
		}
	}
	last, err := s.lastOf(a, out.Chat)
	if err != nil || last == nil {
		return out, err
	}
	out.Last, out.LastAt, err = s.targetOf(a, out.Chat, last.id)
	return out, err
}

func (s *Server) contactNamed(c api.SandboxChange) phone.Contact {
	contact := phone.Contact{Number: digits(c.Contact), FullName: c.Name, FirstName: c.FirstName}
	if contact.FirstName == "" {
		contact.FirstName = c.Name
	}
	if other := s.byNumber[contact.Number]; other != nil {
		contact.LID = other.lid
	}
	return contact
}

// chatChosen is how the app state names a chat. Given by number it is a LID, since accounts have moved to those (known from
// client source); a JID is taken as it is.
func (s *Server) chatChosen(text string) (types.JID, error) {
	if strings.Contains(text, "@") {
		j, err := types.ParseJID(text)
		if err != nil || s.find(j) == nil && s.findGroup(j) == nil {
			return j, store.Errorf(store.CodeNotFound, "chat_not_found", "There is no sandbox phone or group with the JID of this chat.")
		}
		return j.ToNonAD(), nil
	}
	if other := s.chatAccount(text); other != nil {
		return other.lidJID(), nil
	}
	return types.JID{}, store.Errorf(store.CodeNotFound, "chat_not_found", "There is no sandbox phone with the number of this chat.")
}

// targetOf finds a message of a phone, nil when there is none, and when it was sent.
func (s *Server) targetOf(a *account, chat types.JID, id string) (*phone.Target, time.Time, error) {
	row, err := s.inboxByID(a.number, id)
	if err != nil || row == nil {
		return nil, s.now(), err
	}
	sender := row.sender
	if author := s.find(sender); author != nil {
		sender = author.lidJID()
	}
	return &phone.Target{Chat: chat, Sender: sender, ID: id, FromMe: row.fromMe, Message: row.message}, row.at, nil
}

// lastOf is the newest message of a chat, nil when it has none.
func (s *Server) lastOf(a *account, chat types.JID) (*inboxRow, error) {
	return s.inboxRow(`SELECT `+inboxColumns+` FROM inbox WHERE number=? AND chat=? ORDER BY seq DESC LIMIT 1`, a.number, s.inboxChat(chat).String())
}

// inboxChat is how inboxes name a chat: people by number.
func (s *Server) inboxChat(chat types.JID) types.JID {
	if other := s.find(chat); other != nil {
		return other.pn()
	}
	return chat
}

// choose makes a patch of a choice, does what it means for the phone, and tells the linked devices.
func (s *Server) choose(a *account, c phone.Choice) (phone.Patch, error) {
	ph, err := s.phoneOf(a)
	if err != nil {
		return phone.Patch{}, err
	}
	patch, err := ph.Choose(c, s.now())
	if errors.Is(err, phone.ErrChoice) {
		return patch, invalid("change_invalid", "The kind of change is not known, or something it needs is missing: a chat, a message in it, a contact, a label or a name.")
	}
	if err != nil {
		return patch, err
	}
	s.savePhone(a)
	s.savePatch(a, patch)
	switch c.Kind {
	case "name":
		a.name = c.Name
		s.saveAccount(a)
	case "contact":
		s.keepContact(a, c.Contact.Number, !c.Off)
	}
	s.collectionChanged(a, patch.Collection, patch.Version, nil)
	return patch, nil
}

// keepContact notes who is in the address book.
func (s *Server) keepContact(a *account, number string, there bool) {
	book := s.addressBook(a)
	if there {
		book[number] = true
		s.put(`INSERT OR IGNORE INTO contacts(number,contact) VALUES(?,?)`, a.number, number)
		return
	}
	delete(book, number)
	s.put(`DELETE FROM contacts WHERE number=? AND contact=?`, a.number, number)
}

// settingsOf is the phone's view of the app state.
func (s *Server) settingsOf(a *account) (*api.SandboxSettings, error) {
	ph, err := s.phoneOf(a)
	if err != nil {
		return nil, err
	}
	owned, err := ph.Owned()
	if err != nil {
		return nil, err
	}
	out := &api.SandboxSettings{
		Name: a.name, Unarchive: owned.Unarchive, Contacts: []api.SandboxContact{}, Chats: []api.SandboxChatState{},
		Starred: messageRefs(owned.Starred), Hidden: messageRefs(owned.Hidden), Labels: []api.SandboxLabel{}, Collections: []api.SandboxCollection{},
	}
	for _, c := range owned.Contacts {
		out.Contacts = append(out.Contacts, api.SandboxContact{Phone: c.Number, LID: c.LID, Name: c.FullName, FirstName: c.FirstName})
	}
	for _, c := range owned.Chats {
		out.Chats = append(out.Chats, api.SandboxChatState{
			JID: c.JID, Muted: c.Muted, MutedUntil: c.Until.UTC(), Pinned: c.Pinned, Archived: c.Archived, MarkedUnread: c.Unread,
			ClearedUntil: c.Cleared.UTC(), Deleted: c.Deleted,
		})
	}
	for _, l := range owned.Labels {
		out.Labels = append(out.Labels, api.SandboxLabel{
			ID: l.ID, Name: l.Name, Color: l.Color, Chats: append([]string{}, l.Chats...), Messages: messageRefs(l.Messages),
		})
	}
	for _, name := range phone.Collections {
		out.Collections = append(out.Collections, api.SandboxCollection{Name: name, Version: ph.Version(name)})
	}
	return out, nil
}

func messageRefs(refs []phone.MessageRef) []api.SandboxMessageRef {
	out := []api.SandboxMessageRef{}
	for _, r := range refs {
		out = append(out, api.SandboxMessageRef{Chat: r.Chat, ID: r.ID, FromMe: r.FromMe})
	}
	return out
}
