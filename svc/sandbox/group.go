package sandbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// The ranks of members, by the words of the protocol.
const (
	rankMember     = ""
	rankAdmin      = "admin"
	rankSuperAdmin = "superadmin"
)

// group is a group of accounts. Guarded by Server.mu. All groups here are of the kind in which people are named by LID; older
// groups, that go by numbers, are not simulated.
type group struct {
	groupInfo
	user   string // of its JID
	status bool   // no group, but what status posts go to
}

// groupInfo is what is kept of a group. Accounts are named by number.
type groupInfo struct {
	Subject, SubjectBy string
	SubjectAt          time.Time
	Description        *groupText `json:",omitempty"`
	Creator            string
	Created            time.Time
	Announce, Locked   bool
	Ephemeral          uint32 // seconds
	AdminsAdd          bool   // only admins add members
	Approval           bool   // an admin must let in who joins by link
	Invite             string
	Members            []groupMember // in the order of joining
	Requests           []groupRequest
	Version            int64  // of the members
	Picture, PictureID string `json:",omitempty"` // direct path; "" when there is none
}

type groupText struct {
	ID, Text, By string
	At           time.Time
}

type groupMember struct{ Number, Rank string }

type groupRequest struct {
	Number string
	At     time.Time
}

func (g *group) jid() types.JID {
	if g.status {
		return types.StatusBroadcastJID
	}
	return types.NewJID(g.user, types.GroupServer)
}

// member returns the member with this number, nil when there is none.
func (g *group) member(a *account) *groupMember {
	if i := slices.IndexFunc(g.Members, func(m groupMember) bool { return m.Number == a.number }); i >= 0 {
		return &g.Members[i]
	}
	return nil
}

func (g *group) admin(a *account) bool {
	m := g.member(a)
	return m != nil && m.Rank != rankMember
}

// memberAccounts lists the accounts in a group, in the order of joining.
func (s *Server) memberAccounts(g *group) []*account {
	list := make([]*account, 0, len(g.Members))
	for _, m := range g.Members {
		if a := s.byNumber[m.Number]; a != nil {
			list = append(list, a)
		}
	}
	return list
}

// groupsOf lists the groups an account is in, the oldest first.
func (s *Server) groupsOf(a *account) []*group {
	var list []*group
	for _, g := range s.groups {
		if g.member(a) != nil {
			list = append(list, g)
		}
	}
	slices.SortFunc(list, byAge)
	return list
}

func byAge(x, y *group) int {
	return cmp.Or(x.Created.Compare(y.Created), strings.Compare(x.user, y.user))
}

// findGroup returns the group of a JID, nil when there is none.
func (s *Server) findGroup(j types.JID) *group {
	if j.Server != types.GroupServer {
		return nil
	}
	return s.groups[j.User]
}

// newGroup makes a group with a name of its own. Their real names begin like this.
func (s *Server) newGroup(now time.Time) *group {
	n := 120363000000000000 + now.UnixMilli()%1e11*10
	for s.groups[strconv.FormatInt(n, 10)] != nil {
		n++
	}
	g := &group{user: strconv.FormatInt(n, 10)}
	s.groups[g.user] = g
	return g
}

// saveGroup puts a group into the batch; one without members is gone.
func (s *Server) saveGroup(g *group) {
	if len(g.Members) == 0 {
		delete(s.groups, g.user)
		s.put(`DELETE FROM groups WHERE id=?`, g.user)
		return
	}
	info, err := json.Marshal(g.groupInfo)
	if err != nil {
		panic(err) // plain data
	}
	s.put(`INSERT INTO groups(id,info) VALUES(?,?) ON CONFLICT DO UPDATE SET info=excluded.info`, g.user, string(info))
}

func (s *Server) loadGroups() error {
	err := each(s.db.read, `SELECT id,info FROM groups`, nil, func(scan func(...any) error) error {
		g := new(group)
		var info string
		if err := scan(&g.user, &info); err != nil {
			return err
		}
		s.groups[g.user] = g
		return json.Unmarshal([]byte(info), &g.groupInfo)
	})
	if err != nil {
		return err
	}
	return each(s.db.read, `SELECT code FROM revoked`, nil, func(scan func(...any) error) error {
		var code string
		err := scan(&code)
		s.revoked[code] = true
		return err
	})
}

