package phone

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waSyncAction"
	"go.mau.fi/whatsmeow/types"
)

// Owned is everything the owner has chosen, on the phone or on a companion, as the app state has it.
type Owned struct {
	Name      string
	Unarchive bool // archived chats come back with a new message
	Contacts  []Contact
	Chats     []ChatState
	Starred   []MessageRef
	Hidden    []MessageRef // deleted for the owner alone
	Labels    []Label
}

// ChatState is what the owner has chosen for one chat.
type ChatState struct {
	JID      string // as the app state names the chat: by number or by LID
	Muted    bool
	Until    time.Time // zero: for ever
	Pinned   bool
	Archived bool
	Unread   bool      // marked as unread
	Cleared  time.Time // messages up to then were cleared, or the chat was deleted; zero: never
	Deleted  bool      // that was the chat as a whole
}

// MessageRef names one message.
type MessageRef struct {
	Chat   string
	ID     string
	FromMe bool
}

// Label is a label of a business account with what it is attached to.
type Label struct {
	ID       string
	Name     string
	Color    int32
	Chats    []string
	Messages []MessageRef
}

// Owned reads the app state. All its MACs are verified.
func (p *Phone) Owned() (Owned, error) {
	r := &ownedReader{chats: map[string]*ChatState{}, labels: map[string]*Label{}}
	for _, collection := range Collections {
		values, err := p.values(collection)
		if err != nil {
			return Owned{}, fmt.Errorf("read %s: %w", collection, err)
		}
		for _, v := range values {
			if len(v.Index) > 0 && v.Value != nil {
				r.read(v.Index, v.Value)
			}
		}
	}
	return r.result(), nil
}

// values decrypts a whole collection, in the order of the indexes.
func (p *Phone) values(collection string) ([]Mutation, error) {
	found, err := p.decrypt(collection)
	if err != nil {
		return nil, err
	}
	values := readMutations(found)
	slices.SortFunc(values, func(x, y Mutation) int { return slices.Compare(x.Index, y.Index) })
	return values, nil
}

func (p *Phone) decrypt(collection string) ([]appstate.Mutation, error) {
	if p.Version(collection) == 0 {
		return nil, nil
	}
	snapshot, err := p.snapshot(collection)
	if err != nil {
		return nil, err
	}
	list := &appstate.PatchList{Name: appstate.WAPatchName(collection), Snapshot: snapshot}
	found, _, err := p.processor(p.records.stage()).DecodePatches(context.Background(), list, appstate.HashState{}, true)
	return found, err
}

// ownedReader puts the values of all collections together.
type ownedReader struct {
	out    Owned
	chats  map[string]*ChatState
	labels map[string]*Label
}

func (r *ownedReader) chat(jid string) *ChatState {
	if r.chats[jid] == nil {
		r.chats[jid] = &ChatState{JID: jid}
	}
	return r.chats[jid]
}

func (r *ownedReader) label(id string) *Label {
	if r.labels[id] == nil {
		r.labels[id] = &Label{ID: id}
	}
	return r.labels[id]
}

// read takes one value. What it does not know, it passes over: clients write much that shows nowhere here.
func (r *ownedReader) read(index []string, v *waSyncAction.SyncActionValue) {
	switch {
	case v.PushNameSetting != nil:
		r.out.Name = v.PushNameSetting.GetName()
	case v.UnarchiveChatsSetting != nil:
		r.out.Unarchive = v.UnarchiveChatsSetting.GetUnarchiveChats()
	case len(index) < 2:
	case v.ContactAction != nil:
		r.contact(index[1], v.ContactAction)
	case v.LabelEditAction != nil && !v.LabelEditAction.GetDeleted():
		l := r.label(index[1])
		l.Name, l.Color = v.LabelEditAction.GetName(), v.LabelEditAction.GetColor()
	case v.LabelAssociationAction.GetLabeled():
		r.labeled(index)
	case v.StarAction.GetStarred() && len(index) == 5:
		r.out.Starred = append(r.out.Starred, MessageRef{index[1], index[2], index[3] == "1"})
	case v.DeleteMessageForMeAction != nil && len(index) == 5:
		r.out.Hidden = append(r.out.Hidden, MessageRef{index[1], index[2], index[3] == "1"})
	default:
		r.chatState(index[1], v)
	}
}

func (r *ownedReader) chatState(jid string, v *waSyncAction.SyncActionValue) {
	switch {
	case v.MuteAction != nil:
		c := r.chat(jid)
		if c.Muted = v.MuteAction.GetMuted(); c.Muted && v.MuteAction.GetMuteEndTimestamp() > 0 {
			c.Until = time.UnixMilli(v.MuteAction.GetMuteEndTimestamp())
		}
	case v.PinAction != nil:
		r.chat(jid).Pinned = v.PinAction.GetPinned()
	case v.ArchiveChatAction != nil:
		r.chat(jid).Archived = v.ArchiveChatAction.GetArchived()
	case v.MarkChatAsReadAction != nil:
		r.chat(jid).Unread = !v.MarkChatAsReadAction.GetRead()
	case v.ClearChatAction != nil:
		r.cleared(jid, v.ClearChatAction.GetMessageRange(), false)
	case v.DeleteChatAction != nil:
		r.cleared(jid, v.DeleteChatAction.GetMessageRange(), true)
	}
}

// cleared keeps the later of several ends.
func (r *ownedReader) cleared(jid string, until *waSyncAction.SyncActionMessageRange, deleted bool) {
	c, at := r.chat(jid), time.Unix(until.GetLastMessageTimestamp(), 0)
	if at.After(c.Cleared) {
		c.Cleared = at
	}
	c.Deleted = c.Deleted || deleted
}

func (r *ownedReader) contact(jid string, a *waSyncAction.ContactAction) {
	number, _ := types.ParseJID(jid)
	lid, _ := types.ParseJID(a.GetLidJID())
	r.out.Contacts = append(r.out.Contacts, Contact{Number: number.User, LID: lid.User, FullName: a.GetFullName(), FirstName: a.GetFirstName()})
}

func (r *ownedReader) labeled(index []string) {
	switch {
	case index[0] == appstate.IndexLabelAssociationChat && len(index) == 3:
		l := r.label(index[1])
		l.Chats = append(l.Chats, index[2])
	case index[0] == appstate.IndexLabelAssociationMessage && len(index) == 6:
		l := r.label(index[1])
		l.Messages = append(l.Messages, MessageRef{index[2], index[3], index[4] == "1"})
	}
}

// result leaves out labels that were deleted: what was attached to them stays in the app state.
func (r *ownedReader) result() Owned {
	for _, c := range r.chats {
		r.out.Chats = append(r.out.Chats, *c)
	}
	slices.SortFunc(r.out.Chats, func(x, y ChatState) int { return cmp.Compare(x.JID, y.JID) })
	for _, id := range slices.SortedFunc(maps.Keys(r.labels), strings.Compare) {
		if r.labels[id].Name != "" {
			r.out.Labels = append(r.out.Labels, *r.labels[id])
		}
	}
	return r.out
}
