package store

import (
	"context"
	"time"
)

// Entry is what one WhatsApp event leaves behind. All of it is written in one
// transaction, or nothing. Any field may be nil.
type Entry struct {
	Message *Message
	Past    bool // the message is from before: it is not news in its chat
	Receipt *Receipt
	Edit    *Edit
	Revoke  *Revoke
	Contact *Contact
	Chat    *ChatChange
	Events  []Event
}

// Receipt tells how far our own messages have come with one recipient.
type Receipt struct {
	Chat       string // JID as the receipt names the chat
	AltChat    string // the other identity (phone or LID) of Chat; may be empty
	MessageIDs []string
	Status     string // server, delivered, read or played
	By         string // JID of the recipient; empty for the server
	At         time.Time
}

// Edit replaces the text of an earlier message. The old text is kept in
// metadata.previous. A target that is not in the history is no error.
type Edit struct {
	Chat, ID, Text string
	By             string // JID of who edited; in a chat of two it must be the author; "" trusts the caller
	Raw            []byte // protobuf of the new content; nil keeps the old
	At             time.Time
}

// Revoke marks an earlier message as taken back. A target that is not in the
// history is no error.
type Revoke struct {
	Chat, ID string
	By       string // JID of who took it back; only the author may, "" trusts the caller
	ByAdmin  bool   // WhatsApp passed it as an admin's, who may take back anybody's in a group
	At       time.Time
}

// Record writes what events left behind, all entries in one transaction, and
// returns how many message rows are new. Repeats change nothing: a message that
// is there already brings no events either, and an event keeps its id.
func (db *DB) Record(ctx context.Context, session string, entries ...Entry) (added int, err error) {
	err = db.UpdateSealed(ctx, func(s Sealer) (func(*Tx) error, error) {
		sealed, err := sealEvents(s, session, entries)
		return func(tx *Tx) (err error) {
			added, err = record(tx, session, sealed)
			return err
		}, err
	})
	return added, err
}

// Record is [DB.Record] inside a transaction, for entries without an event of
// type session.qr, whose data is a secret.
func (tx *Tx) Record(session string, entries ...Entry) (added int, err error) {
	return record(tx, session, entries)
}

func record(tx *Tx, session string, entries []Entry) (added int, err error) {
	for _, e := range entries {
		isNew, err := tx.history.trim(e).write(tx, session)
		if err != nil {
			return 0, err
		}
		if isNew {
			added++
		}
	}
	return added, nil
}

// write tells whether the entry's message is new.
func (e Entry) write(tx *Tx, session string) (isNew bool, err error) {
	if e.Message != nil && tx.history == HistoryOff {
		return false, e.pass(tx, session)
	}
	if e.Message != nil {
		if isNew, err = addMessage(tx, session, e.Message, e.Past); err != nil {
			return false, err
		}
	}
	if err := e.change(tx, session); err != nil {
		return false, err
	}
	if e.Message != nil && !isNew {
		return false, nil
	}
	e.count(tx)
	_, err = e.tell(tx, session)
	return isNew, err
}

// count notes that the entry brings a message, if it does.
func (e Entry) count(tx *Tx) {
	if e.Message != nil && !e.Past && !e.Message.Outgoing {
		tx.counts.received++
	}
}

// pass is write for a message that gets no row: its event tells repeats from
// news, and its chat learns of it.
func (e Entry) pass(tx *Tx, session string) error {
	if err := e.change(tx, session); err != nil {
		return err
	}
	isNew, err := e.tell(tx, session)
	if err != nil {
		return err
	}
	if isNew {
		e.count(tx)
	}
	return touchChat(tx, session, e.Message, !isNew)
}

// tell appends the events and tells whether one of them is new.
func (e Entry) tell(tx *Tx, session string) (isNew bool, err error) {
	for i := range e.Events {
		fresh, err := addEvent(tx, session, e.Events[i])
		if err != nil {
			return false, err
		}
		isNew = isNew || fresh
	}
	return isNew, nil
}

// change applies what an entry says about earlier rows and about people.
func (e Entry) change(tx *Tx, session string) error {
	if e.Receipt != nil {
		tx.counts.receipt(e.Receipt)
		if err := addReceipt(tx, session, e.Receipt); err != nil {
			return err
		}
	}
	if e.Edit != nil {
		if err := editMessage(tx, session, e.Edit); err != nil {
			return err
		}
	}
	if e.Revoke != nil {
		if err := revokeMessage(tx, session, e.Revoke); err != nil {
			return err
		}
	}
	if e.Contact != nil {
		if err := setContact(tx, session, e.Contact); err != nil {
			return err
		}
	}
	if e.Chat != nil {
		return changeChat(tx, session, e.Chat)
	}
	return nil
}

// editMessage gives the row its new text, once: a repeat or an older edit finds
// a row that was edited at that time already.
func editMessage(tx *Tx, session string, e *Edit) error {
	row, err := findTarget(tx, session, e.ID, e.Chat, e.By)
	if err != nil || row == 0 {
		return err
	}
	at := toMillis(e.At)
	_, err = tx.Exec(`UPDATE chat_history SET metadata = json_set(metadata, '$.previous', message, '$.editedAt', ?1), message = ?2,
		raw = COALESCE(?3, raw), editedAt = ?4 WHERE id = ?5 AND editedAt < ?4`, formatTime(e.At), e.Text, e.Raw, at, row)
	return err
}

// revokeMessage marks the row; it keeps its text.
func revokeMessage(tx *Tx, session string, r *Revoke) error {
	by := r.By
	if r.ByAdmin {
		by = ""
	}
	row, err := findTarget(tx, session, r.ID, r.Chat, by)
	if err != nil || row == 0 {
		return err
	}
	_, err = tx.Exec(`UPDATE chat_history SET metadata = json_set(metadata, '$.revokedAt', ?1, '$.revokedBy', ?2), revokedAt = ?3
		WHERE id = ?4 AND revokedAt = 0`, formatTime(r.At), r.By, toMillis(r.At), row)
	return err
}
