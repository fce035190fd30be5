package sandbox

import (
	"encoding/json"
	"slices"
	"strconv"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

type object = map[string]any

// mexQuery answers one query of GraphQL, nil for a refusal. It runs under Server.mu.
type mexQuery func(s *Server, d *device, v mexVariables) any

// mexVariables are what queries come with.
type mexVariables struct {
	NewsletterID string `json:"newsletter_id"`
	Input        struct {
		Key  string  `json:"key"`
		Type string  `json:"type"`
		Text *string `json:"text"`
		newNewsletter
	} `json:"input"`
	New newNewsletter `json:"newsletter_input"`
}

// newNewsletter is what one makes a newsletter of. Clients put it into one of two places.
type newNewsletter struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// mexQueries knows the queries by the ids that clients have for them: whatsmeow's, then those of Baileys that differ.
var mexQueries map[string]mexQuery = map[string]mexQuery{
	"6563316087068696": (*Server).mexNewsletter,
	"6388546374527196": (*Server).mexSubscribed,
	"6234210096708695": (*Server).mexCreate,
	"9926858900719341": mexFollow(true, "xwa2_newsletter_follow"),
	"6392786840836363": mexFollow(false, "xwa2_newsletter_follow"),
	"6274038279359549": mexMute(true, "xwa2_newsletter_update"),
	"6068417879924485": mexMute(false, "xwa2_newsletter_update"),
	"9152604461510864": (*Server).mexAbout,

	"8823471724422422":  (*Server).mexCreate,
	"24404358912487870": mexFollow(true, "xwa2_newsletter_join_v2"),
	"9767147403369991":  mexFollow(false, "xwa2_newsletter_leave_v2"),
	"29766401636284406": mexMute(true, "xwa2_newsletter_mute_v2"),
	"9864994326891137":  mexMute(false, "xwa2_newsletter_unmute_v2"),
	"23983697327930364": func(*Server, *device, mexVariables) any { // nobody is restricted
		return object{"xwa2_fetch_account_reachout_timelock": object{"is_active": false}}
	},
}

// iqMex answers queries of GraphQL.
func (s *Server) iqMex(c *conn, n *waBinary.Node) answer {
	asked := n.GetChildByTag("query")
	var query struct{ Variables mexVariables }
	_ = json.Unmarshal(content(asked), &query) // what is not there is zero
	id := str(&asked, "query_id")
	fn := mexQueries[id]
	if fn == nil {
		s.surprisedBy(n, "query_id "+id)
		return mexAnswer(mexRefusal(400, "Unknown query"))
	}
	if data := fn(s, c.device, query.Variables); data != nil {
		return mexAnswer(object{"data": data})
	}
	return mexAnswer(mexRefusal(404, "Not found"))
}

func mexRefusal(code int, message string) object {
	return object{"data": nil, "errors": []object{{"message": message, "extensions": object{"error_code": code, "severity": "WARNING"}}}}
}

func mexAnswer(reply object) answer {
	text, err := json.Marshal(reply)
	if err != nil {
		return refused(500, "internal-server-error")
	}
	return result(body("result", nil, text))
}

func (s *Server) mexNewsletter(d *device, v mexVariables) any {
	for _, l := range s.newsletters {
		if v.Input.Type == "INVITE" && l.Invite == v.Input.Key || v.Input.Type == "JID" && l.jid().String() == v.Input.Key {
			return object{"xwa2_newsletter": s.metadata(l, d.account)}
		}
	}
	return nil
}

func (s *Server) mexSubscribed(d *device, _ mexVariables) any {
	list := []any{}
	for _, l := range s.newsletters {
		if l.role(d.account) != "GUEST" {
			list = append(list, s.metadata(l, d.account))
		}
	}
	return object{"xwa2_newsletter_subscribed": list}
}

func (s *Server) mexCreate(d *device, v mexVariables) any {
	wanted := v.New
	if wanted.Name == "" {
		wanted = v.Input.newNewsletter
	}
	if wanted.Name == "" {
		return nil
	}
	return object{"xwa2_newsletter_create": s.metadata(s.newNewsletter(d.account, wanted.Name, wanted.Description), d.account)}
}

func (s *Server) newsletterNamed(v mexVariables) *newsletter {
	j, err := types.ParseJID(v.NewsletterID)
	if err != nil || j.Server != types.NewsletterServer {
		return nil
	}
	return s.newsletters[j.User]
}

// mexFollow makes the query with which accounts begin or end to follow; clients look for the answer under its name.
func mexFollow(on bool, name string) mexQuery {
	return func(s *Server, d *device, v mexVariables) any {
		l := s.newsletterNamed(v)
		if l == nil {
			return nil
		}
		s.follow(l, d.account, d, on)
		return object{name: s.metadata(l, d.account)}
	}
}

func mexMute(on bool, name string) mexQuery {
	return func(s *Server, d *device, v mexVariables) any {
		l := s.newsletterNamed(v)
		if l == nil {
			return nil
		}
		s.mute(l, d, on)
		return object{name: s.metadata(l, d.account)}
	}
}

// mute turns what a newsletter rings off or on for an account, and tells its other devices.
func (s *Server) mute(l *newsletter, d *device, on bool) {
	l.Muted = slices.DeleteFunc(l.Muted, func(n string) bool { return n == d.account.number })
	if on {
		l.Muted = append(l.Muted, d.account.number)
	}
	s.saveNewsletter(l)
	s.mexNotify(d.account, d, "xwa2_notify_newsletter_on_mute_change", object{"id": l.jid().String(), "mute": l.mute(d.account)})
}

func (s *Server) mexAbout(d *device, v mexVariables) any {
	text := ""
	if v.Input.Text != nil {
		text = *v.Input.Text
	}
	s.setAbout(d.account, text)
	return object{"xwa2_update_text_status": object{"result": "SUCCESS"}}
}

func (l *newsletter) mute(a *account) string {
	if slices.Contains(l.Muted, a.number) {
		return "ON"
	}
	return "OFF"
}

// metadata describes a newsletter to an account, as GraphQL does.
func (s *Server) metadata(l *newsletter, to *account) object {
	text := func(t string) object {
		return object{"text": t, "id": strconv.FormatInt(l.Created.UnixMicro(), 10), "update_time": strconv.FormatInt(l.Created.UnixMicro(), 10)}
	}
	return object{
		"id": l.jid().String(), "state": object{"type": "ACTIVE"},
		"thread_metadata": object{
			"creation_time": unix(l.Created), "invite": l.Invite, "name": text(l.Name), "description": text(l.Description),
			"subscribers_count": strconv.Itoa(len(l.Followers)), "verification": "UNVERIFIED", "settings": object{"reaction_codes": object{"value": "ALL"}},
			"preview": object{"id": pictureID, "type": "PREVIEW", "direct_path": picturePath},
		},
		"viewer_metadata": object{"mute": l.mute(to), "role": l.role(to)},
	}
}

// iqNewsletter lists posts and subscribes to their counts.
func (s *Server) iqNewsletter(c *conn, n *waBinary.Node) answer {
	list, listed := n.GetOptionalChildByTag("messages")
	target := jid(n, "to")
	if listed {
		target = jid(&list, "jid")
	}
	l := s.newsletters[target.User]
	if l == nil || target.Server != types.NewsletterServer {
		return refused(404, "item-not-found")
	}
	if listed {
		return result(el("messages", attrs{"jid": l.jid(), "t": unix(s.now())}, l.page(&list, "before", true)...))
	}
	if updates, ok := n.GetOptionalChildByTag("message_updates"); ok {
		return result(el("message_updates", nil, el("messages", attrs{"jid": l.jid(), "t": unix(s.now())}, l.page(&updates, "after", false)...)))
	}
	if _, ok := n.GetOptionalChildByTag("live_updates"); ok {
		d := c.device
		l.live[d] = true
		s.schedule(s.scaled(liveFor), func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(l.live, d)
		})
		return result(el("live_updates", attrs{"duration": int(s.scaled(liveFor).Seconds())}))
	}
	s.surprised(n)
	return refused(400, "bad-request")
}