// groupNode is a group as its members see it.
func (s *Server) groupNode(g *group, members bool) waBinary.Node {
	a := attrs{
		"id": g.user, "subject": g.Subject, "s_t": unix(g.SubjectAt), "creation": unix(g.Created), "size": len(g.Members),
		"addressing_mode": string(types.AddressingModeLID), "p_v_id": g.version(), "a_v_id": g.version(),
	}
	s.nameIn(a, "s_o", g.SubjectBy)
	s.nameIn(a, "creator", g.Creator)
	children := append(s.descriptionNode(g), settingNodes(g)...)
	if members {
		children = append(children, s.memberNodes(g)...)
	}
	return el("group", a, children...)
}

func (g *group) version() string { return strconv.FormatInt(g.Version, 10) }

// nameIn names an account in an attribute, and its number in another one.
func (s *Server) nameIn(a attrs, key, number string) {
	if who := s.byNumber[number]; who != nil {
		a[key], a[key+"_pn"] = who.lidJID(), who.pn()
	}
}

func (s *Server) memberNodes(g *group) []waBinary.Node {
	var nodes []waBinary.Node
	for _, m := range g.Members {
		if a := s.byNumber[m.Number]; a != nil {
			n := participantNode(a)
			if m.Rank != rankMember {
				n.Attrs["type"] = m.Rank
			}
			nodes = append(nodes, n)
		}
	}
	return nodes
}

func participantNode(a *account) waBinary.Node {
	return el("participant", attrs{"jid": a.lidJID(), "phone_number": a.pn()})
}

func (s *Server) descriptionNode(g *group) []waBinary.Node {
	d := g.Description
	if d == nil {
		return nil
	}
	a := attrs{"id": d.ID, "t": unix(d.At)}
	s.nameIn(a, "participant", d.By)
	return []waBinary.Node{el("description", a, body("body", nil, []byte(d.Text)))}
}

// settingNodes are the settings that differ from what a new group has, and who may add members, which is always told.
func settingNodes(g *group) []waBinary.Node {
	nodes := []waBinary.Node{body("member_add_mode", nil, []byte(addMode(g.AdminsAdd)))}
	if g.Announce {
		nodes = append(nodes, el("announcement", nil))
	}
	if g.Locked {
		nodes = append(nodes, el("locked", nil))
	}
	if g.Ephemeral > 0 {
		nodes = append(nodes, el("ephemeral", attrs{"expiration": g.Ephemeral}))
	}
	if g.Approval {
		nodes = append(nodes, approvalNode(true))
	}
	return nodes
}

func addMode(admins bool) string {
	return pick(admins, string(types.GroupMemberAddModeAdmin), string(types.GroupMemberAddModeAllMember))
}

func approvalNode(on bool) waBinary.Node {
	return el("membership_approval_mode", nil, el("group_join", attrs{"state": pick(on, "on", "off")}))
}

// tellGroup sends a change of a group to all devices of its members, those of whoever made the change too, and of others it
// concerns. by is nil for a change of the server's own.
func (s *Server) tellGroup(g *group, by *account, change waBinary.Node, others ...*account) {
	s.notifyGroup(g, by, change, append(s.memberAccounts(g), others...))
}

func (s *Server) notifyGroup(g *group, by *account, change waBinary.Node, to []*account) {
	a := attrs{"from": g.jid(), "type": "w:gp2", "t": unix(s.now()), "addressing_mode": string(types.AddressingModeLID)}
	if by != nil {
		s.nameIn(a, "participant", by.number)
		a["notify"] = by.name
	}
	for _, member := range to {
		for _, id := range deviceIDs(member)[1:] {
			n := el("notification", attrs{"id": randomID(8)}, change)
			for k, v := range a {
				n.Attrs[k] = v
			}
			s.enqueue(member.devices[id], n)
		}
	}
}

// refusal is why somebody may not do something in a group, with the code that the protocol has for it.
type refusal struct {
	code int
	text string
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s", r.code, r.text) }

// What is refused, as whatsmeow reads the codes: 401 for an invite link that only admins see, 403 for who is no member, 404 for
// no such group, 406 for what is not well formed, 410 for a link that was revoked. That 403 also means that only admins may is
// known from reports of users.
var (
	errNoGroup     = &refusal{404, "item-not-found"}
	errForbidden   = &refusal{403, "forbidden"}
	errUnallowed   = &refusal{401, "not-authorized"}
	errUnfit       = &refusal{406, "not-acceptable"}
	errGone        = &refusal{410, "gone"}
	errAlready     = &refusal{409, "conflict"}
	errBadRequest  = &refusal{400, "bad-request"}
	errUnsupported = &refusal{501, "feature-not-implemented"}
)
