package sandbox

import (
	"slices"
	"strings"

	waBinary "go.mau.fi/whatsmeow/binary"
)

const (
	maxMembers = 1024
	maxSubject = 100 // characters
)

// draftGroup is what a group is made of.
type draftGroup struct {
	groupInfo
	key     string // names the creation to its author
	members []*account
}

// createGroup makes a group of an account and others. The creator hears the key that it gave.
func (s *Server) createGroup(by *account, d draftGroup) (*group, error) {
	if err := validSubject(d.Subject); err != nil {
		return nil, err
	}
	if len(d.members) >= maxMembers || d.Description != nil && len([]rune(d.Description.Text)) > maxDescription {
		return nil, errUnfit
	}
	now := s.now()
	g := s.newGroup(now)
	g.groupInfo = d.groupInfo
	g.Creator, g.Created, g.SubjectBy, g.SubjectAt = by.number, now, by.number, now
	g.Members, g.Version = []groupMember{{by.number, rankSuperAdmin}}, now.UnixMicro()
	for _, a := range d.members {
		if g.member(a) == nil {
			g.Members = append(g.Members, groupMember{Number: a.number})
		}
	}
	s.saveGroup(g)
	created := attrs{"type": "new"}
	if d.key != "" {
		created["key"] = d.key
	}
	s.tellGroup(g, by, el("create", created, s.groupNode(g, true)))
	return g, nil
}

func validSubject(subject string) error {
	if n := len([]rune(subject)); strings.TrimSpace(subject) == "" || n > maxSubject {
		return errUnfit
	}
	return nil
}

// memberChange is the outcome for one person of a change of members: code is 0 when it is done.
type memberChange struct {
	account *account
	code    int
}

// changeMembers adds, removes, promotes or demotes people, each with an outcome of its own.
func (s *Server) changeMembers(g *group, by *account, action string, who []*account) ([]memberChange, error) {
	member := g.member(by)
	switch {
	case member == nil:
		return nil, errForbidden
	case member.Rank == rankMember && (action != "add" || g.AdminsAdd):
		return nil, errForbidden
	}
	var changes []memberChange
	var done []*account
	before := g.version()
	for _, a := range who {
		code := g.change(action, a)
		changes = append(changes, memberChange{a, code})
		if code == 0 {
			done = append(done, a)
		}
	}
	if len(done) > 0 {
		s.membersChanged(g, by, action, before, done)
	}
	return changes, nil
}

// change makes one change and returns 0, or the code of why not. The codes for members who are there already, or not there, are
// known from reports of users; that for the creator, who cannot be removed or demoted, is a guess.
func (g *group) change(action string, a *account) int {
	m := g.member(a)
	switch {
	case action == "add" && m != nil:
		return 409
	case action == "add" && len(g.Members) >= maxMembers:
		return 419
	case action != "add" && m == nil:
		return 404
	case m != nil && m.Rank == rankSuperAdmin:
		return 406
	}
	switch action {
	case "add":
		g.Members = append(g.Members, groupMember{Number: a.number})
		g.dropRequest(a)
	case "remove":
		g.drop(a)
	case "promote":
		m.Rank = rankAdmin
	case "demote":
		m.Rank = rankMember
	}
	return 0
}

func (g *group) drop(a *account) {
	g.Members = slices.DeleteFunc(g.Members, func(m groupMember) bool { return m.Number == a.number })
}

func (g *group) dropRequest(a *account) bool {
	n := len(g.Requests)
	g.Requests = slices.DeleteFunc(g.Requests, func(r groupRequest) bool { return r.Number == a.number })
	return len(g.Requests) < n
}

// membersChanged saves and tells a change of members. Who was added hears of a group, the others of new members.
func (s *Server) membersChanged(g *group, by *account, action, before string, who []*account) {
	g.Version++
	s.saveGroup(g)
	change := el(action, attrs{"v_id": g.version(), "prev_v_id": before}, participantNodes(who)...)
	switch action {
	case "add":
		others := slices.DeleteFunc(s.memberAccounts(g), func(a *account) bool { return slices.Contains(who, a) })
		s.notifyGroup(g, by, change, others)
		s.notifyGroup(g, by, el("create", nil, s.groupNode(g, true)), who)
	case "remove":
		s.tellGroup(g, by, change, who...)
	default:
		s.tellGroup(g, by, change)
	}
}

