package convert

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"go.mau.fi/whatsmeow/proto/waE2E"

	"wamux/store"
)

// sendPoll makes a poll of the first version whatever may be chosen: phones show
// all versions alike, and only for this one the client's library tells WhatsApp
// that it is a poll. Its secret, by which votes are read, comes from the sender.
func sendPoll(c store.Content, around *waE2E.ContextInfo) (*waE2E.Message, error) {
	p := c.Poll
	switch {
	case p == nil || p.Name == "" || len(p.Options) < 2:
		return nil, invalid("A poll needs a name and at least two options")
	case int(p.Selectable) > len(p.Options):
		return nil, invalid("A poll cannot have more answers than options")
	}
	options := make([]*waE2E.PollCreationMessage_Option, len(p.Options))
	for i, o := range p.Options {
		if o == "" || slices.Contains(p.Options[:i], o) {
			return nil, invalid("The options of a poll must differ and not be empty")
		}
		options[i] = &waE2E.PollCreationMessage_Option{OptionName: proto.String(o)}
	}
	return &waE2E.Message{PollCreationMessage: &waE2E.PollCreationMessage{
		Name: &p.Name, Options: options, SelectableOptionsCount: &p.Selectable, ContextInfo: around,
	}}, nil
}

func sendEvent(c store.Content, around *waE2E.ContextInfo) (*waE2E.Message, error) {
	o := c.Occasion
	if o == nil || o.Name == "" || o.Start <= 0 {
		return nil, invalid("An event needs a name and a time at which it begins")
	}
	e := &waE2E.EventMessage{
		Name: &o.Name, Description: some(o.Description), StartTime: &o.Start, EndTime: some(o.End), JoinLink: some(o.JoinLink),
		IsCanceled: &o.Cancelled, ExtraGuestsAllowed: &o.ExtraGuests, IsScheduleCall: &o.Scheduled, ContextInfo: around,
	}
	if l := o.Location; l != nil {
		e.Location = &waE2E.LocationMessage{Name: some(l.Name), Address: some(l.Address), DegreesLatitude: some(l.Latitude), DegreesLongitude: some(l.Longitude)}
	}
	return &waE2E.Message{EventMessage: e}, nil
}

func sendInvite(c store.Content, around *waE2E.ContextInfo) (*waE2E.Message, error) {
	i := c.Invite
	if i == nil || !strings.HasSuffix(i.Group, "@g.us") || i.Code == "" {
		return nil, invalid("An invitation needs the group's JID and the code of the invitation")
	}
	return &waE2E.Message{GroupInviteMessage: &waE2E.GroupInviteMessage{
		GroupJID: &i.Group, GroupName: some(i.Name), InviteCode: &i.Code, InviteExpiration: some(i.Expires), Caption: some(c.Text), ContextInfo: around,
	}}, nil
}

func sendAlbum(c store.Content, around *waE2E.ContextInfo) (*waE2E.Message, error) {
	a := c.Album
	if a == nil || a.Images+a.Videos < 2 {
		return nil, invalid("An album is of at least two pictures or videos")
	}
	return &waE2E.Message{AlbumMessage: &waE2E.AlbumMessage{
		ExpectedImageCount: some(a.Images), ExpectedVideoCount: some(a.Videos), ContextInfo: around,
	}}, nil
}

// inAlbum notes the album that media belongs to, if it belongs to one.
func inAlbum(c store.Content, msg *waE2E.Message) (*waE2E.Message, error) {
	if c.Key == nil {
		return msg, nil
	}
	key, err := sendKey(c)
	if err != nil {
		return nil, err
	}
	msg.MessageContextInfo = &waE2E.MessageContextInfo{MessageAssociation: &waE2E.MessageAssociation{
		AssociationType: waE2E.MessageAssociation_MEDIA_ALBUM.Enum(), ParentMessageKey: key,
	}}
	return msg, nil
}

// sendPin pins a message for a while, or takes the pin away.
func sendPin(c store.Content) (*waE2E.Message, error) {
	key, err := sendKey(c)
	if err != nil {
		return nil, err
	}
	if c.Pin == nil || !c.Pin.Unpin && c.Pin.Seconds == 0 {
		return nil, invalid("A pin needs a time for which it stays")
	}
	action, seconds := waE2E.PinInChatMessage_PIN_FOR_ALL, int32(c.Pin.Seconds)
	if c.Pin.Unpin {
		action, seconds = waE2E.PinInChatMessage_UNPIN_FOR_ALL, 0
	}
	return &waE2E.Message{
		PinInChatMessage:   &waE2E.PinInChatMessage{Key: key, Type: action.Enum()},
		MessageContextInfo: &waE2E.MessageContextInfo{MessageAddOnDurationInSecs: some(uint32(seconds))},
	}, nil
}

// sendEdit gives one of our own messages a new text, or its media a new caption.
func sendEdit(c store.Content, around *waE2E.ContextInfo) (*waE2E.Message, error) {
	key, err := sendKey(c)
	switch {
	case err != nil:
		return nil, err
	case !c.Key.FromMe:
		return nil, invalid("Only your own messages can be edited; key.fromMe must be true")
	case c.Text == "":
		return nil, invalid("An edit needs the new text")
	}
	content, err := editTo(c, around)
	if err != nil {
		return nil, err
	}
	return &waE2E.Message{EditedMessage: &waE2E.FutureProofMessage{Message: &waE2E.Message{
		ProtocolMessage: &waE2E.ProtocolMessage{Key: key, Type: waE2E.ProtocolMessage_MESSAGE_EDIT.Enum(), EditedMessage: content},
	}}}, nil
}

// editTo is the content after the edit. Media stays as it was sent.
func editTo(c store.Content, around *waE2E.ContextInfo) (*waE2E.Message, error) {
	old := new(waE2E.Message)
	if err := proto.Unmarshal(c.Original, old); err != nil {
		return nil, &store.Error{Code: store.CodeInvalid, Name: "content_invalid", Message: "The message to edit cannot be read", Err: err}
	}
	msg := quotable(Unwrap(old))
	switch {
	case msg.ImageMessage != nil:
		msg.ImageMessage.Caption, msg.ImageMessage.ContextInfo = &c.Text, around
	case msg.VideoMessage != nil:
		msg.VideoMessage.Caption, msg.VideoMessage.ContextInfo = &c.Text, around
	case msg.DocumentMessage != nil:
		msg.DocumentMessage.Caption, msg.DocumentMessage.ContextInfo = &c.Text, around
		msg = &waE2E.Message{DocumentWithCaptionMessage: &waE2E.FutureProofMessage{Message: msg}}
	case around != nil:
		msg = &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: &c.Text, ContextInfo: around}}
	default:
		msg = &waE2E.Message{Conversation: &c.Text}
	}
	return msg, nil
}
