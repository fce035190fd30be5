package convert

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"go.mau.fi/whatsmeow/proto/waE2E"
)

// content is what one message says.
type content struct {
	Type    string // "" when the message carries nothing for people
	Text    string // what a person would read: text, caption, name, emoji
	Meta    meta
	Context *waE2E.ContextInfo
}

// describe reads an unwrapped message. It is the table of everything that a
// phone can send; each line is one kind. What is not in it is told by
// [otherwise], so that nothing is ever silent.
func describe(m *waE2E.Message) content {
	switch {
	case m.Conversation != nil:
		return content{Type: "text", Text: m.GetConversation()}
	case m.ExtendedTextMessage != nil:
		return extendedText(m.ExtendedTextMessage)

	case m.ImageMessage != nil:
		return picture(m.ImageMessage)
	case m.VideoMessage != nil:
		return video(m.VideoMessage)
	case m.PtvMessage != nil:
		return ptv(m.PtvMessage)
	case m.AudioMessage != nil:
		return audio(m.AudioMessage)
	case m.DocumentMessage != nil:
		return document(m.DocumentMessage)
	case m.StickerMessage != nil:
		return sticker(m.StickerMessage)
	case m.StickerPackMessage != nil:
		return stickerPack(m.StickerPackMessage)
	case m.AlbumMessage != nil:
		return album(m.AlbumMessage)

	case m.LocationMessage != nil:
		return location(m.LocationMessage)
	case m.LiveLocationMessage != nil:
		return liveLocation(m.LiveLocationMessage)
	case m.ContactMessage != nil:
		return contact(m.ContactMessage)
	case m.ContactsArrayMessage != nil:
		return contacts(m.ContactsArrayMessage)

	case m.ReactionMessage != nil:
		return content{Type: "reaction", Text: m.ReactionMessage.GetText()}
	case m.EncReactionMessage != nil:
		return encrypted("reaction")
	case m.CommentMessage != nil:
		return comment(m.CommentMessage)
	case m.EncCommentMessage != nil:
		return encrypted("comment")
	case m.SecretEncryptedMessage != nil:
		return secretEncrypted(m.SecretEncryptedMessage)
	case m.PinInChatMessage != nil:
		return pin(m.PinInChatMessage)
	case m.KeepInChatMessage != nil:
		return keep(m.KeepInChatMessage)

	case pollOf(m) != nil:
		return poll(pollOf(m))
	case m.PollUpdateMessage != nil:
		return encrypted("pollVote")
	case m.PollAddOptionMessage != nil:
		return pollOption(m.PollAddOptionMessage)
	case m.PollResultSnapshotMessage != nil:
		return pollResult(m.PollResultSnapshotMessage)
	case m.PollResultSnapshotMessageV3 != nil:
		return pollResult(m.PollResultSnapshotMessageV3)
	case m.EventMessage != nil:
		return event(m.EventMessage)
	case m.EncEventResponseMessage != nil:
		return encrypted("eventResponse")
	case m.EventInviteMessage != nil:
		return eventInvite(m.EventInviteMessage)

	case m.ListMessage != nil:
		return listOf(m.ListMessage)
	case m.ListResponseMessage != nil:
		return listResponse(m.ListResponseMessage)
	case m.ButtonsMessage != nil:
		return buttons(m.ButtonsMessage)
	case m.ButtonsResponseMessage != nil:
		return buttonsResponse(m.ButtonsResponseMessage)
	case m.TemplateMessage != nil:
		return template(m.TemplateMessage)
	case m.TemplateButtonReplyMessage != nil:
		return templateReply(m.TemplateButtonReplyMessage)
	case m.HighlyStructuredMessage != nil:
		return structured(m.HighlyStructuredMessage)
	case m.InteractiveMessage != nil:
		return interactive(m.InteractiveMessage)
	case m.InteractiveResponseMessage != nil:
		return interactiveResponse(m.InteractiveResponseMessage)

	case m.ProductMessage != nil:
		return product(m.ProductMessage)
	case m.OrderMessage != nil:
		return order(m.OrderMessage)
	case m.InvoiceMessage != nil:
		return content{Type: "invoice", Text: m.InvoiceMessage.GetNote(), Meta: remains(m.InvoiceMessage)}
	case m.SendPaymentMessage != nil:
		return payment(m.SendPaymentMessage)
	case m.RequestPaymentMessage != nil:
		return paymentRequest(m.RequestPaymentMessage)
	case m.DeclinePaymentRequestMessage != nil:
		return about("paymentDeclined")
	case m.CancelPaymentRequestMessage != nil:
		return about("paymentCancelled")

	case m.GroupInviteMessage != nil:
		return groupInvite(m.GroupInviteMessage)
	case m.NewsletterAdminInviteMessage != nil:
		return newsletterAdminInvite(m.NewsletterAdminInviteMessage)
	case m.NewsletterFollowerInviteMessageV2 != nil:
		return newsletterInvite(m.NewsletterFollowerInviteMessageV2)

	case m.Call != nil:
		return content{Type: "call", Meta: remains(m.Call), Context: m.Call.GetContextInfo()}
	case m.CallLogMesssage != nil:
		return callLog(m.CallLogMesssage)
	case m.BcallMessage != nil:
		return content{Type: "broadcastCall", Text: m.BcallMessage.GetCaption(), Meta: remains(m.BcallMessage)}
	case m.ScheduledCallCreationMessage != nil:
		return scheduledCall(m.ScheduledCallCreationMessage)
	case m.ScheduledCallEditMessage != nil:
		return scheduledCallEdit(m.ScheduledCallEditMessage)

	case m.PlaceholderMessage != nil:
		return content{Type: "placeholder", Meta: remains(m.PlaceholderMessage)}
	case m.ProtocolMessage != nil:
		return protocol(m.ProtocolMessage)
	}
	return otherwise(m)
}

