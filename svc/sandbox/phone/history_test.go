package phone

import (
	"bytes"
	"compress/zlib"
	"io"
	"testing"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waHistorySync"
	"google.golang.org/protobuf/proto"
)

func unpack(t *testing.T, packed []byte) *waHistorySync.HistorySync {
	t.Helper()
	r, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	var sync waHistorySync.HistorySync
	if err := proto.Unmarshal(raw, &sync); err != nil {
		t.Fatal(err)
	}
	return &sync
}

func TestHistory(t *testing.T) {
	p := newPhone(t, "1", "11")
	h := History{
		Type: HistoryBootstrap, Chunk: 1, Progress: 100,
		Contacts: []Contact{{Number: "777", LID: "7", FullName: "Bob"}, {Number: "888", FullName: "Eve"}},
		Chats: []Chat{{JID: "7@lid", Name: "Bob", Unread: 2, Messages: []PastMessage{
			{ID: "B", At: noon(), PushName: "Bob", Message: &waE2E.Message{Conversation: proto.String("new")}},
			{ID: "A", FromMe: true, At: noon(), Message: &waE2E.Message{Conversation: proto.String("old")}},
		}}},
	}
	packed, err := p.Pack(h)
	if err != nil {
		t.Fatal(err)
	}
	sync := unpack(t, packed)
	if sync.GetSyncType() != waHistorySync.HistorySync_INITIAL_BOOTSTRAP || len(sync.GetPhoneNumberToLidMappings()) != 1 ||
		len(sync.GetPushnames()) != 0 {
		t.Errorf("got %v", sync)
	}
	chat := sync.GetConversations()[0]
	if first := chat.GetMessages()[0]; first.GetMessage().GetKey().GetID() != "B" || first.GetMsgOrderID() != 2 ||
		first.GetMessage().GetMessage().GetConversation() != "new" || chat.GetUnreadCount() != 2 {
		t.Errorf("got %v", chat)
	}
	notice := p.Notice(h, nil, packed).GetProtocolMessage().GetHistorySyncNotification()
	if !bytes.Equal(notice.GetInitialHistBootstrapInlinePayload(), packed) {
		t.Error("the packed bytes are not inline")
	}
	m, _, err := SealMedia(KindHistory, packed, nil)
	if err != nil {
		t.Fatal(err)
	}
	m.DirectPath = "/h?x"
	notice = p.Notice(h, m, packed).GetProtocolMessage().GetHistorySyncNotification()
	if notice.GetDirectPath() != "/h?x" || notice.InitialHistBootstrapInlinePayload != nil || !bytes.Equal(notice.GetMediaKey(), m.Key) {
		t.Errorf("got %v", notice)
	}
}

func TestHistoryPushNames(t *testing.T) {
	packed, err := newPhone(t, "1", "11").Pack(History{Type: HistoryPushNames, Contacts: []Contact{{Number: "777", FullName: "Bob"}}})
	if err != nil {
		t.Fatal(err)
	}
	names := unpack(t, packed).GetPushnames()
	if len(names) != 1 || names[0].GetID() != "777@s.whatsapp.net" || names[0].GetPushname() != "Bob" {
		t.Errorf("got %v", names)
	}
}
