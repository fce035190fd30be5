package api

import (
	"net/http"
	"slices"
	"strings"

	"wamux/store"
)

// v1Keys answers GET /v1/keys: all keys, none of their secrets.
func (a *api) v1Keys(w http.ResponseWriter, r *request) error {
	keys, err := a.DB.APIKeys(r.Context())
	if err != nil {
		return err
	}
	data := []object{}
	for _, k := range keys {
		data = append(data, keyBody(k))
	}
	return reply(w, http.StatusOK, page{Data: data})
}

// v1KeyAdd answers POST /v1/keys. The secret is in this answer and nowhere else.
func (a *api) v1KeyAdd(w http.ResponseWriter, r *request) error {
	var in struct {
		Name     string        `json:"name"`
		Scopes   []store.Scope `json:"scopes"`
		Sessions []string      `json:"sessions"`
	}
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	if err := CheckKey(in.Name, in.Scopes, in.Sessions); err != nil {
		return err
	}
	k, secret, err := a.DB.AddAPIKey(r.Context(), in.Name, in.Scopes, in.Sessions)
	if err != nil {
		return err
	}
	body := keyBody(k)
	body["key"] = secret
	return reply(w, http.StatusCreated, body)
}

// CheckKey refuses a new key that has no good name, scopes that are not known, or sessions that cannot be.
func CheckKey(name string, scopes []store.Scope, sessions []string) error {
	known := []store.Scope{store.ScopeAdmin, store.ScopeRead, store.ScopeSend, store.ScopeManage, store.ScopeMetrics}
	switch {
	case strings.TrimSpace(name) == "" || len(name) > 100:
		return invalid("name", "A key needs a name of at most 100 characters")
	case len(scopes) == 0 || slices.ContainsFunc(scopes, func(s store.Scope) bool { return !slices.Contains(known, s) }):
		return invalid("scopes", "scopes must name at least one of admin, read, send, manage, metrics")
	case slices.Contains(scopes, store.ScopeAdmin) && len(sessions) > 0:
		return invalid("sessions", "An admin key may do everything and cannot be bound to sessions")
	}
	for _, id := range sessions {
		if err := store.ValidSessionID(id); err != nil {
			return err
		}
	}
	return nil
}

// v1KeyRevoke answers DELETE /v1/keys/:k.
func (a *api) v1KeyRevoke(w http.ResponseWriter, r *request) error {
	if err := a.DB.RevokeAPIKey(r.Context(), r.params.ByName("k")); err != nil {
		return err
	}
	return nothing(w)
}

func keyBody(k *store.APIKey) object {
	return object{
		"id": k.ID, "name": k.Name, "prefix": k.Prefix, "scopes": k.Scopes, "sessions": append([]string{}, k.Sessions...),
		"createdAt": stamp(k.CreatedAt), "lastUsedAt": stamp(k.LastUsed),
	}
}