// page lists posts before or after a server id, at most count, the last ones.
func (l *newsletter) page(asked *waBinary.Node, bound string, whole bool) (nodes []waBinary.Node) {
	limit, _ := strconv.Atoi(str(asked, "count"))
	edge, err := strconv.Atoi(str(asked, bound))
	for _, p := range l.Posts {
		if err != nil || bound == "before" && p.ServerID < edge || bound == "after" && p.ServerID > edge {
			nodes = append(nodes, p.counted(whole))
		}
	}
	if limit > 0 && len(nodes) > limit {
		nodes = nodes[len(nodes)-limit:]
	}
	return nodes
}

// handlePost takes a post of the owner's device, or somebody's reaction to one.
func (s *Server) handlePost(c *conn, l *newsletter, n *waBinary.Node) {
	a, now := c.device.account, s.now()
	if reaction, ok := n.GetOptionalChildByTag("reaction"); ok {
		s.react(l, a, number(n, "server_id"), str(&reaction, "code"))
		s.ackMessage(c, n, now, nil)
		return
	}
	plaintext := n.GetChildByTag("plaintext")
	if l.role(a) != "OWNER" {
		s.ackMessage(c, n, now, attrs{"error": 403})
		return
	}
	if edit := str(n, "edit"); edit != "" {
		s.amend(c, l, n, edit, content(plaintext))
		return
	}
	at, before := s.sentBefore(a.number, str(n, "id"), now)
	p := l.byID(str(n, "id"))
	if !before || p == nil {
		p = &post{ID: str(n, "id"), Kind: str(n, "type"), At: now, Data: content(plaintext), MediaType: str(&plaintext, "mediatype")}
		s.publish(l, p, c.device)
	}
	s.ackMessage(c, n, at, attrs{"server_id": p.ServerID})
}

func (l *newsletter) byID(id string) *post {
	for _, p := range l.Posts {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// amend edits a post or takes it back.
func (s *Server) amend(c *conn, l *newsletter, n *waBinary.Node, edit string, data []byte) {
	p := l.byID(str(n, "id"))
	if p == nil {
		s.ackMessage(c, n, s.now(), attrs{"error": 404})
		return
	}
	if p.Data = data; len(data) == 0 {
		p.Data = nil
	}
	s.saveNewsletter(l)
	s.spread(l, p, c.device, edit)
	s.ackMessage(c, n, s.now(), attrs{"server_id": p.ServerID})
}

// react counts a reaction, or takes it back with "".
func (s *Server) react(l *newsletter, a *account, serverID int, code string) {
	p := l.find(serverID)
	if p == nil {
		return
	}
	if p.Reactions == nil {
		p.Reactions = map[string]string{}
	}
	if p.Reactions[a.number] = code; code == "" {
		delete(p.Reactions, a.number)
	}
	s.update(l, p)
}

// viewed counts who has seen posts.
func (s *Server) viewed(l *newsletter, a *account, n *waBinary.Node) {
	list := n.GetChildByTag("list")
	for _, item := range list.GetChildrenByTag("item") {
		if p := l.find(number(&item, "server_id")); p != nil && !slices.Contains(p.Views, a.number) {
			p.Views = append(p.Views, a.number)
			s.update(l, p)
		}
	}
}

// number reads an attribute that is a whole number, 0 when it is none.
func number(n *waBinary.Node, key string) int {
	value, _ := strconv.Atoi(str(n, key))
	return value
}
