package sandbox

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"wamux/api"
	"wamux/store"
)

const alice, bob = "4911111111", "4922222222"

// clean fails when a message was lost to a cipher or a counter was used twice.
func (w *world) clean() {
	w.t.Helper()
	phones, err := w.Phones(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range phones {
		if p.Undecryptable != 0 || p.ReusedCounters != 0 {
			w.t.Errorf("phone %s: %d undecryptable, %d reused counters", p.Phone, p.Undecryptable, p.ReusedCounters)
		}
	}
}

func TestPairByCode(t *testing.T) {
	w := newWorld(t)
	w.phone(alice)
	w.phone(bob)
	c := w.client()
	c.connect()
	wait[*events.QR](c, nil)
	code, err := c.PairPhone(t.Context(), alice, true, whatsmeow.PairClientChrome, "Chrome (Linux)")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.EnterCode(t.Context(), bob, code); err == nil {
		t.Error("a code was taken for another number")
	}
	if err := w.EnterCode(t.Context(), alice, code); err != nil {
		t.Fatal(err)
	}
	c.paired()
	c.text(bob, "by code")
	w.inbox(bob, withText("by code"))
	w.clean()
}

// TestWrongCode types wrong codes before the right one, which the device still shows.
func TestWrongCode(t *testing.T) {
	w := newWorld(t)
	w.phone(alice)
	c := w.client()
	c.connect()
	wait[*events.QR](c, nil)
	code, err := c.PairPhone(t.Context(), alice, true, whatsmeow.PairClientChrome, "Chrome (Linux)")
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"ABCD-1234", "ZYXW-9876"} {
		var e *store.Error
		if err := w.EnterCode(t.Context(), alice, wrong); !errors.As(err, &e) || e.Name != "code_wrong" {
			t.Errorf("a wrong code: got %v, want code_wrong", err)
		}
	}
	if err := w.EnterCode(t.Context(), alice, "no"); err == nil {
		t.Error("half a code was taken")
	}
	if err := w.EnterCode(t.Context(), alice, code); err != nil {
		t.Fatalf("the right code after wrong ones: %v", err)
	}
	c.paired()
}

func TestScanRefuses(t *testing.T) {
	w := newWorld(t)
	w.phone(alice)
	c := w.client()
	c.connect()
	qr := wait[*events.QR](c, nil)
	if n := len(qr.Codes); n != 6 {
		t.Errorf("%d codes", n)
	}
	if n := len(qr.Codes[0]); n < 265 || n > 323 {
		t.Errorf("a QR text of %d bytes is not of real size", n)
	}
	for name, text := range map[string]string{"rubbish": "hello", "expired": "2@other" + qr.Codes[0][45:]} {
		if err := w.Scan(t.Context(), alice, text); err == nil {
			t.Errorf("%s was scanned", name)
		}
	}
	if err := w.Scan(t.Context(), "4999999999", qr.Codes[0]); err == nil {
		t.Error("a phone that is not there scanned")
	}
	if err := w.Scan(t.Context(), alice, qr.Codes[5]); err != nil {
		t.Error(err)
	}
	c.paired()
}

