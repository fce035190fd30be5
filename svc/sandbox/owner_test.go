package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"wamux/api"
	"wamux/svc/sandbox/phone"
)

// change lets the owner of a phone change something.
func (w *world) change(number string, c api.SandboxChange) api.SandboxChanged {
	w.t.Helper()
	changed, err := w.Change(w.t.Context(), number, c)
	if err != nil {
		w.t.Fatalf("%+v: %v", c, err)
	}
	return changed
}

// owned reads what the phone knows of the app state.
func (w *world) owned(number string) *api.SandboxSettings {
	w.t.Helper()
	p, err := w.Phone(w.t.Context(), number)
	if err != nil {
		w.t.Fatal(err)
	}
	return p.Settings
}

// chat is what a phone's settings say about a chat.
func (w *world) chat(number, jid string) api.SandboxChatState {
	for _, c := range w.owned(number).Chats {
		if c.JID == jid {
			return c
		}
	}
	return api.SandboxChatState{}
}

func TestThePhoneTellsItsDevices(t *testing.T) {
	w, c := linked(t)
	first := w.send(bob, alice, "first")
	c.hears("first")
	lid := w.byLIDJID(bob)
	until := time.Now().Add(time.Hour).Truncate(time.Second)
	told := func(in api.SandboxChange, collection string, ok func(evt any) bool) {
		t.Helper()
		if got := w.change(alice, in); got.Collection != collection || got.Version < 2 {
			t.Errorf("%s: got %+v, want a later version of %s", in.Kind, got, collection)
		}
		wait(c, ok)
	}
	told(api.SandboxChange{Kind: "contact", Contact: bob, Name: "Bob Ross"}, "critical_unblock_low", func(evt any) bool {
		e, ok := evt.(*events.Contact)
		return ok && e.JID == user(bob) && e.Action.GetFullName() == "Bob Ross" && e.Action.GetLidJID() == lid.String()
	})
	told(api.SandboxChange{Kind: "mute", Chat: bob, Until: until}, "regular_high", func(evt any) bool {
		e, ok := evt.(*events.Mute)
		return ok && e.JID == lid && e.Action.GetMuted() && e.Action.GetMuteEndTimestamp() == until.UnixMilli()
	})
	told(api.SandboxChange{Kind: "mute", Chat: bob, Off: true}, "regular_high", func(evt any) bool {
		e, ok := evt.(*events.Mute)
		return ok && e.JID == lid && !e.Action.GetMuted()
	})
	told(api.SandboxChange{Kind: "pin", Chat: user(bob).String()}, "regular_low", func(evt any) bool {
		e, ok := evt.(*events.Pin)
		return ok && e.JID == user(bob) && e.Action.GetPinned()
	})
	told(api.SandboxChange{Kind: "archive", Chat: bob}, "regular_low", func(evt any) bool {
		e, ok := evt.(*events.Archive)
		return ok && e.JID == lid && e.Action.GetArchived() && e.Action.GetMessageRange().GetMessages()[0].GetKey().GetID() == first
	})
}

