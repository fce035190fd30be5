package convert

import (
	"google.golang.org/protobuf/proto"

	"go.mau.fi/whatsmeow/proto/waE2E"
)

func businessKinds() map[string]any {
	m := func(msg *waE2E.Message) any { return with(direct(), msg) }
	hydrated := &waE2E.TemplateMessage_HydratedFourRowTemplate{
		Title:               &waE2E.TemplateMessage_HydratedFourRowTemplate_ImageMessage{ImageMessage: photo()},
		HydratedContentText: proto.String("Your order is ready"), HydratedFooterText: proto.String("Bakery"), TemplateID: proto.String("t1"),
		HydratedButtons: []*waE2E.HydratedTemplateButton{
			{HydratedButton: &waE2E.HydratedTemplateButton_QuickReplyButton{QuickReplyButton: &waE2E.HydratedTemplateButton_HydratedQuickReplyButton{ID: proto.String("ok"), DisplayText: proto.String("OK")}}},
			{HydratedButton: &waE2E.HydratedTemplateButton_UrlButton{UrlButton: &waE2E.HydratedTemplateButton_HydratedURLButton{DisplayText: proto.String("Map"), URL: proto.String("https://maps.example")}}},
		},
	}
	flow := &waE2E.InteractiveMessage{
		Header: &waE2E.InteractiveMessage_Header{Title: proto.String("Menu")}, Body: &waE2E.InteractiveMessage_Body{Text: proto.String("Choose")},
		InteractiveMessage: &waE2E.InteractiveMessage_NativeFlowMessage_{NativeFlowMessage: &waE2E.InteractiveMessage_NativeFlowMessage{
			Buttons: []*waE2E.InteractiveMessage_NativeFlowMessage_NativeFlowButton{{Name: proto.String("cta_url"), ButtonParamsJSON: proto.String(`{"url":"https://example.com"}`)}}}},
	}
	carousel := &waE2E.InteractiveMessage{Body: &waE2E.InteractiveMessage_Body{Text: proto.String("Cards")},
		InteractiveMessage: &waE2E.InteractiveMessage_CarouselMessage_{CarouselMessage: &waE2E.InteractiveMessage_CarouselMessage{Cards: []*waE2E.InteractiveMessage{flow}}}}
	return map[string]any{
		"list": m(&waE2E.Message{ListMessage: &waE2E.ListMessage{Title: proto.String("Menu"), Description: proto.String("Choose"), ButtonText: proto.String("Open"), Sections: []*waE2E.ListMessage_Section{
			{Title: proto.String("Warm"), Rows: []*waE2E.ListMessage_Row{{Title: proto.String("Soup"), RowID: proto.String("soup")}}}}}}),
		"list_response": m(&waE2E.Message{ListResponseMessage: &waE2E.ListResponseMessage{Title: proto.String("Soup"), SingleSelectReply: &waE2E.ListResponseMessage_SingleSelectReply{SelectedRowID: proto.String("soup")}, ContextInfo: quoting()}}),
		"buttons": m(&waE2E.Message{ButtonsMessage: &waE2E.ButtonsMessage{ContentText: proto.String("Sure?"), FooterText: proto.String("Bakery"), Header: &waE2E.ButtonsMessage_ImageMessage{ImageMessage: photo()},
			Buttons: []*waE2E.ButtonsMessage_Button{{ButtonID: proto.String("yes"), ButtonText: &waE2E.ButtonsMessage_Button_ButtonText{DisplayText: proto.String("Yes")}}}}}),
		"buttons_response":      m(&waE2E.Message{ButtonsResponseMessage: &waE2E.ButtonsResponseMessage{SelectedButtonID: proto.String("yes"), Response: &waE2E.ButtonsResponseMessage_SelectedDisplayText{SelectedDisplayText: "Yes"}}}),
		"template":              m(&waE2E.Message{TemplateMessage: &waE2E.TemplateMessage{HydratedTemplate: hydrated}}),
		"template_interactive":  m(&waE2E.Message{TemplateMessage: &waE2E.TemplateMessage{Format: &waE2E.TemplateMessage_InteractiveMessageTemplate{InteractiveMessageTemplate: flow}}}),
		"template_reply":        m(&waE2E.Message{TemplateButtonReplyMessage: &waE2E.TemplateButtonReplyMessage{SelectedID: proto.String("ok"), SelectedDisplayText: proto.String("OK")}}),
		"structured":            m(&waE2E.Message{HighlyStructuredMessage: &waE2E.HighlyStructuredMessage{ElementName: proto.String("order_ready"), Params: []string{"Jane"}}}),
		"interactive":           m(&waE2E.Message{InteractiveMessage: flow}),
		"interactive_carousel":  m(&waE2E.Message{InteractiveMessage: carousel}),
		"interactive_view_once": m(&waE2E.Message{ViewOnceMessage: future(&waE2E.Message{InteractiveMessage: flow})}),
		"interactive_response": m(&waE2E.Message{InteractiveResponseMessage: &waE2E.InteractiveResponseMessage{Body: &waE2E.InteractiveResponseMessage_Body{Text: proto.String("done")},
			InteractiveResponseMessage: &waE2E.InteractiveResponseMessage_NativeFlowResponseMessage_{NativeFlowResponseMessage: &waE2E.InteractiveResponseMessage_NativeFlowResponseMessage{Name: proto.String("flow"), ParamsJSON: proto.String(`{"a":1}`)}}}}),
		"product": m(&waE2E.Message{ProductMessage: &waE2E.ProductMessage{BusinessOwnerJID: proto.String(jane.String()), Product: &waE2E.ProductMessage_ProductSnapshot{
			ProductImage: photo(), ProductID: proto.String("p1"), Title: proto.String("Bread"), PriceAmount1000: proto.Int64(25000), CurrencyCode: proto.String("IDR"), SignedURL: proto.String("SECRET-URL")}}}),
		"order": m(&waE2E.Message{OrderMessage: &waE2E.OrderMessage{OrderID: proto.String("o1"), OrderTitle: proto.String("Bread"), ItemCount: proto.Int32(2), Message: proto.String("for tomorrow"),
			Status: waE2E.OrderMessage_INQUIRY.Enum(), TotalAmount1000: proto.Int64(50000), TotalCurrencyCode: proto.String("IDR"), Token: proto.String("SECRET-TOKEN")}}),
		"invoice":           m(&waE2E.Message{InvoiceMessage: &waE2E.InvoiceMessage{Note: proto.String("March"), Token: proto.String("SECRET-TOKEN"), AttachmentMimetype: proto.String("application/pdf"), AttachmentDirectPath: proto.String("/SECRET-PATH"), AttachmentMediaKey: []byte("SECRET-KEY")}}),
		"payment":           m(&waE2E.Message{SendPaymentMessage: &waE2E.SendPaymentMessage{NoteMessage: text("for lunch"), RequestMessageKey: key("3EB0R", true), TransactionData: proto.String("x")}}),
		"payment_request":   m(&waE2E.Message{RequestPaymentMessage: &waE2E.RequestPaymentMessage{NoteMessage: text("lunch"), Amount1000: proto.Uint64(50000), CurrencyCodeIso4217: proto.String("IDR"), RequestFrom: proto.String(ours.String())}}),
		"payment_declined":  m(&waE2E.Message{DeclinePaymentRequestMessage: &waE2E.DeclinePaymentRequestMessage{Key: key("3EB0R", false)}}),
		"payment_cancelled": m(&waE2E.Message{CancelPaymentRequestMessage: &waE2E.CancelPaymentRequestMessage{Key: key("3EB0R", true)}}),
		"payment_invite":    m(&waE2E.Message{PaymentInviteMessage: &waE2E.PaymentInviteMessage{ServiceType: waE2E.PaymentInviteMessage_UPI.Enum()}}),
	}
}

