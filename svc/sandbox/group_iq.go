package sandbox

import (
	"errors"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// groupQuestion answers one thing that is asked of a group. n is the child that says what.
type groupQuestion func(s *Server, g *group, by *account, n *waBinary.Node) answer

// groupGets and groupSets know what clients ask of one group, by the tag of the question.
var (
	groupGets = map[string]groupQuestion{
		"query":                        (*Server).groupQuery,
		"invite":                       func(s *Server, g *group, by *account, _ *waBinary.Node) answer { return s.groupInvite(g, by, false) },
		"membership_approval_requests": (*Server).groupRequests,
		"sub_groups": func(*Server, *group, *account, *waBinary.Node) answer {
			return result(el("sub_groups", nil)) // communities are not simulated
		},
	}
	groupSets = map[string]groupQuestion{
		"add": (*Server).groupMembers, "remove": (*Server).groupMembers,
		"promote": (*Server).groupMembers, "demote": (*Server).groupMembers,
		"invite":                     func(s *Server, g *group, by *account, _ *waBinary.Node) answer { return s.groupInvite(g, by, true) },
		"membership_requests_action": (*Server).groupAnswerRequests,
		"subject": func(s *Server, g *group, by *account, n *waBinary.Node) answer {
			return outcome(s.setSubject(g, by, string(content(*n))))
		},
		"description":  (*Server).groupDescribe,
		"announcement": groupSwitch, "not_announcement": groupSwitch, "locked": groupSwitch, "unlocked": groupSwitch,
		"ephemeral": (*Server).groupEphemeral, "not_ephemeral": (*Server).groupEphemeral,
		"member_add_mode": func(s *Server, g *group, by *account, n *waBinary.Node) answer {
			return outcome(s.setAddMode(g, by, string(content(*n))))
		},
		"membership_approval_mode": func(s *Server, g *group, by *account, n *waBinary.Node) answer {
			join := n.GetChildByTag("group_join")
			return outcome(s.setApproval(g, by, str(&join, "state") == "on"))
		},
	}
)

// iqGroups answers what clients ask about groups: of one, or of the service as a whole.
func (s *Server) iqGroups(c *conn, n *waBinary.Node) answer {
	children := n.GetChildren()
	if len(children) != 1 {
		s.surprised(n)
		return outcome(errUnsupported)
	}
	asked, by := &children[0], c.device.account
	to := jid(n, "to")
	if to.User == "" {
		return s.groupService(by, n, asked)
	}
	table := groupGets
	if str(n, "type") == "set" {
		table = groupSets
	}
	question := table[asked.Tag]
	g := s.findGroup(to)
	switch {
	case question == nil:
		s.surprised(n)
		return outcome(errUnsupported)
	case g == nil:
		return outcome(errNoGroup)
	case g.member(by) == nil:
		return outcome(errForbidden)
	}
	return question(s, g, by, asked)
}

// groupService answers what is asked without naming a group by its JID.
func (s *Server) groupService(by *account, n, asked *waBinary.Node) answer {
	switch get := str(n, "type") == "get"; {
	case get && asked.Tag == "participating":
		return s.participating(by, asked)
	case get && asked.Tag == "invite":
		return s.groupPreview(str(asked, "code"))
	case !get && asked.Tag == "invite":
		return s.groupJoin(by, str(asked, "code"))
	case !get && asked.Tag == "create":
		return s.groupCreate(by, asked)
	case !get && asked.Tag == "leave":
		return s.groupLeave(by, asked)
	}
	s.surprised(n)
	return outcome(errUnsupported)
}

// outcome is an empty result, or the error.
func outcome(err error) answer {
	if r := (*refusal)(nil); errors.As(err, &r) {
		return refused(r.code, r.text)
	} else if err != nil {
		return refused(500, "internal-server-error")
	}
	return result()
}

// participating lists the account's groups, with members and description where they are asked for.
func (s *Server) participating(by *account, asked *waBinary.Node) answer {
	_, members := asked.GetOptionalChildByTag("participants")
	groups := el("groups", nil)
	var nodes []waBinary.Node
	for _, g := range s.groupsOf(by) {
		nodes = append(nodes, s.groupNode(g, members))
	}
	if len(nodes) > 0 {
		groups.Content = nodes
	}
	return result(groups)
}

func (s *Server) groupQuery(g *group, _ *account, _ *waBinary.Node) answer {
	return result(s.groupNode(g, true))
}

// groupPreview shows what a link leads to, without the members.
func (s *Server) groupPreview(code string) answer {
	g, err := s.invited(code)
	if err != nil {
		return outcome(err)
	}
	return result(s.groupNode(g, false))
}

func (s *Server) groupJoin(by *account, code string) answer {
	g, waiting, err := s.joinGroup(by, code)
	switch {
	case err != nil:
		return outcome(err)
	case waiting:
		return result(el("membership_approval_request", attrs{"jid": g.jid()}))
	}
	return result(el("group", attrs{"jid": g.jid()}))
}

func (s *Server) groupLeave(by *account, asked *waBinary.Node) answer {
	var left []waBinary.Node
	for _, child := range asked.GetChildrenByTag("group") {
		g := s.findGroup(jid(&child, "id"))
		if g == nil {
			return outcome(errNoGroup)
		}
		if err := s.leaveGroup(g, by); err != nil {
			return outcome(err)
		}
		left = append(left, el("group", attrs{"id": g.jid()}))
	}
	return result(el("leave", nil, left...))
}

// groupCreate makes a group. People without an account are left out of it, with an error, as in changes of members.
func (s *Server) groupCreate(by *account, asked *waBinary.Node) answer {
	d := draftGroup{key: str(asked, "key")}
	d.Subject = str(asked, "subject")
	who, strangers := s.named(asked)
	d.members = who
	_, d.Announce = asked.GetOptionalChildByTag("announcement")
	_, d.Locked = asked.GetOptionalChildByTag("locked")
	_, parent := asked.GetOptionalChildByTag("parent")
	ephemeral, add := asked.GetChildByTag("ephemeral"), asked.GetChildByTag("member_add_mode")
	join := asked.GetChildByTag("membership_approval_mode", "group_join")
	d.Ephemeral = uint32(parseDecimal(str(&ephemeral, "expiration")))
	d.AdminsAdd, d.Approval = string(content(add)) == addMode(true), str(&join, "state") == "on"
	if parent {
		return outcome(errUnsupported)
	}
	g, err := s.createGroup(by, d)
	if err != nil {
		return outcome(err)
	}
	n := s.groupNode(g, true)
	n.Content = append(n.GetChildren(), strangers...)
	return result(n)
}

// named finds the accounts that a question names as participants; those that are not there come back as nodes with an error.
func (s *Server) named(asked *waBinary.Node) (who []*account, strangers []waBinary.Node) {
	for _, p := range asked.GetChildrenByTag("participant") {
		if a := s.find(jid(&p, "jid")); a != nil {
			who = append(who, a)
		} else {
			strangers = append(strangers, el("participant", attrs{"jid": jid(&p, "jid"), "error": 404}))
		}
	}
	return who, strangers
}

func (s *Server) groupMembers(g *group, by *account, asked *waBinary.Node) answer {
	who, strangers := s.named(asked)
	changes, err := s.changeMembers(g, by, asked.Tag, who)
	if err != nil {
		return outcome(err)
	}
	return result(el(asked.Tag, nil, append(changeNodes(changes), strangers...)...))
}

func changeNodes(changes []memberChange) []waBinary.Node {
	nodes := make([]waBinary.Node, len(changes))
	for i, c := range changes {
		nodes[i] = participantNode(c.account)
		if c.code != 0 {
			nodes[i].Attrs["error"] = c.code
		}
	}
	return nodes
}

func (s *Server) groupInvite(g *group, by *account, renew bool) answer {
	code, err := s.inviteCode(g, by, renew)
	if err != nil {
		return outcome(err)
	}
	return result(el("invite", attrs{"code": code}))
}

func (s *Server) groupRequests(g *group, by *account, _ *waBinary.Node) answer {
	if !g.admin(by) {
		return outcome(errForbidden)
	}
	var waiting []waBinary.Node
	for _, r := range g.Requests {
		if a := s.byNumber[r.Number]; a != nil {
			waiting = append(waiting, el("membership_approval_request",
				attrs{"jid": a.lidJID(), "phone_number": a.pn(), "request_time": unix(r.At), "request_method": "invite_link"}))
		}
	}
	return result(el("membership_approval_requests", nil, waiting...))
}

func (s *Server) groupAnswerRequests(g *group, by *account, asked *waBinary.Node) answer {
	actions := asked.GetChildren()
	if len(actions) != 1 {
		return outcome(errBadRequest)
	}
	who, strangers := s.named(&actions[0])
	changes, err := s.answerRequests(g, by, actions[0].Tag == "approve", who)
	if err != nil {
		return outcome(err)
	}
	return result(el(asked.Tag, nil, el(actions[0].Tag, nil, append(changeNodes(changes), strangers...)...)))
}

func (s *Server) groupDescribe(g *group, by *account, asked *waBinary.Node) answer {
	text := string(content(asked.GetChildByTag("body")))
	return outcome(s.setDescription(g, by, str(asked, "id"), str(asked, "prev"), text))
}

func groupSwitch(s *Server, g *group, by *account, asked *waBinary.Node) answer {
	return outcome(s.flip(g, by, asked.Tag))
}

func (s *Server) groupEphemeral(g *group, by *account, asked *waBinary.Node) answer {
	return outcome(s.setEphemeral(g, by, uint32(parseDecimal(str(asked, "expiration")))))
}

// groupOf finds the group a text names: digits or a JID.
func (s *Server) groupOf(text string) *group {
	j, err := types.ParseJID(text)
	if err != nil || j.Server != types.GroupServer {
		return s.groups[text]
	}
	return s.findGroup(j)
}
