package sandbox

import (
	"bytes"
	"image"
	"image/jpeg"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/appstate"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"wamux/api"
	"wamux/svc/sandbox/phone"
)

// jpegOf is a picture of this size.
func jpegOf(t testing.TB, side int) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, image.NewGray(image.Rect(0, 0, side, side)), nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// must ends the test at an error.
func (c *client) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// acquaint lets a phone have the client's account in its address book.
func (w *world) acquaint(from, with string) {
	w.t.Helper()
	w.send(from, with, "hello from "+from)
}

func TestProfile(t *testing.T) {
	w, c := linked(t)
	other := w.linkedTo(carol)
	w.acquaint(carol, alice)
	w.acquaint(alice, carol)

	first, err := c.GetProfilePictureInfo(t.Context(), user(carol), nil)
	c.must(err)
	about := "at the beach"
	c.must(w.SetProfile(t.Context(), carol, api.SandboxProfile{About: &about, Picture: jpegOf(t, 64)}))
	if got := wait(c, func(e *events.UserAbout) bool { return e.JID.User == w.byLIDJID(carol).User }); got.Status != about {
		t.Errorf("got the text %q", got.Status)
	}
	wait(c, func(e *events.Picture) bool { return e.JID.User == carol && !e.Remove })
	second, err := c.GetProfilePictureInfo(t.Context(), user(carol), nil)
	c.must(err)
	if second.ID == first.ID {
		t.Error("a new picture has the id of the old one")
	}
	if same, err := c.GetProfilePictureInfo(t.Context(), user(carol), &whatsmeow.GetProfilePictureParams{ExistingID: second.ID}); same != nil || err != nil {
		t.Errorf("got %v, %v for a picture that is known", same, err)
	}
	info, err := c.GetUserInfo(t.Context(), []types.JID{user(carol)})
	c.must(err)
	if got := info[user(carol)]; got.Status != about || got.PictureID != second.ID {
		t.Errorf("got %+v", got)
	}
	other.must(other.SetStatusMessage(t.Context(), types.SetStatusInput{Text: proto.String("back home")}))
	wait(c, func(e *events.UserAbout) bool { return e.Status == "back home" })
	c.must(w.SetProfile(t.Context(), carol, api.SandboxProfile{RemovePicture: true}))
	wait(c, func(e *events.Picture) bool { return e.JID.User == carol && e.Remove })
	if _, err := c.GetProfilePictureInfo(t.Context(), user(carol), nil); err == nil {
		t.Error("a picture that was removed is there")
	}
	w.restartWith(c, other)
	if info, err = c.GetUserInfo(t.Context(), []types.JID{user(carol)}); err != nil || info[user(carol)].Status != "back home" {
		t.Errorf("after a restart: %+v, %v", info, err)
	}
}

func TestGroupPicture(t *testing.T) {
	w, c := linked(t)
	g := w.group(alice, bob)
	id, err := c.SetGroupPhoto(t.Context(), g, jpegOf(t, 64))
	c.must(err)
	got, err := c.GetProfilePictureInfo(t.Context(), g, nil)
	c.must(err)
	if got.ID != id {
		t.Errorf("got picture %s, want %s", got.ID, id)
	}
	wait(c, func(e *events.Picture) bool { return e.JID == g && e.PictureID == id })
	_, err = c.SetGroupPhoto(t.Context(), g, nil)
	c.must(err)
	if _, err := c.GetProfilePictureInfo(t.Context(), g, nil); err == nil {
		t.Error("a picture that was removed is there")
	}
}

func TestBlocklist(t *testing.T) {
	w, c := linked(t)
	w.acquaint(bob, alice)
	c.hears("hello from " + bob)
	list, err := c.UpdateBlocklist(t.Context(), user(bob), events.BlocklistChangeActionBlock)
	c.must(err)
	if len(list.JIDs) != 1 || list.JIDs[0].User != w.byLIDJID(bob).User {
		t.Fatalf("got %v", list.JIDs)
	}
	w.send(bob, alice, "not heard")
	if _, err := w.Call(t.Context(), bob, alice, false); err != nil {
		t.Fatal(err)
	}
	w.restartWith(c)
	again, err := c.GetBlocklist(t.Context())
	c.must(err)
	if len(again.JIDs) != 1 || again.DHash != list.DHash {
		t.Errorf("after a restart: %+v", again)
	}
	c.must(w.Block(t.Context(), alice, bob, false)) // on the phone
	wait(c, func(e *events.Blocklist) bool {
		return len(e.Changes) == 1 && e.Changes[0].Action == events.BlocklistChangeActionUnblock
	})
	w.send(bob, alice, "heard")
	if m := c.hears("heard"); textOf(m.Message) != "heard" {
		t.Errorf("got %q first", textOf(m.Message))
	}
}

