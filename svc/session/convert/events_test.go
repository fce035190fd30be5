package convert

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.mau.fi/util/jsontime"
	"google.golang.org/protobuf/proto"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waHistorySync"
	"go.mau.fi/whatsmeow/proto/waSyncAction"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
)

func messageOf(evt any) *waE2E.Message { return evt.(*events.Message).RawMessage }

func from(chat, sender types.JID) types.MessageSource {
	return types.MessageSource{Chat: chat, Sender: sender}
}

// moments is every event but messages, by the name of its golden file.
func moments() map[string]any {
	receipt := func(kind types.ReceiptType, src types.MessageSource) *events.Receipt {
		return &events.Receipt{MessageSource: src, MessageIDs: []string{"3EB01", "3EB02"}, Timestamp: noon, Type: kind}
	}
	janes := types.MessageSource{Chat: janeLID, Sender: types.JID{User: janeLID.User, Device: 3, Server: janeLID.Server}, SenderAlt: jane}
	mine := types.MessageSource{Chat: janeLID, Sender: oursLID, IsFromMe: true}
	callMeta := types.BasicCallMeta{From: janeLID, CallCreator: janeLID, CallCreatorAlt: jane, CallID: "C1", Timestamp: noon}
	return map[string]any{
		"receipt_delivered":  receipt(types.ReceiptTypeDelivered, janes),
		"receipt_read":       receipt(types.ReceiptTypeRead, janes),
		"receipt_played":     receipt(types.ReceiptTypePlayed, janes),
		"receipt_group_read": receipt(types.ReceiptTypeRead, types.MessageSource{Chat: group, Sender: janeLID, SenderAlt: jane, IsGroup: true}),
		"receipt_own_copy":   receipt(types.ReceiptTypeDelivered, mine),
		"receipt_own_read":   receipt(types.ReceiptTypeRead, mine),
		"receipt_read_self":  receipt(types.ReceiptTypeReadSelf, mine),
		"receipt_retry":      receipt(types.ReceiptTypeRetry, janes),
		"receipt_new_kind":   receipt("telepathy", janes),
		"undecryptable":      &events.UndecryptableMessage{Info: direct(), IsUnavailable: true, UnavailableType: events.UnavailableTypeViewOnce},
		"history_sync":       &events.HistorySync{Data: &waHistorySync.HistorySync{SyncType: waHistorySync.HistorySync_RECENT.Enum(), Progress: proto.Uint32(40), Conversations: []*waHistorySync.Conversation{{ID: proto.String("x")}}}},
		"presence":           &events.Presence{From: jane, Unavailable: true, LastSeen: noon},
		"typing":             &events.ChatPresence{MessageSource: janes, State: types.ChatPresenceComposing},
		"recording":          &events.ChatPresence{MessageSource: janes, State: types.ChatPresenceComposing, Media: types.ChatPresenceMediaAudio},
		"group_members":      &events.GroupInfo{JID: group, Sender: &janeLID, SenderPN: &jane, Timestamp: noon, Join: []types.JID{ours}, Leave: []types.JID{jane}, ParticipantVersionID: "v2"},
		"group_settings": &events.GroupInfo{JID: group, Sender: &janeLID, Timestamp: noon, Name: &types.GroupName{Name: "Bakers"}, Topic: &types.GroupTopic{Topic: "Bread"},
			Announce: &types.GroupAnnounce{IsAnnounce: true}, Ephemeral: &types.GroupEphemeral{DisappearingTimer: 86400}, UnknownChanges: []*waBinary.Node{{Tag: "membership_approval_request"}}},
		"group_request": &events.GroupInfo{JID: group, Sender: &janeLID, SenderPN: &jane, Timestamp: noon, UnknownChanges: []*waBinary.Node{
			{Tag: "created_membership_requests", Attrs: waBinary.Attrs{"request_method": "invite_link"}, Content: []waBinary.Node{{Tag: "requested_user", Attrs: waBinary.Attrs{"jid": janeLID, "phone_number": jane}}}}}},
		"group_request_taken_back": &events.GroupInfo{JID: group, Sender: &janeLID, SenderPN: &jane, Timestamp: noon, UnknownChanges: []*waBinary.Node{{Tag: "revoked_membership_requests"}}},
		"group_request_rejected": &events.GroupInfo{JID: group, Sender: &oursLID, Timestamp: noon, UnknownChanges: []*waBinary.Node{
			{Tag: "revoked_membership_requests", Content: []waBinary.Node{{Tag: "participant", Attrs: waBinary.Attrs{"jid": janeLID}}}}, {Tag: "member_add_mode", Content: []byte("admin_add")}}},
		"group_joined":      &events.JoinedGroup{Reason: "invite", Sender: &janeLID, GroupInfo: types.GroupInfo{JID: group, GroupName: types.GroupName{Name: "Bakers"}, Participants: make([]types.GroupParticipant, 3)}},
		"picture":           &events.Picture{JID: jane, Author: jane, Timestamp: noon, PictureID: "9"},
		"picture_group":     &events.Picture{JID: group, Author: jane, Timestamp: noon, Remove: true},
		"about":             &events.UserAbout{JID: jane, Status: "busy", Timestamp: noon},
		"identity_change":   &events.IdentityChange{JID: jane, Timestamp: noon},
		"contact":           &events.Contact{JID: jane, Timestamp: noon, Action: &waSyncAction.ContactAction{FullName: proto.String("Jane Doe"), FirstName: proto.String("Jane"), LidJID: proto.String(janeLID.String())}},
		"contact_by_lid":    &events.Contact{JID: janeLID, Timestamp: noon, Action: &waSyncAction.ContactAction{FullName: proto.String("Jane Doe"), PnJID: proto.String(jane.String())}},
		"push_name":         &events.PushName{JID: janeLID, JIDAlt: jane, Message: &types.MessageInfo{Timestamp: noon}, OldPushName: "Jan", NewPushName: "Jane"},
		"business_name":     &events.BusinessName{JID: jane, Message: &types.MessageInfo{Timestamp: noon}, NewBusinessName: "Jane's Bakery"},
		"blocked":           &events.Blocklist{DHash: "h", Changes: []events.BlocklistChange{{JID: jane, Action: events.BlocklistChangeActionBlock}}},
		"pin_chat":          &events.Pin{JID: jane, Timestamp: noon, Action: &waSyncAction.PinAction{Pinned: proto.Bool(true)}},
		"mute_chat":         &events.Mute{JID: jane, Timestamp: noon, Action: &waSyncAction.MuteAction{Muted: proto.Bool(true), MuteEndTimestamp: proto.Int64(noon.Add(time.Hour).UnixMilli())}},
		"archive_chat":      &events.Archive{JID: jane, Timestamp: noon, Action: &waSyncAction.ArchiveChatAction{Archived: proto.Bool(true)}},
		"read_chat":         &events.MarkChatAsRead{JID: jane, Timestamp: noon, Action: &waSyncAction.MarkChatAsReadAction{Read: proto.Bool(true)}},
		"read_chat_known":   &Known{JID: janeLID, Alt: jane, Event: &events.MarkChatAsRead{JID: janeLID, Timestamp: noon, Action: &waSyncAction.MarkChatAsReadAction{Read: proto.Bool(false)}}},
		"delete_chat":       &Known{JID: jane, Alt: janeLID, Event: &events.DeleteChat{JID: jane, Timestamp: noon, DeleteMedia: true}},
		"clear_chat":        &events.ClearChat{JID: group, Timestamp: noon},
		"star":              &events.Star{ChatJID: jane, MessageID: "3EB01", Timestamp: noon, Action: &waSyncAction.StarAction{Starred: proto.Bool(true)}},
		"delete_for_me":     &events.DeleteForMe{ChatJID: jane, MessageID: "3EB01", Timestamp: noon},
		"label":             &events.LabelEdit{Timestamp: noon, LabelID: "1", Action: &waSyncAction.LabelEditAction{Name: proto.String("New order"), Color: proto.Int32(2)}},
		"label_chat":        &events.LabelAssociationChat{JID: jane, Timestamp: noon, LabelID: "1", Action: &waSyncAction.LabelAssociationAction{Labeled: proto.Bool(true)}},
		"label_message":     &events.LabelAssociationMessage{JID: jane, Timestamp: noon, LabelID: "1", MessageID: "3EB01"},
		"call_offer":        &events.CallOffer{BasicCallMeta: callMeta, CallRemoteMeta: types.CallRemoteMeta{RemotePlatform: "android"}, Data: &waBinary.Node{Tag: "offer", Content: []waBinary.Node{{Tag: "video"}}}},
		"call_accept":       &events.CallAccept{BasicCallMeta: callMeta},
		"call_reject":       &events.CallReject{BasicCallMeta: callMeta},
		"call_terminate":    &events.CallTerminate{BasicCallMeta: callMeta, Reason: "timeout"},
		"call_unknown":      &events.UnknownCallEvent{Node: &waBinary.Node{Tag: "call", Attrs: waBinary.Attrs{"secret_key": "SECRET", "from": jane}, Content: []byte("SECRET")}},
		"newsletter_join":   &events.NewsletterJoin{NewsletterMetadata: types.NewsletterMetadata{ID: channel, ThreadMeta: types.NewsletterThreadMetadata{Name: types.NewsletterText{Text: "News"}, SubscriberCount: 5}}},
		"newsletter_leave":  &events.NewsletterLeave{ID: channel, Role: types.NewsletterRoleGuest},
		"newsletter_update": &events.NewsletterLiveUpdate{JID: channel, Time: noon, Messages: []*types.NewsletterMessage{{MessageServerID: 7, ViewsCount: 10, ReactionCounts: map[string]int{"👍": 2}}}},
		"restricted":        &events.NotifyAccountReachoutTimelock{IsActive: true, EnforcementType: "reachout", TimeEnforcementEnds: jsontime.UnixString{Time: noon}},
		"privacy":           &events.PrivacySettings{LastSeenChanged: true},
		"connected":         &events.Connected{},
		"foreign":           struct{ Name, APIKey string }{"x", "SECRET"},
	}
}

