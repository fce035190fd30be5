package api

import (
	"net/http"
	"strconv"

	"wamux/store"
)

// v1Messages answers GET /v1/sessions/:s/messages, newest first; ?chat= chooses one chat.
func (a *api) v1Messages(w http.ResponseWriter, r *request) error {
	limit, err := r.number("limit", 50, 1, 1000)
	if err != nil {
		return err
	}
	before, err := r.number("cursor", 0, 0, 1<<62)
	if err != nil {
		return err
	}
	q := store.MessageQuery{Session: r.id, Before: before, Limit: int(limit)}
	if chat := r.URL.Query().Get("chat"); chat != "" {
		if q.Phone, q.Chat, err = chatFilter(chat); err != nil {
			return err
		}
	}
	rows, _, err := a.DB.Messages(r.Context(), q)
	if err != nil {
		return err
	}
	data, out := []object{}, page{}
	for _, m := range rows {
		data = append(data, messageBody(m))
	}
	if len(rows) == q.Limit {
		out.NextCursor = strconv.FormatInt(rows[len(rows)-1].Seq, 10)
	}
	out.Data = data
	return reply(w, http.StatusOK, out)
}

// v1Message answers GET /v1/sessions/:s/messages/:m.
func (a *api) v1Message(w http.ResponseWriter, r *request) error {
	m, err := a.DB.Message(r.Context(), r.id, r.params.ByName("m"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, messageBody(m))
}

// messageBody is a message of the history as /v1 shows it.
func messageBody(m *store.Message) object {
	direction := "incoming"
	if m.Outgoing {
		direction = "outgoing"
	}
	return object{
		"id": m.ID, "seq": m.Seq, "chat": personOf(m.Chat, m.Phone, "", ""), "sender": personOf(m.Sender, "", "", ""),
		"direction": direction, "type": m.Type, "text": m.Text, "status": orNull(m.Status), "metadata": orEmpty(m.Metadata),
		"timestamp": stamp(m.Timestamp), "editedAt": stamp(m.EditedAt), "revokedAt": stamp(m.RevokedAt),
	}
}
