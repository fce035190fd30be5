package convert

import (
	"time"

	"google.golang.org/protobuf/proto"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waVnameCert"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
)

var (
	ours    = types.NewJID("6281000000001", types.DefaultUserServer)
	oursLID = types.NewJID("111111111111111", types.HiddenUserServer)
	jane    = types.NewJID("6281000000002", types.DefaultUserServer)
	janeLID = types.NewJID("222222222222222", types.HiddenUserServer)
	group   = types.NewJID("120363000000000001", types.GroupServer)
	channel = types.NewJID("120363000000000009", types.NewsletterServer)
	own     = Own{JID: ours, LID: oursLID}
	noon    = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
)

// direct is a message from Jane's second device, by LID, as WhatsApp sends them now.
func direct() types.MessageInfo {
	sender := janeLID
	sender.Device = 2
	return types.MessageInfo{
		ID: "3EB0AAAA", PushName: "Jane", Timestamp: noon,
		MessageSource: types.MessageSource{Chat: janeLID, Sender: sender, SenderAlt: jane, AddressingMode: types.AddressingModeLID},
	}
}

func inGroup() types.MessageInfo {
	i := direct()
	i.Chat, i.IsGroup = group, true
	return i
}

// fromPhone is a message that the account's own phone sent to Jane.
func fromPhone() types.MessageInfo {
	return types.MessageInfo{
		ID: "3EB0BBBB", PushName: "Me", Timestamp: noon,
		MessageSource: types.MessageSource{Chat: janeLID, Sender: oursLID, IsFromMe: true, RecipientAlt: jane},
	}
}

func with(info types.MessageInfo, msg *waE2E.Message) *events.Message {
	return &events.Message{Info: info, RawMessage: msg}
}

func key(id string, fromMe bool) *waCommon.MessageKey {
	return &waCommon.MessageKey{RemoteJID: proto.String(jane.String()), FromMe: &fromMe, ID: &id}
}

func future(msg *waE2E.Message) *waE2E.FutureProofMessage {
	return &waE2E.FutureProofMessage{Message: msg}
}

func text(s string) *waE2E.Message { return &waE2E.Message{Conversation: &s} }

func quoting() *waE2E.ContextInfo {
	return &waE2E.ContextInfo{
		StanzaID: proto.String("3EB0QUOTE"), Participant: proto.String(ours.String()), QuotedMessage: text("open today?"),
		MentionedJID: []string{jane.String()}, IsForwarded: proto.Bool(true), ForwardingScore: proto.Uint32(2), Expiration: proto.Uint32(86400),
	}
}

const vcard = "BEGIN:VCARD\nVERSION:3.0\nFN:John Doe\nTEL;waid=628123:+62 8123\nEND:VCARD"

// photo has every secret that media comes with; none may reach metadata or events.
func photo() *waE2E.ImageMessage {
	return &waE2E.ImageMessage{
		URL: proto.String("https://mmg.whatsapp.net/SECRET-URL"), DirectPath: proto.String("/v/SECRET-PATH"), MediaKey: []byte("SECRET-KEY"),
		FileSHA256: []byte("SECRET-SHA"), FileEncSHA256: []byte("SECRET-ENC"), JPEGThumbnail: []byte("SECRET-THUMB"), FileLength: proto.Uint64(1234),
		Mimetype: proto.String("image/jpeg"), Caption: proto.String("sunset"), Width: proto.Uint32(640), Height: proto.Uint32(480), ContextInfo: quoting(),
	}
}

func clip() *waE2E.VideoMessage {
	return &waE2E.VideoMessage{Mimetype: proto.String("video/mp4"), Seconds: proto.Uint32(3), Caption: proto.String("clip"), FileLength: proto.Uint64(99), MediaKey: []byte("SECRET-KEY")}
}

func lunch() *waE2E.PollCreationMessage {
	return &waE2E.PollCreationMessage{Name: proto.String("Lunch?"), SelectableOptionsCount: proto.Uint32(1), Options: []*waE2E.PollCreationMessage_Option{
		{OptionName: proto.String("Soup")}, {OptionName: proto.String("Rice")}}}
}

