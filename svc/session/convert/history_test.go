package convert

import (
	"crypto/sha256"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waHistorySync"
	"go.mau.fi/whatsmeow/proto/waWeb"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"wamux/store"
)

func webKey(chat types.JID, id string, fromMe bool, author types.JID) *waCommon.MessageKey {
	key := &waCommon.MessageKey{RemoteJID: proto.String(chat.String()), ID: proto.String(id), FromMe: proto.Bool(fromMe)}
	if !author.IsEmpty() {
		key.Participant = proto.String(author.String())
	}
	return key
}

func web(key *waCommon.MessageKey, minutes uint64, msg *waE2E.Message) *waWeb.WebMessageInfo {
	return &waWeb.WebMessageInfo{Key: key, Message: msg, MessageTimestamp: proto.Uint64(uint64(noon.Unix()) + 60*minutes), Status: waWeb.WebMessageInfo_READ.Enum()}
}

func said(text string) *waE2E.Message { return &waE2E.Message{Conversation: proto.String(text)} }

// past is a conversation, its messages newest first as WhatsApp has them.
func past(chat types.JID, messages ...*waWeb.WebMessageInfo) *waHistorySync.Conversation {
	c := &waHistorySync.Conversation{ID: proto.String(chat.String()), UnreadCount: proto.Uint32(2), ConversationTimestamp: proto.Uint64(uint64(noon.Unix()) + 600)}
	for _, m := range messages {
		c.Messages = append(c.Messages, &waHistorySync.HistorySyncMsg{Message: m})
	}
	return c
}

// parts are history syncs by the name of their golden file.
func parts() map[string]*waHistorySync.HistorySync {
	var nobody types.JID
	reacted := web(webKey(janeLID, "H2", true, nobody), 2, said("our answer"))
	reacted.Reactions = []*waWeb.Reaction{
		{Key: webKey(janeLID, "R1", false, nobody), Text: proto.String("👍"), SenderTimestampMS: proto.Int64(noon.UnixMilli() + 150_000)},
		{Key: webKey(janeLID, "R2", false, nobody), Text: proto.String("")},
	}
	poll := web(webKey(group, "P1", false, janeLID), 3, &waE2E.Message{PollCreationMessageV3: &waE2E.PollCreationMessage{
		Name: proto.String("When?"), Options: []*waE2E.PollCreationMessage_Option{{OptionName: proto.String("now")}, {OptionName: proto.String("later")}},
	}})
	poll.MessageSecret, poll.PushName = make([]byte, 32), proto.String("Jane")
	later := sha256.Sum256([]byte("later"))
	poll.PollUpdates = []*waWeb.PollUpdate{{PollUpdateMessageKey: webKey(group, "V1", true, ours), SenderTimestampMS: proto.Int64(noon.UnixMilli() + 200_000),
		Vote: &waE2E.PollVoteMessage{SelectedOptions: [][]byte{later[:]}}}}
	revoked := web(webKey(janeLID, "H0", false, nobody), 0, nil)
	revoked.MessageStubType = waWeb.WebMessageInfo_REVOKE.Enum()
	machines := web(webKey(janeLID, "H9", false, nobody), 9, &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_EPHEMERAL_SETTING.Enum()}})
	chat := past(janeLID, machines, reacted, web(webKey(janeLID, "H1", false, nobody), 1, said("hi")), revoked, nil, &waWeb.WebMessageInfo{})
	chat.PnJID, chat.Name = proto.String(jane.String()), proto.String("Jane Doe")
	place := past(group, poll, web(webKey(group, "G0", false, nobody), 1, said("by nobody")))
	place.Name = proto.String("Bakers")
	return map[string]*waHistorySync.HistorySync{
		"bootstrap": {SyncType: waHistorySync.HistorySync_INITIAL_BOOTSTRAP.Enum(), Conversations: []*waHistorySync.Conversation{chat, place}},
		"recent":    {SyncType: waHistorySync.HistorySync_RECENT.Enum(), Conversations: []*waHistorySync.Conversation{past(jane, web(webKey(jane, "H1", false, nobody), 1, said("hi")))}},
		"push_names": {SyncType: waHistorySync.HistorySync_PUSH_NAME.Enum(), Pushnames: []*waHistorySync.Pushname{
			{ID: proto.String(jane.String()), Pushname: proto.String("Jane")}, {ID: proto.String("6280@s.whatsapp.net"), Pushname: proto.String("-")},
			{ID: proto.String(ours.String()), Pushname: proto.String("Us")},
		}, PhoneNumberToLidMappings: []*waHistorySync.PhoneNumberToLIDMapping{{PnJID: proto.String(jane.String()), LidJID: proto.String(janeLID.String())}}},
		"empty": {SyncType: waHistorySync.HistorySync_RECENT.Enum(), Conversations: []*waHistorySync.Conversation{{}, {ID: proto.String("nonsense")}}},
	}
}

func TestHistory(t *testing.T) {
	for name, sync := range parts() {
		t.Run(name, func(t *testing.T) {
			entries := History("shop", own, sync)
			sound(t, entries)
			golden(t, "history_"+name, readable(t, entries))
			for _, e := range entries {
				if len(e.Events) > 0 {
					t.Errorf("what is no news has an event: %+v", e.Events)
				}
			}
		})
	}
}

// TestHistoryIsWhatWasLive: a message gets the same row whether it comes live or with the history.
func TestHistoryIsWhatWasLive(t *testing.T) {
	info := direct()
	live := incoming("shop", own, &events.Message{Info: info, RawMessage: said("hi"), Message: said("hi")})[0].Message
	then := web(webKey(info.Chat, info.ID, false, types.JID{}), 0, said("hi"))
	then.MessageTimestamp, then.PushName = proto.Uint64(uint64(info.Timestamp.Unix())), proto.String(info.PushName)
	c := past(info.Chat, then)
	c.PnJID = proto.String(jane.String())
	var row *store.Message
	for _, e := range History("shop", own, &waHistorySync.HistorySync{Conversations: []*waHistorySync.Conversation{c}}) {
		if e.Message != nil {
			row = e.Message
		}
	}
	if diff := cmp.Diff(live, row); diff != "" {
		t.Errorf("it differs (-live +history):\n%s", diff)
	}
}
