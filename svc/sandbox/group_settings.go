package sandbox

import (
	"crypto/rand"
	"encoding/base64"
	"strconv"
	"strings"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

const maxDescription = 2048 // characters

// mayEdit tells whether an account may change what a group is called and about.
func (g *group) mayEdit(by *account) error {
	if g.member(by) == nil || g.Locked && !g.admin(by) {
		return errForbidden
	}
	return nil
}

// mayRule tells whether an account may change the rules of a group.
func (g *group) mayRule(by *account) error {
	if !g.admin(by) {
		return errForbidden
	}
	return nil
}

func (s *Server) setSubject(g *group, by *account, subject string) error {
	if err := g.mayEdit(by); err != nil {
		return err
	}
	if err := validSubject(subject); err != nil {
		return err
	}
	g.Subject, g.SubjectBy, g.SubjectAt = subject, by.number, s.now()
	s.saveGroup(g)
	a := attrs{"subject": subject, "s_t": unix(g.SubjectAt)}
	s.nameIn(a, "s_o", by.number)
	s.tellGroup(g, by, el("subject", a))
	return nil
}

// setDescription changes the description; an empty text takes it away. prev is the id of the one that the author knows: a
// change that was overtaken is refused. (That it is a 409 then is a guess.)
func (s *Server) setDescription(g *group, by *account, id, prev, text string) error {
	if err := g.mayEdit(by); err != nil {
		return err
	}
	if len([]rune(text)) > maxDescription {
		return errUnfit
	}
	if d := g.Description; d != nil && d.ID != prev {
		return errAlready
	}
	if id == "" {
		id = randomID(10)
	}
	change := el("description", attrs{"id": id}, el("delete", nil))
	g.Description = nil
	if text != "" {
		g.Description = &groupText{ID: id, Text: text, By: by.number, At: s.now()}
		change.Content = []waBinary.Node{body("body", nil, []byte(text))}
	}
	s.saveGroup(g)
	s.tellGroup(g, by, change)
	return nil
}

// switches are the settings that a bare tag turns on or off.
var switches = map[string]func(*group){
	"announcement":     func(g *group) { g.Announce = true },
	"not_announcement": func(g *group) { g.Announce = false },
	"locked":           func(g *group) { g.Locked = true },
	"unlocked":         func(g *group) { g.Locked = false },
}

// flip turns one of the switches.
func (s *Server) flip(g *group, by *account, tag string) error {
	if err := g.mayRule(by); err != nil {
		return err
	}
	switches[tag](g)
	g.Version++
	s.saveGroup(g)
	s.tellGroup(g, by, el(tag, attrs{"v_id": g.version()}))
	return nil
}

// setEphemeral makes messages disappear after so many seconds; 0 lets them stay.
func (s *Server) setEphemeral(g *group, by *account, seconds uint32) error {
	if err := g.mayEdit(by); err != nil {
		return err
	}
	g.Ephemeral = seconds
	s.saveGroup(g)
	change := el("not_ephemeral", nil)
	if seconds > 0 {
		change = el("ephemeral", attrs{"expiration": seconds})
	}
	s.tellGroup(g, by, change)
	return nil
}

func (s *Server) setAddMode(g *group, by *account, mode string) error {
	if err := g.mayRule(by); err != nil {
		return err
	}
	if mode != addMode(true) && mode != addMode(false) {
		return errBadRequest
	}
	g.AdminsAdd = mode == addMode(true)
	s.saveGroup(g)
	s.tellGroup(g, by, body("member_add_mode", nil, []byte(mode)))
	return nil
}

// setApproval turns on or off that an admin must let in who joins by link. Who waits is let in when it is turned off.
func (s *Server) setApproval(g *group, by *account, on bool) error {
	if err := g.mayRule(by); err != nil {
		return err
	}
	g.Approval = on
	s.saveGroup(g)
	s.tellGroup(g, by, approvalNode(on))
	if on {
		return nil
	}
	for _, r := range append([]groupRequest{}, g.Requests...) {
		if a := s.byNumber[r.Number]; a != nil {
			s.letIn(g, by, a)
		}
	}
	return nil
}

// randomCode makes the code of an invite link: 22 letters and digits.
func randomCode() string {
	b := make([]byte, 24)
	rand.Read(b)
	text := base64.RawURLEncoding.EncodeToString(b)
	return strings.NewReplacer("-", "", "_", "").Replace(text + text)[:22]
}

// setGroupPicture changes a group's picture, or takes it away with nil.
func (s *Server) setGroupPicture(g *group, by *account, data []byte) (id string) {
	g.Picture, g.PictureID = "", ""
	change := el("delete", attrs{"jid": g.jid(), "author": by.lidJID()})
	if data != nil {
		g.Picture, g.PictureID = s.saveMedia("picture", data), strconv.FormatInt(s.now().UnixMicro(), 10)
		change = el("set", attrs{"jid": g.jid(), "id": g.PictureID, "author": by.lidJID()})
	}
	s.saveGroup(g)
	for _, a := range s.memberAccounts(g) {
		s.tellDevices(a, nil, "picture", func(*device) types.JID { return g.jid() }, change)
	}
	return g.PictureID
}