func TestTheRestIsToldToo(t *testing.T) {
	w, c := linked(t)
	first := w.send(bob, alice, "first")
	c.hears("first")
	lid := w.byLIDJID(bob)
	for _, one := range []struct {
		change api.SandboxChange
		told   func(evt any) bool
	}{
		{api.SandboxChange{Kind: "read", Chat: bob, Off: true}, func(evt any) bool {
			e, ok := evt.(*events.MarkChatAsRead)
			return ok && e.JID == lid && !e.Action.GetRead()
		}},
		{api.SandboxChange{Kind: "star", Chat: bob, Message: first}, func(evt any) bool {
			e, ok := evt.(*events.Star)
			return ok && e.ChatJID == lid && e.MessageID == first && !e.IsFromMe && e.Action.GetStarred()
		}},
		{api.SandboxChange{Kind: "label", Label: "7", Name: "New order", Color: 3}, func(evt any) bool {
			e, ok := evt.(*events.LabelEdit)
			return ok && e.LabelID == "7" && e.Action.GetName() == "New order" && e.Action.GetColor() == 3
		}},
		{api.SandboxChange{Kind: "labelChat", Label: "7", Chat: bob}, func(evt any) bool {
			e, ok := evt.(*events.LabelAssociationChat)
			return ok && e.LabelID == "7" && e.JID == lid && e.Action.GetLabeled()
		}},
		{api.SandboxChange{Kind: "labelMessage", Label: "7", Chat: bob, Message: first}, func(evt any) bool {
			e, ok := evt.(*events.LabelAssociationMessage)
			return ok && e.LabelID == "7" && e.MessageID == first && e.Action.GetLabeled()
		}},
		{api.SandboxChange{Kind: "name", Name: "Alice the Great"}, func(evt any) bool {
			e, ok := evt.(*events.PushNameSetting)
			return ok && e.Action.GetName() == "Alice the Great"
		}},
		{api.SandboxChange{Kind: "unarchive"}, func(evt any) bool {
			e, ok := evt.(*events.UnarchiveChatsSetting)
			return ok && e.Action.GetUnarchiveChats()
		}},
		{api.SandboxChange{Kind: "deleteMessage", Chat: bob, Message: first}, func(evt any) bool {
			e, ok := evt.(*events.DeleteForMe)
			return ok && e.ChatJID == lid && e.MessageID == first
		}},
		{api.SandboxChange{Kind: "clear", Chat: bob, WithMedia: true}, func(evt any) bool {
			e, ok := evt.(*events.ClearChat)
			return ok && e.JID == lid && e.DeleteMedia
		}},
		{api.SandboxChange{Kind: "delete", Chat: bob}, func(evt any) bool {
			e, ok := evt.(*events.DeleteChat)
			return ok && e.JID == lid && !e.DeleteMedia
		}},
	} {
		w.change(alice, one.change)
		wait(c, one.told)
	}
	s := w.owned(alice)
	if s.Name != "Alice the Great" || len(s.Starred) != 1 || s.Starred[0].ID != first || len(s.Labels) != 1 || len(s.Labels[0].Chats) != 1 ||
		len(s.Labels[0].Messages) != 1 || !s.Unarchive {
		t.Errorf("the phone has %+v", s)
	}
	if chat := w.chat(alice, lid.String()); !chat.MarkedUnread || !chat.Deleted || chat.ClearedUntil.IsZero() {
		t.Errorf("the phone's chat is %+v", chat)
	}
}

// TestRemovedContact: whatsmeow raises no event, but it must be able to go on from a patch that takes something away.
func TestRemovedContact(t *testing.T) {
	w, c := linked(t)
	w.change(alice, api.SandboxChange{Kind: "contact", Contact: bob, Name: "Bob Ross"})
	wait(c, func(e *events.Contact) bool { return e.Action.GetFullName() == "Bob Ross" })
	w.change(alice, api.SandboxChange{Kind: "contact", Contact: bob, Off: true})
	if slices.ContainsFunc(w.owned(alice).Contacts, func(c api.SandboxContact) bool { return c.Phone == bob }) {
		t.Error("the contact is still in the address book")
	}
	w.change(alice, api.SandboxChange{Kind: "contact", Contact: "15550001111", Name: "Not on WhatsApp"})
	wait(c, func(e *events.Contact) bool { return e.JID == user("15550001111") && e.Action.GetLidJID() == "" })
}

func TestChangesThatCannotBe(t *testing.T) {
	w := newWorld(t)
	w.phone(alice)
	w.phone(bob)
	for _, c := range []api.SandboxChange{
		{Kind: "dance"}, {Kind: "mute"}, {Kind: "mute", Chat: "15550009999"}, {Kind: "mute", Chat: "1203@g.us"}, {Kind: "star", Chat: bob},
		{Kind: "star", Chat: bob, Message: "NONE"}, {Kind: "name"}, {Kind: "contact", Contact: bob}, {Kind: "contact", Contact: bob, Off: true},
		{Kind: "label", Name: "x"}, {Kind: "labelChat", Chat: bob}, {Kind: "labelMessage", Chat: bob, Label: "1"},
	} {
		if got, err := w.Change(t.Context(), alice, c); err == nil {
			t.Errorf("%+v was taken: %+v", c, got)
		}
	}
}

