package api

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/julienschmidt/httprouter"

	"wamux/store"
)

// request is what a handler gets: the HTTP request, who sent it, and the session it may act on.
type request struct {
	*http.Request
	route   Route
	params  httprouter.Params
	key     *store.APIKey  // nil on open routes without a valid key
	session *store.Session // the authorised session; nil unless the route's Reach names one
	id      string         // the session id as asked for, valid and authorised, also when there is no such session
}

// admit is the one place that decides who may act on what. A handler never reads a session id from anywhere else.
func (a *api) admit(r *request) error {
	key, err := a.authenticate(r.Request)
	if !isProbe(r.route.Path) { // who asks whether we live must not be told no
		if err := a.paced(r.Request, err == nil); err != nil {
			return err
		}
	}
	if r.route.Scope == "" {
		r.key = key
		return nil
	}
	if err != nil {
		return err
	}
	r.key = key
	switch r.route.Reach {
	case EachSession:
		return allow(hasScope(key, r.route.Scope))
	case NoSession:
		return allow(key.Allows(r.route.Scope, ""))
	}
	return a.admitSession(r)
}

func (a *api) admitSession(r *request) error {
	r.id = r.askedSession()
	if r.id == "" && r.route.Reach == QuerySession {
		return invalid("sessionId", "Session ID is required")
	}
	if err := store.ValidSessionID(r.id); err != nil {
		return err
	}
	if err := allow(r.key.Allows(r.route.Scope, r.id)); err != nil {
		return err
	}
	var err error
	r.session, err = a.DB.Session(r.Context(), r.id)
	if r.route.Reach == MaybeSession && store.ErrorCode(err) == store.CodeNotFound {
		return nil
	}
	return err
}

func (r *request) askedSession() string {
	if r.route.Reach == QuerySession {
		return r.URL.Query().Get("sessionId")
	}
	if isV1(r.route.Path) {
		return r.params.ByName("s")
	}
	return r.params.ByName("sessionId")
}

func allow(ok bool) error {
	if ok {
		return nil
	}
	return fail(http.StatusForbidden, "forbidden", "This API key may not do that", "Use a key with the scope and session that the call needs.")
}

// hasScope tells whether the key has the scope on some session.
func hasScope(k *store.APIKey, scope store.Scope) bool {
	return slices.Contains(k.Scopes, store.ScopeAdmin) || slices.Contains(k.Scopes, scope)
}

// sees tells whether a list may show the session to the caller.
func (r *request) sees(session string) bool {
	return r.key != nil && r.key.Allows(store.ScopeRead, session)
}

// number reads a whole number from the query: fallback when it is missing, kept between low and high, 400 when it is none.
func (r *request) number(name string, fallback, low, high int64) (int64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, invalid(name, name+" must be a whole number")
	}
	return min(max(n, low), high), nil
}

// seconds reads how long the caller is ready to wait, at most a minute.
func (r *request) seconds(name string) (time.Duration, error) {
	n, err := r.number(name, 0, 0, 60)
	return time.Duration(n) * time.Second, err
}

func wholeNumber(name, text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, invalid(name, name+" must be a whole number")
	}
	return n, nil
}
