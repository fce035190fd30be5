package convert

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"go.mau.fi/whatsmeow/proto/waE2E"
)

// maxWraps bounds how many covers are taken off a message; WhatsApp uses three
// at most.
const maxWraps = 12

// Unwrap takes off whatever covers a message: copies to our own devices,
// disappearing, view once, documents with a caption, edits and so on. It never
// returns nil, and does not change msg.
func Unwrap(msg *waE2E.Message) *waE2E.Message {
	inner, _ := unwrap(msg)
	return inner
}

// unwrap also names the covers, from the outside in, as the protocol does:
// viewOnceMessageV2, ephemeralMessage.
func unwrap(msg *waE2E.Message) (inner *waE2E.Message, covers []string) {
	if msg == nil {
		return &waE2E.Message{}, nil
	}
	about := msg.GetMessageContextInfo()
	for range maxWraps {
		cover, in := covered(msg)
		if in == nil {
			break
		}
		covers = append(covers, cover)
		msg = in
		if c := in.GetMessageContextInfo(); c != nil {
			about = c
		}
	}
	if about != nil && msg.MessageContextInfo == nil {
		msg = proto.CloneOf(msg)
		msg.MessageContextInfo = about
	}
	return msg, covers
}

// covered tells what a message is the cover of. Every kind of cover has the
// same shape, so one that WhatsApp invents later is taken off as well. The
// order of fields is not certain; of several covers the first by number counts.
func covered(msg *waE2E.Message) (name string, in *waE2E.Message) {
	first := protoreflect.FieldNumber(0)
	msg.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.Message() == nil || first != 0 && f.Number() > first {
			return true
		}
		if x := inside(v.Message().Interface()); x != nil {
			first, name, in = f.Number(), fieldName(f), x
		}
		return true
	})
	return name, in
}

// inside is what a cover holds, nil when it is empty: then the cover itself is
// what there is to tell.
func inside(cover proto.Message) (in *waE2E.Message) {
	switch c := cover.(type) {
	case *waE2E.FutureProofMessage:
		in = c.GetMessage()
	case *waE2E.DeviceSentMessage:
		in = c.GetMessage()
	}
	if in == nil || proto.Size(in) == 0 {
		return nil
	}
	return in
}

// Harmless is a message without the keys that came with it: the sender's group
// key, which has done its work, and the secret, which has a place of its own
// where it can be sealed. msg is not changed.
func Harmless(msg *waE2E.Message) *waE2E.Message {
	if msg == nil {
		return nil
	}
	covered := Unwrap(msg) != msg // each cover may have a secret of its own
	if !covered && msg.GetSenderKeyDistributionMessage() == nil && msg.GetFastRatchetKeySenderKeyDistributionMessage() == nil && msg.GetMessageContextInfo().GetMessageSecret() == nil {
		return msg
	}
	msg = proto.CloneOf(msg)
	disarm(msg.ProtoReflect())
	return msg
}

// disarm takes the keys out of a message and of all messages in it.
func disarm(m protoreflect.Message) {
	for _, name := range []protoreflect.Name{"messageSecret", "senderKeyDistributionMessage", "fastRatchetKeySenderKeyDistributionMessage"} {
		if f := m.Descriptor().Fields().ByName(name); f != nil {
			m.Clear(f)
		}
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Message() == nil || f.IsMap():
		case f.IsList():
			for i := range v.List().Len() {
				disarm(v.List().Get(i).Message())
			}
		default:
			disarm(v.Message())
		}
		return true
	})
}

// raw is the protobuf that is kept with a row: the message without the cover
// for our own devices.
func raw(msg *waE2E.Message) []byte {
	if in := msg.GetDeviceSentMessage().GetMessage(); in != nil {
		about := msg.GetMessageContextInfo()
		msg = in
		if msg.MessageContextInfo == nil && about != nil {
			msg = proto.CloneOf(msg)
			msg.MessageContextInfo = about
		}
	}
	b, err := proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(Harmless(msg))
	if err != nil { // cannot be: nothing is required, and text is not checked
		return nil
	}
	return b
}
