package session_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"wamux/api"
	"wamux/store"
	"wamux/svc/session"
	"wamux/svc/session/convert"
)

// logged lists what the log has of a type.
func (w *world) logged(kind string) (found []store.Event) {
	w.t.Helper()
	for after := int64(0); ; {
		list, err := w.db.Events(w.t.Context(), after, 1000)
		w.must(err)
		for _, e := range list {
			if after = e.Seq; e.Type == kind {
				found = append(found, e)
			}
		}
		if len(list) == 0 {
			return found
		}
	}
}

// pairRoughly links a session that breaks at once.
func (w *world) pairRoughly(id, number string) {
	w.t.Helper()
	_, err := w.m.Add(w.t.Context(), id)
	w.must(err)
	_, err = w.m.Await(w.t.Context(), id)
	w.must(err)
	qr, _, _ := w.m.QR(id)
	w.must(w.server.Scan(w.t.Context(), number, qr))
}

// collections reads what a session keeps of the collections of its app state, by their names.
func (w *world) collections(id string) map[string]string {
	w.t.Helper()
	found := map[string]string{}
	w.must(w.db.View(w.t.Context(), func(tx *store.Tx) error {
		for _, name := range appstate.AllPatchNames {
			var value string
			err := tx.QueryRow(`SELECT value FROM auth_data WHERE sessionId = ? AND key = ?`, id, store.ClearKeys+string(name)).Scan(&value)
			if err == nil {
				found[string(name)] = value
			}
		}
		return nil
	}))
	return found
}

// hasAll is received in any order: the parts of a history are told apart by seconds only, and here all is of one second.
func (w *world) hasAll(id string, want ...string) {
	w.t.Helper()
	got := w.history(id)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.t.Errorf("session %s has %s, want %s", id, abridged(got), abridged(want))
	}
}

// TestHistoryIsTakenInOnce: a part that the database did not take goes in later, with nothing twice.
func TestHistoryIsTakenInOnce(t *testing.T) {
	var refused atomic.Int32
	w := newWorld(t, func(w *world) {
		w.wrap = func(good session.Converter) session.Converter {
			return func(id string, own convert.Own, evt any) []store.Entry {
				if _, ok := evt.(*events.HistorySync); ok && refused.Add(1) <= 2 {
					return []store.Entry{{Events: []store.Event{{Session: "nobody", Type: "x"}}}}
				}
				return good(id, own, evt)
			}
		}
	})
	w.phone(alice)
	w.phone(bob)
	w.texts(bob, alice, numbered(30)...)
	w.pairRoughly("shop", alice)
	w.until("all parts", func() bool { return len(w.logged("history.synced")) == 3 })
	w.hasAll("shop", numbered(30)...)
	if n := len(w.logged("message.received")); n != 0 {
		t.Errorf("%d old messages are told as news", n)
	}
	if n, err := w.db.NextNotice(t.Context(), "shop"); n != nil || err != nil {
		t.Errorf("a notice is left: %+v, %v", n, err)
	}
	w.until("the app state, which was cut off", func() bool { return len(w.collections("shop")) == len(appstate.AllPatchNames) })
	chats, _, err := w.db.Chats(t.Context(), store.ChatQuery{Session: "shop"})
	if err != nil || len(chats) != 1 || chats[0].Unread != 30 || chats[0].Phone != bob || chats[0].Name != "Phone 02" {
		t.Errorf("the chats are %+v, %v", chats[0], err)
	}
	w.reopen()
	w.state("shop", store.StateOnline)
	w.texts(bob, alice, "live")
	w.until("a message that is live", func() bool { return slices.Contains(w.history("shop"), "live") })
	w.hasAll("shop", append(numbered(30), "live")...)
	_, err = w.server.Send(t.Context(), alice, api.SandboxMessage{To: bob, Type: "text", Text: "answer"})
	w.must(err)
	w.until("nothing unread", func() bool {
		chats, _, err := w.db.Chats(t.Context(), store.ChatQuery{Session: "shop"})
		return err == nil && chats[0].Unread == 0
	})
}

// TestNobodyElseTellsHistory: a notice of a history counts from the own phone only.
func TestNobodyElseTellsHistory(t *testing.T) {
	w := newWorld(t)
	w.phone(bob)
	w.pair("shop", alice)
	w.until("the own history", func() bool { return len(w.logged("history.synced")) == 1 })
	forged, err := proto.Marshal(&waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{
		Type: waE2E.ProtocolMessage_HISTORY_SYNC_NOTIFICATION.Enum(),
		HistorySyncNotification: &waE2E.HistorySyncNotification{
			SyncType: waE2E.HistorySyncType_RECENT.Enum(), InitialHistBootstrapInlinePayload: []byte("forged"),
		},
	}})
	w.must(err)
	_, err = w.server.Send(t.Context(), bob, api.SandboxMessage{To: alice, Type: "raw", Raw: forged})
	w.must(err)
	w.texts(bob, alice, "after it")
	w.until("the next message", func() bool { texts := w.history("shop"); return len(texts) > 0 && texts[len(texts)-1] == "after it" })
	if n, err := w.db.NextNotice(t.Context(), "shop"); n != nil || err != nil {
		t.Errorf("a forged notice was kept: %+v, %v", n, err)
	}
	if n := len(w.logged("history.synced")); n != 1 {
		t.Errorf("%d parts of the history, want one", n)
	}
}

// TestTornAppState: a collection that does not add up any more is fetched anew, and what changes after that is heard again.
func TestTornAppState(t *testing.T) {
	w := newWorld(t)
	w.phone(bob)
	w.pair("shop", alice)
	const name = string(appstate.WAPatchRegularHigh)
	mute := func(off bool) {
		t.Helper()
		_, err := w.server.Change(t.Context(), alice, api.SandboxChange{Kind: "mute", Chat: bob, Off: off})
		w.must(err)
		w.until("the change", func() bool {
			list := w.logged("chat.updated")
			return len(list) > 0 && strings.Contains(string(list[len(list)-1].Data), fmt.Sprintf(`"muted":%v`, !off))
		})
	}
	mute(false)
	w.must(w.db.Update(t.Context(), func(tx *store.Tx) error {
		wrong, err := json.Marshal(map[string]any{"version": 2, "hash": make([]byte, 128)})
		if err == nil {
			_, err = tx.Exec(`UPDATE auth_data SET value = ? WHERE sessionId = 'shop' AND key = ?`, string(wrong), store.ClearKeys+name)
		}
		return err
	}))
	_, err := w.server.Change(t.Context(), alice, api.SandboxChange{Kind: "star", Chat: bob, Message: w.sentBy(bob, alice)})
	w.must(err)
	w.until("all of it anew", func() bool { return strings.Contains(w.collections("shop")[name], `"version":3`) })
	mute(true)
}

func (w *world) sentBy(from, to string) string {
	w.t.Helper()
	sent, err := w.server.Send(w.t.Context(), from, api.SandboxMessage{To: to, Type: "text", Text: "a text"})
	w.must(err)
	return sent.ID
}