func TestIncomingEvents(t *testing.T) {
	for name, evt := range moments() {
		t.Run(name, func(t *testing.T) {
			entries := incoming("shop", own, evt)
			sound(t, entries)
			golden(t, "event_"+name, readable(t, entries))
		})
	}
}

// TestEveryEventIsInTheTable reads the names of the library's events from its
// source: a new one must get a line, or be left to "unknown" here on purpose.
func TestEveryEventIsInTheTable(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", "go.mau.fi/whatsmeow/types/events").Output()
	if err != nil {
		t.Fatal(err)
	}
	table := mentioned(t, "incoming.go")
	unknown := map[string]bool{"UnknownCallEvent": true, "PrivacySettings": true, "PushNameSetting": true, "UnarchiveChatsSetting": true}
	parts := map[string]bool{"MediaRetryError": true, "BlocklistChange": true, "MexNotificationData": true, "NewsletterMessageMeta": true}
	files, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "*.go"))
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if _, isStruct := spec.Type.(*ast.StructType); isStruct && !table[spec.Name.Name] && !unknown[spec.Name.Name] && !parts[spec.Name.Name] {
				t.Errorf("events.%s is not in the table of incoming.go", spec.Name.Name)
			}
			return true
		})
	}
}

// mentioned lists the names of package events that a file uses.
func mentioned(t *testing.T, file string) map[string]bool {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "events" {
				names[sel.Sel.Name] = true
			}
		}
		return true
	})
	return names
}

// TestEmptyEvents: an event whose every field is missing is no reason to panic.
func TestEmptyEvents(t *testing.T) {
	for name, evt := range moments() {
		v := reflect.TypeOf(evt)
		if v.Kind() != reflect.Pointer {
			continue
		}
		t.Run(name, func(t *testing.T) { sound(t, incoming("shop", own, reflect.New(v.Elem()).Interface())) })
	}
	sound(t, incoming("shop", own, nil))
	sound(t, incoming("", Own{}, &events.Message{}))
}

// TestReceiptsRepeat: the receipts of two devices of one person are one event.
func TestReceiptsRepeat(t *testing.T) {
	at := func(device uint16) string {
		sender := janeLID
		sender.Device = device
		e := &events.Receipt{MessageSource: from(janeLID, sender), MessageIDs: []string{"3EB01"}, Timestamp: noon, Type: types.ReceiptTypeRead}
		return incoming("shop", own, e)[0].Events[0].ID
	}
	if at(0) != at(7) {
		t.Errorf("got %s and %s, want one id", at(0), at(7))
	}
}