func TestPrivacy(t *testing.T) {
	w, c := linked(t)
	other := w.linkedTo(carol)
	settings, err := other.SetPrivacySetting(t.Context(), types.PrivacySettingTypeProfile, types.PrivacySettingNone)
	other.must(err)
	if settings.Profile != types.PrivacySettingNone {
		t.Errorf("got %+v", settings)
	}
	if _, err := c.GetProfilePictureInfo(t.Context(), user(carol), nil); err == nil {
		t.Error("a picture that nobody may see was shown")
	}
	fresh, err := other.TryFetchPrivacySettings(t.Context(), true)
	other.must(err)
	if fresh.Profile != types.PrivacySettingNone || fresh.LastSeen != types.PrivacySettingAll {
		t.Errorf("got %+v", fresh)
	}
	if _, err := other.SetPrivacySetting(t.Context(), "nonsense", "all"); err == nil {
		t.Error("a setting that is none was taken")
	}
	other.must(other.SetDefaultDisappearingTimer(t.Context(), 24*time.Hour))
}

func TestCalls(t *testing.T) {
	w, c := linked(t)
	made, err := w.Call(t.Context(), bob, alice, true)
	c.must(err)
	offer := wait(c, func(e *events.CallOffer) bool { return e.CallID == made.ID })
	if offer.CallCreator.User != w.byLIDJID(bob).User || offer.From.User != w.byLIDJID(bob).User {
		t.Errorf("got %+v", offer.BasicCallMeta)
	}
	c.must(c.RejectCall(t.Context(), offer.From, offer.CallID))
	w.until("the call rejected", func() bool { return w.callState(bob, made.ID) == "rejected" })
	second, err := w.Call(t.Context(), bob, alice, false)
	c.must(err)
	wait(c, func(e *events.CallOffer) bool { return e.CallID == second.ID })
	w.restartWith(c)
	if got := w.callState(bob, made.ID); got != "rejected" {
		t.Errorf("after a restart the first call is %q", got)
	}
	c.must(w.EndCall(t.Context(), bob, second.ID))
	wait(c, func(e *events.CallTerminate) bool { return e.CallID == second.ID })
}

func (w *world) callState(number, id string) string {
	w.t.Helper()
	calls, err := w.Calls(w.t.Context(), number)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range calls {
		if c.ID == id {
			return c.State
		}
	}
	return ""
}

func TestNewsletters(t *testing.T) {
	w, c := linked(t)
	made, err := w.AddNewsletter(t.Context(), api.SandboxNewNewsletter{Owner: bob, Name: "News", Description: "of the day"})
	c.must(err)
	jid, err := types.ParseJID(made.JID)
	c.must(err)
	info, err := c.GetNewsletterInfoWithInvite(t.Context(), made.Invite)
	c.must(err)
	if info.ThreadMeta.Name.Text != "News" || info.ViewerMeta.Role != types.NewsletterRoleGuest {
		t.Errorf("got %+v", info)
	}
	c.must(c.FollowNewsletter(t.Context(), jid))
	posted, err := w.Post(t.Context(), made.JID, api.SandboxNewPost{Text: "extra"})
	c.must(err)
	if m := c.hears("extra"); m.Info.ServerID != posted.ServerID || m.Info.Chat != jid {
		t.Errorf("got %+v", m.Info)
	}
	_, err = c.NewsletterSubscribeLiveUpdates(t.Context(), jid)
	c.must(err)
	c.must(c.NewsletterMarkViewed(t.Context(), jid, []types.MessageServerID{posted.ServerID}))
	c.must(c.NewsletterSendReaction(t.Context(), jid, posted.ServerID, "🎉", ""))
	wait(c, func(e *events.NewsletterLiveUpdate) bool {
		return len(e.Messages) == 1 && e.Messages[0].ReactionCounts["🎉"] == 1 && e.Messages[0].ViewsCount == 1
	})
	w.restartWith(c)
	list, err := c.GetNewsletterMessages(t.Context(), jid, &whatsmeow.GetNewsletterMessagesParams{Count: 5})
	c.must(err)
	if len(list) != 1 || list[0].Message.GetConversation() != "extra" || list[0].ReactionCounts["🎉"] != 1 {
		t.Errorf("got %+v", list)
	}
	updates, err := c.GetNewsletterMessageUpdates(t.Context(), jid, &whatsmeow.GetNewsletterUpdatesParams{Count: 5})
	c.must(err)
	if len(updates) != 1 || updates[0].ViewsCount != 1 {
		t.Errorf("got %+v", updates)
	}
	c.must(c.NewsletterToggleMute(t.Context(), jid, true))
	c.must(c.UnfollowNewsletter(t.Context(), jid))
	if all, err := c.GetSubscribedNewsletters(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("got %v, %v", all, err)
	}
}

