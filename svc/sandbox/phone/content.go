package phone

import (
	"fmt"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"
)

// content builds the bare message of a draft that stands for itself.
func content(d Draft, context *waE2E.ContextInfo, now time.Time) (*waE2E.Message, error) {
	if _, ok := MediaKind(d.Type); ok {
		return file(d, context, now)
	}
	switch d.Type {
	case "text":
		return text(d, context)
	case "location":
		return location(d, context), nil
	case "live_location":
		return liveLocation(d, context, now), nil
	case "contact", "contacts":
		return contacts(d, context)
	case "poll":
		return poll(d, context)
	case "event":
		return event(d, context)
	default:
		return nil, missing(fmt.Sprintf("its type %.40q is unknown", d.Type))
	}
}

// text uses the short form where it can, as the real app does.
func text(d Draft, context *waE2E.ContextInfo) (*waE2E.Message, error) {
	if d.Text == "" {
		return nil, missing("a text message needs a text")
	}
	if context == nil {
		return &waE2E.Message{Conversation: proto.String(d.Text)}, nil
	}
	return &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{
		Text: proto.String(d.Text), ContextInfo: context,
	}}, nil
}

func location(d Draft, context *waE2E.ContextInfo) *waE2E.Message {
	return &waE2E.Message{LocationMessage: &waE2E.LocationMessage{
		DegreesLatitude: proto.Float64(d.Latitude), DegreesLongitude: proto.Float64(d.Longitude),
		Name: textOrNil(d.Name), Address: textOrNil(d.Address),
		JPEGThumbnail: d.Thumbnail, ContextInfo: context,
	}}
}

func liveLocation(d Draft, context *waE2E.ContextInfo, now time.Time) *waE2E.Message {
	return &waE2E.Message{LiveLocationMessage: &waE2E.LiveLocationMessage{
		DegreesLatitude: proto.Float64(d.Latitude), DegreesLongitude: proto.Float64(d.Longitude),
		AccuracyInMeters: proto.Uint32(10), SequenceNumber: proto.Int64(now.UnixMicro()),
		Caption: textOrNil(d.Caption), JPEGThumbnail: d.Thumbnail, ContextInfo: context,
	}}
}

func contacts(d Draft, context *waE2E.ContextInfo) (*waE2E.Message, error) {
	if len(d.VCards) == 0 {
		return nil, missing("a contact message needs a vCard")
	}
	if d.Type == "contact" || len(d.VCards) == 1 {
		return &waE2E.Message{ContactMessage: &waE2E.ContactMessage{
			DisplayName: proto.String(d.DisplayName), Vcard: proto.String(d.VCards[0]), ContextInfo: context,
		}}, nil
	}
	array := &waE2E.ContactsArrayMessage{DisplayName: proto.String(d.DisplayName), ContextInfo: context}
	for _, card := range d.VCards {
		array.Contacts = append(array.Contacts, &waE2E.ContactMessage{
			DisplayName: proto.String(cardName(card)), Vcard: proto.String(card),
		})
	}
	return &waE2E.Message{ContactsArrayMessage: array}, nil
}

// poll has another field when only one option may be chosen.
func poll(d Draft, context *waE2E.ContextInfo) (*waE2E.Message, error) {
	if d.Text == "" || len(d.Options) < 2 {
		return nil, missing("a poll needs a question and two options")
	}
	creation := &waE2E.PollCreationMessage{
		Name: proto.String(d.Text), SelectableOptionsCount: proto.Uint32(d.Selectable), ContextInfo: context,
	}
	for _, option := range d.Options {
		creation.Options = append(creation.Options, &waE2E.PollCreationMessage_Option{OptionName: proto.String(option)})
	}
	if d.Selectable == 1 {
		return &waE2E.Message{PollCreationMessageV3: creation}, nil
	}
	return &waE2E.Message{PollCreationMessage: creation}, nil
}

func event(d Draft, context *waE2E.ContextInfo) (*waE2E.Message, error) {
	if d.Name == "" || d.StartsAt.IsZero() {
		return nil, missing("an event needs a name and a time")
	}
	e := &waE2E.EventMessage{
		Name: proto.String(d.Name), Description: textOrNil(d.Caption),
		StartTime: proto.Int64(d.StartsAt.Unix()), IsCanceled: proto.Bool(false), ContextInfo: context,
	}
	if d.Address != "" {
		e.Location = &waE2E.LocationMessage{
			Name: proto.String(d.Address), DegreesLatitude: proto.Float64(d.Latitude), DegreesLongitude: proto.Float64(d.Longitude),
		}
	}
	return &waE2E.Message{EventMessage: e}, nil
}

// textOrNil leaves a field out when there is nothing to say.
func textOrNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func numberOrNil(n uint32) *uint32 {
	if n == 0 {
		return nil
	}
	return &n
}
