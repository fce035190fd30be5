package phone

import (
	"crypto/sha256"
	"slices"
	"time"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

func (t *Target) key() *waCommon.MessageKey {
	key := &waCommon.MessageKey{
		RemoteJID: proto.String(t.Chat.ToNonAD().String()), FromMe: proto.Bool(t.FromMe), ID: proto.String(t.ID),
	}
	if t.Chat.Server == types.GroupServer && !t.FromMe {
		key.Participant = proto.String(t.Sender.ToNonAD().String())
	}
	return key
}

func reaction(d Draft, t *Target, now time.Time) *waE2E.Message {
	return &waE2E.Message{ReactionMessage: &waE2E.ReactionMessage{
		Key: t.key(), Text: proto.String(d.Text), SenderTimestampMS: proto.Int64(now.UnixMilli()),
	}}
}

func revoke(t *Target) *waE2E.Message {
	return &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{
		Key: t.key(), Type: waE2E.ProtocolMessage_REVOKE.Enum(),
	}}
}

func edit(d Draft, t *Target, now time.Time) (*waE2E.Message, error) {
	if d.Text == "" {
		return nil, missing("an edit needs the new text")
	}
	change := &waE2E.ProtocolMessage{
		Key: t.key(), Type: waE2E.ProtocolMessage_MESSAGE_EDIT.Enum(),
		EditedMessage: edited(t.Message, d.Text), TimestampMS: proto.Int64(now.UnixMilli()),
	}
	return &waE2E.Message{EditedMessage: &waE2E.FutureProofMessage{
		Message: &waE2E.Message{ProtocolMessage: change},
	}}, nil
}

// edited is the message with a new text, or a new caption where it has a file.
func edited(old *waE2E.Message, text string) *waE2E.Message {
	if old == nil {
		return &waE2E.Message{Conversation: proto.String(text)}
	}
	msg := proto.CloneOf(unwrap(old).inner)
	msg.MessageContextInfo = nil
	switch {
	case msg.ImageMessage != nil:
		msg.ImageMessage.Caption = proto.String(text)
	case msg.VideoMessage != nil:
		msg.VideoMessage.Caption = proto.String(text)
	case msg.DocumentMessage != nil:
		msg.DocumentMessage.Caption = proto.String(text)
	case msg.ExtendedTextMessage != nil:
		msg.ExtendedTextMessage.Text = proto.String(text)
	default:
		return &waE2E.Message{Conversation: proto.String(text)}
	}
	return msg
}

func (p *Phone) vote(d Draft, t *Target, now time.Time) (*waE2E.Message, error) {
	payload, iv, err := p.seal(t, sealVote, ballot(d.Options))
	if err != nil {
		return nil, err
	}
	return &waE2E.Message{PollUpdateMessage: &waE2E.PollUpdateMessage{
		PollCreationMessageKey: t.key(),
		Vote:                   &waE2E.PollEncValue{EncPayload: payload, EncIV: iv},
		SenderTimestampMS:      proto.Int64(now.UnixMilli()),
	}}, nil
}

// ballot names options as votes do, by their hashes.
func ballot(options []string) *waE2E.PollVoteMessage {
	vote := &waE2E.PollVoteMessage{}
	for _, option := range options {
		hash := sha256.Sum256([]byte(option))
		vote.SelectedOptions = append(vote.SelectedOptions, hash[:])
	}
	return vote
}

// voter is who we are to those who read what we seal about t.
func (p *Phone) voter(t *Target) types.JID {
	if t.Sender.Server == types.HiddenUserServer {
		return p.LID()
	}
	return p.JID()
}

// OpenVote decrypts a vote in the poll t, cast by voter, and returns the options chosen, by their
// texts. ErrMalformed when it is no vote in this poll by this voter.
func OpenVote(t *Target, voter types.JID, msg *waE2E.Message) ([]string, error) {
	vote := unwrap(msg).inner.GetPollUpdateMessage().GetVote()
	secret := t.Message.GetMessageContextInfo().GetMessageSecret()
	key, extra := sealKey(secret, t.ID, t.Sender, voter, sealVote)
	gcm, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	if len(vote.GetEncIV()) != gcm.NonceSize() {
		return nil, ErrMalformed
	}
	plain, err := gcm.Open(nil, vote.GetEncIV(), vote.GetEncPayload(), extra)
	var opened waE2E.PollVoteMessage
	if err != nil || proto.Unmarshal(plain, &opened) != nil {
		return nil, ErrMalformed
	}
	return chosen(unwrap(t.Message).inner, opened.GetSelectedOptions()), nil
}

func chosen(poll *waE2E.Message, hashes [][]byte) []string {
	options := []string{}
	for _, option := range pollOf(poll).GetOptions() {
		hash := sha256.Sum256([]byte(option.GetOptionName()))
		if slices.ContainsFunc(hashes, func(h []byte) bool { return slices.Equal(h, hash[:]) }) {
			options = append(options, option.GetOptionName())
		}
	}
	return options
}

func pollOf(msg *waE2E.Message) *waE2E.PollCreationMessage {
	for _, poll := range []*waE2E.PollCreationMessage{
		msg.GetPollCreationMessage(), msg.GetPollCreationMessageV2(), msg.GetPollCreationMessageV3(),
		msg.GetPollCreationMessageV5(), msg.GetPollCreationMessageV6(),
	} {
		if poll != nil {
			return poll
		}
	}
	return nil
}

// sealKey derives the key of what by says about one message, and what is authenticated with it.
func sealKey(secret []byte, id string, creator, by types.JID, purpose string) (key, extra []byte) {
	who := by.ToNonAD().String()
	key = expand(secret, id+creator.ToNonAD().String()+who+purpose, 32)
	if purpose == sealVote || purpose == sealResponse {
		extra = []byte(id + "\x00" + who)
	}
	return key, extra
}