// TestOwnNewsletter posts, edits and takes back in a newsletter of the client's own account.
func TestOwnNewsletter(t *testing.T) {
	w, c := linked(t)
	other := w.linkedTo(carol)
	c.must(c.AcceptTOSNotice(t.Context(), "20601218", "5"))
	info, err := c.CreateNewsletter(t.Context(), whatsmeow.CreateNewsletterParams{Name: "Mine"})
	c.must(err)
	other.must(other.FollowNewsletter(t.Context(), info.ID))
	sent, err := c.SendMessage(t.Context(), info.ID, &waE2E.Message{Conversation: proto.String("first")})
	c.must(err)
	if sent.ServerID == 0 {
		t.Error("the post has no number of the server")
	}
	if m := other.hears("first"); m.Info.ServerID != sent.ServerID {
		t.Errorf("got %d, want %d", m.Info.ServerID, sent.ServerID)
	}
	if _, err := other.SendMessage(t.Context(), info.ID, &waE2E.Message{Conversation: proto.String("intruder")}); err == nil {
		t.Error("a follower may post")
	}
	edited, err := c.SendMessage(t.Context(), info.ID, c.BuildEdit(info.ID, sent.ID, &waE2E.Message{Conversation: proto.String("second")}))
	c.must(err)
	if edited.ServerID != sent.ServerID {
		t.Errorf("the edit has number %d, want %d", edited.ServerID, sent.ServerID)
	}
	w.until("the edited text", func() bool {
		all, err := w.Newsletters(t.Context())
		return err == nil && len(all) == 1 && len(all[0].Posts) == 1 && all[0].Posts[0].Text == "second"
	})
}

