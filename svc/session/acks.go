package session

import (
	"errors"
	"sync/atomic"

	"go.mau.fi/whatsmeow"
)

// Acks counts what WhatsApp said to messages that went out.
type Acks struct {
	Accepted atomic.Int64 // it took the message
	Refused  atomic.Int64 // it answered with an error
	Missing  atomic.Int64 // it did not answer in time, or the line broke before: the message goes out again
}

// Acks returns the counters of all sessions; they go on counting.
func (m *Manager) Acks() *Acks { return &m.acks }

// note counts the end of one attempt. What failed before anything had left is no word of WhatsApp's.
// left: it surely had.
func (a *Acks) note(err error, left bool) {
	switch {
	case err == nil:
		a.Accepted.Add(1)
	case errors.Is(err, whatsmeow.ErrServerReturnedError):
		a.Refused.Add(1)
	case left || mayHaveLeft(err):
		a.Missing.Add(1)
	}
}