func protocolOf(p *waE2E.ProtocolMessage) *waE2E.Message { return &waE2E.Message{ProtocolMessage: p} }

func editOf(id, s string) *waE2E.Message {
	return protocolOf(&waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_MESSAGE_EDIT.Enum(), Key: key(id, true), EditedMessage: text(s), TimestampMS: proto.Int64(noon.Add(time.Minute).UnixMilli())})
}

// kinds is every kind of message that a phone sends, by the name of its golden file.
func kinds() map[string]any {
	all := map[string]any{}
	for _, part := range []map[string]any{textKinds(), mediaKinds(), aboutKinds(), businessKinds(), otherKinds()} {
		for name, evt := range part {
			all[name] = evt
		}
	}
	return all
}

func textKinds() map[string]any {
	reply := &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: proto.String("until six"), ContextInfo: quoting()}}
	verified := direct()
	verified.VerifiedName = &types.VerifiedName{Details: &waVnameCert.VerifiedNameCertificate_Details{VerifiedName: proto.String("Jane's Bakery")}}
	byPhone := direct()
	byPhone.Chat, byPhone.Sender, byPhone.SenderAlt = jane, jane, types.JID{}
	unmapped := direct()
	unmapped.SenderAlt = types.JID{}
	status := direct()
	status.Chat, status.IsGroup = types.StatusBroadcastJID, true
	list := direct()
	list.Chat, list.IsGroup = types.NewJID("1700000000", types.BroadcastServer), true
	news := types.MessageInfo{ID: "NL1", ServerID: 77, Timestamp: noon, MessageSource: types.MessageSource{Chat: channel, Sender: channel}}
	note := fromPhone()
	note.Chat, note.RecipientAlt = oursLID, types.JID{}
	return map[string]any{
		"text":                 with(direct(), text("hello")),
		"text_by_phone_number": with(byPhone, text("hello")),
		"text_lid_only":        with(unmapped, text("hello")),
		"text_group":           with(inGroup(), text("hello all")),
		"text_verified":        with(verified, text("fresh bread")),
		"text_reply":           with(direct(), reply),
		"text_status":          with(status, text("my day")),
		"text_broadcast":       with(list, text("to all of you")),
		"text_newsletter":      with(news, text("news")),
		"text_from_phone":      with(fromPhone(), &waE2E.Message{DeviceSentMessage: &waE2E.DeviceSentMessage{DestinationJID: proto.String(jane.String()), Message: text("sent by hand")}}),
		"text_to_self":         with(note, text("buy milk")),
		"text_ephemeral":       with(direct(), &waE2E.Message{EphemeralMessage: future(reply)}),
		"text_broken":          with(direct(), text("nul\x00 and \xff bytes")),
		"text_link": with(direct(), &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: proto.String("see https://example.com"),
			MatchedText: proto.String("https://example.com"), Title: proto.String("Example"), Description: proto.String("A domain"), JPEGThumbnail: []byte("SECRET-THUMB")}}),
		"text_ad": with(direct(), &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: proto.String("is it available?"), ContextInfo: &waE2E.ContextInfo{
			ExternalAdReply: &waE2E.ContextInfo_ExternalAdReplyInfo{Title: proto.String("Shoes"), SourceID: proto.String("42"), SourceURL: proto.String("https://fb.me/x"), CtwaClid: proto.String("clid")}}}}),
	}
}

