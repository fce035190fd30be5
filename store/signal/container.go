package signal

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync"
	"time"

	wastore "go.mau.fi/whatsmeow/store"

	"wamux/store"
)

// deletedLife is how long what WhatsApp deleted is kept aside.
const deletedLife = 7 * 24 * time.Hour

// Container hands out the devices of all sessions over one database.
type Container struct {
	db     *store.DB
	log    *slog.Logger
	lids   *lids
	panics *panics

	mu      sync.Mutex
	current map[string]*stores // of the newest run of each session
}

// Open prepares the stores over db. When the file was put back or moved it
// applies the restore rules and confirms them, so call it before anything
// connects. log may be nil. The Container needs no closing; db must outlive it.
func Open(ctx context.Context, db *store.DB, log *slog.Logger) (*Container, error) {
	if log == nil {
		log = slog.Default()
	}
	silenceLibsignal()
	c := &Container{
		db:      db,
		log:     log,
		lids:    newLIDs(db),
		panics:  &panics{last: make(map[string]string)},
		current: make(map[string]*stores),
	}
	if db.Restored() {
		if err := applyRestore(ctx, db, log); err != nil {
			return nil, err
		}
	}
	return c, db.Update(ctx, purge)
}

// Device loads the device of a session, or makes an unpaired one when there
// are no credentials. The session must exist. Call it once for each run of a
// session: a Device handed out earlier for the same session stops working.
func (c *Container) Device(ctx context.Context, session string) (*Device, error) {
	c.retire(session)
	value, err := c.creds(ctx, session)
	if err != nil {
		return nil, err
	}
	d := newDevice()
	if value != nil {
		if d, err = decodeCreds(value); err != nil {
			return nil, &store.Error{Code: store.CodeStorage, Name: "credentials_damaged", Message: "The credentials of this session cannot be read",
				Hint: "Put back a backup, or delete the session and link it again.", Err: err}
		}
	}
	s := newStores(c.db, session, c.lids, c.panics, c.log)
	c.mu.Lock()
	c.current[session] = s
	c.mu.Unlock()
	return newDeviceOn(d, s, value != nil), nil
}

// Deleted drops what is remembered of a session, and of numbers, after the
// session was deleted from the database.
func (c *Container) Deleted(session string) {
	c.retire(session)
	c.lids.toLID.clear()
	c.lids.toPN.clear()
}

// retire ends the stores of the session's run before, if there was one.
func (c *Container) retire(session string) {
	c.mu.Lock()
	old := c.current[session]
	delete(c.current, session)
	c.mu.Unlock()
	if old != nil {
		old.retire()
	}
}

// creds returns the credentials of a session, or nil.
func (c *Container) creds(ctx context.Context, session string) (value []byte, err error) {
	err = c.db.View(ctx, func(tx *store.Tx) error {
		var one int
		err := tx.QueryRow(`SELECT 1 FROM whatsapp_sessions WHERE sessionId = ?`, session).Scan(&one)
		if errors.Is(err, sql.ErrNoRows) {
			return store.Errorf(store.CodeNotFound, "session_not_found", "Session not found")
		}
		if err == nil {
			value, err = readRow(tx, session, keyCreds)
		}
		return err
	})
	return value, err
}

// LIDs returns the map between LIDs and phone numbers that all sessions share.
func (c *Container) LIDs() wastore.LIDStore {
	return lidStore{lids: c.lids, breaker: &breaker{log: c.log}}
}
