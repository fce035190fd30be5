package session

import (
	"context"
	"time"

	"wamux/store"
)

func (m *Manager) Add(ctx context.Context, id string) (*store.Session, error) { return nil, errPending }
func (m *Manager) Start(ctx context.Context, id string) error                 { return errPending }
func (m *Manager) Stop(ctx context.Context, id string) error                  { return errPending }
func (m *Manager) Restart(ctx context.Context, id string) error               { return errPending }
func (m *Manager) Logout(ctx context.Context, id string) error                { return errPending }
func (m *Manager) Delete(ctx context.Context, id string) error                { return errPending }
func (m *Manager) QR(id string) (string, time.Time, bool)                     { return "", time.Time{}, false }
func (m *Manager) Await(ctx context.Context, id string) (*store.Session, error) {
	return nil, errPending
}
func (m *Manager) PairingCode(ctx context.Context, id, phone string) (string, error) {
	return "", errPending
}
func (m *Manager) Deliver(ctx context.Context, j *store.Job) (*store.Job, error) {
	return nil, errPending
}
func (m *Manager) NewMessageID(session string) string                     { return "" }
func (m *Manager) Picture(ctx context.Context, id string) (string, error) { return "", errPending }
