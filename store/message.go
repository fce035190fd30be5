package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// How far an outgoing message has come. It only moves forward in this order.
const (
	StatusPending   = "pending"
	StatusServer    = "server"
	StatusDelivered = "delivered"
	StatusRead      = "read"
	StatusPlayed    = "played"
)

// Message is a row of chat_history. Chat and Sender are the identities exactly
// as the stanza carried them: a mapping learned later changes no row.
type Message struct {
	Seq       int64 // row id, given by the store
	Session   string
	Chat      string // JID
	Sender    string // JID
	ID        string // WhatsApp's message id
	Part      int    // 0 unless one message makes several rows
	Phone     string // digits of the chat: the phone number where it is known
	Text      string
	Type      string
	Outgoing  bool
	Status    string          // one of the Status words; "" for incoming
	Metadata  json.RawMessage // a JSON object; nil is taken as {}
	Raw       []byte          // protobuf waE2E.Message; may be nil
	Timestamp time.Time
	EditedAt  time.Time // zero when never edited
	RevokedAt time.Time // zero when not revoked
}

// MessageQuery chooses messages of one session, newest first.
type MessageQuery struct {
	Session string
	Phone   string // digits; "" for all
	Chat    string // JID; "" for all
	Before  int64  // Seq of a row: only rows behind it in the list; 0 for all
	Offset  int
	Limit   int // 0 means 25, at most 1000
}

// statusOrder is the way of an outgoing message.
var statusOrder = []string{StatusPending, StatusServer, StatusDelivered, StatusRead, StatusPlayed}

// furthest returns the status that is further on the way.
func furthest(a, b string) string {
	if slices.Index(statusOrder, b) > slices.Index(statusOrder, a) {
		return b
	}
	return a
}

const messageColumns = `id, sessionId, chat, sender, messageId, part, phoneNumber, message, messageType, direction, status, metadata, raw, timestamp, editedAt, revokedAt`

func scanMessage(row scanner) (*Message, error) {
	var m Message
	var direction, metadata, at string
	var edited, revoked int64
	err := row.Scan(&m.Seq, &m.Session, &m.Chat, &m.Sender, &m.ID, &m.Part, &m.Phone, &m.Text, &m.Type, &direction,
		&m.Status, &metadata, &m.Raw, &at, &edited, &revoked)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, Errorf(CodeNotFound, "message_not_found", "Message not found")
	}
	if err != nil {
		return nil, err
	}
	m.Outgoing, m.Metadata, m.Timestamp = direction == outgoing, json.RawMessage(metadata), parseTime(at)
	m.EditedAt, m.RevokedAt = fromMillis(edited), fromMillis(revoked)
	return &m, nil
}

// The two directions of chat_history.
const (
	incoming = "incoming"
	outgoing = "outgoing"
)

func (m *Message) direction() string {
	if m.Outgoing {
		return outgoing
	}
	return incoming
}

// where returns the condition of the query without its cursor, and its values.
func (q MessageQuery) where() (string, []any) {
	cond, args := "sessionId = ?", []any{q.Session}
	if q.Phone != "" {
		cond, args = cond+" AND phoneNumber = ?", append(args, q.Phone)
	}
	if q.Chat != "" {
		cond, args = cond+" AND chat = ?", append(args, q.Chat)
	}
	return cond, args
}

// Messages returns the chosen messages, newest first, and how many there are
// without regard to Before, Offset and Limit. A session that does not exist has
// none.
func (db *DB) Messages(ctx context.Context, q MessageQuery) (list []*Message, total int, err error) {
	err = db.viewLatest(ctx, func(tx *Tx) (err error) {
		cond, args := q.where()
		if err = tx.QueryRow("SELECT COUNT(*) FROM chat_history WHERE "+cond, args...).Scan(&total); err != nil {
			return err
		}
		if q.Before > 0 {
			if cond, args, err = q.behind(tx, cond, args); err != nil {
				return err
			}
		}
		args = append(args, pageSize(q.Limit), max(q.Offset, 0))
		rows, err := tx.Query("SELECT "+messageColumns+" FROM chat_history WHERE "+cond+" ORDER BY timestamp DESC, id DESC LIMIT ? OFFSET ?", args...)
		list, err = collect(rows, err, scanMessage)
		return err
	})
	return list, total, err
}

