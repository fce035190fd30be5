package phone

import (
	"strings"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"
)

// describe fills type, text, media and target from the content of a message.
func (c *Content) describe(part proto.Message) {
	if c.describeFile(part) || c.describeChange(part) || c.describeChoice(part) {
		return
	}
	switch m := part.(type) {
	case *waE2E.ExtendedTextMessage:
		c.Type, c.Text = "text", m.GetText()
	case *waE2E.LocationMessage:
		c.Type, c.Text = "location", lines(m.GetName(), m.GetAddress())
	case *waE2E.LiveLocationMessage:
		c.Type, c.Text = "live_location", m.GetCaption()
	case *waE2E.ContactMessage:
		c.Type, c.Text = "contact", m.GetDisplayName()
	case *waE2E.ContactsArrayMessage:
		c.Type, c.Text = "contacts", m.GetDisplayName()
	case *waE2E.PollCreationMessage:
		c.Type, c.Text = "poll", m.GetName()
	case *waE2E.PollResultSnapshotMessage:
		c.Type, c.Text = "poll_result", m.GetName()
	case *waE2E.EventMessage:
		c.Type, c.Text = "event", lines(m.GetName(), m.GetDescription())
	case *waE2E.AlbumMessage:
		c.Type = "album"
	case *waE2E.GroupInviteMessage:
		c.Type, c.Text = "group_invite", lines(m.GetGroupName(), m.GetCaption())
	case *waE2E.ProductMessage:
		c.Type, c.Text = "product", lines(m.GetProduct().GetTitle(), m.GetBody())
	case *waE2E.OrderMessage:
		c.Type, c.Text = "order", lines(m.GetOrderTitle(), m.GetMessage())
	case *waE2E.Call, *waE2E.CallLogMessage, *waE2E.ScheduledCallCreationMessage:
		c.Type = "call"
	}
}

// remoteFile is what all messages with a file have in common.
type remoteFile interface {
	GetURL() string
	GetDirectPath() string
	GetMediaKey() []byte
	GetFileSHA256() []byte
	GetFileEncSHA256() []byte
	GetFileLength() uint64
	GetMimetype() string
}

func (c *Content) describeFile(part proto.Message) bool {
	var kind Kind
	switch m := part.(type) {
	case *waE2E.ImageMessage:
		c.Type, c.Text, kind = "image", m.GetCaption(), KindImage
	case *waE2E.VideoMessage:
		c.Type, c.Text, kind = "video", m.GetCaption(), KindVideo
	case *waE2E.AudioMessage:
		c.Type, kind = "audio", KindAudio
		if m.GetPTT() {
			c.Type = "voice"
		}
	case *waE2E.DocumentMessage:
		c.Type, c.Text, kind = "document", m.GetCaption(), KindDocument
	case *waE2E.StickerMessage:
		c.Type, kind = "sticker", KindImage
	default:
		return false
	}
	c.Media = mediaOf(part.(remoteFile), kind)
	if named, ok := part.(interface{ GetFileName() string }); ok {
		c.Media.FileName = named.GetFileName()
	}
	return true
}

func mediaOf(f remoteFile, kind Kind) *Media {
	return &Media{
		Kind: kind, URL: f.GetURL(), DirectPath: f.GetDirectPath(), Key: f.GetMediaKey(),
		SHA256: f.GetFileSHA256(), EncSHA256: f.GetFileEncSHA256(), Length: f.GetFileLength(), Mimetype: f.GetMimetype(),
	}
}

func (c *Content) describeChange(part proto.Message) bool {
	switch m := part.(type) {
	case *waE2E.ReactionMessage:
		c.Type, c.Text = "reaction", m.GetText()
		c.about(m.GetKey())
	case *waE2E.EncReactionMessage:
		c.Type = "reaction"
		c.about(m.GetTargetMessageKey())
	case *waE2E.PollUpdateMessage:
		c.Type = "vote"
		c.about(m.GetPollCreationMessageKey())
	case *waE2E.EncEventResponseMessage:
		c.Type = "event_response"
		c.about(m.GetEventCreationMessageKey())
	case *waE2E.EncCommentMessage:
		c.Type = "comment"
		c.about(m.GetTargetMessageKey())
	case *waE2E.SecretEncryptedMessage:
		c.Type = "enc_edit"
		c.about(m.GetTargetMessageKey())
	case *waE2E.PinInChatMessage:
		c.Type, c.Text = "pin", pinned(m.GetType())
		c.about(m.GetKey())
	case *waE2E.KeepInChatMessage:
		c.Type = "keep"
		c.about(m.GetKey())
	case *waE2E.ProtocolMessage:
		c.describeProtocol(m)
	default:
		return false
	}
	return true
}

func pinned(t waE2E.PinInChatMessage_Type) string {
	if t == waE2E.PinInChatMessage_UNPIN_FOR_ALL {
		return "unpinned"
	}
	return "pinned"
}

func (c *Content) describeProtocol(m *waE2E.ProtocolMessage) {
	c.Type = "protocol"
	switch m.GetType() {
	case waE2E.ProtocolMessage_MESSAGE_EDIT:
		c.Type, c.Text = "edit", textOf(m.GetEditedMessage())
		c.about(m.GetKey())
	case waE2E.ProtocolMessage_REVOKE:
		if m.GetKey() != nil {
			c.Type = "revoke"
			c.about(m.GetKey())
		}
	}
}

func (c *Content) about(key *waCommon.MessageKey) {
	c.Target, c.TargetFromMe = key.GetID(), key.GetFromMe()
}

// textOf is the text of a message inside another one.
func textOf(msg *waE2E.Message) string {
	b := unwrap(msg)
	if b.inner.Conversation != nil {
		return b.inner.GetConversation()
	}
	var inside Content
	switch part := b.part().(type) {
	case nil, *waE2E.ProtocolMessage: // an edit of an edit does not exist
	default:
		inside.describe(part)
	}
	return inside.Text
}

// describeChoice is about messages with something to press, and what was pressed.
func (c *Content) describeChoice(part proto.Message) bool {
	switch m := part.(type) {
	case *waE2E.ListMessage:
		c.Type, c.Text = "list", lines(m.GetTitle(), m.GetDescription())
	case *waE2E.ButtonsMessage:
		c.Type, c.Text = "buttons", m.GetContentText()
	case *waE2E.TemplateMessage:
		c.Type, c.Text = "template", m.GetHydratedTemplate().GetHydratedContentText()
	case *waE2E.InteractiveMessage:
		c.Type, c.Text = "interactive", m.GetBody().GetText()
	case *waE2E.ListResponseMessage:
		c.Type, c.Text = "list_response", m.GetTitle()
	case *waE2E.ButtonsResponseMessage:
		c.Type, c.Text = "buttons_response", m.GetSelectedDisplayText()
	case *waE2E.TemplateButtonReplyMessage:
		c.Type, c.Text = "template_response", m.GetSelectedDisplayText()
	case *waE2E.InteractiveResponseMessage:
		c.Type, c.Text = "interactive_response", m.GetBody().GetText()
	default:
		return false
	}
	return true
}

// lines joins what is there.
func lines(parts ...string) string {
	var there []string
	for _, part := range parts {
		if part != "" {
			there = append(there, part)
		}
	}
	return strings.Join(there, "\n")
}

// cardName is the name on a vCard, "" when it has none.
func cardName(card string) string {
	for line := range strings.Lines(card) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "FN:"); ok {
			return name
		}
	}
	return ""
}
