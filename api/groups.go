package api

import (
	"net/http"

	"wamux/store"
)

// groupList answers GET /:sessionId/groups. WhatsApp is asked each time, so the session must be connected.
func (a *api) groupList(w http.ResponseWriter, r *request) error {
	groups, err := a.Sessions.Groups(r.Context(), r.id)
	if err != nil {
		return err
	}
	data := []object{}
	for _, g := range groups {
		data = append(data, groupRow(g))
	}
	return reply(w, http.StatusOK, object{"success": true, "data": data, "count": len(data)})
}

func groupRow(g store.Group) object {
	return object{
		"jid": g.JID, "name": g.Name, "description": g.Description, "participantsCount": g.Members, "isAdmin": g.Admin,
		"createdAt": stamp(g.CreatedAt), "owner": orNull(g.Owner), "ownerLid": orNull(g.OwnerLID),
	}
}