// behind adds the cursor to the condition of the query. Rows do not come in the
// order of their times, since the phone hands in what was before. A cursor whose
// row is gone counts by number.
func (q MessageQuery) behind(tx *Tx, cond string, args []any) (string, []any, error) {
	var at string
	err := tx.QueryRow("SELECT timestamp FROM chat_history WHERE id = ? AND sessionId = ?", q.Before, q.Session).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return cond + " AND id < ?", append(args, q.Before), nil
	}
	return cond + " AND (timestamp, id) < (?, ?)", append(args, at, q.Before), err
}

// Message returns the message that WhatsApp calls messageID, its first part, or
// the error message_not_found. Where two chats have the same id the newer one
// is meant.
func (db *DB) Message(ctx context.Context, session, messageID string) (m *Message, err error) {
	err = db.readLatest(ctx, func(tx *Tx) (err error) {
		m, err = scanMessage(tx.QueryRow("SELECT "+messageColumns+` FROM chat_history
			WHERE sessionId = ? AND messageId = ? ORDER BY part, id DESC LIMIT 1`, session, messageID))
		return err
	})
	return m, err
}

// addMessage writes the row, keeps its chat up to date and tells whether it is
// new. A receipt may have come before our own message was noted as sent.
func addMessage(tx *Tx, session string, m *Message, past bool) (bool, error) {
	if known, err := knowsMessage(tx, session, m); known || err != nil {
		return false, err
	}
	status := m.Status
	if m.Outgoing {
		early, err := earlyStatus(tx, session, m.ID)
		if err != nil {
			return false, err
		}
		status = furthest(status, early)
	}
	res, err := tx.Exec(`INSERT INTO chat_history (sessionId, phoneNumber, message, messageType, direction, metadata, timestamp, chat, sender, messageId, part, status, raw)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		session, m.Phone, m.Text, m.Type, m.direction(), object(m.Metadata), formatTime(m.Timestamp), m.Chat, m.Sender, m.ID, m.Part, status, m.Raw)
	if err != nil {
		return false, noSession(err)
	}
	if n, err := res.RowsAffected(); n == 0 || err != nil {
		return false, err
	}
	return true, touchChat(tx, session, m, past)
}

// knowsMessage tells whether a message is here already, be it under another identity
// of its chat: the phone may hand in what was before, and what had to be asked for
// again comes from its sender and from the phone.
func knowsMessage(tx *Tx, session string, m *Message) (known bool, err error) {
	rows, err := tx.Query("SELECT chat, phoneNumber, timestamp FROM chat_history WHERE sessionId = ? AND messageId = ? AND part = ? AND direction = ?",
		session, m.ID, m.Part, m.direction())
	list, err := collect(rows, err, func(row scanner) (there Message, err error) {
		var at string
		err = row.Scan(&there.Chat, &there.Phone, &at)
		there.Timestamp = parseTime(at)
		return there, err
	})
	for i := 0; i < len(list) && !known && err == nil; i++ {
		known, err = sameMessage(tx, &list[i], m)
	}
	return known, err
}

// sameMessage tells whether two messages of one id are one. In a chat of two that is
// named once by number and once by LID nobody may know yet that both are the same
// person's: then the time tells.
func sameMessage(tx *Tx, a, b *Message) (bool, error) {
	if bare(a.Chat) == bare(b.Chat) || a.Phone != "" && a.Phone == b.Phone || sameChat(a.Chat, b.Chat) && a.Timestamp.Equal(b.Timestamp) {
		return true, nil
	}
	return samePerson(tx, a.Chat, b.Chat)
}