func otherKinds() map[string]any {
	m := func(msg *waE2E.Message) any { return with(direct(), msg) }
	strange := text("")
	strange.Conversation = nil
	strange.ProtoReflect().SetUnknown([]byte{0xc2, 0x3e, 0x03, 'n', 'e', 'w'}) // field 1000
	return map[string]any{
		"group_invite":              m(&waE2E.Message{GroupInviteMessage: &waE2E.GroupInviteMessage{GroupJID: proto.String(group.String()), GroupName: proto.String("Bakers"), InviteCode: proto.String("AbC"), InviteExpiration: proto.Int64(noon.Unix())}}),
		"newsletter_admin_invite":   m(&waE2E.Message{NewsletterAdminInviteMessage: &waE2E.NewsletterAdminInviteMessage{NewsletterJID: proto.String(channel.String()), NewsletterName: proto.String("News"), Caption: proto.String("join")}}),
		"newsletter_invite":         m(&waE2E.Message{NewsletterFollowerInviteMessageV2: &waE2E.NewsletterFollowerInviteMessage{NewsletterJID: proto.String(channel.String()), NewsletterName: proto.String("News")}}),
		"call":                      m(&waE2E.Message{Call: &waE2E.Call{CallKey: []byte("SECRET-KEY"), ConversionSource: proto.String("ad")}}),
		"call_log":                  m(&waE2E.Message{CallLogMesssage: &waE2E.CallLogMessage{IsVideo: proto.Bool(true), CallOutcome: waE2E.CallLogMessage_MISSED.Enum(), DurationSecs: proto.Int64(0), Participants: []*waE2E.CallLogMessage_CallParticipant{{JID: proto.String(jane.String())}}}}),
		"broadcast_call":            m(&waE2E.Message{BcallMessage: &waE2E.BCallMessage{Caption: proto.String("live"), MasterKey: []byte("SECRET-KEY")}}),
		"scheduled_call":            m(&waE2E.Message{ScheduledCallCreationMessage: &waE2E.ScheduledCallCreationMessage{Title: proto.String("Weekly"), ScheduledTimestampMS: proto.Int64(noon.UnixMilli())}}),
		"scheduled_call_edit":       m(&waE2E.Message{ScheduledCallEditMessage: &waE2E.ScheduledCallEditMessage{Key: key("3EB0S", true), EditType: waE2E.ScheduledCallEditMessage_CANCEL.Enum()}}),
		"placeholder":               m(&waE2E.Message{PlaceholderMessage: &waE2E.PlaceholderMessage{Type: waE2E.PlaceholderMessage_MASK_LINKED_DEVICES.Enum()}}),
		"chat":                      m(&waE2E.Message{Chat: &waE2E.Chat{DisplayName: proto.String("x"), ID: proto.String("1")}}),
		"share_phone_number":        m(protocolOf(&waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_SHARE_PHONE_NUMBER.Enum()})),
		"request_phone_number":      m(&waE2E.Message{RequestPhoneNumberMessage: &waE2E.RequestPhoneNumberMessage{ContextInfo: quoting()}}),
		"question_response":         m(&waE2E.Message{QuestionResponseMessage: &waE2E.QuestionResponseMessage{Text: proto.String("because")}}),
		"music":                     m(&waE2E.Message{MusicMessage: &waE2E.MusicMessage{SongUri: proto.String("song:1"), EmbeddedMusic: &waE2E.EmbeddedMusic{Title: proto.String("Song"), ArtworkDirectPath: proto.String("SECRET-PATH")}}}),
		"view_once_without_content": m(&waE2E.Message{ViewOnceMessageV2: &waE2E.FutureProofMessage{}}),
		"unknown":                   m(strange),
		"machinery_history_sync":    with(fromPhone(), protocolOf(&waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_HISTORY_SYNC_NOTIFICATION.Enum(), HistorySyncNotification: &waE2E.HistorySyncNotification{MediaKey: []byte("SECRET-KEY")}})),
		"machinery_app_state":       with(fromPhone(), protocolOf(&waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_APP_STATE_SYNC_KEY_SHARE.Enum()})),
		"machinery_sender_key":      m(&waE2E.Message{SenderKeyDistributionMessage: &waE2E.SenderKeyDistributionMessage{GroupID: proto.String(group.String()), AxolotlSenderKeyDistributionMessage: []byte("SECRET-KEY")}}),
		"sender_key_and_text":       with(inGroup(), &waE2E.Message{Conversation: proto.String("first"), SenderKeyDistributionMessage: &waE2E.SenderKeyDistributionMessage{AxolotlSenderKeyDistributionMessage: []byte("SECRET-KEY")}}),
	}
}
