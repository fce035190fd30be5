package sandbox

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// liveFor is how long a subscription to live updates holds.
const liveFor = 300 * time.Second

// newsletter is a channel: one account posts, everybody may follow. Guarded by Server.mu.
type newsletter struct {
	newsletterInfo
	user string           // of its JID
	live map[*device]bool // who gets counts as they change
}

// newsletterInfo is what is kept of a newsletter. Accounts are named by number.
type newsletterInfo struct {
	Name, Description string
	Owner, Invite     string
	Created           time.Time
	Followers         []string // without the owner
	Muted             []string
	Posts             []*post
}

// post is a message of a newsletter.
type post struct {
	ServerID  int
	ID, Kind  string
	At        time.Time
	Data      []byte // protobuf waE2E.Message; nil when it was taken back
	MediaType string
	Views     []string
	Reactions map[string]string // by number
}

func (l *newsletter) jid() types.JID { return types.NewJID(l.user, types.NewsletterServer) }

// role is what an account may do in a newsletter, by the word of the protocol.
func (l *newsletter) role(a *account) string {
	switch {
	case l.Owner == a.number:
		return "OWNER"
	case slices.Contains(l.Followers, a.number):
		return "SUBSCRIBER"
	}
	return "GUEST"
}

func (l *newsletter) find(serverID int) *post {
	for _, p := range l.Posts {
		if p.ServerID == serverID {
			return p
		}
	}
	return nil
}

func (s *Server) newNewsletter(owner *account, name, description string) *newsletter {
	now := s.now()
	n := 120363400000000000 + now.UnixMilli()%1e11*10
	for s.newsletters[strconv.FormatInt(n, 10)] != nil {
		n++
	}
	l := &newsletter{user: strconv.FormatInt(n, 10), live: map[*device]bool{}, newsletterInfo: newsletterInfo{
		Name: name, Description: description, Owner: owner.number, Invite: "0029Va" + randomCode()[:16], Created: now}}
	s.newsletters[l.user] = l
	s.saveNewsletter(l)
	return l
}

func (s *Server) saveNewsletter(l *newsletter) {
	info, err := json.Marshal(l.newsletterInfo)
	if err != nil {
		panic(err) // plain data
	}
	s.put(`INSERT INTO newsletters(id,info) VALUES(?,?) ON CONFLICT DO UPDATE SET info=excluded.info`, l.user, string(info))
}

func (s *Server) loadNewsletters() error {
	return each(s.db.read, `SELECT id,info FROM newsletters`, nil, func(scan func(...any) error) error {
		l, info := &newsletter{live: map[*device]bool{}}, ""
		if err := scan(&l.user, &info); err != nil {
			return err
		}
		s.newsletters[l.user] = l
		return json.Unmarshal([]byte(info), &l.newsletterInfo)
	})
}

// audience lists the accounts that get what a newsletter posts.
func (s *Server) audience(l *newsletter) (list []*account) {
	for _, number := range append([]string{l.Owner}, l.Followers...) {
		if a := s.byNumber[number]; a != nil {
			list = append(list, a)
		}
	}
	return list
}

// follow makes an account follow a newsletter or not, and tells its other devices.
func (s *Server) follow(l *newsletter, a *account, by *device, on bool) {
	if l.Owner == a.number || slices.Contains(l.Followers, a.number) == on {
		return
	}
	l.Followers = slices.DeleteFunc(l.Followers, func(n string) bool { return n == a.number })
	event := "xwa2_notify_newsletter_on_leave"
	if on {
		l.Followers, event = append(l.Followers, a.number), "xwa2_notify_newsletter_on_join"
	}
	s.saveNewsletter(l)
	s.mexNotify(a, by, event, s.metadata(l, a))
}

// mexNotify tells the devices of an account, but one, of a change in the way of GraphQL.
func (s *Server) mexNotify(a *account, but *device, event string, data any) {
	text, err := json.Marshal(object{"data": object{event: data}})
	if err != nil {
		panic(err) // plain data
	}
	s.tellDevices(a, but, "mex", func(*device) types.JID { return server() }, body("update", attrs{"op_name": event}, text))
}

// publish posts a message and brings it to everybody's devices, but the one that posted it.
func (s *Server) publish(l *newsletter, p *post, by *device) {
	p.ServerID = 100 + len(l.Posts)
	l.Posts = append(l.Posts, p)
	s.saveNewsletter(l)
	s.spread(l, p, by, "")
}

func (s *Server) spread(l *newsletter, p *post, by *device, edit string) {
	for _, a := range s.audience(l) {
		for _, id := range deviceIDs(a)[1:] {
			if d := a.devices[id]; d != by {
				s.enqueue(d, p.stanza(l, edit))
			}
		}
	}
}

func (p *post) stanza(l *newsletter, edit string) waBinary.Node {
	a := attrs{"from": l.jid(), "id": p.ID, "type": p.Kind, "t": unix(p.At), "server_id": p.ServerID, "is_sender": "false"}
	if edit != "" {
		a["edit"] = edit
	}
	return el("message", a, p.plaintext())
}

func (p *post) plaintext() waBinary.Node {
	a := attrs{}
	if p.MediaType != "" {
		a["mediatype"] = p.MediaType
	}
	return body("plaintext", a, p.Data)
}

// counted is a post with its counts, as lists and live updates have it.
func (p *post) counted(whole bool) waBinary.Node {
	n := el("message", attrs{"id": p.ID, "server_id": p.ServerID, "type": p.Kind, "t": unix(p.At)})
	var children []waBinary.Node
	if whole && p.Data != nil {
		children = append(children, p.plaintext())
	}
	children = append(children, el("views_count", attrs{"count": len(p.Views)}))
	if counts := p.counts(); len(counts) > 0 {
		children = append(children, el("reactions", nil, counts...))
	}
	n.Content = children
	return n
}

func (p *post) counts() (nodes []waBinary.Node) {
	sums := map[string]int{}
	for _, code := range p.Reactions {
		sums[code]++
	}
	for code, count := range sums {
		nodes = append(nodes, el("reaction", attrs{"code": code, "count": count}))
	}
	slices.SortFunc(nodes, func(x, y waBinary.Node) int {
		return slices.Compare([]string{str(&x, "code")}, []string{str(&y, "code")})
	})
	return nodes
}

// update tells those who asked for it what has become of a post.
func (s *Server) update(l *newsletter, p *post) {
	s.saveNewsletter(l)
	for d := range l.live {
		s.enqueue(d, el("notification", attrs{"from": l.jid(), "type": "newsletter", "id": randomID(8), "t": unix(s.now())},
			el("live_updates", nil, p.counted(false))))
	}
}
