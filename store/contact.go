package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Contact is a person or business that a session knows.
type Contact struct {
	Seq          int64 // row id, given by the store
	Session      string
	ID           string // JID
	Phone        string // digits; empty when unknown
	LID          string // empty when unknown
	Name         string // as in the phone's address book
	PushName     string // as the person chose
	BusinessName string
	UpdatedAt    time.Time
}

// ContactQuery chooses contacts of one session, by Seq.
type ContactQuery struct {
	Session string
	Search  string // part of a name, phone number or JID, in any case; "" for all
	After   int64  // only rows with a greater Seq
	Limit   int    // 0 means 25, at most 1000
}

const contactColumns = `id, sessionId, jid, phone, lid, name, pushName, businessName, updatedAt`

func scanContact(row scanner) (*Contact, error) {
	var c Contact
	var updated int64
	err := row.Scan(&c.Seq, &c.Session, &c.ID, &c.Phone, &c.LID, &c.Name, &c.PushName, &c.BusinessName, &updated)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, Errorf(CodeNotFound, "contact_not_found", "Contact not found")
	}
	c.UpdatedAt = fromMillis(updated)
	return &c, err
}

// onlyOnce leaves out the row that a person has under the LID where there is one
// under the phone number.
const onlyOnce = ` AND NOT (jid LIKE '%@lid' AND EXISTS (SELECT 1 FROM contacts AS p WHERE p.sessionId = contacts.sessionId AND p.lid = contacts.jid AND p.id <> contacts.id))`

// Contacts returns the chosen contacts in the order in which they became known,
// each person once.
func (db *DB) Contacts(ctx context.Context, q ContactQuery) (list []*Contact, err error) {
	query := "SELECT " + contactColumns + " FROM contacts WHERE sessionId = ? AND id > ?" + onlyOnce + " ORDER BY id LIMIT ?"
	limit := pageSize(q.Limit)
	err = db.Read(ctx, func(tx *Tx) (err error) {
		if q.Search != "" {
			rows, err := tx.Query(query, q.Session, q.After, -1)
			list, err = newContactSearch(q.Search).first(limit, rows, err)
			return err
		}
		rows, err := tx.Query(query, q.Session, q.After, limit)
		list, err = collect(rows, err, scanContact)
		return err
	})
	return list, err
}

// Contact returns one contact by its JID, or the error contact_not_found.
func (db *DB) Contact(ctx context.Context, session, id string) (c *Contact, err error) {
	err = db.Read(ctx, func(tx *Tx) (err error) {
		c, err = scanContact(tx.QueryRow("SELECT "+contactColumns+" FROM contacts WHERE sessionId = ? AND jid = ?", session, id))
		return err
	})
	return c, err
}

// setContact writes what is known of a contact. Empty fields keep what is
// there, and nothing is written when nothing is new: it comes with every message.
func setContact(tx *Tx, session string, c *Contact) error {
	_, err := tx.Exec(`INSERT INTO contacts (sessionId, jid, phone, lid, name, pushName, businessName, updatedAt) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (sessionId, jid) DO UPDATE SET
			phone = COALESCE(NULLIF(excluded.phone, ''), phone), lid = COALESCE(NULLIF(excluded.lid, ''), lid),
			name = COALESCE(NULLIF(excluded.name, ''), name), pushName = COALESCE(NULLIF(excluded.pushName, ''), pushName),
			businessName = COALESCE(NULLIF(excluded.businessName, ''), businessName), updatedAt = excluded.updatedAt
		WHERE excluded.phone NOT IN ('', phone) OR excluded.lid NOT IN ('', lid) OR excluded.name NOT IN ('', name)
			OR excluded.pushName NOT IN ('', pushName) OR excluded.businessName NOT IN ('', businessName)`,
		session, c.ID, c.Phone, c.LID, c.Name, c.PushName, c.BusinessName, toMillis(tx.Now))
	return noSession(err)
}
