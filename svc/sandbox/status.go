package sandbox

import (
	"slices"
	"strings"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// A status post goes to status@broadcast. It travels like a message in a group whose members are its author and the readers, under a
// sender key, so it is handled as one: a group that is made for the moment and never kept.

func isStatus(j types.JID) bool { return j.ToNonAD() == types.StatusBroadcastJID }

// statusOf is where an account posts its status, for these readers.
func (s *Server) statusOf(author *account, readers ...*account) *group {
	g := &group{status: true}
	for _, a := range append([]*account{author}, readers...) {
		if g.member(a) == nil {
			g.Members = append(g.Members, groupMember{Number: a.number})
		}
	}
	return g
}

// statusAudience is who gets what a phone posts: everybody who knows the account, by number. The real service wants the author to know
// the reader too; here it is enough that they can tell who posts.
func (s *Server) statusAudience(author *account) []*account {
	list := s.acquainted(author)
	slices.SortFunc(list, func(x, y *account) int { return strings.Compare(x.number, y.number) })
	return list
}

// handleStatus takes a status post of a linked device. Clients name the readers themselves; one that names none means those who have
// its sender key already, which is taken for those who know the account.
func (s *Server) handleStatus(c *conn, p *parcel, n *waBinary.Node) {
	var readers []*account
	participants := n.GetChildByTag("participants")
	for _, to := range participants.GetChildrenByTag("to") {
		if a := s.find(jid(&to, "jid")); a != nil {
			readers = append(readers, a)
		}
	}
	if a := s.find(jid(n, "participant")); a != nil { // the answer to a retry receipt
		readers = append(readers, a)
	}
	if len(readers) == 0 {
		readers = s.statusAudience(p.from)
	}
	p.group = s.statusOf(p.from, readers...)
	s.handleGroupMessage(c, p, n)
}

// groupOrStatus finds the group that a receipt is about: a real one, or the status of its author.
func (s *Server) groupOrStatus(j types.JID, author, reader *account) *group {
	if isStatus(j) && author != nil {
		return s.statusOf(author, reader)
	}
	return s.findGroup(j)
}
