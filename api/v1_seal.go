package api

import (
	"context"
	"errors"
	"net/http"

	"wamux/store"
)

// v1Seal answers GET /v1/seal: how secret values are kept, to whom they are sealed, and how far a change has got.
func (a *api) v1Seal(w http.ResponseWriter, r *request) error {
	return a.replySeal(w, r, http.StatusOK)
}

// v1SealOn answers POST /v1/seal/seal.
func (a *api) v1SealOn(w http.ResponseWriter, r *request) error {
	return a.turn(w, r, func(v Vault, ctx context.Context) error { return v.Seal(ctx) })
}

// v1SealOff answers POST /v1/seal/unseal.
func (a *api) v1SealOff(w http.ResponseWriter, r *request) error {
	return a.turn(w, r, func(v Vault, ctx context.Context) error { return v.Unseal(ctx) })
}

// v1SealRotate answers POST /v1/seal/rotate.
func (a *api) v1SealRotate(w http.ResponseWriter, r *request) error {
	return a.turn(w, r, func(v Vault, ctx context.Context) error { return v.Rotate(ctx) })
}

// turn begins a change and answers 202: it goes on in the background, also after a restart.
func (a *api) turn(w http.ResponseWriter, r *request, begin func(Vault, context.Context) error) error {
	if a.Vault == nil {
		return fail(http.StatusConflict, "identity_missing", "No key is configured", "Set AGE_IDENTITY_FILE and start wamux again.")
	}
	if err := begin(a.Vault, r.Context()); err != nil {
		return err
	}
	return a.replySeal(w, r, http.StatusAccepted)
}

func (a *api) replySeal(w http.ResponseWriter, r *request, status int) error {
	state, recipients, pending := a.DB.SealState()
	done, err := a.DB.SealProgress(r.Context())
	if err != nil {
		return err
	}
	return reply(w, status, object{
		"state": state.Word(), "recipients": append([]string{}, recipients...), "pending": pending, "progress": done, "problem": a.sealProblem(),
	})
}

// sealProblem is why the last change did not come to its end, nil when it did.
func (a *api) sealProblem() any {
	if a.Vault == nil || a.Vault.Problem() == nil {
		return nil
	}
	p := problemOf(a.Vault.Problem())
	return object{"code": p.Name, "message": p.Detail, "hint": orNull(p.Hint)}
}

// v1SealCheck answers GET /v1/seal/check?cursor=: it tries the next values and names those that are refused.
func (a *api) v1SealCheck(w http.ResponseWriter, r *request) error {
	c, err := a.DB.CheckSealed(r.Context(), r.URL.Query().Get("cursor"))
	if e := (*store.Error)(nil); errors.As(err, &e) && e.Code == store.CodeInvalid {
		return invalid("cursor", e.Message)
	}
	if err != nil {
		return err
	}
	refused := []object{}
	for _, v := range c.Refused {
		refused = append(refused, object{"session": v.Session, "class": v.Class, "key": v.Key, "reason": v.Reason})
	}
	return reply(w, http.StatusOK, object{"opened": c.Opened, "clear": c.Clear, "refused": refused, "nextCursor": orNull(c.Next)})
}
