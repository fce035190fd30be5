package sandbox

import (
	"context"
	"errors"
	"maps"
	"slices"

	"wamux/api"
	"wamux/store"
)

// AddGroup makes a group of phones.
func (s *Server) AddGroup(ctx context.Context, n api.SandboxNewGroup) (out api.SandboxGroup, err error) {
	err = s.do(ctx, func() error {
		by, err := s.account(n.Creator)
		if err != nil {
			return err
		}
		d := draftGroup{groupInfo: groupInfo{
			Subject: n.Subject, Announce: n.Announce, Locked: n.Locked, Ephemeral: n.Ephemeral, AdminsAdd: n.AdminsAdd, Approval: n.JoinApproval,
		}}
		if d.members, err = s.accountsOf(n.Members); err != nil {
			return err
		}
		if n.Description != "" {
			d.Description = &groupText{ID: randomID(10), Text: n.Description, By: by.number, At: s.now()}
		}
		g, err := s.createGroup(by, d)
		if err != nil {
			return forPeople(err)
		}
		out = s.describeGroup(g)
		return nil
	})
	return out, err
}

func (s *Server) accountsOf(numbers []string) ([]*account, error) {
	list := make([]*account, len(numbers))
	for i, number := range numbers {
		var err error
		if list[i], err = s.account(number); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// forPeople turns a refusal of the protocol into an error with a sentence.
func forPeople(err error) error {
	r := (*refusal)(nil)
	if !errors.As(err, &r) {
		return err
	}
	switch r.code {
	case errForbidden.code, errUnallowed.code:
		return store.Errorf(store.CodeConflict, "group_forbidden", "The phone may not do this in the group: it is no member, or only admins may.")
	case errUnfit.code, errBadRequest.code:
		return invalid("group_invalid", "A group has a subject of 1 to 100 characters, a description of up to 2,048, up to 1,024 members and a valid invite code.")
	case errGone.code:
		return store.Errorf(store.CodeConflict, "invite_revoked", "The invite link of the group was revoked.")
	}
	return store.Errorf(store.CodeConflict, "group_conflict", "The state of the group does not allow it (%d %s).", r.code, r.text)
}

// Groups lists all groups, the oldest first.
func (s *Server) Groups(context.Context) ([]api.SandboxGroup, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []api.SandboxGroup{}
	for _, g := range slices.SortedFunc(maps.Values(s.groups), byAge) {
		list = append(list, s.describeGroup(g))
	}
	return list, nil
}

// Group returns one group, by JID or its digits, or not_found.
func (s *Server) Group(_ context.Context, name string) (api.SandboxGroup, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.groupNamed(name)
	if err != nil {
		return api.SandboxGroup{}, err
	}
	return s.describeGroup(g), nil
}

func (s *Server) groupNamed(name string) (*group, error) {
	if g := s.groupOf(name); g != nil {
		return g, nil
	}
	return nil, store.Errorf(store.CodeNotFound, "group_not_found", "There is no sandbox group with this JID.")
}

func (s *Server) describeGroup(g *group) api.SandboxGroup {
	out := api.SandboxGroup{
		JID: g.jid().String(), Subject: g.Subject, Creator: g.Creator, CreatedAt: g.Created.UTC(), Announce: g.Announce, Locked: g.Locked,
		Ephemeral: g.Ephemeral, AdminsAdd: g.AdminsAdd, JoinApproval: g.Approval, Members: []api.SandboxMember{}, Requests: []string{},
	}
	if g.Description != nil {
		out.Description = g.Description.Text
	}
	for _, m := range g.Members {
		if a := s.byNumber[m.Number]; a != nil {
			out.Members = append(out.Members, api.SandboxMember{Phone: a.number, LID: a.lid, Rank: m.Rank})
		}
	}
	for _, r := range g.Requests {
		out.Requests = append(out.Requests, r.Number)
	}
	return out
}

// actor finds the phone that acts: the one named, else the first admin.
func (s *Server) actor(g *group, number string) (*account, error) {
	if number != "" {
		return s.account(number)
	}
	if admins := s.admins(g); len(admins) > 0 {
		return admins[0], nil
	}
	return nil, store.Errorf(store.CodeConflict, "group_forbidden", "The group has no admin: name the phone that acts.")
}

// ChangeMembers lets a phone change who is in a group, and lets phones come and go.
func (s *Server) ChangeMembers(ctx context.Context, name string, c api.SandboxMembersChange) (out []api.SandboxMemberResult, err error) {
	err = s.do(ctx, func() error {
		g, err := s.groupNamed(name)
		if err != nil {
			return err
		}
		who, err := s.accountsOf(c.Phones)
		if err != nil {
			return err
		}
		if len(who) == 0 {
			return invalid("phones_missing", "Name the phones that it is about.")
		}
		changes, err := s.moveMembers(g, c, who)
		for _, change := range changes {
			out = append(out, api.SandboxMemberResult{Phone: change.account.number, Error: change.code})
		}
		return forPeople(err)
	})
	return out, err
}

// moveMembers does one of the actions. Errors of those who come and go by themselves are theirs, like the others' codes.
func (s *Server) moveMembers(g *group, c api.SandboxMembersChange, who []*account) ([]memberChange, error) {
	switch c.Action {
	case "leave":
		return eachMember(who, func(a *account) error { return s.leaveGroup(g, a) }), nil
	case "join":
		return s.joinMembers(g, who)
	}
	by, err := s.actor(g, c.By)
	if err != nil {
		return nil, err
	}
	switch c.Action {
	case "add", "remove", "promote", "demote":
		return s.changeMembers(g, by, c.Action, who)
	case "approve", "reject":
		return s.answerRequests(g, by, c.Action == "approve", who)
	}
	return nil, invalid("action_invalid", "The action is add, remove, promote, demote, leave, join, approve or reject.")
}

// joinMembers lets phones join by the group's link, which an admin made when there is none yet.
func (s *Server) joinMembers(g *group, who []*account) ([]memberChange, error) {
	by, err := s.actor(g, "")
	if err != nil {
		return nil, err
	}
	code, err := s.inviteCode(g, by, false)
	if err != nil {
		return nil, err
	}
	return eachMember(who, func(a *account) error {
		_, _, err := s.joinGroup(a, code)
		return err
	}), nil
}

func eachMember(who []*account, do func(*account) error) []memberChange {
	changes := make([]memberChange, len(who))
	for i, a := range who {
		changes[i].account = a
		if r := (*refusal)(nil); errors.As(do(a), &r) {
			changes[i].code = r.code
		}
	}
	return changes
}

// ChangeGroup lets a phone change the settings of a group. The first that is refused ends it; those before it stay changed.
func (s *Server) ChangeGroup(ctx context.Context, name string, c api.SandboxGroupChange) (out api.SandboxGroup, err error) {
	var refused error
	err = s.do(ctx, func() error {
		g, err := s.groupNamed(name)
		if err != nil {
			return err
		}
		by, err := s.actor(g, c.By)
		if err != nil {
			return err
		}
		for _, change := range s.settingChanges(g, by, c) {
			if refused = change(); refused != nil {
				break
			}
		}
		out = s.describeGroup(g)
		return nil
	})
	if err == nil {
		err = forPeople(refused)
	}
	return out, err
}

// settingChanges lists what a change asks for.
func (s *Server) settingChanges(g *group, by *account, c api.SandboxGroupChange) (list []func() error) {
	if c.Subject != nil {
		list = append(list, func() error { return s.setSubject(g, by, *c.Subject) })
	}
	if c.Description != nil {
		list = append(list, func() error { return s.setDescription(g, by, "", g.descriptionID(), *c.Description) })
	}
	if c.Announce != nil {
		list = append(list, func() error { return s.flip(g, by, pick(*c.Announce, "announcement", "not_announcement")) })
	}
	if c.Locked != nil {
		list = append(list, func() error { return s.flip(g, by, pick(*c.Locked, "locked", "unlocked")) })
	}
	if c.Ephemeral != nil {
		list = append(list, func() error { return s.setEphemeral(g, by, *c.Ephemeral) })
	}
	if c.AdminsAdd != nil {
		list = append(list, func() error { return s.setAddMode(g, by, addMode(*c.AdminsAdd)) })
	}
	if c.JoinApproval != nil {
		list = append(list, func() error { return s.setApproval(g, by, *c.JoinApproval) })
	}
	return list
}

func (g *group) descriptionID() string {
	if g.Description == nil {
		return ""
	}
	return g.Description.ID
}

func pick(set bool, on, off string) string {
	if set {
		return on
	}
	return off
}

// Invite returns the code in a group's link as a phone sees it, a new one when asked for.
func (s *Server) Invite(ctx context.Context, name, by string, renew bool) (code string, err error) {
	err = s.do(ctx, func() error {
		g, err := s.groupNamed(name)
		if err != nil {
			return err
		}
		a, err := s.actor(g, by)
		if err != nil {
			return err
		}
		code, err = s.inviteCode(g, a, renew)
		return forPeople(err)
	})
	return code, err
}
