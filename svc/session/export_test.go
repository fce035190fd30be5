package session

import (
	"wamux/store"
	"wamux/svc/session/convert"
)

// Converter is what turns an event into entries.
type Converter func(session string, own convert.Own, evt any) []store.Entry

// WrapConvert puts wrap around the converter, before StartAll.
func (m *Manager) WrapConvert(wrap func(Converter) Converter) {
	m.convert = wrap(m.convert)
}

// State is what a session says of itself, also when that cannot be saved.
func (m *Manager) State(id string) store.SessionState { return m.known(id).seen.state() }

// Wake tells a session's sender that there are jobs in the database.
func (m *Manager) Wake(id string) { m.known(id).nudge() }

// ShortWay tells whether a session takes jobs that are in memory only.
func (m *Manager) ShortWay(id string) bool {
	d := m.known(id).direct
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open && !d.dirty && len(d.queue) == 0
}
