package signal

import (
	"context"
	"database/sql"
	"errors"

	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"wamux/store"
)

// contactColumns are what whatsmeow knows of a contact, in the order of scan.
const contactColumns = `firstName, name, pushName, businessName, redactedPhone`

func scanContact(scan func(...any) error, more ...any) (types.ContactInfo, error) {
	info := types.ContactInfo{Found: true}
	err := scan(append(more, &info.FirstName, &info.FullName, &info.PushName, &info.BusinessName, &info.RedactedPhone)...)
	return info, err
}

// GetContact returns what is known of a contact; Found is false when that is nothing.
func (s *stores) GetContact(ctx context.Context, user types.JID) (info types.ContactInfo, err error) {
	defer s.guard(ctx, &err)
	return s.contact(ctx, user)
}

func (s *stores) contact(ctx context.Context, user types.JID) (info types.ContactInfo, err error) {
	err = s.peek(ctx, func(tx *store.Tx) (err error) {
		info, err = scanContact(tx.QueryRow(`SELECT `+contactColumns+` FROM contacts WHERE sessionId = ? AND jid = ?`,
			s.session, user.ToNonAD().String()).Scan)
		if errors.Is(err, sql.ErrNoRows) {
			info, err = types.ContactInfo{}, nil
		}
		return err
	})
	return info, err
}

// GetAllContacts returns all contacts.
func (s *stores) GetAllContacts(ctx context.Context) (all map[types.JID]types.ContactInfo, err error) {
	defer s.guard(ctx, &err)
	err = s.view(ctx, func(tx *store.Tx) error {
		all = make(map[types.JID]types.ContactInfo)
		rows, err := tx.Query(`SELECT jid, `+contactColumns+` FROM contacts WHERE sessionId = ?`, s.session)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var jid types.JID
			info, err := scanContact(rows.Scan, &jid)
			if err != nil {
				return err
			}
			all[jid] = info
		}
		return rows.Err()
	})
	return all, err
}

// contactField is one column of a contact to write.
type contactField string

const (
	fieldPushName      contactField = "pushName"
	fieldBusinessName  contactField = "businessName"
	fieldRedactedPhone contactField = "redactedPhone"
	fieldFirstName     contactField = "firstName"
	fieldFullName      contactField = "name"
)

// write sets the column for one contact and, in a new row, its phone or LID.
func (f contactField) write(tx *store.Tx, session string, user types.JID, value string) error {
	phone, lid := "", ""
	switch user.Server {
	case types.DefaultUserServer:
		phone = user.User
	case types.HiddenUserServer:
		lid = user.ToNonAD().String()
	}
	column := string(f)
	_, err := tx.Exec(`INSERT INTO contacts (sessionId, jid, phone, lid, `+column+`, updatedAt) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (sessionId, jid) DO UPDATE SET `+column+` = excluded.`+column+`, updatedAt = excluded.updatedAt
		WHERE contacts.`+column+` <> excluded.`+column,
		session, user.ToNonAD().String(), phone, lid, value, tx.Now.UnixMilli())
	return err
}

// PutPushName writes the name that a person chose; it returns whether that is
// news, and the name before.
func (s *stores) PutPushName(ctx context.Context, user types.JID, pushName string) (changed bool, previous string, err error) {
	defer s.guard(ctx, &err)
	info, err := s.contact(ctx, user)
	if err != nil || info.PushName == pushName {
		return false, "", err
	}
	return true, info.PushName, s.putContact(ctx, user, fieldPushName, pushName)
}

// PutBusinessName writes the name of a business; see PutPushName.
func (s *stores) PutBusinessName(ctx context.Context, user types.JID, businessName string) (changed bool, previous string, err error) {
	defer s.guard(ctx, &err)
	info, err := s.contact(ctx, user)
	if err != nil || info.BusinessName == businessName {
		return false, "", err
	}
	return true, info.BusinessName, s.putContact(ctx, user, fieldBusinessName, businessName)
}

func (s *stores) putContact(ctx context.Context, user types.JID, field contactField, value string) error {
	return s.change(ctx, func(b *batch) {
		b.run(func(tx *store.Tx) error { return field.write(tx, s.session, user, value) })
	})
}

// PutContactName writes a contact's names from the address book. whatsmeow's
// interface names the arguments fullName, firstName, but its one caller passes
// the first name first, and so does its own store: this order is the true one.
func (s *stores) PutContactName(ctx context.Context, user types.JID, firstName, fullName string) (err error) {
	defer s.guard(ctx, &err)
	return s.putNames(ctx, []wastore.ContactEntry{{JID: user, FirstName: firstName, FullName: fullName}})
}

// PutAllContactNames writes many contacts' names, all or none.
func (s *stores) PutAllContactNames(ctx context.Context, contacts []wastore.ContactEntry) (err error) {
	defer s.guard(ctx, &err)
	return s.putNames(ctx, contacts)
}

func (s *stores) putNames(ctx context.Context, contacts []wastore.ContactEntry) error {
	if len(contacts) == 0 {
		return nil
	}
	return s.change(ctx, func(b *batch) {
		b.run(func(tx *store.Tx) error {
			for _, c := range contacts {
				if err := fieldFirstName.write(tx, s.session, c.JID, c.FirstName); err != nil {
					return err
				}
				if err := fieldFullName.write(tx, s.session, c.JID, c.FullName); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// PutManyRedactedPhones writes the half-hidden numbers of group members, all or none.
func (s *stores) PutManyRedactedPhones(ctx context.Context, entries []wastore.RedactedPhoneEntry) (err error) {
	defer s.guard(ctx, &err)
	if len(entries) == 0 {
		return nil
	}
	return s.change(ctx, func(b *batch) {
		b.run(func(tx *store.Tx) error {
			for _, e := range entries {
				if err := fieldRedactedPhone.write(tx, s.session, e.JID, e.RedactedPhone); err != nil {
					return err
				}
			}
			return nil
		})
	})
}
