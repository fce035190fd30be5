package session

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"go.mau.fi/whatsmeow"

	"wamux/store"
	"wamux/svc/session/convert"
)

// groupsTime is how long WhatsApp may take to list the groups of an account that is in hundreds.
const groupsTime = 30 * time.Second

// Groups asks WhatsApp for the groups that the session's account is in, in the
// order of their JIDs. The session must be online.
func (m *Manager) Groups(ctx context.Context, id string) ([]store.Group, error) {
	s, err := m.find(ctx, id)
	if err != nil {
		return nil, err
	}
	g := s.seen.look()
	if g.client == nil || g.state != store.StateOnline {
		return nil, &store.Error{Code: store.CodeOffline, Name: "session_offline", Message: "The session is not connected, so WhatsApp cannot be asked for its groups",
			Hint: "Try again when it is online."}
	}
	ctx, cancel := context.WithTimeout(ctx, groupsTime)
	defer cancel()
	infos, err := g.client.GetJoinedGroups(ctx)
	if err != nil {
		return nil, groupsError(err)
	}
	own := convert.Own{JID: g.client.Store.GetJID().ToNonAD(), LID: g.client.Store.GetLID().ToNonAD()}
	groups := make([]store.Group, len(infos))
	for i, info := range infos {
		groups[i] = convert.Group(own, info)
	}
	slices.SortFunc(groups, func(a, b store.Group) int { return strings.Compare(a.JID, b.JID) })
	return groups, nil
}

// groupsError turns an error of the library into one for people.
func groupsError(err error) error {
	iq := (*whatsmeow.IQError)(nil)
	switch {
	case errors.As(err, &iq) && iq.Code == 429:
		return &store.Error{Code: store.CodeLimit, Name: "rate_limited", Message: "WhatsApp was asked for the groups too often", Hint: "Wait some minutes.", Err: err}
	case errors.As(err, &iq):
		return &store.Error{Code: store.CodeRefused, Name: "refused", Message: "WhatsApp refused to list the groups", Hint: "Try again later.", Err: err}
	}
	return &store.Error{Code: store.CodeTimeout, Name: "no_answer", Message: "WhatsApp did not answer with the groups", Hint: "Try again.", Err: err}
}
