package phone

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"go.mau.fi/libsignal/groups"
	senderkey "go.mau.fi/libsignal/groups/state/record"
	"go.mau.fi/libsignal/protocol"
	"go.mau.fi/libsignal/signalerror"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// TypeSenderKey is the type of an enc node under a sender key: one ciphertext for a whole group.
const TypeSenderKey = "skmsg"

// Why a message under a sender key cannot be decrypted, beside what Decrypt has.
var (
	ErrNoSenderKey = errors.New("the sender has not given us the key of this group")
	ErrBadSender   = errors.New("the message is not signed with the sender's key of this group")
)

// ForGroup is a message encrypted once for all of a group.
type ForGroup struct {
	Data    []byte         // content of the enc node of type TypeSenderKey
	Key     *waE2E.Message // hands out the sender key; to be encrypted for each device in Lacking, ahead of Data
	Lacking []types.JID    // devices that have not got the key yet
}

// EncryptGroup encrypts a plaintext for the devices of a group, which do not include this phone. When
// somebody has the key who is not among them any more, there is a new key from now on, that everybody lacks. The
// caller must hand the key to all that lack it: they count as having it.
func (p *Phone) EncryptGroup(group types.JID, devices []types.JID, plaintext []byte) (ForGroup, error) {
	padded, err := p.pad(plaintext)
	if err != nil {
		return ForGroup{}, err
	}
	g := p.groupSignal(group, p.LID())
	holders := g.holders()
	if slices.ContainsFunc(holders, func(h string) bool { return !slices.ContainsFunc(devices, is(h)) }) {
		g.drop(keySender(g.name))
		holders = nil
	}
	key, err := g.distribution()
	if err != nil {
		return ForGroup{}, err
	}
	message, err := g.cipher.Encrypt(context.Background(), padded)
	if err != nil {
		return ForGroup{}, fmt.Errorf("encrypt a message for a group: %w", err)
	}
	out := ForGroup{Data: message.SignedSerialize(), Key: key}
	for _, device := range devices {
		if !slices.Contains(holders, addressOf(device)) {
			out.Lacking = append(out.Lacking, device)
			holders = append(holders, addressOf(device))
		}
	}
	if len(out.Lacking) > 0 {
		g.setHolders(holders)
	}
	g.commit()
	return out, nil
}

func is(address string) func(types.JID) bool {
	return func(j types.JID) bool { return addressOf(j) == address }
}

// ForgetGroupKey notes that a device may have lost our sender key of a group: it gets the key again with the next message. Not
// with one sent again: the key opens only what is sent after it, and messages to this device may still be under way.
func (p *Phone) ForgetGroupKey(group, device types.JID) {
	g := p.groupSignal(group, p.LID())
	holders := g.holders()
	if left := slices.DeleteFunc(slices.Clone(holders), func(h string) bool { return h == addressOf(device) }); len(left) < len(holders) {
		g.setHolders(left)
		g.commit()
	}
}

// TakeGroupKey keeps the sender key that a device handed out in a message we decrypted. Messages without one
// change nothing.
func (p *Phone) TakeGroupKey(group, from types.JID, msg *waE2E.Message) (err error) {
	defer rescue(&err)
	given := msg.GetSenderKeyDistributionMessage()
	if given == nil {
		return nil
	}
	if given.GetGroupID() != group.String() {
		return fmt.Errorf("%w: a sender key of another group", ErrMalformed)
	}
	key, err := protocol.NewSenderKeyDistributionMessageFromBytes(given.GetAxolotlSenderKeyDistributionMessage(),
		store.SignalProtobufSerializer.SenderKeyDistributionMessage)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	g := p.groupSignal(group, from)
	if err := g.builder.Process(context.Background(), g.name, key); err != nil {
		return fmt.Errorf("keep a sender key: %w", err)
	}
	g.commit()
	return nil
}

// DecryptGroup decrypts the content of an enc node of type TypeSenderKey and strips the padding. On an error nothing has
// changed.
func (p *Phone) DecryptGroup(group, from types.JID, data []byte) (plaintext []byte, err error) {
	defer rescue(&err)
	message, err := protocol.NewSenderKeyMessageFromBytes(data, store.SignalProtobufSerializer.SenderKeyMessage)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	g := p.groupSignal(group, from)
	address := group.String() + "--" + addressOf(from)
	name, what := groupMark(message)
	if err := p.seen[address].check(name, what); err != nil {
		return nil, err
	}
	padded, err := g.cipher.Decrypt(context.Background(), message)
	if err != nil {
		return nil, groupError(err)
	}
	if plaintext, err = unpad(padded); err != nil {
		return nil, err
	}
	if p.seen[address] == nil {
		p.seen[address] = newSeen()
	}
	g.put(p.seen[address].add(address, name, what))
	g.commit()
	return plaintext, nil
}

