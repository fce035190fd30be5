package api

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
)

// rootPollSend is the body of POST /:sessionId/messages/poll.
type rootPollSend struct {
	JID        string   `json:"jid"`
	Type       string   `json:"type"`
	Name       string   `json:"name"`
	Options    []string `json:"options"`
	Selectable *float64 `json:"selectableCount"`
}

// sendPoll answers POST /:sessionId/messages/poll: a poll to a group, with at least one answer.
func (a *api) sendPoll(w http.ResponseWriter, r *request) error {
	if r.session == nil || !linked(r.session) {
		return invalid("", "Session not found or not authenticated")
	}
	var in rootPollSend
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	message, err := in.message()
	if err != nil {
		return err
	}
	return a.sendRoot(w, r, &rootSend{JID: in.JID, Type: cmp.Or(in.Type, "jid"), Message: message})
}

func (in *rootPollSend) message() (*rootMessage, error) {
	selectable := 1.0
	if in.Selectable != nil {
		selectable = *in.Selectable
	}
	switch n := len(in.Options); {
	case in.JID == "" || strings.TrimSpace(in.Name) == "" || in.Options == nil:
		return nil, invalid("", "JID, name and options are required")
	case n < 2:
		return nil, invalid("options", "A poll needs at least 2 options")
	case n > maxOptions:
		return nil, invalid("options", fmt.Sprintf("A poll has at most %d options", maxOptions))
	case selectable < 1 || selectable > float64(n) || selectable != float64(int(selectable)):
		return nil, invalid("selectableCount", fmt.Sprintf("selectableCount must be a whole number from 1 to %d, the number of options", n))
	case !strings.HasSuffix(strings.TrimSpace(in.JID), "@"+serverGroup):
		return nil, invalid("jid", "This call sends polls to groups: the jid must end with @g.us")
	}
	return &rootMessage{Poll: &rootPoll{Name: in.Name, Values: in.Options, Selectable: selectable}}, nil
}
