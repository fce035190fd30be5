package api

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"wamux/store"
)

// v1Events answers GET /v1/events?after=SEQ: the log from there on. With ?wait= it waits for news, at most a minute.
// nextCursor is how far the log was read, also where filters left nothing of it.
func (a *api) v1Events(w http.ResponseWriter, r *request) error {
	after, err := r.number("after", 0, 0, 1<<62)
	if err != nil {
		return err
	}
	limit, err := r.number("limit", 100, 1, 1000)
	if err != nil {
		return err
	}
	wait, err := r.seconds("wait")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	return a.pull(ctx, w, r, after, int(limit))
}

func (a *api) pull(ctx context.Context, w http.ResponseWriter, r *request, after int64, limit int) error {
	for {
		news := a.DB.Wrote() // asked for before reading, so that nothing slips between
		events, err := a.DB.Events(r.Context(), after, limit)
		if err != nil {
			return err
		}
		if len(events) > 0 {
			after = events[len(events)-1].Seq
		}
		if events = r.wanted(events); len(events) > 0 || ctx.Err() != nil {
			return a.replyEvents(w, r, events, after)
		}
		select {
		case <-news:
		case <-ctx.Done():
		}
	}
}

// wanted keeps what the filters ask for and the key may see. A QR code links a phone, which is more than reading.
func (r *request) wanted(events []store.Event) []store.Event {
	session, types := r.URL.Query().Get("session"), r.URL.Query().Get("types")
	return slices.DeleteFunc(events, func(e store.Event) bool {
		return !r.sees(e.Session) || e.Type == "session.qr" && !r.key.Allows(store.ScopeManage, e.Session) || session != "" && e.Session != session ||
			types != "" && !slices.Contains(strings.Split(types, ","), e.Type)
	})
}

func (a *api) replyEvents(w http.ResponseWriter, r *request, events []store.Event, read int64) error {
	sessions, err := a.DB.Sessions(r.Context())
	if err != nil {
		return err
	}
	known := map[string]*store.Session{}
	for _, s := range sessions {
		known[s.ID] = s
	}
	data := []object{}
	for _, e := range events {
		data = append(data, eventBody(e, known[e.Session]))
	}
	return reply(w, http.StatusOK, page{Data: data, NextCursor: strconv.FormatInt(read, 10)})
}

// eventBody is the envelope of an event, here and later in webhooks. s is nil when the session is gone.
func eventBody(e store.Event, s *store.Session) object {
	session, me := object{"id": e.Session, "name": nil, "metadata": object{}}, object{"phone": nil, "lid": nil}
	if s != nil {
		session["name"], session["metadata"] = orNull(s.Name), orEmpty(s.Metadata)
		me["phone"], me["lid"] = orNull(s.Phone), orNull(s.LID)
	}
	return object{
		"id": e.ID, "seq": e.Seq, "type": e.Type, "timestamp": stamp(e.Timestamp),
		"session": session, "me": me, "data": orEmpty(e.Data),
	}
}
