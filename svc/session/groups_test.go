package session_test

import (
	"testing"

	"wamux/store"
)

// TestGroupsNeedAConnection tells that WhatsApp is asked, and by whom it can be.
func TestGroupsNeedAConnection(t *testing.T) {
	w := newWorld(t)
	w.pair("shop", alice)
	if groups, err := w.m.Groups(t.Context(), "shop"); err != nil || len(groups) != 0 {
		t.Errorf("groups of somebody in none: %v, %v", groups, err)
	}
	w.must(w.m.Stop(t.Context(), "shop"))
	if _, err := w.m.Groups(t.Context(), "shop"); store.ErrorCode(err) != store.CodeOffline {
		t.Errorf("a stopped session: got %v, want offline", err)
	}
}