// TestProtocol asks everything that the sandbox must answer, of a client that is linked by code, and then looks at the log of
// stanzas: each kind of question, message and notification of the list must have been there. Like every test of this package
// it fails when the server met a stanza that it does not know.
func TestProtocol(t *testing.T) {
	w := newWorld(t)
	for _, number := range []string{alice, bob, carol} {
		w.phone(number)
	}
	c := w.client()
	ctx := t.Context()
	c.connect()
	wait[*events.QR](c, nil)
	code, err := c.PairPhone(ctx, alice, true, whatsmeow.PairClientChrome, "Chrome (Linux)")
	c.must(err)
	c.must(w.EnterCode(ctx, alice, code))
	c.paired()
	w.acquaint(bob, alice)
	c.hears("hello from " + bob)

	for name, ask := range map[string]func() error{
		"picture":   func() error { _, err := c.GetProfilePictureInfo(ctx, user(bob), nil); return err },
		"privacy":   func() error { _, err := c.TryFetchPrivacySettings(ctx, true); return err },
		"blocklist": func() error { _, err := c.GetBlocklist(ctx); return err },
		"status":    func() error { _, err := c.GetStatusPrivacy(ctx); return err },
		"about":     func() error { return c.SetStatusMessage(ctx, types.SetStatusInput{Text: proto.String("busy")}) },
		"business":  func() error { _, err := c.GetBusinessProfile(ctx, user(bob)); return ignoreNoProfile(err) },
		"bots":      func() error { _, err := c.GetBotListV2(ctx); return err },
		"timer":     func() error { return c.SetDefaultDisappearingTimer(ctx, 0) },
		"groups":    func() error { _, err := c.GetJoinedGroups(ctx); return err },
		"people":    func() error { _, err := c.IsOnWhatsApp(ctx, []string{"+" + bob}); return err },
		"info":      func() error { _, err := c.GetUserInfo(ctx, []types.JID{user(bob)}); return err },
		"devices":   func() error { _, err := c.GetUserDevices(ctx, []types.JID{user(bob)}); return err },
		"app state": func() error { return c.FetchAppState(ctx, appstate.WAPatchRegular, true, false) },
		"mute":      func() error { return c.SendAppState(ctx, appstate.BuildMute(user(bob), true, time.Hour)) },
		"upload":    func() error { _, err := c.Upload(ctx, jpegOf(t, 8), whatsmeow.MediaImage); return err },
		"presence":  func() error { return c.SendPresence(ctx, types.PresenceAvailable) },
		"subscribe": func() error { return c.SubscribePresence(ctx, user(bob)) },
		"typing":    func() error { return c.SendChatPresence(ctx, user(bob), types.ChatPresenceComposing, "") },
		"text": func() error {
			_, err := c.SendMessage(ctx, user(bob), &waE2E.Message{Conversation: proto.String("hi")})
			return err
		},
		"keep alive":  func() error { return c.ask("w:p", "get") },
		"count":       func() error { return c.ask("encrypt", "get", waBinary.Node{Tag: "count"}) },
		"digest":      func() error { return c.ask("encrypt", "get", waBinary.Node{Tag: "digest"}) },
		"rotated key": func() error { return c.rotate() },
		"props":       func() error { return c.ask("abt", "get", el("props", attrs{"protocol": "1"})) },
		"settings": func() error {
			//lint:ignore SA1019 there is no other way to ask for this alone
			_, err := c.DangerousInternals().Usync(ctx, []types.JID{user(bob)}, "query", "interactive", []waBinary.Node{{Tag: "disappearing_mode"}})
			return err
		},
		"passive":    func() error { return c.SetPassive(ctx, false) },
		"newsletter": func() error { _, err := c.GetSubscribedNewsletters(ctx); return err },
		"contact link": func() error {
			code, err := c.GetContactQRLink(ctx, false)
			if err == nil {
				_, err = c.ResolveContactQRLink(ctx, code)
			}
			return err
		},
	} {
		if err := ask(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	g := w.group(bob, alice)
	wait(c, func(e *events.JoinedGroup) bool { return e.JID == g })
	c.must(w.Typing(ctx, bob, alice, "composing"))
	wait(c, func(*events.ChatPresence) bool { return true })
	_, err = w.Call(ctx, bob, alice, false)
	c.must(err)
	wait(c, func(*events.CallOffer) bool { return true })
	second := w.client()
	second.pair(bob)
	second.text(alice, "from a second device") // which gives a privacy token
	c.text(bob, "to two devices")
	w.acquaint(alice, carol) // a new contact in the app state
	w.usePreKeys(alice)
	w.changeWhileAway(c)
	c.must(second.ask("md", "set", el("remove-companion-device", attrs{"jid": second.Store.GetJID(), "reason": "user_initiated"})))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("not seen: %q", w.lacks())
		}
	})
	w.until("the whole list in the log of stanzas", func() bool { return len(w.lacks()) == 0 })
}

// changeWhileAway lets the phone block somebody and get a message while the client is offline. The client hears both when it is
// back, and says that it has seen to it.
func (w *world) changeWhileAway(c *client) {
	w.t.Helper()
	c.Disconnect()
	w.until("the client offline", func() bool { return !w.device(alice).Online })
	c.must(w.Block(w.t.Context(), alice, carol, true))
	w.send(bob, alice, "while away")
	c.connect()
	c.hears("while away")
	c.must(c.MarkNotDirty(w.t.Context(), "account_sync", time.Now()))
}

// ask puts a question that the library has no method for.
func (c *client) ask(xmlns, kind string, children ...waBinary.Node) error {
	q := whatsmeow.DangerousInfoQuery{Namespace: xmlns, Type: whatsmeow.DangerousInfoQueryType(kind), To: types.ServerJID}
	if len(children) > 0 {
		q.Content = children
	}
	//lint:ignore SA1019 that is what it is for
	_, err := c.DangerousInternals().SendIQ(c.t.Context(), q)
	return err
}

