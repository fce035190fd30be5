package convert

import (
	"testing"

	"go.mau.fi/whatsmeow/types"

	"wamux/store"
)

// TestGroup tells who owns a group and whether we may change it, whichever identities WhatsApp names.
func TestGroup(t *testing.T) {
	byLID := types.GroupParticipant{JID: janeLID, LID: janeLID, PhoneNumber: jane, IsAdmin: true}
	byNumber := types.GroupParticipant{JID: jane, LID: janeLID, PhoneNumber: jane, IsAdmin: true}
	us := func(admin bool) types.GroupParticipant {
		return types.GroupParticipant{JID: oursLID, LID: oursLID, IsAdmin: admin}
	}
	for name, c := range map[string]struct {
		info       types.GroupInfo
		owner, lid string
		admin      bool
	}{
		"number beside":        {types.GroupInfo{OwnerJID: janeLID, OwnerPN: jane, Participants: []types.GroupParticipant{us(true)}}, jane.String(), janeLID.String(), true},
		"number of the member": {types.GroupInfo{OwnerJID: janeLID, Participants: []types.GroupParticipant{us(false), byLID}}, jane.String(), janeLID.String(), false},
		"LID of the member":    {types.GroupInfo{OwnerJID: jane, Participants: []types.GroupParticipant{byNumber}}, jane.String(), janeLID.String(), false},
		"number alone":         {types.GroupInfo{OwnerJID: jane}, jane.String(), "", false},
		"LID alone":            {types.GroupInfo{OwnerJID: janeLID}, janeLID.String(), janeLID.String(), false},
		"nobody":               {types.GroupInfo{Participants: []types.GroupParticipant{{JID: ours, PhoneNumber: ours, IsAdmin: true}}}, "", "", true},
	} {
		c.info.JID, c.info.Name, c.info.Topic, c.info.GroupCreated = group, "Bakers", "Bread", noon
		want := store.Group{JID: group.String(), Name: "Bakers", Description: "Bread", Owner: c.owner, OwnerLID: c.lid,
			Members: len(c.info.Participants), Admin: c.admin, CreatedAt: noon}
		if got := Group(own, &c.info); got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}
