package signal

import (
	"testing"
	"time"

	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
)

func TestContacts(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	ctx, user := t.Context(), pnJID("4977")
	if info := get(d.Contacts.GetContact(ctx, user))(t); info.Found {
		t.Errorf("got %+v, want nothing", info)
	}
	for _, c := range []struct {
		name     string
		changed  bool
		previous string
	}{{"Eve", true, ""}, {"Eve", false, ""}, {"Eva", true, "Eve"}} {
		changed, previous, err := d.Contacts.PutPushName(ctx, user, c.name)
		if err != nil || changed != c.changed || previous != c.previous {
			t.Errorf("push name %s: %v %q %v", c.name, changed, previous, err)
		}
		changed, previous, err = d.Contacts.PutBusinessName(ctx, user, c.name)
		if err != nil || changed != c.changed || previous != c.previous {
			t.Errorf("business name %s: %v %q %v", c.name, changed, previous, err)
		}
	}
	// As whatsmeow's one caller has them, not as the interface names them.
	must(t, d.Contacts.PutContactName(ctx, user, "Eva", "Eva Example"))
	must(t, d.Contacts.PutManyRedactedPhones(ctx, []wastore.RedactedPhoneEntry{{JID: user, RedactedPhone: "+49∙∙77"}}))
	must(t, d.Contacts.PutAllContactNames(ctx, []wastore.ContactEntry{{JID: lidJID("88"), FirstName: "Max", FullName: "Max M"}, {JID: lidJID("88"), FirstName: "Mo", FullName: "Mo M"}}))
	want := types.ContactInfo{Found: true, FirstName: "Eva", FullName: "Eva Example", PushName: "Eva", BusinessName: "Eva", RedactedPhone: "+49∙∙77"}
	if info := get(d.Contacts.GetContact(ctx, user))(t); info != want {
		t.Errorf("got %+v, want %+v", info, want)
	}
	all := get(d.Contacts.GetAllContacts(ctx))(t)
	if len(all) != 2 || all[user] != want || all[lidJID("88")].FirstName != "Mo" {
		t.Errorf("got %+v", all)
	}
	if n := p.rows(`SELECT COUNT(*) FROM contacts WHERE phone = '4977' AND lid = '' OR phone = '' AND lid = '88@lid'`); n != 2 {
		t.Errorf("%d of 2 contacts have their phone or LID", n)
	}
}

func TestChatSettings(t *testing.T) {
	p := newPlace(t)
	d := p.paired("one", "49151", "1001")
	ctx, chat := t.Context(), pnJID("4977")
	if s := get(d.ChatSettings.GetChatSettings(ctx, chat))(t); s.Found {
		t.Errorf("got %+v, want nothing", s)
	}
	must(t, d.ChatSettings.PutPinned(ctx, chat, true))
	must(t, d.ChatSettings.PutArchived(ctx, chat, true))
	for _, until := range []time.Time{wastore.MutedForever, time.Unix(1700000000, 0), {}} {
		must(t, d.ChatSettings.PutMutedUntil(ctx, chat, until))
		s := get(d.ChatSettings.GetChatSettings(ctx, chat))(t)
		if !s.Found || !s.Pinned || !s.Archived || !s.MutedUntil.Equal(until) {
			t.Errorf("muted until %v: got %+v", until, s)
		}
	}
}
