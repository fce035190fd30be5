package phone

import (
	"errors"
	"time"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waSyncAction"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// Choice is something the owner of a phone decides in the app, beside writing messages. Kind names it; the other fields are read
// as the kind needs them.
type Choice struct {
	Kind      string // a key of choices
	Off       bool   // takes it back
	Chat      types.JID
	Last      *Target   // the newest message of the chat, nil when there is none
	LastAt    time.Time // when that was
	Message   *Target   // of star, deleteMessage and labelMessage
	Contact   Contact
	Name      string // of the owner, or of a label
	Label     string // its id, digits
	Color     int32
	Until     time.Time // end of a mute; zero means never
	WithMedia bool      // of clear and delete: the files go too
}

// ErrChoice says that something about a choice is missing or does not exist.
var ErrChoice = errors.New("the choice is not complete")

// choices knows how each kind of choice is told to companions. Where its values come from client source they are those of
// whatsmeow's appstate package; the others are as clients read them.
var choices = map[string]func(c Choice) (appstate.PatchInfo, error){
	"name":          Choice.name,
	"contact":       Choice.contact,
	"mute":          Choice.mute,
	"pin":           Choice.pin,
	"archive":       Choice.archive,
	"read":          Choice.read,
	"clear":         Choice.clear,
	"delete":        Choice.delete,
	"star":          Choice.star,
	"deleteMessage": Choice.deleteMessage,
	"label":         Choice.label,
	"labelChat":     Choice.labelChat,
	"labelMessage":  Choice.labelMessage,
	"unarchive":     Choice.unarchive,
}

// Choose takes over a choice of the owner as the next patch of its collection. ErrChoice when it is not complete.
func (p *Phone) Choose(c Choice, now time.Time) (Patch, error) {
	build := choices[c.Kind]
	if build == nil {
		return Patch{}, ErrChoice
	}
	info, err := build(c)
	if err != nil {
		return Patch{}, err
	}
	if c.Off && (c.Kind == "contact") {
		return p.RemovePatch(string(info.Type), info.Mutations[0].Index, now)
	}
	return p.AddPatch(info, now)
}

func inChat(c Choice, info appstate.PatchInfo) (appstate.PatchInfo, error) {
	if c.Chat.IsEmpty() {
		return appstate.PatchInfo{}, ErrChoice
	}
	return info, nil
}

func (c Choice) name() (appstate.PatchInfo, error) {
	if c.Name == "" {
		return appstate.PatchInfo{}, ErrChoice
	}
	return appstate.BuildSettingPushName(c.Name), nil
}

func (c Choice) contact() (appstate.PatchInfo, error) {
	if c.Contact.Number == "" || c.Contact.FullName == "" && !c.Off {
		return appstate.PatchInfo{}, ErrChoice
	}
	return ContactPatch(c.Contact), nil
}

func (c Choice) mute() (appstate.PatchInfo, error) {
	var until *int64
	if !c.Until.IsZero() && !c.Off {
		until = proto.Int64(c.Until.UnixMilli())
	}
	return inChat(c, appstate.BuildMuteAbs(c.Chat, !c.Off, until))
}

func (c Choice) pin() (appstate.PatchInfo, error) {
	return inChat(c, appstate.BuildPin(c.Chat, !c.Off))
}

func (c Choice) archive() (appstate.PatchInfo, error) {
	return inChat(c, appstate.BuildArchive(c.Chat, !c.Off, c.LastAt, c.lastKey()))
}

func (c Choice) read() (appstate.PatchInfo, error) {
	return inChat(c, appstate.BuildMarkChatAsRead(c.Chat, !c.Off, c.LastAt, c.lastKey()))
}

func (c Choice) delete() (appstate.PatchInfo, error) {
	return inChat(c, appstate.BuildDeleteChat(c.Chat, c.LastAt, c.lastKey(), c.WithMedia))
}

func (c Choice) clear() (appstate.PatchInfo, error) {
	value := &waSyncAction.SyncActionValue{ClearChatAction: &waSyncAction.ClearChatAction{MessageRange: c.lastRange()}}
	return inChat(c, appstate.PatchInfo{Type: appstate.WAPatchRegularHigh, Mutations: []appstate.MutationInfo{
		mutation(6, value, appstate.IndexClearChat, c.Chat.String(), "1", flag(c.WithMedia)),
	}})
}

func (c Choice) star() (appstate.PatchInfo, error) {
	if c.Message == nil {
		return appstate.PatchInfo{}, ErrChoice
	}
	value := &waSyncAction.SyncActionValue{StarAction: &waSyncAction.StarAction{Starred: proto.Bool(!c.Off)}}
	return inChat(c, appstate.PatchInfo{Type: appstate.WAPatchRegularHigh, Mutations: []appstate.MutationInfo{
		mutation(2, value, c.messageIndex(appstate.IndexStar)...),
	}})
}

func (c Choice) deleteMessage() (appstate.PatchInfo, error) {
	if c.Message == nil {
		return appstate.PatchInfo{}, ErrChoice
	}
	value := &waSyncAction.SyncActionValue{DeleteMessageForMeAction: &waSyncAction.DeleteMessageForMeAction{DeleteMedia: proto.Bool(c.WithMedia)}}
	return inChat(c, appstate.PatchInfo{Type: appstate.WAPatchRegularHigh, Mutations: []appstate.MutationInfo{
		mutation(3, value, c.messageIndex(appstate.IndexDeleteMessageForMe)...),
	}})
}

// messageIndex names one message: what, chat, id, whether it is our own, and who wrote it where the chat does not tell that.
func (c Choice) messageIndex(what string) []string {
	author := "0"
	if c.Chat.Server == types.GroupServer && !c.Message.FromMe {
		author = c.Message.Sender.ToNonAD().String()
	}
	return []string{what, c.Chat.String(), c.Message.ID, flag(c.Message.FromMe), author}
}

func (c Choice) label() (appstate.PatchInfo, error) {
	if c.Label == "" || c.Name == "" && !c.Off {
		return appstate.PatchInfo{}, ErrChoice
	}
	return appstate.BuildLabelEdit(c.Label, c.Name, c.Color, c.Off), nil
}

func (c Choice) labelChat() (appstate.PatchInfo, error) {
	if c.Label == "" {
		return appstate.PatchInfo{}, ErrChoice
	}
	return inChat(c, appstate.BuildLabelChat(c.Chat, c.Label, !c.Off))
}

func (c Choice) labelMessage() (appstate.PatchInfo, error) {
	if c.Label == "" || c.Message == nil {
		return appstate.PatchInfo{}, ErrChoice
	}
	return inChat(c, appstate.BuildLabelMessage(c.Chat, c.Label, c.Message.ID, !c.Off))
}

// unarchive is the setting that archived chats come back with a new message.
func (c Choice) unarchive() (appstate.PatchInfo, error) {
	return appstate.PatchInfo{Type: appstate.WAPatchRegularLow, Mutations: []appstate.MutationInfo{
		mutation(4, &waSyncAction.SyncActionValue{
			UnarchiveChatsSetting: &waSyncAction.UnarchiveChatsSetting{UnarchiveChats: proto.Bool(!c.Off)},
		}, appstate.IndexSettingUnarchiveChats),
	}}, nil
}

func (c Choice) lastKey() *waCommon.MessageKey {
	if c.Last == nil {
		return nil
	}
	return c.Last.key()
}

func (c Choice) lastRange() *waSyncAction.SyncActionMessageRange {
	r := &waSyncAction.SyncActionMessageRange{LastMessageTimestamp: proto.Int64(c.LastAt.Unix())}
	if c.Last != nil {
		r.Messages = []*waSyncAction.SyncActionMessage{{Key: c.Last.key(), Timestamp: proto.Int64(c.LastAt.Unix())}}
	}
	return r
}

func flag(on bool) string {
	if on {
		return "1"
	}
	return "0"
}
