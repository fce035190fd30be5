package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"strings"
	"time"
)

// Event is one fact of the append-only log.
type Event struct {
	Seq       int64           // given by the store, ever growing
	ID        string          // evt_…; empty means the store makes a random one
	Type      string          // dotted, such as message.received
	Session   string          // taken from the call when it is empty
	Timestamp time.Time       // zero means the time of the transaction
	Data      json.RawMessage // a JSON object; nil is taken as {}
}

// EventID makes an id from what the event is about, so that a repeat is the
// same event.
func EventID(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		h.Write([]byte(p))
	}
	return "evt_" + strings.ToLower(base32.StdEncoding.EncodeToString(h.Sum(nil))[:26])
}

// randomID makes an id that nobody can guess.
func randomID(prefix string) string { return prefix + strings.ToLower(rand.Text()) }

// addEvent appends an event unless its id is there already.
func addEvent(tx *Tx, session string, e Event) error {
	if e.ID == "" {
		e.ID = randomID("evt_")
	}
	if e.Timestamp.IsZero() {
		e.Timestamp = tx.Now
	}
	if e.Session != "" {
		session = e.Session
	}
	_, err := tx.Exec(`INSERT INTO events (id, sessionId, type, timestamp, data) VALUES (?, NULLIF(?, ''), ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
		e.ID, session, e.Type, toMillis(e.Timestamp), object(e.Data))
	return noSession(err)
}

// object returns JSON text that surely is an object: what is none must not make
// a row that queries choke on.
func object(data json.RawMessage) string {
	if len(data) == 0 {
		return "{}"
	}
	if data[0] == '{' && json.Valid(data) {
		return string(data)
	}
	text, err := json.Marshal(map[string]string{"unparsed": string(data)})
	if err != nil {
		return "{}"
	}
	return string(text)
}

// Events returns up to limit events with a Seq above after, in order.
func (db *DB) Events(ctx context.Context, after int64, limit int) (list []Event, err error) {
	err = db.readLatest(ctx, func(tx *Tx) (err error) {
		rows, err := tx.Query("SELECT seq, id, COALESCE(sessionId, ''), type, timestamp, data FROM events WHERE seq > ? ORDER BY seq LIMIT ?", after, pageSize(limit))
		list, err = collect(rows, err, scanEvent)
		return err
	})
	return list, err
}

func scanEvent(row scanner) (Event, error) {
	var e Event
	var at int64
	var data string
	err := row.Scan(&e.Seq, &e.ID, &e.Session, &e.Type, &at, &data)
	e.Timestamp, e.Data = fromMillis(at), json.RawMessage(data)
	return e, err
}
