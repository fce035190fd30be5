package sandbox

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waHistorySync"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"wamux/api"
)

// posts lets a phone post a status.
func (w *world) posts(number string, m api.SandboxMessage) string {
	w.t.Helper()
	m.To = "status@broadcast"
	sent, err := w.Send(w.t.Context(), number, m)
	if err != nil {
		w.t.Fatal(err)
	}
	return sent.ID
}

// TestStatusOfAPhone: who knows a phone gets what it posts, and the phone hears who has seen it.
func TestStatusOfAPhone(t *testing.T) {
	w, c := linked(t)
	stranger := w.linkedTo(carol)
	w.acquaint(alice, bob)
	id := w.posts(bob, api.SandboxMessage{Type: "text", Text: "at the beach"})
	m := c.hears("at the beach")
	if m.Info.Chat != types.StatusBroadcastJID || m.Info.Sender.User != w.byLIDJID(bob).User || m.Info.ID != id || m.Info.IsFromMe {
		t.Errorf("got %+v", m.Info)
	}
	picture := jpegOf(t, 16)
	w.posts(bob, api.SandboxMessage{Type: "image", Data: picture, Mimetype: "image/jpeg", Caption: "look"})
	image := wait(c, func(m *events.Message) bool { return m.Message.GetImageMessage() != nil }).Message.GetImageMessage()
	if data, err := c.Download(t.Context(), image); err != nil || !bytes.Equal(data, picture) || image.GetCaption() != "look" {
		t.Errorf("the picture: %d bytes, %q, %v", len(data), image.GetCaption(), err)
	}
	c.must(c.MarkRead(t.Context(), []types.MessageID{id}, time.Now(), types.StatusBroadcastJID, m.Info.Sender))
	w.inbox(bob, func(r api.SandboxReceived) bool { return r.ID == id && r.FromMe && r.Status == "read" })
	w.inbox(alice, func(r api.SandboxReceived) bool { return r.ID == id && r.Chat == "status@broadcast" && !r.FromMe })
	w.send(bob, carol, "direct")
	if m := wait[*events.Message](stranger, nil); textOf(m.Message) != "direct" {
		t.Errorf("a stranger got %q", textOf(m.Message))
	}
	if err := w.Typing(t.Context(), bob, "status@broadcast", "composing"); err == nil {
		t.Error("somebody typed a status")
	}
	w.clean()
}

// TestStatusAgain: a client that has lost the key asks for the post again and gets it.
func TestStatusAgain(t *testing.T) {
	w, c := linked(t)
	w.acquaint(alice, bob)
	w.posts(bob, api.SandboxMessage{Text: "first"})
	c.hears("first")
	if _, err := c.db.Exec(`DELETE FROM whatsmeow_sender_keys`); err != nil {
		t.Fatal(err)
	}
	w.posts(bob, api.SandboxMessage{Text: "second"})
	c.hears("second")
	w.posts(bob, api.SandboxMessage{Text: "third"})
	c.hears("third")
}

// TestStatusOfAClient: what a client posts arrives at its contacts, phones and devices, and at its own phone.
func TestStatusOfAClient(t *testing.T) {
	w, c := linked(t)
	other := w.linkedTo(carol)
	for _, number := range []string{bob, carol} {
		w.change(alice, api.SandboxChange{Kind: "contact", Contact: number, Name: "Contact " + number})
		wait(c, func(e *events.Contact) bool { return e.JID == user(number) })
	}
	for _, text := range []string{"hello all", "hello again"} {
		if _, err := c.SendMessage(t.Context(), types.StatusBroadcastJID, &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: proto.String(text)}}); err != nil {
			t.Fatal(err)
		}
		if m := other.hears(text); m.Info.Chat != types.StatusBroadcastJID {
			t.Errorf("got %+v", m.Info)
		}
		for _, number := range []string{alice, bob, carol} {
			r := w.inbox(number, withText(text))
			if r.Chat != "status@broadcast" || r.FromMe != (number == alice) {
				t.Errorf("%s got %+v", number, r)
			}
		}
	}
	w.clean()
}

// TestStatusIsNoHistory: a device that is linked later is not told of status posts as of a chat.
func TestStatusIsNoHistory(t *testing.T) {
	w := newWorld(t)
	w.phone(alice)
	w.phone(bob)
	w.acquaint(alice, bob)
	id := w.posts(bob, api.SandboxMessage{Text: "old status"})
	w.inbox(alice, func(r api.SandboxReceived) bool { return r.ID == id })
	c := w.client()
	c.connect()
	c.must(w.Scan(t.Context(), alice, wait[*events.QR](c, nil).Codes[0]))
	h := c.synced(waHistorySync.HistorySync_INITIAL_BOOTSTRAP)
	for _, chat := range h.Data.GetConversations() {
		if chat.GetID() == "status@broadcast" {
			t.Error("it is a chat")
		}
	}
}

// TestNewsletterMedia: a post with a file arrives as it is, without a key, and so does one of a client's.
func TestNewsletterMedia(t *testing.T) {
	w, c := linked(t)
	made, err := w.AddNewsletter(t.Context(), api.SandboxNewNewsletter{Owner: bob, Name: "News"})
	c.must(err)
	jid, err := types.ParseJID(made.JID)
	c.must(err)
	c.must(c.FollowNewsletter(t.Context(), jid))
	picture := jpegOf(t, 16)
	post, err := w.Post(t.Context(), made.JID, api.SandboxNewPost{Type: "image", Data: picture, Mimetype: "image/jpeg", Caption: "extra"})
	c.must(err)
	if post.Type != "media" || post.Text != "extra" {
		t.Errorf("posted %+v", post)
	}
	m := wait(c, func(m *events.Message) bool { return m.Info.ServerID == post.ServerID })
	image := m.Message.GetImageMessage()
	if data, err := c.Download(t.Context(), image); err != nil || !bytes.Equal(data, picture) || image.MediaKey != nil || image.GetCaption() != "extra" || m.Info.MediaType != "image" {
		t.Errorf("got %d bytes, %v, %+v", len(data), err, m.Info)
	}
	for _, bad := range []api.SandboxNewPost{{}, {Type: "image"}, {Type: "poll", Text: "x"}, {Text: " "}} {
		if _, err := w.Post(t.Context(), made.JID, bad); err == nil {
			t.Errorf("%+v was posted", bad)
		}
	}
	own, err := c.CreateNewsletter(t.Context(), whatsmeow.CreateNewsletterParams{Name: "Mine"})
	c.must(err)
	up, err := c.UploadNewsletter(t.Context(), picture, whatsmeow.MediaImage)
	c.must(err)
	_, err = c.SendMessage(t.Context(), own.ID, &waE2E.Message{ImageMessage: &waE2E.ImageMessage{Caption: proto.String("mine"), Mimetype: proto.String("image/jpeg"),
		URL: &up.URL, DirectPath: &up.DirectPath, FileSHA256: up.FileSHA256, FileLength: &up.FileLength}}, whatsmeow.SendRequestExtra{MediaHandle: up.Handle})
	c.must(err)
	all, err := w.Newsletters(t.Context())
	c.must(err)
	if !slices.ContainsFunc(all, func(l api.SandboxNewsletter) bool {
		return l.Name == "Mine" && len(l.Posts) == 1 && l.Posts[0].Text == "mine" && l.Posts[0].Type == "media"
	}) {
		t.Errorf("got %+v", all)
	}
}
