package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types/events"

	"wamux/api"
)

// TestFaultLogins refuses a login for every reason: whatsmeow must take each as what it is, and be able to come back where it may.
func TestFaultLogins(t *testing.T) {
	type seen struct{ name, reason string }
	told := map[string]seen{
		"401": {"LoggedOut", "401"}, "403": {"LoggedOut", "403"}, "406": {"LoggedOut", "406"}, "402": {name: "TemporaryBan"}, "405": {name: "ClientOutdated"},
		"409": {"ConnectFailure", "409"}, "411": {"ConnectFailure", "411"}, "415": {"ConnectFailure", "415"}, "418": {"ConnectFailure", "418"},
		"501": {"ConnectFailure", "501"},
		"413": {name: "CATRefreshError"}, "414": {name: "CATRefreshError"}, // about credentials of a kind that no client here has
		"500": {}, "login_503": {}, // these mean "try again"
	}
	for _, kind := range refusals {
		t.Run(kind, func(t *testing.T) {
			want, ok := told[kind]
			if !ok {
				t.Fatal("nobody says what this should do")
			}
			w, c := linked(t)
			w.fault(api.SandboxFault{Kind: kind, Phone: alice})
			if want.name != "" {
				got := seen{}
				wait(c, func(e any) bool { got.name, got.reason = failure(e); return got.name != "" })
				if want.reason == "" {
					got.reason = ""
				}
				if got != want {
					t.Errorf("got %+v, want %+v", got, want)
				}
			}
			if want.name == "LoggedOut" {
				return
			}
			if want.name != "" {
				c.Disconnect()
				c.connect()
			}
			wait[*events.Connected](c, nil)
			if left, _ := w.Faults(t.Context()); len(left) != 0 {
				t.Errorf("left: %+v", left)
			}
			w.send(bob, alice, "back")
			c.hears("back")
		})
	}
}

// failure names an event that tells of a refused login, and its reason.
func failure(e any) (name, reason string) {
	switch e := e.(type) {
	case *events.LoggedOut:
		return "LoggedOut", fmt.Sprintf("%d", e.Reason)
	case *events.ConnectFailure:
		return "ConnectFailure", fmt.Sprintf("%d", e.Reason)
	case *events.TemporaryBan:
		return "TemporaryBan", ""
	case *events.CATRefreshError:
		return "CATRefreshError", ""
	case *events.ClientOutdated:
		return "ClientOutdated", ""
	}
	return "", ""
}

func TestFaultHTTP(t *testing.T) {
	w, c := linked(t)
	if err := w.Fault(t.Context(), api.SandboxFault{Kind: "http_503", Phone: alice}); err == nil {
		t.Error("http_503 was bound to a phone, which no request names")
	}
	c.Disconnect()
	w.until("the client offline", func() bool { return !w.device(alice).Online })
	w.fault(api.SandboxFault{Kind: "http_503"})
	if err := c.Connect(); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("got %v, want a 503", err)
	}
	c.connect()
	wait[*events.Connected](c, nil)
}

// TestFaultMedia strikes the downloads and uploads of one phone, and nobody else's.
func TestFaultMedia(t *testing.T) {
	w, c := linked(t)
	if _, err := w.Send(t.Context(), bob, api.SandboxMessage{To: alice, Type: "image", Data: jpegOf(t, 8), Mimetype: "image/jpeg"}); err != nil {
		t.Fatal(err)
	}
	image := wait(c, func(m *events.Message) bool { return m.Message.GetImageMessage() != nil }).Message.GetImageMessage()
	for kind, want := range map[string]struct {
		status int
		err    error
	}{
		"media_403": {403, whatsmeow.ErrMediaDownloadFailedWith403}, "media_404": {404, whatsmeow.ErrMediaDownloadFailedWith404},
		"media_410": {410, whatsmeow.ErrMediaDownloadFailedWith410}, "media_500": {500, nil},
	} {
		w.fault(api.SandboxFault{Kind: kind, Phone: alice})
		if got := w.download(bob, image); got != 200 {
			t.Errorf("%s: bob got %d", kind, got)
		}
		if want.err != nil {
			if _, err := c.Download(t.Context(), image); !errors.Is(err, want.err) {
				t.Errorf("%s: got %v", kind, err)
			}
		} else if got := w.download(alice, image); got != want.status {
			t.Errorf("%s: got %d", kind, got)
		}
		if _, err := c.Download(t.Context(), image); err != nil {
			t.Errorf("after %s: %v", kind, err)
		}
	}
	w.fault(api.SandboxFault{Kind: "upload_500", Phone: bob, Count: 9})
	if _, err := c.Upload(t.Context(), []byte("alice's"), whatsmeow.MediaDocument); err != nil {
		t.Errorf("alice's upload was struck by bob's fault: %v", err)
	}
	w.fault(api.SandboxFault{Kind: "upload_500", Phone: alice, Count: 9})
	if _, err := c.Upload(t.Context(), []byte("alice's"), whatsmeow.MediaDocument); err == nil {
		t.Error("alice's upload was not struck")
	}
}