func mediaKinds() map[string]any {
	gif, voice := clip(), &waE2E.AudioMessage{Mimetype: proto.String("audio/ogg; codecs=opus"), Seconds: proto.Uint32(2), PTT: proto.Bool(true), Waveform: []byte{1, 2}}
	gif.GifPlayback = proto.Bool(true)
	bill := &waE2E.Message{DocumentMessage: &waE2E.DocumentMessage{FileName: proto.String("bill.pdf"), Title: proto.String("bill"), Mimetype: proto.String("application/pdf"), Caption: proto.String("see"), PageCount: proto.Uint32(2)}}
	image := &waE2E.Message{ImageMessage: photo()}
	child := &waE2E.Message{AssociatedChildMessage: future(image), MessageContextInfo: &waE2E.MessageContextInfo{MessageSecret: []byte("SECRET-MSG"),
		MessageAssociation: &waE2E.MessageAssociation{AssociationType: waE2E.MessageAssociation_MEDIA_ALBUM.Enum(), ParentMessageKey: key("3EB0ALBUM", true), MessageIndex: proto.Int32(1)}}}
	return map[string]any{
		"image":             with(direct(), image),
		"image_view_once":   with(direct(), &waE2E.Message{ViewOnceMessage: future(image)}),
		"image_view_once_2": with(direct(), &waE2E.Message{ViewOnceMessageV2: future(image)}),
		"image_in_album":    with(direct(), child),
		"image_spoiler":     with(direct(), &waE2E.Message{SpoilerMessage: future(image)}),
		"video":             with(direct(), &waE2E.Message{VideoMessage: clip()}),
		"gif":               with(direct(), &waE2E.Message{VideoMessage: gif}),
		"ptv":               with(direct(), &waE2E.Message{PtvMessage: clip()}),
		"audio":             with(direct(), &waE2E.Message{AudioMessage: &waE2E.AudioMessage{Mimetype: proto.String("audio/mpeg"), Seconds: proto.Uint32(180)}}),
		"voice":             with(direct(), &waE2E.Message{AudioMessage: voice}),
		"voice_view_once":   with(direct(), &waE2E.Message{ViewOnceMessageV2Extension: future(&waE2E.Message{AudioMessage: voice})}),
		"document":          with(direct(), bill),
		"document_caption":  with(direct(), &waE2E.Message{DocumentWithCaptionMessage: future(bill)}),
		"sticker":           with(direct(), &waE2E.Message{StickerMessage: &waE2E.StickerMessage{Mimetype: proto.String("image/webp"), IsAnimated: proto.Bool(true), MediaKey: []byte("SECRET-KEY")}}),
		"sticker_lottie":    with(direct(), &waE2E.Message{LottieStickerMessage: future(&waE2E.Message{StickerMessage: &waE2E.StickerMessage{IsLottie: proto.Bool(true)}})}),
		"sticker_pack":      with(direct(), &waE2E.Message{StickerPackMessage: &waE2E.StickerPackMessage{Name: proto.String("Cats"), Publisher: proto.String("Jane"), Stickers: []*waE2E.StickerPackMessage_Sticker{{}, {}}}}),
		"album":             with(direct(), &waE2E.Message{AlbumMessage: &waE2E.AlbumMessage{ExpectedImageCount: proto.Uint32(3), ExpectedVideoCount: proto.Uint32(1)}}),
		"location": with(direct(), &waE2E.Message{LocationMessage: &waE2E.LocationMessage{DegreesLatitude: proto.Float64(-6.2), DegreesLongitude: proto.Float64(106.8),
			Name: proto.String("Monas"), Address: proto.String("Jakarta"), URL: proto.String("https://maps.example")}}),
		"live_location": with(direct(), &waE2E.Message{LiveLocationMessage: &waE2E.LiveLocationMessage{DegreesLatitude: proto.Float64(-6.2), DegreesLongitude: proto.Float64(106.8), Caption: proto.String("on my way"), SpeedInMps: proto.Float32(1.5)}}),
		"contact":       with(direct(), &waE2E.Message{ContactMessage: &waE2E.ContactMessage{DisplayName: proto.String("John"), Vcard: proto.String(vcard)}}),
		"contacts":      with(direct(), &waE2E.Message{ContactsArrayMessage: &waE2E.ContactsArrayMessage{DisplayName: proto.String("2 contacts"), Contacts: []*waE2E.ContactMessage{{Vcard: proto.String(vcard)}, {Vcard: proto.String(vcard)}}}}),
	}
}