func TestDevicesTellThePhone(t *testing.T) {
	w, c := linked(t)
	first := w.send(bob, alice, "first")
	c.hears("first")
	lid := w.byLIDJID(bob)
	contact := phone.ContactPatch(phone.Contact{Number: bob, FullName: "Bobby"})
	for _, patch := range []appstate.PatchInfo{
		appstate.BuildMute(lid, true, 0), appstate.BuildArchive(lid, true, time.Now(), nil), appstate.BuildStar(lid, lid, first, false, true),
		appstate.BuildLabelEdit("3", "Paid", 5, false), appstate.BuildLabelChat(lid, "3", true), appstate.BuildLabelEdit("4", "Gone", 1, true),
		appstate.BuildMarkChatAsRead(lid, false, time.Now(), nil), appstate.BuildSettingPushName("Alice B."), contact,
	} {
		if err := c.SendAppState(t.Context(), patch); err != nil {
			t.Fatalf("%s: %v", patch.Type, err)
		}
	}
	s := w.owned(alice)
	if s.Name != "Alice B." || len(s.Starred) != 1 || s.Starred[0] != (api.SandboxMessageRef{Chat: lid.String(), ID: first}) {
		t.Errorf("the phone has %+v", s)
	}
	if len(s.Labels) != 1 || s.Labels[0].Name != "Paid" || !slices.Equal(s.Labels[0].Chats, []string{lid.String()}) {
		t.Errorf("the phone's labels are %+v", s.Labels)
	}
	if chat := w.chat(alice, lid.String()); !chat.Muted || !chat.MutedUntil.IsZero() || !chat.Archived || chat.Pinned || !chat.MarkedUnread {
		t.Errorf("the phone's chat is %+v", chat)
	}
	if !slices.ContainsFunc(s.Contacts, func(c api.SandboxContact) bool { return c.Phone == bob && c.Name == "Bobby" }) {
		t.Errorf("the phone's contacts are %+v", s.Contacts)
	}
	w.restart()
	if again := w.owned(alice); fmt.Sprint(again) != fmt.Sprint(s) {
		t.Errorf("after a restart the phone has %+v, before it had %+v", again, s)
	}
}

// TestOthersHearOfADevicesChange: what one linked device changes the other one hears.
func TestOthersHearOfADevicesChange(t *testing.T) {
	w, c := linked(t)
	other := w.client()
	other.pair(alice)
	if err := c.SendAppState(t.Context(), appstate.BuildPin(w.byLIDJID(bob), true)); err != nil {
		t.Fatal(err)
	}
	wait(other, func(e *events.Pin) bool { return e.JID == w.byLIDJID(bob) && e.Action.GetPinned() })
}

// TestSnapshotForOneWhoBegins: a client that comes after many changes gets a snapshot, the next one the same and what came after.
func TestSnapshotForOneWhoBegins(t *testing.T) {
	w := newWorld(t)
	w.phone(alice)
	w.phone(bob)
	for i := range snapshotAfter + 5 {
		w.change(alice, api.SandboxChange{Kind: "contact", Contact: fmt.Sprint(15550000000 + i), Name: fmt.Sprint("Friend ", i)})
	}
	w.change(alice, api.SandboxChange{Kind: "pin", Chat: bob})
	one := w.client()
	one.pair(alice)
	if n := w.snapshots(); n != 1 {
		t.Errorf("%d snapshots were made, want one", n)
	}
	w.knows(one, 15550000000, "Friend 0")
	w.change(alice, api.SandboxChange{Kind: "contact", Contact: "15550000099", Name: "New friend"})
	wait(one, func(e *events.Contact) bool { return e.Action.GetFullName() == "New friend" })
	two := w.client()
	two.pair(alice)
	w.knows(two, 15550000099, "New friend")
	w.knows(two, 15550000014, "Friend 14")
	if n := w.snapshots(); n != 1 {
		t.Errorf("%d snapshots are kept, want the first one still", n)
	}
	if chat, err := two.Store.ChatSettings.GetChatSettings(t.Context(), w.byLIDJID(bob)); err != nil || !chat.Pinned {
		t.Errorf("the client has %+v, %v", chat, err)
	}
}