func participantNodes(who []*account) []waBinary.Node {
	nodes := make([]waBinary.Node, len(who))
	for i, a := range who {
		nodes[i] = participantNode(a)
	}
	return nodes
}

// leaveGroup takes an account out of a group. A group without an admin gets its oldest member as one; that this is who it is,
// is a guess.
func (s *Server) leaveGroup(g *group, a *account) error {
	if g.member(a) == nil {
		return errForbidden
	}
	before := g.version()
	g.drop(a)
	s.membersChanged(g, a, "remove", before, []*account{a})
	if len(g.Members) == 0 || slices.ContainsFunc(g.Members, func(m groupMember) bool { return m.Rank != rankMember }) {
		return nil
	}
	before, g.Members[0].Rank = g.version(), rankAdmin
	s.membersChanged(g, nil, "promote", before, []*account{s.byNumber[g.Members[0].Number]})
	return nil
}

// inviteCode returns the code in the group's link, a new one when asked for. Only admins see it.
func (s *Server) inviteCode(g *group, by *account, renew bool) (string, error) {
	switch {
	case g.member(by) == nil:
		return "", errForbidden
	case !g.admin(by):
		return "", errUnallowed
	}
	old := g.Invite
	if old == "" || renew {
		g.Invite = randomCode()
		s.saveGroup(g)
	}
	if old != "" && renew {
		s.put(`INSERT OR IGNORE INTO revoked(code) VALUES(?)`, old)
		s.revoked[old] = true
		s.tellGroup(g, by, el("invite", attrs{"code": g.Invite}))
	}
	return g.Invite, nil
}

// invited finds the group a code leads to.
func (s *Server) invited(code string) (*group, error) {
	if code == "" {
		return nil, errUnfit
	}
	for _, g := range s.groups {
		if g.Invite == code {
			return g, nil
		}
	}
	if s.revoked[code] {
		return nil, errGone
	}
	return nil, errUnfit
}

// joinGroup lets an account in by the group's link, or has it wait for an admin: then waiting is true.
func (s *Server) joinGroup(a *account, code string) (g *group, waiting bool, err error) {
	if g, err = s.invited(code); err != nil {
		return nil, false, err
	}
	switch {
	case g.member(a) != nil:
		return nil, false, errAlready
	case len(g.Members) >= maxMembers:
		return nil, false, &refusal{419, "resource-limit"}
	case g.Approval:
		s.requestJoin(g, a)
		return g, true, nil
	}
	s.letIn(g, a, a)
	return g, false, nil
}

// letIn adds somebody who came by the link.
func (s *Server) letIn(g *group, by, a *account) {
	before := g.version()
	g.Members = append(g.Members, groupMember{Number: a.number})
	g.dropRequest(a)
	g.Version++
	s.saveGroup(g)
	others := slices.DeleteFunc(s.memberAccounts(g), func(m *account) bool { return m == a })
	s.notifyGroup(g, by, el("add", attrs{"reason": "invite", "v_id": g.version(), "prev_v_id": before}, participantNode(a)), others)
	s.notifyGroup(g, by, el("create", attrs{"reason": "invite"}, s.groupNode(g, true)), []*account{a})
}

// requestJoin notes who wants in and tells the admins.
func (s *Server) requestJoin(g *group, a *account) {
	g.dropRequest(a)
	g.Requests = append(g.Requests, groupRequest{a.number, s.now()})
	s.saveGroup(g)
	asking := el("requested_user", attrs{"jid": a.lidJID(), "phone_number": a.pn()})
	s.notifyGroup(g, a, el("created_membership_requests", attrs{"request_method": "invite_link"}, asking), s.admins(g))
}

func (s *Server) admins(g *group) []*account {
	return slices.DeleteFunc(s.memberAccounts(g), func(a *account) bool { return !g.admin(a) })
}

// answerRequests lets people in who asked, or turns them away.
func (s *Server) answerRequests(g *group, by *account, approve bool, who []*account) ([]memberChange, error) {
	if !g.admin(by) {
		return nil, errForbidden
	}
	var changes []memberChange
	for _, a := range who {
		change := memberChange{account: a}
		switch waited := g.dropRequest(a); {
		case !waited:
			change.code = 404
		case approve:
			s.letIn(g, by, a)
		default:
			s.saveGroup(g)
			s.notifyGroup(g, by, el("revoked_membership_requests", nil, participantNode(a)), append(s.admins(g), a))
		}
		changes = append(changes, change)
	}
	return changes, nil
}
