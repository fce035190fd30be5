package sandbox

import (
	"testing"

	"go.mau.fi/whatsmeow/types/events"

	"wamux/api"
)

func TestPairAndTalk(t *testing.T) {
	w := newWorld(t)
	w.phone("4911111111")
	w.phone("4922222222")
	c := w.client()
	c.pair("4911111111")

	id := c.text("4922222222", "hello phone")
	got := w.inbox("4922222222", withText("hello phone"))
	if got.ID != id || got.FromMe || got.Chat != "4911111111@s.whatsapp.net" || got.Type != "text" {
		t.Errorf("the phone got %+v", got)
	}
	if own := w.inbox("4911111111", withText("hello phone")); !own.FromMe || own.Chat != "4922222222@s.whatsapp.net" {
		t.Errorf("the own phone got %+v", own)
	}
	wait(c, func(r *events.Receipt) bool { return r.Type == "" && r.MessageIDs[0] == id })

	sent := w.send("4922222222", "4911111111", "hello client")
	m := c.hears("hello client")
	if m.Info.ID != sent || m.Info.SenderAlt.User != "4922222222" || m.Info.PushName != "Name 4922222222" {
		t.Errorf("the client got %+v", m.Info)
	}
	w.inbox("4922222222", func(r api.SandboxReceived) bool { return r.ID == sent && r.Status == "delivered" })
	if err := w.Read(t.Context(), "4922222222", "4911111111", nil); err != nil {
		t.Fatal(err)
	}
	wait(c, func(r *events.Receipt) bool { return r.Type == "read" && r.MessageIDs[0] == id })
}