// snapshots counts the snapshots on the media server.
func (w *world) snapshots() (n int) {
	w.t.Helper()
	if err := w.db.read.QueryRow(`SELECT count(*) FROM media WHERE path LIKE '/v/md-app-state/%'`).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// knows fails the test when a client does not have a contact under this name.
func (w *world) knows(c *client, number int, name string) {
	w.t.Helper()
	got, err := c.Store.Contacts.GetContact(w.t.Context(), user(fmt.Sprint(number)))
	if err != nil || got.FullName != name {
		w.t.Errorf("the client knows %d as %q, %v, want %q", number, got.FullName, err, name)
	}
}

// TestFarBehind: a client that was away gets many patches in several answers.
func TestFarBehind(t *testing.T) {
	w, c := linked(t)
	c.Disconnect()
	w.until("the client offline", func() bool { return !w.device(alice).Online })
	for i := range 2*patchesAtOnce + 7 {
		w.change(alice, api.SandboxChange{Kind: "contact", Contact: fmt.Sprint(15550000000 + i%5), Name: fmt.Sprint("Name ", i)})
	}
	c.connect()
	wait(c, func(e *events.Contact) bool { return e.Action.GetFullName() == fmt.Sprint("Name ", 2*patchesAtOnce+6) })
	c.text(bob, "still alive")
	w.inbox(bob, withText("still alive"))
}

// TestConflict: a client that made its patch for an older version hears what it missed, and tries again.
func TestConflict(t *testing.T) {
	w, c := linked(t)
	const name = "regular_high"
	version, hash, err := c.Store.AppState.GetAppStateVersion(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	w.change(alice, api.SandboxChange{Kind: "mute", Chat: bob})
	wait[*events.Mute](c, nil)
	if _, err := c.db.Exec(`DELETE FROM whatsmeow_app_state_mutation_macs WHERE name=? AND version>?`, name, version); err != nil {
		t.Fatal(err)
	}
	if err := c.Store.AppState.PutAppStateVersion(t.Context(), name, version, hash); err != nil {
		t.Fatal(err)
	}
	if err := c.SendAppState(t.Context(), appstate.BuildStar(w.byLIDJID(bob), types.EmptyJID, "SOME", false, true)); err != nil {
		t.Fatal(err)
	}
	stanzas, err := w.Traffic(t.Context(), alice, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(stanzas, func(s api.SandboxStanza) bool { return strings.Contains(s.XML, `code="409"`) }) {
		t.Error("there was no conflict")
	}
	s := w.owned(alice)
	if len(s.Starred) != 1 || !w.chat(alice, w.byLIDJID(bob).String()).Muted {
		t.Errorf("the phone has %+v", s)
	}
}

// TestRecovery: a client whose state of a collection does not add up any more gets it from the phone, and goes on from there.
func TestRecovery(t *testing.T) {
	w, c := linked(t)
	const name = appstate.WAPatchRegularHigh
	w.change(alice, api.SandboxChange{Kind: "mute", Chat: bob})
	wait[*events.Mute](c, nil)
	w.change(alice, api.SandboxChange{Kind: "star", Chat: bob, Message: w.send(bob, alice, "a star")})
	wait[*events.Star](c, nil)
	if err := c.Store.AppState.PutAppStateVersion(t.Context(), string(name), 1, [128]byte{1}); err != nil {
		t.Fatal(err)
	}
	w.change(alice, api.SandboxChange{Kind: "mute", Chat: bob, Off: true})
	wait(c, func(e *events.AppStateSyncError) bool { return e.Name == name })
	if _, err := c.SendPeerMessage(t.Context(), whatsmeow.BuildAppStateRecoveryRequest(name)); err != nil {
		t.Fatal(err)
	}
	wait(c, func(e *events.AppStateSyncComplete) bool { return e.Name == name && e.Recovery })
	w.change(alice, api.SandboxChange{Kind: "mute", Chat: bob, Until: time.Now().Add(time.Hour)})
	wait(c, func(e *events.Mute) bool { return e.Action.GetMuted() })
	if err := c.SendAppState(t.Context(), appstate.BuildMute(w.byLIDJID(bob), false, 0)); err != nil {
		t.Fatal(err)
	}
}
