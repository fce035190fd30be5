package signal

import (
	"context"
	"errors"
	"log/slog"

	wastore "go.mau.fi/whatsmeow/store"

	"wamux/store"
)

// Container hands out the devices of all sessions over one database.
type Container struct{}

// Open prepares the stores over db. When the file was put back or moved it
// applies the restore rules and confirms them, so call it before anything
// connects. The Container needs no closing; db must outlive it.
func Open(ctx context.Context, db *store.DB, log *slog.Logger) (*Container, error) {
	return &Container{}, nil
}

// Device loads the device of a session, or makes an unpaired one when there
// are no credentials. Call it once for each run of a session: a Device handed
// out earlier for the same session stops working.
func (c *Container) Device(ctx context.Context, session string) (*Device, error) {
	return nil, errors.New("signal: not ready")
}

// LIDs returns the map between LIDs and phone numbers that all sessions share.
func (c *Container) LIDs() wastore.LIDStore { return nil }
