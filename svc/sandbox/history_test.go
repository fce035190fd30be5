package sandbox

import (
	"fmt"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waHistorySync"
	"go.mau.fi/whatsmeow/proto/waWeb"
	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"wamux/api"
)

// say lets a phone send any message and returns its id.
func (w *world) say(from string, m api.SandboxMessage) string {
	w.t.Helper()
	sent, err := w.Send(w.t.Context(), from, m)
	if err != nil {
		w.t.Fatal(err)
	}
	return sent.ID
}

// livedIn is a world whose phones have talked.
func livedIn(t *testing.T) (w *world, ids map[string]string) {
	w = newWorld(t)
	for _, number := range []string{alice, bob, carol} {
		w.phone(number)
	}
	ids = map[string]string{"poll": w.say(bob, api.SandboxMessage{To: alice, Type: "poll", Text: "When?", Options: []string{"now", "later"}, Selectable: 1})}
	if _, err := w.SendBulk(t.Context(), bob, api.SandboxMessage{To: alice, Text: "old"}, bootstrapMessages+chunkMessages); err != nil {
		t.Fatal(err)
	}
	w.say(alice, api.SandboxMessage{To: bob, Type: "vote", Target: ids["poll"], Options: []string{"later"}})
	ids["wrong"] = w.say(alice, api.SandboxMessage{To: bob, Type: "text", Text: "wrnog"})
	w.say(alice, api.SandboxMessage{To: bob, Type: "edit", Target: ids["wrong"], TargetFromMe: true, Text: "wrong"})
	w.say(bob, api.SandboxMessage{To: alice, Type: "reaction", Target: ids["wrong"], Text: "😀"})
	ids["gone"] = w.say(bob, api.SandboxMessage{To: alice, Type: "text", Text: "regret"})
	w.say(bob, api.SandboxMessage{To: alice, Type: "revoke", Target: ids["gone"], TargetFromMe: true})
	ids["hidden"] = w.say(bob, api.SandboxMessage{To: alice, Type: "text", Text: "not for me"})
	w.change(alice, api.SandboxChange{Kind: "deleteMessage", Chat: bob, Message: ids["hidden"]})
	w.change(alice, api.SandboxChange{Kind: "contact", Contact: bob, Name: "Bob Ross"})
	ids["carol"] = w.send(carol, alice, "hello from Carol")
	w.change(alice, api.SandboxChange{Kind: "archive", Chat: carol})
	g, err := w.AddGroup(t.Context(), api.SandboxNewGroup{Subject: "Painters", Creator: bob, Members: []string{alice}})
	if err != nil {
		t.Fatal(err)
	}
	ids["group"] = w.send(bob, g.JID, "to all")
	return w, ids
}

// synced waits for a history sync.
func (c *client) synced(t waHistorySync.HistorySync_HistorySyncType) *events.HistorySync {
	c.t.Helper()
	return wait(c, func(e *events.HistorySync) bool { return e.Data.GetSyncType() == t })
}

// message finds a message in a sync, nil when it is not there.
func found(sync *events.HistorySync, id string) (chat *waHistorySync.Conversation, m *waWeb.WebMessageInfo) {
	for _, c := range sync.Data.GetConversations() {
		for _, m := range c.GetMessages() {
			if m.GetMessage().GetKey().GetID() == id {
				return c, m.GetMessage()
			}
		}
	}
	return nil, nil
}

func TestHistoryAfterLinking(t *testing.T) {
	w, ids := livedIn(t)
	c := w.client()
	c.connect()
	if err := w.Scan(t.Context(), alice, wait[*events.QR](c, nil).Codes[0]); err != nil {
		t.Fatal(err)
	}
	first := c.synced(waHistorySync.HistorySync_INITIAL_BOOTSTRAP)
	w.firstSync(first, ids)
	names := c.synced(waHistorySync.HistorySync_PUSH_NAME)
	if n := len(names.Data.GetPushnames()); n != 2 {
		t.Errorf("%d push names, want two", n)
	}
	total := 0
	for progress := uint32(0); progress < 100; {
		recent := c.synced(waHistorySync.HistorySync_RECENT)
		if recent.Notification.GetDirectPath() == "" {
			t.Error("older messages came without a file")
		}
		for _, chat := range recent.Data.GetConversations() {
			total += len(chat.GetMessages())
		}
		if _, poll := found(recent, ids["poll"]); poll != nil {
			if len(poll.GetPollUpdates()) != 1 || len(poll.GetPollUpdates()[0].GetVote().GetSelectedOptions()) != 1 || len(poll.GetMessageSecret()) != 32 {
				t.Errorf("the poll is %v", poll)
			}
		}
		progress = recent.Data.GetProgress()
	}
	if want := chunkMessages + 3; total != want { // the poll and two that later ones pushed out of the first sync
		t.Errorf("%d older messages, want %d", total, want)
	}
	w.clean()
}