// rotate uploads the signed pre-key alone, as Baileys does with a new one.
func (c *client) rotate() error {
	k := c.Store.SignedPreKey
	return c.ask("encrypt", "set", el("rotate", nil, preKeyNode("skey", phone.PreKey{ID: k.KeyID, Public: *k.Pub, Signature: k.Signature[:]})))
}

// usePreKeys hands out the one-time keys of a phone's first device until it has to make new ones.
func (w *world) usePreKeys(number string) {
	w.t.Helper()
	err := w.do(w.t.Context(), func() error {
		d := w.byNumber[number].devices[1]
		for range len(d.keys) - d.used - 1 {
			w.takeBundle(d)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// ignoreNoProfile: whatsmeow finds no words for an account without a business profile.
func ignoreNoProfile(err error) error {
	if err != nil && strings.Contains(err.Error(), "jid") {
		return nil
	}
	return err
}

// question is a question of a client that must be seen, with this in it.
func question(xmlns string, parts ...string) []string {
	return append([]string{"in <iq", `xmlns="` + xmlns + `"`}, parts...)
}

func notification(kind string, parts ...string) []string {
	return append([]string{"out <notification", `type="` + kind + `"`}, parts...)
}

// mustBeSeen is what a server must speak: each row lists what one stanza has in it.
var mustBeSeen = [][]string{
	{"out <success", "lid="}, {"out <iq", "<pair-device>"}, {"out <iq", "<pair-success>"}, {"in <iq", "<pair-device-sign>"},
	{"out <stream:error", `code="515"`}, {"out <ib", "<offline_preview"}, {"out <ib", "<offline "}, {"out <ib", "<dirty"},
	{"out <message", "offline="},

	question("encrypt", `type="get"`, "<count"), question("encrypt", `type="get"`, "<key>", "<user"), question("encrypt", `type="get"`, "<digest"),
	question("encrypt", `type="set"`, "<identity", "<list>", "<skey>"), question("encrypt", `type="set"`, "<rotate>"),
	question("passive", "<active"), question("usync", "<devices"), question("usync", "<lid"), question("usync", "<contact"),
	question("usync", "<status"), question("usync", "<picture"), question("usync", "<disappearing_mode"),
	question("md", "<link_code_companion_reg", "companion_hello"), question("md", "<link_code_companion_reg", "companion_finish"),
	question("md", "<remove-companion-device"), question("w:p"), question("w:m", "<media_conn"), question("w:g2", "<participating"),
	question("w:sync:app:state", "<collection"), question("w:sync:app:state", "<patch"), question("w:profile:picture", "<picture"),
	question("privacy", "<privacy"), question("privacy", "<tokens>"), question("blocklist"), question("w:mex", "query_id="),
	question("w:biz", "<business_profile"), question("abt", "<props"), question("status", "<privacy"), question("w:qr", "<qr"), question("bot", "<bot"),
	question("disappearing_mode", "<disappearing_mode"), question("urn:xmpp:whatsapp:dirty", "<clean"),

	{"out <ack", `class="message"`}, {"out <ack", `class="receipt"`}, {"in <ack", `class="receipt"`}, {"in <ack", `class="notification"`},
	{"out <message"}, {"in <message"}, {"out <receipt"}, {"in <receipt"}, {"out <presence"}, {"in <presence", `type="available"`},
	{"in <presence", `type="subscribe"`}, {"out <chatstate"}, {"in <chatstate"}, {"out <call", "<offer"}, {"in <ib", "<unified_session"},

	notification("account_sync"), notification("encrypt", "<count"), notification("w:gp2"), notification("server_sync"),
	notification("privacy_token"), notification("link_code_companion_reg"), notification("devices"),
}

// lacks lists what was not seen yet of what a server must speak.
func (w *world) lacks() (missing []string) {
	w.t.Helper()
	var rows []string
	for after := int64(0); ; {
		page, err := w.Traffic(w.t.Context(), "", after, 1000)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		after = page[len(page)-1].Seq
		for _, row := range page {
			rows = append(rows, row.Direction+" "+row.XML)
		}
	}
	for _, parts := range mustBeSeen {
		if !slices.ContainsFunc(rows, func(row string) bool {
			return strings.HasPrefix(row, parts[0]) && !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(row, part) })
		}) {
			missing = append(missing, strings.Join(parts, " "))
		}
	}
	return missing
}