// otherwise tells a message of a kind that has no line of its own: its type is
// the name that the protocol gives it, its metadata all it says. Fields that
// the library itself does not know make the type "unknown".
func otherwise(m *waE2E.Message) content {
	var field protoreflect.FieldDescriptor
	m.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		if !baggage(f) && (field == nil || f.Number() < field.Number()) {
			field = f
		}
		return true
	})
	if field != nil {
		return named(field, m.ProtoReflect().Get(field))
	}
	if numbers := unknownFields(m.ProtoReflect().GetUnknown()); len(numbers) > 0 {
		return content{Type: "unknown", Meta: meta{"fields": numbers}}
	}
	return content{}
}

func named(f protoreflect.FieldDescriptor, v protoreflect.Value) content {
	c := content{Type: strings.Replace(fieldName(f), "Message", "", 1), Meta: meta{"content": tree{}.field(f, v, 0)}}
	if f.Message() == nil || f.IsList() {
		return c
	}
	in := v.Message()
	c.Meta["content"] = remains(in.Interface())
	for _, name := range []protoreflect.Name{"text", "caption", "description", "name", "title"} {
		if t := in.Descriptor().Fields().ByName(name); t != nil && t.Kind() == protoreflect.StringKind && !t.IsList() && c.Text == "" {
			c.Text = in.Get(t).String()
		}
	}
	if x := in.Descriptor().Fields().ByName("contextInfo"); x != nil && in.Has(x) {
		c.Context, _ = in.Get(x).Message().Interface().(*waE2E.ContextInfo)
	}
	return c
}

// baggage tells the fields that travel with a message and are none.
func baggage(f protoreflect.FieldDescriptor) bool {
	switch f.Name() {
	case "messageContextInfo", "senderKeyDistributionMessage", "fastRatchetKeySenderKeyDistributionMessage":
		return true
	}
	return false
}

func unknownFields(b []byte) (numbers []int32) {
	for len(b) > 0 {
		n, _, size := protowire.ConsumeField(b)
		if size < 0 {
			return numbers
		}
		numbers, b = append(numbers, int32(n)), b[size:]
	}
	return numbers
}

// remains is all that a message says but its secrets and context, for kinds
// whose fields have no better names of our own.
func remains(m protoreflect.ProtoMessage) meta {
	all, _ := tree{}.message(m.ProtoReflect(), 0).(map[string]any)
	delete(all, "contextInfo")
	return all
}

// pollOf is the poll of a message, whichever of its versions it came in.
func pollOf(m *waE2E.Message) *waE2E.PollCreationMessage {
	for _, p := range []*waE2E.PollCreationMessage{
		m.PollCreationMessage, m.PollCreationMessageV2, m.PollCreationMessageV3, m.PollCreationMessageV5, m.PollCreationMessageV6,
	} {
		if p != nil {
			return p
		}
	}
	return nil
}
