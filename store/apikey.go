package store

import (
	"slices"
	"time"
)

// Scope is one thing that an API key may do.
type Scope string

// The scopes. Admin includes all others, on every session.
const (
	ScopeAdmin   Scope = "admin"
	ScopeRead    Scope = "read"
	ScopeSend    Scope = "send"
	ScopeManage  Scope = "manage"
	ScopeMetrics Scope = "metrics"
)

// APIKey is a key without its secret: that is shown once and stored hashed.
type APIKey struct {
	ID, Name  string
	Prefix    string // wk_<id>, the part that may be shown
	Scopes    []Scope
	Sessions  []string // empty means all
	CreatedAt time.Time
	LastUsed  time.Time // zero when never; within a minute
}

// Allows tells whether the key may do scope on session. An empty session asks
// for what belongs to no session, which a key bound to sessions may not do.
func (k *APIKey) Allows(scope Scope, session string) bool {
	if slices.Contains(k.Scopes, ScopeAdmin) {
		return true
	}
	if !slices.Contains(k.Scopes, scope) {
		return false
	}
	return len(k.Sessions) == 0 || slices.Contains(k.Sessions, session)
}