// firstSync checks the newest messages of each chat.
func (w *world) firstSync(first *events.HistorySync, ids map[string]string) {
	w.t.Helper()
	if n := len(first.Data.GetConversations()); n != 3 {
		w.t.Errorf("%d conversations, want three", n)
	}
	chat, wrong := found(first, ids["wrong"])
	if chat.GetID() != w.byLIDJID(bob).String() || chat.GetPnJID() != user(bob).String() || chat.GetName() != "Bob Ross" || chat.GetUnreadCount() != 1 ||
		chat.GetEndOfHistoryTransferType() != waHistorySync.Conversation_COMPLETE_BUT_MORE_MESSAGES_REMAIN_ON_PRIMARY {
		w.t.Errorf("the chat is %v", chat)
	}
	if textOf(wrong.GetMessage()) != "wrong" || len(wrong.GetReactions()) != 1 || wrong.GetStatus() != waWeb.WebMessageInfo_DELIVERY_ACK {
		w.t.Errorf("the edited message is %v", wrong)
	}
	if _, gone := found(first, ids["gone"]); gone.GetMessageStubType() != waWeb.WebMessageInfo_REVOKE || gone.GetMessage() != nil {
		w.t.Errorf("the revoked message is %v", gone)
	}
	if _, hidden := found(first, ids["hidden"]); hidden != nil {
		w.t.Error("a message that its owner deleted is there")
	}
	if chat, m := found(first, ids["carol"]); !chat.GetArchived() || m.GetPushName() != "Name "+carol {
		w.t.Errorf("the archived chat is %v", chat)
	}
	if chat, m := found(first, ids["group"]); chat.GetName() != "Painters" || m.GetParticipant() != w.byLIDJID(bob).String() {
		w.t.Errorf("the group is %v", chat)
	}
}

