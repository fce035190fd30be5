package store

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestReserve fills the database to the last page: states can still be written,
// nothing else, and all goes on when there is room.
func TestReserve(t *testing.T) {
	db := fresh(t)
	addTestSession(t, db, "shop")
	if info, err := os.Stat(db.space.path); err != nil || info.Size() != reserveSize || info.Mode().Perm() != 0o600 {
		t.Fatalf("the reserve is %v, %v", info, err)
	}
	db.space.path = t.TempDir() + "/no/room" // neither freed nor kept again
	limitPages(t, db, 1)
	for i := range 200 { // until the last page is full
		if err := db.SetMeta(t.Context(), "fill", strings.Repeat("x", i*100)); ErrorCode(err) == CodeDiskFull {
			break
		}
	}
	if db.space.isFull() {
		t.Error("the reserve is spent although nothing urgent was refused")
	}
	if err := db.SetState(t.Context(), "shop", StateChange{State: StateStorageError, Reason: strings.Repeat("y", 9000)}); ErrorCode(err) != CodeDiskFull {
		t.Fatalf("got %v, want the disk to be full for this", err)
	}
	if e := db.Trouble(t.Context()); e == nil || e.Name != "disk_full" {
		t.Errorf("Trouble is %v", e)
	}
	wantError(t, db.SetMeta(t.Context(), "small", "1"), CodeDiskFull, "The disk is full")
	if err := db.SetState(t.Context(), "shop", StateChange{State: StateStorageError}); err != nil {
		t.Error("a state is refused:", err)
	}
	db.space.path = t.TempDir() + "/reserve"
	limitPages(t, db, 1<<20)
	for end := time.Now().Add(10 * time.Second); db.Probe(t.Context()) != nil; {
		if time.Now().After(end) {
			t.Fatal("it does not recover")
		}
		<-time.After(50 * time.Millisecond)
	}
	if _, err := os.Stat(db.space.path); err != nil || db.Trouble(t.Context()) != nil {
		t.Errorf("no new reserve: %v, %v", err, db.Trouble(t.Context()))
	}
	closeDB(t, db)
	if _, err := os.Stat(db.space.path); err == nil {
		t.Error("a clean stop leaves the reserve behind")
	}
}
