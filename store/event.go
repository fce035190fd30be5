package store

import (
	"encoding/json"
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
