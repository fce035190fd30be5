package api

import "net/http"

// sandboxChange answers POST /v1/sandbox/phones/:phone/changes.
func (a *api) sandboxChange(w http.ResponseWriter, r *request) error {
	var in SandboxChange
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	if err := needed("kind", in.Kind); err != nil {
		return err
	}
	changed, err := a.Sandbox.Change(r.Context(), r.phone(), in)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, changed)
}
