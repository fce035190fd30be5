package api_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"wamux/store"
)

// qrText is as long as WhatsApp's.
var qrText = "https://wa.me/settings/linked_devices#2@" + strings.Repeat("x", 220)

// fakeSessions is the world behind the API: it keeps what whatever a test says is true, and sends by writing the job's end.
type fakeSessions struct {
	db *store.DB

	mu    sync.Mutex
	qr    map[string]string
	fail  error              // every call answers this
	job   func(j *store.Job) // how a delivery ends; nil: sent
	stuck bool               // deliveries and waits never end
}

func (f *fakeSessions) Add(ctx context.Context, id string) (*store.Session, error) {
	if err := f.broken(); err != nil {
		return nil, err
	}
	s, isNew, err := f.db.AddSession(ctx, id, 3)
	if err != nil || !isNew {
		return s, err
	}
	if !f.isStuck() {
		f.show(id, qrText)
		err = f.db.SetState(ctx, id, store.StateChange{State: store.StatePairing})
	}
	return s, err
}

func (f *fakeSessions) broken() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fail
}

func (f *fakeSessions) isStuck() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stuck
}

func (f *fakeSessions) show(id, code string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.qr[id] = code
}

func (f *fakeSessions) change(ctx context.Context, id string, state store.SessionState) error {
	if err := f.broken(); err != nil {
		return err
	}
	return f.db.SetState(ctx, id, store.StateChange{State: state})
}

func (f *fakeSessions) Start(ctx context.Context, id string) error {
	return f.change(ctx, id, store.StateConnecting)
}
func (f *fakeSessions) Stop(ctx context.Context, id string) error {
	return f.change(ctx, id, store.StateStopped)
}
func (f *fakeSessions) Restart(ctx context.Context, id string) error {
	return f.change(ctx, id, store.StateConnecting)
}
func (f *fakeSessions) Logout(ctx context.Context, id string) error {
	return f.change(ctx, id, store.StateLoggedOut)
}
func (f *fakeSessions) Undelete(ctx context.Context, id string) error {
	return f.change(ctx, id, store.StateConnecting)
}
func (f *fakeSessions) Delete(ctx context.Context, id string) error {
	return f.db.DeleteSession(ctx, id)
}

func (f *fakeSessions) QR(id string) (string, time.Time, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.qr[id], time.Date(2030, 1, 1, 0, 0, 20, 0, time.UTC), f.qr[id] != ""
}

func (f *fakeSessions) Await(ctx context.Context, id string) (*store.Session, error) {
	if f.isStuck() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return f.db.Session(ctx, id)
}

func (f *fakeSessions) PairingCode(_ context.Context, _, phone string) (string, time.Time, error) {
	return "ABCD-1234", time.Date(2030, 1, 1, 0, 2, 40, 0, time.UTC), f.broken()
}

func (f *fakeSessions) Deliver(ctx context.Context, j *store.Job) (*store.Job, error) {
	if f.isStuck() {
		<-ctx.Done()
		return j, ctx.Err()
	}
	done := *j
	done.State, done.SentAt = store.JobSent, time.Unix(1_700_000_000, 0)
	done.Sent = json.RawMessage(`{"conversation":"sent"}`)
	f.mu.Lock()
	finish := f.job
	f.mu.Unlock()
	if finish != nil {
		finish(&done)
	}
	return &done, f.db.FinishJob(ctx, &done)
}

func (f *fakeSessions) Accept(ctx context.Context, j *store.Job, media []byte) (*store.Job, error) {
	stored, _, err := f.db.AddJob(ctx, j, media)
	return stored, err
}

func (f *fakeSessions) Send(ctx context.Context, j *store.Job, media []byte) (*store.Job, error) {
	stored, err := f.Accept(ctx, j, media)
	if err != nil {
		return nil, err
	}
	return f.Deliver(ctx, stored)
}

func (f *fakeSessions) Cancel(ctx context.Context, _, job string) (bool, error) {
	return f.db.CancelJob(ctx, job)
}

func (f *fakeSessions) NewMessageID(string) string { return "3EB0C0FFEE" }

func (f *fakeSessions) Groups(context.Context, string) ([]store.Group, error) {
	return []store.Group{
		{JID: "120363000000000001@g.us", Name: "Bakers", Description: "Bread and rolls", Owner: "6281000000002@s.whatsapp.net", OwnerLID: "100000000000002@lid",
			Members: 3, Admin: true, CreatedAt: time.Date(2029, 5, 6, 7, 8, 9, 0, time.UTC)},
		{JID: "120363000000000002@g.us", Name: "Nobody's", Members: 1},
	}, f.broken()
}

func (f *fakeSessions) Picture(context.Context, string) (string, error) {
	return "https://pps.whatsapp.net/me.jpg", nil
}
