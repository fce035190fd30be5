package store

import (
	"context"
	"time"
)

// Chat is a conversation of a session, kept up to date from its messages.
type Chat struct {
	Session       string
	ID            string // JID
	Phone         string // digits
	Name          string
	LastMessageAt time.Time
	Unread        int
}

// ChatQuery chooses chats of one session, the latest first.
type ChatQuery struct {
	Session string
	Offset  int
	Limit   int // 0 means 25, at most 1000
}

// Chats returns the chosen chats, the latest first, and how many there are. A
// chat without a name of its own has that of its contact, whichever of the two
// identities it goes by.
func (db *DB) Chats(ctx context.Context, q ChatQuery) (list []*Chat, total int, err error) {
	err = db.viewLatest(ctx, func(tx *Tx) (err error) {
		if err = tx.QueryRow("SELECT COUNT(*) FROM chats WHERE sessionId = ?", q.Session).Scan(&total); err != nil {
			return err
		}
		rows, err := tx.Query(`SELECT chats.sessionId, chats.id, chats.phone,
				COALESCE(NULLIF(chats.name, ''), NULLIF(p.name, ''), NULLIF(c.name, ''), NULLIF(p.businessName, ''), NULLIF(c.businessName, ''),
					NULLIF(p.pushName, ''), c.pushName, ''), lastMessageAt, unread
			FROM chats LEFT JOIN contacts c ON c.sessionId = chats.sessionId AND c.jid = chats.id
				LEFT JOIN contacts p ON p.sessionId = chats.sessionId AND p.jid = chats.phone || '@s.whatsapp.net' AND chats.id NOT LIKE '%@g.us'
			WHERE chats.sessionId = ? ORDER BY lastMessageAt DESC, chats.id LIMIT ? OFFSET ?`, q.Session, pageSize(q.Limit), max(q.Offset, 0))
		list, err = collect(rows, err, scanChat)
		return err
	})
	return list, total, err
}

func scanChat(row scanner) (*Chat, error) {
	var c Chat
	var last int64
	err := row.Scan(&c.Session, &c.ID, &c.Phone, &c.Name, &last, &c.Unread)
	c.LastMessageAt = fromMillis(last)
	return &c, err
}

// touchChat notes a new message in its chat. Who answers has read what came.
func touchChat(tx *Tx, session string, m *Message, past bool) error {
	_, err := tx.Exec(`INSERT INTO chats (sessionId, id, phone, lastMessageAt, unread) VALUES (?1, ?2, ?3, ?4, ?5)
		ON CONFLICT (sessionId, id) DO UPDATE SET
			phone = COALESCE(NULLIF(excluded.phone, ''), phone),
			lastMessageAt = MAX(lastMessageAt, excluded.lastMessageAt),
			unread = CASE WHEN ?6 THEN unread WHEN excluded.unread = 0 THEN 0 ELSE unread + 1 END`,
		session, m.Chat, m.Phone, toMillis(m.Timestamp), !m.Outgoing && !past, past)
	return err
}

// ChatChange is what became known of a conversation beside its messages.
type ChatChange struct {
	ID     string // JID
	Alt    string // its other identity; may be empty
	Phone  string // digits; may be empty
	Name   string // may be empty
	Read   bool   // somebody has read all of it, on another device
	Unread bool   // somebody has marked it as unread
	Gone   bool   // somebody has deleted it: it is a conversation again with its next message

	Count   int       // how many messages nobody has read…
	CountAt time.Time // …when its newest message was this; zero when that is not known
}

// changeChat writes the change. Its rows of chat_history stay.
func changeChat(tx *Tx, session string, c *ChatChange) error {
	const here = ` WHERE sessionId = ? AND id IN (?, ?)`
	if c.Phone != "" || c.Name != "" || !c.CountAt.IsZero() {
		if err := nameChat(tx, session, c); err != nil {
			return err
		}
	}
	var err error
	switch {
	case c.Gone:
		_, err = tx.Exec(`DELETE FROM chats`+here, session, c.ID, c.Alt)
	case c.Read:
		_, err = tx.Exec(`UPDATE chats SET unread = 0`+here, session, c.ID, c.Alt)
	case c.Unread:
		_, err = tx.Exec(`UPDATE chats SET unread = MAX(unread, 1)`+here, session, c.ID, c.Alt)
	}
	return noSession(err)
}

// nameChat makes the conversation where there is none. How much is unread counts
// only where nothing came since.
func nameChat(tx *Tx, session string, c *ChatChange) error {
	_, err := tx.Exec(`INSERT INTO chats (sessionId, id, phone, name, lastMessageAt, unread) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
		ON CONFLICT (sessionId, id) DO UPDATE SET
			phone = COALESCE(NULLIF(excluded.phone, ''), phone), name = COALESCE(NULLIF(excluded.name, ''), name),
			unread = CASE WHEN ?5 > 0 AND lastMessageAt <= ?5 THEN ?6 ELSE unread END,
			lastMessageAt = MAX(lastMessageAt, excluded.lastMessageAt)`,
		session, c.ID, c.Phone, c.Name, toMillis(c.CountAt), c.Count)
	return noSession(err)
}