func rescue(err *error) {
	if recover() != nil {
		*err = ErrMalformed
	}
}

func groupError(err error) error {
	switch {
	case errors.Is(err, signalerror.ErrNoSenderKeyForUser), errors.Is(err, signalerror.ErrNoSenderKeyStateForID):
		return ErrNoSenderKey
	case errors.Is(err, signalerror.ErrSenderKeyStateVerificationFailed):
		return ErrBadSender
	case errors.Is(err, signalerror.ErrOldCounter):
		return ErrOldCounter
	}
	return fmt.Errorf("%w: %w", ErrMalformed, err)
}

// SenderKeyUse reads which key, and which counter of it, a message under a sender key shows in clear.
func SenderKeyUse(data []byte) (key string, counter uint32, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	m, err := protocol.NewSenderKeyMessageFromBytes(data, store.SignalProtobufSerializer.SenderKeyMessage)
	if err != nil {
		return "", 0, false
	}
	return string(binary.BigEndian.AppendUint32(nil, m.KeyID())), m.Iteration(), true
}

func groupMark(m *protocol.SenderKeyMessage) (mark, imprint) {
	var name mark
	binary.BigEndian.PutUint32(name[:], m.KeyID())
	binary.BigEndian.PutUint32(name[16:], m.Iteration())
	hash := sha256.Sum256(m.SignedSerialize())
	return name, imprint(hash[:8])
}

// groupSignal is one operation with the sender key of one device in one group.
type groupSignal struct {
	*stage
	name    *protocol.SenderKeyName
	builder *groups.SessionBuilder
	cipher  *groups.GroupCipher
}

func (p *Phone) groupSignal(group, sender types.JID) *groupSignal {
	g := &groupSignal{stage: p.records.stage(), name: protocol.NewSenderKeyName(group.String(), sender.SignalAddress())}
	g.builder = groups.NewGroupSessionBuilder(g, store.SignalProtobufSerializer)
	g.cipher = groups.NewGroupCipher(g.builder, g.name, g)
	return g
}

// distribution hands out the key as it is, making one when there is none.
func (g *groupSignal) distribution() (*waE2E.Message, error) {
	key, err := g.builder.Create(context.Background(), g.name)
	if err != nil {
		return nil, fmt.Errorf("make a sender key: %w", err)
	}
	return &waE2E.Message{SenderKeyDistributionMessage: &waE2E.SenderKeyDistributionMessage{
		GroupID: proto.String(g.name.GroupID()), AxolotlSenderKeyDistributionMessage: key.Serialize(),
	}}, nil
}

func keySender(name *protocol.SenderKeyName) string {
	return "sender-key/" + name.GroupID() + "/" + name.Sender().String()
}

// holders are the addresses of the devices that have our key of the group.
func (g *groupSignal) holders() []string {
	var list []string
	// What does not parse was never written: nobody has the key then.
	_ = json.Unmarshal(g.get("key-holders/"+g.name.GroupID()), &list)
	return list
}

func (g *groupSignal) setHolders(list []string) {
	raw, err := json.Marshal(list)
	if err != nil {
		panic(err) // texts always marshal
	}
	g.put("key-holders/"+g.name.GroupID(), raw)
}

// LoadSenderKey and StoreSenderKey are what libsignal asks of its store.
func (g *groupSignal) LoadSenderKey(_ context.Context, name *protocol.SenderKeyName) (*senderkey.SenderKey, error) {
	serializer := store.SignalProtobufSerializer
	raw := g.get(keySender(name))
	if raw == nil {
		return senderkey.NewSenderKey(serializer.SenderKeyRecord, serializer.SenderKeyState), nil
	}
	return senderkey.NewSenderKeyFromBytes(raw, serializer.SenderKeyRecord, serializer.SenderKeyState)
}

// StoreSenderKey keeps a changed key in the stage.
func (g *groupSignal) StoreSenderKey(_ context.Context, name *protocol.SenderKeyName, key *senderkey.SenderKey) error {
	g.put(keySender(name), key.Serialize())
	return nil
}
