package store

import "sync"

// unsaved are the states of sessions that could not be written down. Just when
// the disk is broken people must see that the sessions know; the row says what it
// was before. A session writes its next state itself.
type unsaved struct {
	mu     sync.Mutex
	states map[string]StateChange // by session
}

// note remembers what became of a change.
func (u *unsaved) note(session string, st StateChange, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case err == nil || ErrorCode(err) == CodeNotFound:
		delete(u.states, session)
	case u.states == nil:
		u.states = map[string]StateChange{session: st}
	default:
		u.states[session] = st
	}
}

// apply tells in rows what is not written in them.
func (u *unsaved) apply(list ...*Session) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.states) == 0 {
		return
	}
	for _, s := range list {
		if s == nil {
			continue
		}
		if st, ok := u.states[s.ID]; ok {
			s.State, s.Code, s.Reason, s.Next, s.Until = st.State, st.Code, st.Reason, st.Next, st.Until
		}
	}
}
