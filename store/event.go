package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"wamux/store/seal"
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

// secretEvent is the type of the events whose data is sealed: a QR code holds a
// key of the account that is linked with it.
const secretEvent = "session.qr"

// sealEvents returns the entries with the data of their secret events sealed.
// entries is not changed.
func sealEvents(s Sealer, session string, entries []Entry) ([]Entry, error) {
	secret := func(e Event) bool { return e.Type == secretEvent }
	if !s.On() || !slices.ContainsFunc(entries, func(e Entry) bool { return slices.ContainsFunc(e.Events, secret) }) {
		return entries, nil
	}
	entries = slices.Clone(entries)
	for i := range entries {
		entries[i].Events = slices.Clone(entries[i].Events)
		for n := range entries[i].Events {
			if e := &entries[i].Events[n]; secret(*e) {
				if err := e.seal(s, session); err != nil {
					return nil, err
				}
			}
		}
	}
	return entries, nil
}

// seal gives the event its id and seals its data.
func (e *Event) seal(s Sealer, session string) (err error) {
	e.Session, e.ID = cmp.Or(e.Session, session), cmp.Or(e.ID, randomID("evt_"))
	e.Data, err = s.Seal(e.Session, classEvent, e.ID, []byte(object(e.Data)))
	return err
}

// value is the data as it is kept.
func (e Event) value() any {
	if e.Type == secretEvent && seal.Sealed(e.Data) {
		return []byte(e.Data)
	}
	return object(e.Data)
}

// addEvent appends an event unless its id is there already, and tells which.
func addEvent(tx *Tx, session string, e Event) (fresh bool, err error) {
	if e.ID == "" {
		e.ID = randomID("evt_")
	}
	if e.Timestamp.IsZero() {
		e.Timestamp = tx.Now
	}
	if e.Session != "" {
		session = e.Session
	}
	fresh, err = changed(tx.Exec(`INSERT INTO events (id, sessionId, type, timestamp, data) VALUES (?, NULLIF(?, ''), ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
		e.ID, session, e.Type, toMillis(e.Timestamp), e.value()))
	return fresh, noSession(err)
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
		list, err = collect(rows, err, tx.scanEvent)
		return err
	})
	return list, err
}

func (tx *Tx) scanEvent(row scanner) (Event, error) {
	var e Event
	var at int64
	var data []byte
	err := row.Scan(&e.Seq, &e.ID, &e.Session, &e.Type, &at, &data)
	if err == nil && e.Type == secretEvent {
		data, err = tx.Unseal(e.Session, classEvent, e.ID, data)
	}
	e.Timestamp, e.Data = fromMillis(at), json.RawMessage(data)
	return e, err
}
