package svc_test

import (
	"path/filepath"
	"testing"
	"time"

	"wamux/store"
)

// TestCareEndsOverdueJobs: a job of a stopped session whose deadline is over is told as failed, without anybody starting the session.
func TestCareEndsOverdueJobs(t *testing.T) {
	t.Parallel()
	world := start(t, t.TempDir(), nil, "sandbox")
	g := start(t, t.TempDir(), pointedAt(world), "run")
	g.pairOn(world, "shop", "6281000000001")
	must[object](g, 200, "POST", "/v1/sessions/shop/stop", nil)
	g.stop()
	db, err := store.Open(t.Context(), store.Options{Path: filepath.Join(g.dir, "wamux.db")})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = db.AddJob(t.Context(), &store.Job{Session: "shop", MessageID: "LATE", To: "6281000000002@s.whatsapp.net",
		Content: store.Content{Type: "text", Text: "late"}, Deadline: time.Now()}, nil)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	g.begin()
	eventually(t, "the failure", func() bool { return g.kinds()["message.failed"] == 1 })
}
