package store

import (
	"context"
	"testing"
)

func TestSession(t *testing.T) {
	ctx := context.Background()
	db := fresh(t)
	s, created, err := db.AddSession(ctx, "user001", 0)
	if err != nil || !created {
		t.Fatal(err)
	}
	if err := db.SetState(ctx, s.ID, StateChange{State: StateOnline}); err != nil {
		t.Fatal(err)
	}
	ev, err := db.Events(ctx, 0, 10)
	if err != nil || len(ev) != 1 {
		t.Fatal(ev, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
