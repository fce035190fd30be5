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
// chat without a name of its own has that of its contact.
func (db *DB) Chats(ctx context.Context, q ChatQuery) (list []*Chat, total int, err error) {
	err = db.View(ctx, func(tx *Tx) (err error) {
		if err = tx.QueryRow("SELECT COUNT(*) FROM chats WHERE sessionId = ?", q.Session).Scan(&total); err != nil {
			return err
		}
		rows, err := tx.Query(`SELECT chats.sessionId, chats.id, chats.phone,
				COALESCE(NULLIF(chats.name, ''), NULLIF(c.name, ''), NULLIF(c.businessName, ''), c.pushName, ''), lastMessageAt, unread
			FROM chats LEFT JOIN contacts c ON c.sessionId = chats.sessionId AND c.jid = chats.id
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
func touchChat(tx *Tx, session string, m *Message) error {
	unread := 1
	if m.Outgoing {
		unread = 0
	}
	_, err := tx.Exec(`INSERT INTO chats (sessionId, id, phone, lastMessageAt, unread) VALUES (?1, ?2, ?3, ?4, ?5)
		ON CONFLICT (sessionId, id) DO UPDATE SET
			phone = COALESCE(NULLIF(excluded.phone, ''), phone),
			lastMessageAt = MAX(lastMessageAt, excluded.lastMessageAt),
			unread = CASE excluded.unread WHEN 0 THEN 0 ELSE unread + 1 END`,
		session, m.Chat, m.Phone, toMillis(m.Timestamp), unread)
	return err
}
