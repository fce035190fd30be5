package store

import (
	"context"
	"errors"
)

var errPending = errors.New("store: not built yet")

func (db *DB) Messages(ctx context.Context, q MessageQuery) ([]*Message, int, error) {
	return nil, 0, errPending
}
func (db *DB) Message(ctx context.Context, session, messageID string) (*Message, error) {
	return nil, errPending
}
func (db *DB) Record(ctx context.Context, session string, entries ...Entry) (int, error) {
	return 0, errPending
}
func (db *DB) Contacts(ctx context.Context, q ContactQuery) ([]*Contact, error) {
	return nil, errPending
}
func (db *DB) Contact(ctx context.Context, session, id string) (*Contact, error) {
	return nil, errPending
}
func (db *DB) Chats(ctx context.Context, q ChatQuery) ([]*Chat, int, error) {
	return nil, 0, errPending
}
func (db *DB) AddJob(ctx context.Context, j *Job, media []byte) (*Job, bool, error) {
	return nil, false, errPending
}
func (db *DB) Job(ctx context.Context, session, id string) (*Job, error)     { return nil, errPending }
func (db *DB) JobMedia(ctx context.Context, id string) ([]byte, error)       { return nil, errPending }
func (db *DB) NextJob(ctx context.Context, session string) (*Job, error)     { return nil, errPending }
func (db *DB) StartJob(ctx context.Context, id string) (bool, error)         { return false, errPending }
func (db *DB) FinishJob(ctx context.Context, j *Job, entries ...Entry) error { return errPending }
func (db *DB) CancelJob(ctx context.Context, id string) (bool, error)        { return false, errPending }
func (db *DB) SessionsWithJobs(ctx context.Context) ([]string, error)        { return nil, errPending }
func (db *DB) AddAPIKey(ctx context.Context, name string, scopes []Scope, sessions []string) (*APIKey, string, error) {
	return nil, "", errPending
}
func (db *DB) Authenticate(ctx context.Context, secret string) (*APIKey, error) {
	return nil, errPending
}
func (db *DB) APIKeys(ctx context.Context) ([]*APIKey, error)    { return nil, errPending }
func (db *DB) RevokeAPIKey(ctx context.Context, id string) error { return errPending }
func (db *DB) EnsureAdminKey(ctx context.Context, file string) (bool, error) {
	return false, errPending
}
func (db *DB) Meta(ctx context.Context, key string) (string, error) { return "", errPending }
func (db *DB) SetMeta(ctx context.Context, key, value string) error { return errPending }

type keyring struct{}
