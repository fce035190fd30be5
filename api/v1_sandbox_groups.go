package api

import "net/http"

func (r *request) group() string { return r.params.ByName("group") }

// sandboxGroups answers GET /v1/sandbox/groups.
func (a *api) sandboxGroups(w http.ResponseWriter, r *request) error {
	groups, err := a.Sandbox.Groups(r.Context())
	return list(w, groups, err)
}

// sandboxGroupAdd answers POST /v1/sandbox/groups.
func (a *api) sandboxGroupAdd(w http.ResponseWriter, r *request) error {
	var in SandboxNewGroup
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	if err := needed("subject", in.Subject, "creator", in.Creator); err != nil {
		return err
	}
	group, err := a.Sandbox.AddGroup(r.Context(), in)
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, group)
}

// sandboxGroup answers GET /v1/sandbox/groups/:group.
func (a *api) sandboxGroup(w http.ResponseWriter, r *request) error {
	group, err := a.Sandbox.Group(r.Context(), r.group())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, group)
}

// sandboxGroupMembers answers POST /v1/sandbox/groups/:group/members.
func (a *api) sandboxGroupMembers(w http.ResponseWriter, r *request) error {
	var in SandboxMembersChange
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	if err := needed("action", in.Action); err != nil {
		return err
	}
	results, err := a.Sandbox.ChangeMembers(r.Context(), r.group(), in)
	return list(w, results, err)
}

// sandboxGroupSettings answers POST /v1/sandbox/groups/:group/settings.
func (a *api) sandboxGroupSettings(w http.ResponseWriter, r *request) error {
	var in SandboxGroupChange
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	group, err := a.Sandbox.ChangeGroup(r.Context(), r.group(), in)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, group)
}

// sandboxGroupInvite answers GET /v1/sandbox/groups/:group/invite?by=&renew=true.
func (a *api) sandboxGroupInvite(w http.ResponseWriter, r *request) error {
	q := r.URL.Query()
	code, err := a.Sandbox.Invite(r.Context(), r.group(), q.Get("by"), q.Get("renew") == "true")
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, object{"code": code, "link": "https://chat.whatsapp.com/" + code})
}