// TestOldHistory: what is older than the recent past comes only to a device that wants all.
func TestOldHistory(t *testing.T) {
	w := newWorld(t)
	w.phone(alice)
	w.phone(bob)
	if _, err := w.SendBulk(t.Context(), bob, api.SandboxMessage{To: alice, Text: "old"}, bootstrapMessages+5); err != nil {
		t.Fatal(err)
	}
	err := w.do(t.Context(), func() error {
		w.put(`UPDATE inbox SET at=at-?`, (2 * recentPast).Milliseconds())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wants := wastore.DeviceProps.RequireFullSync
	t.Cleanup(func() { wastore.DeviceProps.RequireFullSync = wants })
	for _, all := range []bool{false, true} {
		wastore.DeviceProps.RequireFullSync = proto.Bool(all)
		c := w.client()
		c.connect()
		if err := w.Scan(t.Context(), alice, wait[*events.QR](c, nil).Codes[0]); err != nil {
			t.Fatal(err)
		}
		last := wait(c, func(e *events.HistorySync) bool { return e.Data.GetProgress() == 100 })
		if kind := last.Data.GetSyncType(); all && kind != waHistorySync.HistorySync_FULL || !all && kind != waHistorySync.HistorySync_RECENT {
			t.Errorf("a device that wants all (%v) got %v last", all, kind)
		}
		if n := len(last.Data.GetConversations()); n != map[bool]int{true: 1}[all] {
			t.Errorf("a device that wants all (%v) got %d conversations last", all, n)
		}
	}
}

// TestHistoryOnDemand asks for what is older than a message, and for everything.
func TestHistoryOnDemand(t *testing.T) {
	w, c := linked(t)
	var ids []string
	for i := range 8 {
		ids = append(ids, w.send(bob, alice, fmt.Sprint("message ", i)))
	}
	c.hears("message 7")
	ask := &types.MessageInfo{MessageSource: types.MessageSource{Chat: w.byLIDJID(bob)}, ID: ids[5], Timestamp: time.Now()}
	if _, err := c.SendPeerMessage(t.Context(), c.BuildHistorySyncRequest(ask, 3)); err != nil {
		t.Fatal(err)
	}
	answer := c.synced(waHistorySync.HistorySync_ON_DEMAND)
	got := answer.Data.GetConversations()[0]
	if len(got.GetMessages()) != 3 || got.GetMessages()[0].GetMessage().GetKey().GetID() != ids[4] || answer.Notification.GetPeerDataRequestSessionID() == "" ||
		got.GetEndOfHistoryTransferType() != waHistorySync.Conversation_COMPLETE_ON_DEMAND_SYNC_BUT_MORE_MSG_REMAIN_ON_PRIMARY {
		t.Errorf("got %v", got)
	}
	ask.Chat = w.byLIDJID(alice)
	if _, err := c.SendPeerMessage(t.Context(), c.BuildHistorySyncRequest(ask, 3)); err != nil {
		t.Fatal(err)
	}
	if n := len(c.synced(waHistorySync.HistorySync_ON_DEMAND).Data.GetConversations()); n != 0 {
		t.Errorf("a chat that is not there has %d conversations", n)
	}
	whole := &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{
		Type: waE2E.ProtocolMessage_PEER_DATA_OPERATION_REQUEST_MESSAGE.Enum(),
		PeerDataOperationRequestMessage: &waE2E.PeerDataOperationRequestMessage{
			PeerDataOperationRequestType: waE2E.PeerDataOperationRequestType_FULL_HISTORY_SYNC_ON_DEMAND.Enum(),
			FullHistorySyncOnDemandRequest: &waE2E.PeerDataOperationRequestMessage_FullHistorySyncOnDemandRequest{
				RequestMetadata: &waE2E.FullHistorySyncOnDemandRequestMetadata{RequestID: proto.String("R1")},
			},
		},
	}}
	if _, err := c.SendPeerMessage(t.Context(), whole); err != nil {
		t.Fatal(err)
	}
	full := c.synced(waHistorySync.HistorySync_FULL)
	if n := len(full.Data.GetConversations()[0].GetMessages()); n != 8 || full.Notification.GetFullHistorySyncOnDemandRequestMetadata().GetRequestID() != "R1" {
		t.Errorf("all is %d messages, notice %v", n, full.Notification)
	}
}

// TestHistoryUploadedAgain: a client whose download failed asks the phone for the file once more.
func TestHistoryUploadedAgain(t *testing.T) {
	w, _ := livedIn(t)
	c := w.client()
	c.ManualHistorySyncDownload = true
	c.connect()
	if err := w.Scan(t.Context(), alice, wait[*events.QR](c, nil).Codes[0]); err != nil {
		t.Fatal(err)
	}
	notice := func(m *events.Message) *waE2E.HistorySyncNotification {
		return m.Message.GetProtocolMessage().GetHistorySyncNotification()
	}
	first := wait(c, func(m *events.Message) bool { return notice(m).GetSyncType() == waE2E.HistorySyncType_RECENT })
	if err := c.SendHistorySyncServerErrorReceipt(t.Context(), first.Info.ID, notice(first).GetMediaKey()); err != nil {
		t.Fatal(err)
	}
	again := wait(c, func(m *events.Message) bool { return notice(m).GetOriginalMessageID() == first.Info.ID })
	if notice(again).GetDirectPath() == notice(first).GetDirectPath() {
		t.Error("the file is at the same place")
	}
	one, err := c.DownloadHistorySync(t.Context(), notice(first), true)
	if err != nil {
		t.Fatal(err)
	}
	two, err := c.DownloadHistorySync(t.Context(), notice(again), true)
	if err != nil || !proto.Equal(one, two) {
		t.Errorf("the second file is another one, %v", err)
	}
	if err := c.DeleteMedia(t.Context(), whatsmeow.MediaHistory, notice(first).GetDirectPath(), notice(first).GetFileEncSHA256(), ""); err != nil {
		t.Error(err)
	}
}
