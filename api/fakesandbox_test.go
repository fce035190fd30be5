package api_test

import (
	"context"
	"strings"
	"time"

	"wamux/api"
	"wamux/store"
)

// fakeSandbox knows one phone and does as told.
type fakeSandbox struct{}

func known(phone string) error {
	if phone != "6281000000002" {
		return store.Errorf(store.CodeNotFound, "phone_not_found", "There is no phone with this number")
	}
	return nil
}

func onePhone() api.SandboxPhone {
	return api.SandboxPhone{Phone: "6281000000002", LID: "900000000000002@lid", Name: "Sari", Devices: []api.SandboxDevice{{ID: 1, JID: "6281000000002:1@s.whatsapp.net", Online: true}}}
}

func (fakeSandbox) AddPhone(_ context.Context, phone, name string) (api.SandboxPhone, error) {
	return onePhone(), known(phone)
}
func (fakeSandbox) Phones(context.Context) ([]api.SandboxPhone, error) {
	return []api.SandboxPhone{onePhone()}, nil
}
func (fakeSandbox) Phone(_ context.Context, phone string) (api.SandboxPhone, error) {
	return onePhone(), known(phone)
}
func (fakeSandbox) Scan(_ context.Context, phone, qr string) error        { return known(phone) }
func (fakeSandbox) EnterCode(_ context.Context, phone, code string) error { return known(phone) }
func (fakeSandbox) Send(_ context.Context, phone string, m api.SandboxMessage) (api.SandboxSent, error) {
	return api.SandboxSent{ID: "S-" + m.Text, Seq: 1}, known(phone)
}
func (fakeSandbox) SendBulk(_ context.Context, phone string, m api.SandboxMessage, count int) ([]api.SandboxSent, error) {
	return make([]api.SandboxSent, count), known(phone)
}
func (fakeSandbox) Inbox(_ context.Context, phone string, after int64, limit int) ([]api.SandboxReceived, error) {
	return []api.SandboxReceived{{Seq: after + 1, ID: "R1", Type: "text", Text: "hi", At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}}, known(phone)
}
func (fakeSandbox) Media(_ context.Context, phone string, seq int64) ([]byte, string, error) {
	return []byte("bytes"), "image/jpeg", known(phone)
}
func (fakeSandbox) Read(_ context.Context, phone, chat string, ids []string) error {
	return known(phone)
}
func (fakeSandbox) Typing(_ context.Context, phone, chat, state string) error   { return known(phone) }
func (fakeSandbox) Presence(_ context.Context, phone string, online bool) error { return known(phone) }
func (fakeSandbox) Unlink(_ context.Context, phone string) error                { return known(phone) }
func (fakeSandbox) Change(_ context.Context, phone string, c api.SandboxChange) (api.SandboxChanged, error) {
	return api.SandboxChanged{Collection: c.Kind, Version: 2}, known(phone)
}
func (fakeSandbox) Fault(context.Context, api.SandboxFault) error { return nil }
func (fakeSandbox) Faults(context.Context) ([]api.SandboxFault, error) {
	return []api.SandboxFault{{Kind: "drop", Count: 1}}, nil
}
func (fakeSandbox) ClearFaults(context.Context) error { return nil }
func (fakeSandbox) Traffic(_ context.Context, phone string, after int64, limit int) ([]api.SandboxStanza, error) {
	return []api.SandboxStanza{{Seq: 1, Phone: phone, Direction: "in", XML: "<iq/>", At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}}, nil
}

func oneGroup(name string) (api.SandboxGroup, error) {
	if digits, _, _ := strings.Cut(name, "@"); digits != "120363000000000001" {
		return api.SandboxGroup{}, store.Errorf(store.CodeNotFound, "group_not_found", "There is no group with this JID")
	}
	return api.SandboxGroup{
		JID: "120363000000000001@g.us", Subject: "Family", Creator: "6281000000002", CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Members: []api.SandboxMember{{Phone: "6281000000002", LID: "900000000000002", Rank: "superadmin"}}, Requests: []string{},
	}, nil
}

func (fakeSandbox) AddGroup(_ context.Context, n api.SandboxNewGroup) (api.SandboxGroup, error) {
	if err := known(n.Creator); err != nil {
		return api.SandboxGroup{}, err
	}
	g, err := oneGroup("120363000000000001")
	g.Subject = n.Subject
	return g, err
}
func (fakeSandbox) Groups(context.Context) ([]api.SandboxGroup, error) {
	g, err := oneGroup("120363000000000001")
	return []api.SandboxGroup{g}, err
}
func (fakeSandbox) Group(_ context.Context, name string) (api.SandboxGroup, error) {
	return oneGroup(name)
}
func (fakeSandbox) ChangeMembers(_ context.Context, name string, c api.SandboxMembersChange) ([]api.SandboxMemberResult, error) {
	_, err := oneGroup(name)
	results := []api.SandboxMemberResult{}
	for _, phone := range c.Phones {
		results = append(results, api.SandboxMemberResult{Phone: phone, Error: 409})
	}
	return results, err
}
func (fakeSandbox) ChangeGroup(_ context.Context, name string, c api.SandboxGroupChange) (api.SandboxGroup, error) {
	g, err := oneGroup(name)
	g.Announce = c.Announce != nil && *c.Announce
	return g, err
}
func (fakeSandbox) Invite(_ context.Context, name, by string, renew bool) (string, error) {
	_, err := oneGroup(name)
	return "CODE" + by + map[bool]string{true: "new"}[renew], err
}
func (fakeSandbox) SetClock(_ context.Context, c api.SandboxClockChange) (api.SandboxClock, error) {
	return api.SandboxClock{At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), OffsetSeconds: c.ForwardSeconds}, nil
}
func (fakeSandbox) Reset(context.Context) error { return nil }
func (fakeSandbox) Call(_ context.Context, phone, to string, video bool) (api.SandboxCall, error) {
	return api.SandboxCall{ID: "C1", From: phone, To: to, Video: video, State: "ringing", At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, known(phone)
}
func (f fakeSandbox) Calls(ctx context.Context, phone string) ([]api.SandboxCall, error) {
	c, err := f.Call(ctx, phone, "6281000000003", false)
	return []api.SandboxCall{c}, err
}
func (fakeSandbox) EndCall(_ context.Context, phone, call string) error { return known(phone) }
func (fakeSandbox) Block(_ context.Context, phone, other string, blocked bool) error {
	return known(phone)
}
func (fakeSandbox) SetProfile(_ context.Context, phone string, p api.SandboxProfile) error {
	return known(phone)
}
func oneNewsletter() api.SandboxNewsletter {
	return api.SandboxNewsletter{JID: "120363400000000001@newsletter", Name: "News", Owner: "6281000000002", Invite: "0029Va", Followers: []string{"6281000000003"},
		Posts: []api.SandboxPost{{ServerID: 100, ID: "P1", Type: "text", Text: "hello", Views: 1, Reactions: map[string]int{"👍": 1}, At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}}}
}
func (fakeSandbox) AddNewsletter(_ context.Context, n api.SandboxNewNewsletter) (api.SandboxNewsletter, error) {
	return oneNewsletter(), known(n.Owner)
}
func (fakeSandbox) Newsletters(context.Context) ([]api.SandboxNewsletter, error) {
	return []api.SandboxNewsletter{oneNewsletter()}, nil
}
func (fakeSandbox) Post(_ context.Context, newsletter string, p api.SandboxNewPost) (api.SandboxPost, error) {
	return oneNewsletter().Posts[0], nil
}
