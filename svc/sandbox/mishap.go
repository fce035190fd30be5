package sandbox

import (
	"bytes"

	waBinary "go.mau.fi/whatsmeow/binary"
)

// Mishaps are faults that happen to single messages:
//
//   - unreadable: what a phone gets from a linked device is damaged, so that it asks again;
//   - garbled: what a linked device gets is damaged, so that it asks again;
//   - by_number: what a phone sends to others comes from its number alone, as before accounts moved to LIDs.
var mishaps = []string{"unreadable", "garbled", "by_number"}

// damaged gives the enc nodes of a message with the last of them damaged, if there is a fault of this kind for an account.
func (s *Server) damaged(kind string, a *account, encs []waBinary.Node) []waBinary.Node {
	if len(s.faults) == 0 || len(encs) == 0 || s.takeFault(kind, a.number) == nil {
		return encs
	}
	damaged := append([]waBinary.Node(nil), encs...)
	last := &damaged[len(damaged)-1]
	data := bytes.Clone(content(*last))
	if len(data) > 0 {
		data[len(data)/2] ^= 1 // where what is signed is, in every kind of message
	}
	last.Content = data
	return damaged
}

// numberOnly tells whether a message to a device comes from a number whose LID nobody tells.
func (s *Server) numberOnly(p *parcel, d *device) bool {
	return len(s.faults) > 0 && p.group == nil && p.device == 0 && d.account != p.from && s.takeFault("by_number", p.from.number) != nil
}
