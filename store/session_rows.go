package store

import (
	"strings"
	"sync"
)

// sessionRows are rows of whatsapp_sessions as they were read last: each call of
// the API begins with one. What writes to the table forgets them all before it is answered.
type sessionRows struct {
	mu      sync.Mutex
	changes int // how often they were forgotten
	rows    map[string]*Session
}

// get returns a copy of a row, or nil. Give changes to put with what is read instead.
func (r *sessionRows) get(id string) (s *Session, changes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if row := r.rows[id]; row != nil {
		c := *row
		s = &c
	}
	return s, r.changes
}

// put keeps a copy of a row, unless there was a change since get.
func (r *sessionRows) put(s *Session, changes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changes != changes {
		return
	}
	if r.rows == nil {
		r.rows = map[string]*Session{}
	}
	c := *s
	r.rows[s.ID] = &c
}

func (r *sessionRows) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes++
	clear(r.rows)
}

// writesSessions tells whether a query that writes may change what sessionRows keeps.
func writesSessions(query string) bool { return strings.Contains(query, "whatsapp_sessions") }
