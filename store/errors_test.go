package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestErrors(t *testing.T) {
	mine := Errorf(CodeLimit, "too_many", "There are %d too many", 3)
	cause := &Error{Code: CodeStorage, Message: "It broke", Err: errors.New("because")}
	for _, c := range []struct {
		err     error
		code    Code
		message string
	}{
		{nil, "", ""},
		{mine, CodeLimit, "There are 3 too many"},
		{fmt.Errorf("while adding: %w", mine), CodeLimit, "There are 3 too many"},
		{cause, CodeStorage, "It broke"},
		{errors.New("password is swordfish"), CodeInternal, "Something went wrong inside wamux"},
		{fmt.Errorf("asking: %w", context.DeadlineExceeded), CodeTimeout, "The request ended before the work was done"},
	} {
		if code, message := ErrorCode(c.err), ErrorMessage(c.err); code != c.code || message != c.message {
			t.Errorf("%v is %q %q, want %q %q", c.err, code, message, c.code, c.message)
		}
	}
	if got := cause.Error(); got != "It broke: because" {
		t.Errorf("the log gets %q", got)
	}
	if !errors.Is(cause, cause.Err) {
		t.Error("the cause cannot be found")
	}
}

func TestMeta(t *testing.T) {
	db := fresh(t)
	wantMeta(t, db, "key", "")
	for _, value := range []string{"one", "two"} {
		if err := db.SetMeta(t.Context(), "key", value); err != nil {
			t.Fatal(err)
		}
		wantMeta(t, db, "key", value)
	}
}

func TestEventID(t *testing.T) {
	id := EventID("user001", peer, peer, "A1", "message.received")
	if len(id) != len("evt_")+26 || id != EventID("user001", peer, peer, "A1", "message.received") {
		t.Errorf("got %q", id)
	}
	if id == EventID("user001", peer, peer, "A1message.received") || EventID("ab", "c") == EventID("a", "bc") {
		t.Error("other parts give the same id")
	}
}
