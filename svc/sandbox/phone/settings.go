package phone

import (
	"time"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waSyncAction"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// Contact is an entry of the phone's address book.
type Contact struct {
	Number    string // digits
	LID       string // digits, may be empty
	FullName  string
	FirstName string
}

// FirstPatches brings every collection that is still at version 0 to version 1: the push name and
// locale, the contacts (the phone itself when there are none), and a setting each for the others,
// so that none stays empty: a client takes an empty collection for one it could not load.
func (p *Phone) FirstPatches(pushName string, contacts []Contact, now time.Time) ([]Patch, error) {
	if len(contacts) == 0 {
		contacts = []Contact{{Number: p.self.Number, LID: p.self.LID, FullName: pushName, FirstName: pushName}}
	}
	var patches []Patch
	for _, info := range firstSettings(pushName, contacts) {
		if p.Version(string(info.Type)) > 0 {
			continue
		}
		patch, err := p.AddPatch(info, now)
		if err != nil {
			return nil, err
		}
		patches = append(patches, patch)
	}
	return patches, nil
}

func firstSettings(pushName string, contacts []Contact) []appstate.PatchInfo {
	block := appstate.BuildSettingPushName(pushName)
	block.Mutations = append(block.Mutations, mutation(3, &waSyncAction.SyncActionValue{
		LocaleSetting: &waSyncAction.LocaleSetting{Locale: proto.String("en_US")},
	}, appstate.IndexSettingLocale))
	return []appstate.PatchInfo{
		block,
		ContactPatch(contacts...),
		{Type: appstate.WAPatchRegularHigh, Mutations: []appstate.MutationInfo{
			mutation(1, &waSyncAction.SyncActionValue{
				FavoritesAction: &waSyncAction.FavoritesAction{},
			}, appstate.IndexFavorites),
		}},
		{Type: appstate.WAPatchRegularLow, Mutations: []appstate.MutationInfo{
			mutation(4, &waSyncAction.SyncActionValue{
				UnarchiveChatsSetting: &waSyncAction.UnarchiveChatsSetting{UnarchiveChats: proto.Bool(false)},
			}, appstate.IndexSettingUnarchiveChats),
		}},
		{Type: appstate.WAPatchRegular, Mutations: []appstate.MutationInfo{
			mutation(7, &waSyncAction.SyncActionValue{
				PrimaryFeature: &waSyncAction.PrimaryFeature{Flags: []string{"link_preview"}},
			}, appstate.IndexPrimaryFeature),
		}},
	}
}

// ContactPatch says that contacts were added or changed, for AddPatch.
func ContactPatch(contacts ...Contact) appstate.PatchInfo {
	info := appstate.PatchInfo{Type: appstate.WAPatchCriticalUnblockLow}
	for _, c := range contacts {
		number := types.NewJID(c.Number, types.DefaultUserServer).String()
		action := &waSyncAction.ContactAction{
			FullName: proto.String(c.FullName), FirstName: proto.String(c.FirstName),
			SaveOnPrimaryAddressbook: proto.Bool(true),
		}
		if c.LID != "" {
			action.LidJID = proto.String(types.NewJID(c.LID, types.HiddenUserServer).String())
		}
		value := &waSyncAction.SyncActionValue{ContactAction: action}
		info.Mutations = append(info.Mutations, mutation(2, value, appstate.IndexContact, number))
	}
	return info
}

func mutation(version int32, value *waSyncAction.SyncActionValue, index ...string) appstate.MutationInfo {
	return appstate.MutationInfo{Index: index, Version: version, Value: value}
}