func TestMediaBothWays(t *testing.T) {
	w, c := linked(t)
	file := make([]byte, 300_000)
	rand.Read(file)
	sum := sha256.Sum256(file)

	up, err := c.Upload(t.Context(), file, whatsmeow.MediaImage)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.SendMessage(t.Context(), user(bob), &waE2E.Message{ImageMessage: &waE2E.ImageMessage{
		Caption: proto.String("a picture"), Mimetype: proto.String("image/jpeg"), URL: &up.URL, DirectPath: &up.DirectPath,
		MediaKey: up.MediaKey, FileEncSHA256: up.FileEncSHA256, FileSHA256: up.FileSHA256, FileLength: &up.FileLength,
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := w.inbox(bob, withText("a picture"))
	if !got.HasMedia || got.MediaSHA256 != hex.EncodeToString(sum[:]) || got.Mimetype != "image/jpeg" {
		t.Errorf("the phone got %+v", got)
	}
	if data, mimetype, err := w.Media(t.Context(), bob, got.Seq); err != nil || mimetype != "image/jpeg" || !bytes.Equal(data, file) {
		t.Errorf("the phone's file: %d bytes of %s, %v", len(data), mimetype, err)
	}

	_, err = w.Send(t.Context(), bob, api.SandboxMessage{To: alice, Type: "document", Data: file, Mimetype: "application/pdf", FileName: "a.pdf", Caption: "read"})
	if err != nil {
		t.Fatal(err)
	}
	m := wait(c, func(m *events.Message) bool { return m.Message.GetDocumentMessage() != nil })
	data, err := c.Download(t.Context(), m.Message.GetDocumentMessage())
	if err != nil || !bytes.Equal(data, file) {
		t.Errorf("the client's file: %d bytes, %v", len(data), err)
	}
	w.clean()
}

func TestAllKindsReachTheClient(t *testing.T) {
	w, c := linked(t)
	first := w.send(bob, alice, "first")
	c.hears("first")
	file := []byte("some bytes of a file")
	for _, m := range []api.SandboxMessage{
		{Type: "image", Data: file, Mimetype: "image/png", Caption: "c"},
		{Type: "video", Data: file, Mimetype: "video/mp4"},
		{Type: "audio", Data: file, Mimetype: "audio/mpeg"},
		{Type: "voice", Data: file, Mimetype: "audio/ogg; codecs=opus", Seconds: 3},
		{Type: "document", Data: file, Mimetype: "text/plain", FileName: "a.txt"},
		{Type: "sticker", Data: file, Mimetype: "image/webp"},
		{Type: "location", Latitude: 52.5, Longitude: 13.4, Name: "Berlin"},
		{Type: "contact", DisplayName: "Ann", VCards: []string{"BEGIN:VCARD\nEND:VCARD"}},
		{Type: "poll", Text: "Which?", Options: []string{"a", "b"}},
		{Type: "reaction", Text: "👍", Target: first, TargetFromMe: true},
		{Type: "reply", Text: "as I said", Target: first, TargetFromMe: true},
		{Type: "edit", Text: "first, better", Target: first, TargetFromMe: true},
		{Type: "revoke", Target: first, TargetFromMe: true},
	} {
		m.To = alice
		sent, err := w.Send(t.Context(), bob, m)
		if err != nil {
			t.Errorf("%s: %v", m.Type, err)
			continue
		}
		wait(c, func(e *events.Message) bool { return e.Info.ID == sent.ID })
	}
	w.clean()
}

func TestReconnectAndOfflineQueue(t *testing.T) {
	w, c := linked(t)
	c.Disconnect()
	w.until("the client offline", func() bool { return !w.device(alice).Online })
	const n = 700 // more than the window
	_, err := w.SendBulk(t.Context(), bob, api.SandboxMessage{To: alice, Text: "queued"}, n)
	if err != nil {
		t.Fatal(err)
	}
	if d := w.device(alice); d.Queued < n {
		t.Errorf("%d stanzas are queued", d.Queued)
	}
	c.connect()
	wait[*events.OfflineSyncPreview](c, func(e *events.OfflineSyncPreview) bool { return e.Messages == n })
	for i := range n {
		m := wait[*events.Message](c, nil)
		if want := fmt.Sprint("queued #", i+1); textOf(m.Message) != want {
			t.Fatalf("message %d is %q", i, textOf(m.Message))
		}
	}
	w.until("an empty queue", func() bool { return w.device(alice).Queued == 0 })
	w.send(bob, alice, "live again")
	c.hears("live again")
	w.clean()
}

// TestOfflineCompleted looks for the end of what waited.
func TestOfflineCompleted(t *testing.T) {
	w, c := linked(t)
	c.Disconnect()
	w.until("the client offline", func() bool { return !w.device(alice).Online })
	w.send(bob, alice, "one")
	c.connect()
	wait(c, func(e *events.OfflineSyncPreview) bool { return e.Messages == 1 })
	c.hears("one")
	wait(c, func(e *events.OfflineSyncCompleted) bool { return e.Count >= 1 })
}

func (w *world) device(number string) api.SandboxDevice {
	w.t.Helper()
	p, err := w.Phone(w.t.Context(), number)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(p.Devices) == 0 {
		return api.SandboxDevice{}
	}
	return p.Devices[0]
}

func TestServerRestart(t *testing.T) {
	w, c := linked(t)
	c.text(bob, "before")
	w.inbox(bob, withText("before"))
	w.send(bob, alice, "one")
	c.hears("one")
	c.Disconnect()
	w.send(bob, alice, "while away")
	w.restart()
	c.open()
	c.connect()
	c.hears("while away")
	c.text(bob, "after")
	w.inbox(bob, withText("after"))
	w.clean()
}

func TestTwoClientsFlood(t *testing.T) {
	w, c := linked(t)
	d := w.client()
	d.pair(bob)
	c.text(bob, "open")
	d.hears("open")
	const n = 200
	var sending sync.WaitGroup
	for i := range n {
		w.send(bob, alice, fmt.Sprint("phone ", i))
	}
	sending.Go(func() {
		for i := range n {
			c.text(bob, fmt.Sprint("client ", i))
		}
	})
	sending.Wait()
	for i := range n {
		d.hears(fmt.Sprint("client ", i))
		c.hears(fmt.Sprint("phone ", i))
	}
	w.inbox(bob, withText(fmt.Sprint("client ", n-1)))
	w.clean()
}

func TestTwoDevicesOfOneAccount(t *testing.T) {
	w, c := linked(t)
	c.text(bob, "alone")
	d := w.client()
	d.pair(bob) // c knows bob's devices already and must hear of this one
	w.until("a notification about the device", func() bool {
		c.text(bob, "to both")
		select {
		case e := <-d.events:
			m, ok := e.(*events.Message)
			return ok && textOf(m.Message) == "to both"
		default:
			return false
		}
	})
	e := w.client()
	e.pair(alice)
	id := c.text(bob, "from the first")
	m := e.hears("from the first")
	if !m.Info.IsFromMe || m.Info.Chat.User == alice || m.Info.ID != id {
		t.Errorf("the second device got %+v", m.Info)
	}
	w.clean()
}

func TestQueries(t *testing.T) {
	w, c := linked(t)
	ctx := t.Context()
	on, err := c.IsOnWhatsApp(ctx, []string{"+" + bob, "+4900000000"})
	if err != nil || len(on) != 2 || !on[0].IsIn || on[1].IsIn || on[0].JID.Server != types.HiddenUserServer {
		t.Errorf("IsOnWhatsApp: %+v, %v", on, err)
	}
	info, err := c.GetUserInfo(ctx, []types.JID{user(bob)})
	if u := info[user(bob)]; err != nil || u.LID.IsEmpty() || u.Status == "" || len(u.Devices) != 1 {
		t.Errorf("GetUserInfo: %+v, %v", info, err)
	}
	pic, err := c.GetProfilePictureInfo(ctx, user(bob), nil)
	if err != nil {
		t.Fatal(err)
	}
	h := &http.Client{Transport: w.transport()}
	resp, err := h.Get(pic.URL)
	if err != nil {
		t.Fatal(err)
	}
	data, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if !bytes.HasPrefix(data, []byte{0xff, 0xd8}) {
		t.Errorf("the picture is no JPEG: %x", data[:min(8, len(data))])
	}
	if _, err := c.GetBlocklist(ctx); err != nil {
		t.Error(err)
	}
	if _, err := c.TryFetchPrivacySettings(ctx, true); err != nil {
		t.Error(err)
	}
	if groups, err := c.GetJoinedGroups(ctx); err != nil || len(groups) != 0 {
		t.Errorf("groups: %v, %v", groups, err)
	}
	if _, err := c.GetContactQRLink(ctx, false); err != nil {
		t.Error(err)
	}
	if err := c.SendAppState(ctx, appstate.BuildMute(user(bob), true, time.Hour)); err != nil {
		t.Error(err)
	}
}

func TestPresenceAndTyping(t *testing.T) {
	w, c := linked(t)
	if err := c.SendPresence(t.Context(), types.PresenceAvailable); err != nil {
		t.Fatal(err)
	}
	if err := c.SubscribePresence(t.Context(), user(bob)); err != nil {
		t.Fatal(err)
	}
	wait(c, func(p *events.Presence) bool { return p.Unavailable })
	if err := w.Presence(t.Context(), bob, true); err != nil {
		t.Fatal(err)
	}
	wait(c, func(p *events.Presence) bool { return !p.Unavailable })
	if err := w.Typing(t.Context(), bob, alice, "composing"); err != nil {
		t.Fatal(err)
	}
	wait(c, func(p *events.ChatPresence) bool { return p.State == types.ChatPresenceComposing })
	if err := c.SendChatPresence(t.Context(), user(bob), types.ChatPresenceComposing, ""); err != nil {
		t.Fatal(err)
	}
}
