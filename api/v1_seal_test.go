package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"wamux/api"
	"wamux/store"
	"wamux/store/seal"
)

// fakeVault seals a real store; the work in the background is the test's.
type fakeVault struct {
	db      *store.DB
	keys    *seal.Keys // nil: none are configured
	problem error
}

func (f *fakeVault) Seal(ctx context.Context) error {
	if f.keys == nil {
		return &store.Error{Code: store.CodeConflict, Name: "identity_missing", Message: "No key is configured", Hint: "Set AGE_IDENTITY_FILE."}
	}
	return f.db.BeginSeal(ctx, f.keys)
}

func (f *fakeVault) Unseal(ctx context.Context) error { return f.db.BeginUnseal(ctx) }
func (f *fakeVault) Rotate(ctx context.Context) error { return f.db.BeginRotate(ctx, f.keys) }
func (f *fakeVault) Problem() error                   { return f.problem }

func identity(t testing.TB) string {
	t.Helper()
	line, err := seal.Generate(false)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func keysOf(t testing.TB, text string) *seal.Keys {
	t.Helper()
	keys, err := seal.Parse([]byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// TestV1Seal walks what the API tells of sealing, and its orders.
func TestV1Seal(t *testing.T) {
	first, second := identity(t), identity(t)
	vault := &fakeVault{}
	w := newWorld(t, func(o *api.Options) { o.Vault = vault })
	vault.db = w.db
	if _, _, err := w.db.AddJob(t.Context(), &store.Job{Session: "shop", MessageID: "OUT9", To: "x", Content: store.Content{Type: "text", Text: "planted"}}, nil); err != nil {
		t.Fatal(err)
	}
	converted := func(*world) {
		if err := w.db.Convert(t.Context()); err != nil {
			t.Error(err)
		}
	}
	for _, s := range []scenario{
		{name: "v1-seal-clear", method: "GET", path: "/v1/seal", status: 200, golden: true},
		{name: "v1-seal-no-identity", method: "POST", path: "/v1/seal/seal", status: 409, golden: true},
		{name: "v1-seal-rotate-clear", method: "POST", path: "/v1/seal/rotate", status: 409, golden: true, before: func(*world) { vault.keys = keysOf(t, first) }},
		{name: "v1-seal-unseal-clear", method: "POST", path: "/v1/seal/unseal", status: 409, golden: true},
		{name: "v1-seal-check-clear", method: "GET", path: "/v1/seal/check", status: 200, golden: true},
		{name: "v1-seal-check-bad-cursor", method: "GET", path: "/v1/seal/check?cursor=1.x", status: 400, golden: true},
		{name: "begin", method: "POST", path: "/v1/seal/seal", status: 202, want: []string{`"state":"sealing"`, `"pending":true`, `"age1`}},
		{name: "v1-seal-busy", method: "POST", path: "/v1/seal/unseal", status: 409, golden: true},
		{name: "done", method: "GET", path: "/v1/seal", status: 200, want: []string{`"state":"sealed"`, `"pending":false`, `"progress":1`}, before: converted},
		{name: "v1-seal-again", method: "POST", path: "/v1/seal/seal", status: 409, golden: true},
		{name: "v1-seal-rotate-same", method: "POST", path: "/v1/seal/rotate", status: 409, golden: true},
		{name: "v1-seal-check-sealed", method: "GET", path: "/v1/seal/check", status: 200, golden: true},
		{name: "rotate", method: "POST", path: "/v1/seal/rotate", status: 202, want: []string{`"state":"rotating"`}, before: func(*world) { vault.keys = keysOf(t, second+"\n"+first) }},
		{name: "rotated", method: "GET", path: "/v1/seal", status: 200, want: []string{keysOf(t, second).Recipients()[0]}, before: converted},
		{name: "problem", method: "GET", path: "/v1/seal", status: 200, want: []string{`"code":"disk_full"`, "The disk is full"},
			before: func(*world) {
				vault.problem = &store.Error{Code: store.CodeDiskFull, Name: "disk_full", Message: "The disk is full", Err: errors.New("canary")}
			}},
		{name: "unseal", method: "POST", path: "/v1/seal/unseal", status: 202, want: []string{`"state":"unsealing"`}},
		{name: "unsealed", method: "GET", path: "/v1/seal", status: 200, want: []string{`"state":"clear"`, `"recipients":[]`}, before: converted},
	} {
		if s.before != nil {
			s.before(w)
		}
		w.play(t, s)
	}
}

// TestV1SealCheckNames names a value that was moved, and never what it says.
func TestV1SealCheckNames(t *testing.T) {
	w := newWorld(t, nil)
	var ids []string
	for i := range 2 {
		j, _, err := w.db.AddJob(t.Context(), &store.Job{Session: "shop", MessageID: fmt.Sprint("OUT", i), To: "x", Content: store.Content{Type: "text", Text: "planted"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, j.ID)
	}
	err := errors.Join(w.db.BeginSeal(t.Context(), keysOf(t, identity(t))), w.db.Convert(t.Context()), w.db.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec("UPDATE jobs SET content = (SELECT content FROM jobs WHERE id = ?) WHERE id = ?", ids[0], ids[1])
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
	rec := w.play(t, scenario{method: "GET", path: "/v1/seal/check", status: 200})
	var got struct {
		Opened  int
		Refused []struct{ Session, Class, Key, Reason string }
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || got.Opened != 1 || len(got.Refused) != 1 {
		t.Fatalf("got %s, %v", rec.Body, err)
	}
	if r := got.Refused[0]; r.Session != "shop" || r.Class != "job" || r.Key != ids[1] || r.Reason != "moved" {
		t.Errorf("got %+v, want job %s moved", r, ids[1])
	}
}
