package api

import "net/http"

// sandboxCall answers POST /v1/sandbox/phones/:phone/calls.
func (a *api) sandboxCall(w http.ResponseWriter, r *request) error {
	var in struct {
		To    string `json:"to"`
		Video bool   `json:"video"`
	}
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	if err := needed("to", in.To); err != nil {
		return err
	}
	call, err := a.Sandbox.Call(r.Context(), r.phone(), in.To, in.Video)
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, call)
}

// sandboxCalls answers GET /v1/sandbox/phones/:phone/calls.
func (a *api) sandboxCalls(w http.ResponseWriter, r *request) error {
	calls, err := a.Sandbox.Calls(r.Context(), r.phone())
	return list(w, calls, err)
}

// sandboxCallEnd answers DELETE /v1/sandbox/phones/:phone/calls/:call.
func (a *api) sandboxCallEnd(w http.ResponseWriter, r *request) error {
	return done(w, a.Sandbox.EndCall(r.Context(), r.phone(), r.params.ByName("call")))
}

// sandboxBlock answers POST /v1/sandbox/phones/:phone/block.
func (a *api) sandboxBlock(w http.ResponseWriter, r *request) error {
	in := struct {
		Phone   string `json:"phone"`
		Blocked bool   `json:"blocked"`
	}{Blocked: true}
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	if err := needed("phone", in.Phone); err != nil {
		return err
	}
	return done(w, a.Sandbox.Block(r.Context(), r.phone(), in.Phone, in.Blocked))
}

// sandboxProfile answers POST /v1/sandbox/phones/:phone/profile.
func (a *api) sandboxProfile(w http.ResponseWriter, r *request) error {
	var in SandboxProfile
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	return done(w, a.Sandbox.SetProfile(r.Context(), r.phone(), in))
}

// sandboxNewsletters answers GET /v1/sandbox/newsletters.
func (a *api) sandboxNewsletters(w http.ResponseWriter, r *request) error {
	all, err := a.Sandbox.Newsletters(r.Context())
	return list(w, all, err)
}

// sandboxNewsletterAdd answers POST /v1/sandbox/newsletters.
func (a *api) sandboxNewsletterAdd(w http.ResponseWriter, r *request) error {
	var in SandboxNewNewsletter
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	if err := needed("owner", in.Owner, "name", in.Name); err != nil {
		return err
	}
	made, err := a.Sandbox.AddNewsletter(r.Context(), in)
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, made)
}

// sandboxPost answers POST /v1/sandbox/newsletters/:newsletter/messages.
func (a *api) sandboxPost(w http.ResponseWriter, r *request) error {
	var in SandboxNewPost
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	post, err := a.Sandbox.Post(r.Context(), r.params.ByName("newsletter"), in)
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, post)
}