// download fetches a file as the client of a phone does, from the host it was given.
func (w *world) download(number string, m *waE2E.ImageMessage) int {
	w.t.Helper()
	resp, err := (&http.Client{Transport: w.transport()}).Get("https://media-" + w.byLIDJID(number).User + "-1" + mediaHosts + m.GetDirectPath())
	if err != nil {
		w.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestFaultOutOfOrder(t *testing.T) {
	w, c := linked(t)
	w.fault(api.SandboxFault{Kind: "out_of_order", Phone: alice, DelayMS: 60_000})
	for _, text := range []string{"one", "two", "three"} {
		w.send(bob, alice, text)
	}
	for _, want := range []string{"two", "one", "three"} {
		if m := wait[*events.Message](c, nil); textOf(m.Message) != want {
			t.Errorf("got %q, want %q", textOf(m.Message), want)
		}
	}
	w.fault(api.SandboxFault{Kind: "out_of_order", Phone: alice, DelayMS: 50})
	w.send(bob, alice, "the last one")
	c.hears("the last one") // although nothing follows it
	w.clean()
}

func TestFaultSlowNetwork(t *testing.T) {
	const late = 40 * time.Millisecond
	w, c := linked(t)
	w.fault(api.SandboxFault{Kind: "slow_network", Phone: bob, DelayMS: 60_000})
	w.fault(api.SandboxFault{Kind: "slow_network", Phone: alice, DelayMS: int(late / time.Millisecond), Count: 6})
	start := time.Now()
	for _, text := range []string{"one", "two", "three"} {
		w.send(bob, alice, text)
	}
	for _, want := range []string{"one", "two", "three"} {
		if m := wait[*events.Message](c, nil); textOf(m.Message) != want {
			t.Errorf("got %q, want %q", textOf(m.Message), want)
		}
	}
	if took := time.Since(start); took < 3*late {
		t.Errorf("three messages took %s", took)
	}
	c.must(w.ClearFaults(t.Context()))
	w.fault(api.SandboxFault{Kind: "slow_network", DelayMS: 1, ForMS: 60_000})
	c.text(bob, "slow")
	w.inbox(bob, withText("slow"))
	if left, _ := w.Faults(t.Context()); len(left) != 1 {
		t.Errorf("left: %+v, want the one that lasts a minute", left)
	}
	c.must(w.ClearFaults(t.Context()))
	w.fault(api.SandboxFault{Kind: "slow_network", DelayMS: 1, ForMS: 1})
	w.until("its end", func() bool { left, _ := w.Faults(t.Context()); return len(left) == 0 })
}

func TestFaultInvalid(t *testing.T) {
	w := newWorld(t)
	for _, f := range []api.SandboxFault{
		{Kind: "earthquake"}, {Kind: "slow_network"}, {Kind: "slow_network", DelayMS: 60_001}, {Kind: "slow_network", DelayMS: 1, ForMS: -1},
		{Kind: "drop", ForMS: 5}, {Kind: "http_503", Phone: alice},
	} {
		if err := w.Fault(t.Context(), f); err == nil {
			t.Errorf("%+v was armed", f)
		}
	}
}