func aboutKinds() map[string]any {
	ours := &waE2E.Message{ReactionMessage: &waE2E.ReactionMessage{Key: key("3EB0MINE", false), Text: proto.String("👍"), SenderTimestampMS: proto.Int64(noon.UnixMilli())}}
	theirs := &waE2E.Message{ReactionMessage: &waE2E.ReactionMessage{Key: key("3EB0THEIRS", true), Text: proto.String("")}}
	byMember := &waCommon.MessageKey{RemoteJID: proto.String(group.String()), FromMe: proto.Bool(false), ID: proto.String("3EB0X"), Participant: proto.String(oursLID.String())}
	vote := &waE2E.Message{PollUpdateMessage: &waE2E.PollUpdateMessage{PollCreationMessageKey: key("3EB0POLL", false), Vote: &waE2E.PollEncValue{EncPayload: []byte("SECRET-VOTE"), EncIV: []byte("SECRET-IV")}}}
	encReaction := &waE2E.Message{EncReactionMessage: &waE2E.EncReactionMessage{TargetMessageKey: key("3EB0MINE", false), EncPayload: []byte("SECRET-ENC")}}
	secretEdit := &waE2E.Message{SecretEncryptedMessage: &waE2E.SecretEncryptedMessage{TargetMessageKey: key("3EB0T", true), SecretEncType: waE2E.SecretEncryptedMessage_MESSAGE_EDIT.Enum(), EncPayload: []byte("SECRET-ENC")}}
	eventEdit := &waE2E.Message{SecretEncryptedMessage: &waE2E.SecretEncryptedMessage{TargetMessageKey: key("3EB0E", true), SecretEncType: waE2E.SecretEncryptedMessage_EVENT_EDIT.Enum(), EncPayload: []byte("SECRET-ENC")}}
	answer := &waE2E.Message{EncEventResponseMessage: &waE2E.EncEventResponseMessage{EventCreationMessageKey: key("3EB0E", false), EncPayload: []byte("SECRET-ENC")}}
	admin := inGroup()
	admin.Edit = types.EditAttributeAdminRevoke
	news := with(types.MessageInfo{ID: "NL1", Timestamp: noon, MessageSource: types.MessageSource{Chat: channel, Sender: channel}}, text("news, corrected"))
	news.NewsletterMeta = &events.NewsletterMessageMeta{EditTS: noon.Add(time.Hour), OriginalTS: noon}
	revoke := func(k *waCommon.MessageKey) *waE2E.Message {
		return protocolOf(&waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_REVOKE.Enum(), Key: k})
	}
	return map[string]any{
		"reaction":             with(direct(), ours),
		"reaction_removed":     with(direct(), theirs),
		"reaction_group":       with(inGroup(), &waE2E.Message{ReactionMessage: &waE2E.ReactionMessage{Key: byMember, Text: proto.String("❤️")}}),
		"reaction_from_phone":  with(fromPhone(), &waE2E.Message{ReactionMessage: &waE2E.ReactionMessage{Key: key("3EB0THEIRS", false), Text: proto.String("👍")}}),
		"reaction_encrypted":   with(direct(), encReaction),
		"reaction_decrypted":   &Decrypted{Message: with(direct(), encReaction), Content: ours},
		"edit":                 with(direct(), editOf("3EB0T", "fixed")),
		"edit_covered":         with(direct(), &waE2E.Message{EditedMessage: future(editOf("3EB0T", "fixed"))}),
		"edit_from_phone":      with(fromPhone(), editOf("3EB0M", "fixed")),
		"edit_encrypted":       with(direct(), secretEdit),
		"edit_decrypted":       &Decrypted{Message: with(direct(), secretEdit), Content: editOf("3EB0T", "fixed")},
		"edit_of_event":        &Decrypted{Message: with(direct(), eventEdit), Content: &waE2E.Message{EventMessage: &waE2E.EventMessage{Name: proto.String("Later"), StartTime: proto.Int64(noon.Unix())}}},
		"edit_newsletter":      news,
		"revoke":               with(direct(), revoke(key("3EB0T", true))),
		"revoke_by_admin":      with(admin, revoke(byMember)),
		"pin":                  with(direct(), &waE2E.Message{PinInChatMessage: &waE2E.PinInChatMessage{Key: key("3EB0T", true), Type: waE2E.PinInChatMessage_PIN_FOR_ALL.Enum()}}),
		"keep":                 with(direct(), &waE2E.Message{KeepInChatMessage: &waE2E.KeepInChatMessage{Key: key("3EB0T", true), KeepType: waE2E.KeepType_KEEP_FOR_ALL.Enum()}}),
		"comment":              with(direct(), &waE2E.Message{CommentMessage: &waE2E.CommentMessage{TargetMessageKey: key("3EB0T", false), Message: text("nice")}}),
		"comment_encrypted":    with(direct(), &waE2E.Message{EncCommentMessage: &waE2E.EncCommentMessage{TargetMessageKey: key("3EB0T", false)}}),
		"poll":                 with(direct(), &waE2E.Message{PollCreationMessage: lunch()}),
		"poll_v2":              with(direct(), &waE2E.Message{PollCreationMessageV2: lunch()}),
		"poll_v3":              with(direct(), &waE2E.Message{PollCreationMessageV3: lunch()}),
		"poll_v4":              with(direct(), &waE2E.Message{PollCreationMessageV4: future(&waE2E.Message{PollCreationMessage: lunch()})}),
		"poll_v5":              with(direct(), &waE2E.Message{PollCreationMessageV5: lunch()}),
		"poll_v6":              with(direct(), &waE2E.Message{PollCreationMessageV6: lunch()}),
		"poll_vote":            with(direct(), vote),
		"poll_vote_decrypted":  &Decrypted{Message: with(direct(), vote), Vote: &waE2E.PollVoteMessage{SelectedOptions: [][]byte{{0xab, 0xcd}}}},
		"poll_vote_named":      &Decrypted{Message: with(direct(), vote), Vote: &waE2E.PollVoteMessage{SelectedOptions: [][]byte{{0xab, 0xcd}}}, Options: []string{"Soup", "Rice"}},
		"poll_vote_taken_back": &Decrypted{Message: with(direct(), vote), Vote: &waE2E.PollVoteMessage{}},
		"poll_option":          with(direct(), &waE2E.Message{PollAddOptionMessage: &waE2E.PollAddOptionMessage{PollCreationMessageKey: key("3EB0POLL", false), AddOption: &waE2E.PollCreationMessage_Option{OptionName: proto.String("Tea")}}}),
		"poll_result":          with(direct(), &waE2E.Message{PollResultSnapshotMessage: &waE2E.PollResultSnapshotMessage{Name: proto.String("Lunch?"), PollVotes: []*waE2E.PollResultSnapshotMessage_PollVote{{OptionName: proto.String("Soup"), OptionVoteCount: proto.Int64(3)}}}}),
		"event_message":        with(direct(), &waE2E.Message{EventMessage: &waE2E.EventMessage{Name: proto.String("Party"), Description: proto.String("bring cake"), StartTime: proto.Int64(noon.Unix()), Location: &waE2E.LocationMessage{Name: proto.String("Home")}}}),
		"event_response":       with(direct(), &waE2E.Message{EncEventResponseMessage: &waE2E.EncEventResponseMessage{EventCreationMessageKey: key("3EB0E", false), EncPayload: []byte("SECRET-ENC")}}),
		"event_response_decrypted": &Decrypted{Message: with(direct(), answer), Response: &waE2E.EventResponseMessage{
			Response: waE2E.EventResponseMessage_GOING.Enum(), ExtraGuestCount: proto.Int32(2), TimestampMS: proto.Int64(noon.UnixMilli())}},
		"comment_decrypted": &Decrypted{Message: with(direct(), &waE2E.Message{EncCommentMessage: &waE2E.EncCommentMessage{TargetMessageKey: key("3EB0T", false)}}), Content: &waE2E.Message{CommentMessage: &waE2E.CommentMessage{Message: text("nice")}}},
		"event_invite":      with(direct(), &waE2E.Message{EventInviteMessage: &waE2E.EventInviteMessage{EventID: proto.String("e1"), EventTitle: proto.String("Party")}}),
		"timer":             with(direct(), protocolOf(&waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_EPHEMERAL_SETTING.Enum(), EphemeralExpiration: proto.Uint32(604800)})),
	}
}
