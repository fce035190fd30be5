package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"wamux/store"
)

// chatHistory answers GET /:sessionId/chats and GET /:sessionId/chats/:jid, newest first.
func (a *api) chatHistory(w http.ResponseWriter, r *request) error {
	q, err := historyQuery(r)
	if err != nil {
		return err
	}
	rows, total, err := a.DB.Messages(r.Context(), q)
	if err != nil {
		return err
	}
	data := []object{}
	for _, m := range rows {
		data = append(data, historyMessage(m))
	}
	var cursor any
	if len(rows) == q.Limit {
		cursor = rows[len(rows)-1].Seq
	}
	return reply(w, http.StatusOK, object{"success": true, "data": data, "cursor": cursor, "total": total})
}

// historyQuery reads page, limit, cursor and the chat, which is a number or any JID.
func historyQuery(r *request) (store.MessageQuery, error) {
	page, err := r.number("page", 1, 1, 1_000_000)
	if err != nil {
		return store.MessageQuery{}, err
	}
	limit, err := r.number("limit", 25, 1, 1000)
	if err != nil {
		return store.MessageQuery{}, err
	}
	before, err := r.number("cursor", 0, 0, 1<<62)
	q := store.MessageQuery{Session: r.id, Before: before, Limit: int(limit)}
	if before == 0 {
		q.Offset = int((page - 1) * limit)
	}
	if chat := r.params.ByName("jid"); chat != "" && err == nil {
		q.Phone, q.Chat, err = chatFilter(chat)
	}
	return q, err
}

// chatFilter chooses a chat by its digits where it is a person's number, since its rows may be under number or LID; else by JID.
func chatFilter(chat string) (phone, jid string, err error) {
	if !strings.Contains(chat, "@") {
		if phone = digits(chat); phone == "" {
			return "", "", invalid("jid", "The chat must be a phone number or a JID")
		}
		return phone, "", nil
	}
	if jid, err = parseJID("jid", chat); err != nil {
		return "", "", err
	}
	if user, found := strings.CutSuffix(jid, "@"+serverPhone); found {
		return user, "", nil
	}
	return "", jid, nil
}

func historyMessage(m *store.Message) object {
	direction := "incoming"
	if m.Outgoing {
		direction = "outgoing"
	}
	return object{
		"id": m.Seq, "sessionId": m.Session, "phoneNumber": m.Phone, "message": m.Text, "messageType": m.Type,
		"direction": direction, "metadata": historyMetadata(m), "timestamp": stamp(m.Timestamp),
	}
}

// historyMetadata adds the message id, and how far an outgoing message has come, to what the row holds.
func historyMetadata(m *store.Message) json.RawMessage {
	all := map[string]json.RawMessage{}
	if json.Unmarshal(orEmpty(m.Metadata), &all) != nil {
		return orEmpty(m.Metadata)
	}
	all["messageId"], _ = json.Marshal(m.ID)
	if m.Status != "" {
		all["status"], _ = json.Marshal(m.Status)
	}
	merged, err := json.Marshal(all)
	if err != nil {
		return orEmpty(m.Metadata)
	}
	return merged
}

func orEmpty(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("{}")
	}
	return raw
}

// searchLimit is more than any name has; SQLite gives up on patterns of 50,000 bytes.
const searchLimit = 500

// contactList answers GET /:sessionId/contacts.
func (a *api) contactList(w http.ResponseWriter, r *request) error {
	limit, err := r.number("limit", 25, 1, 1000)
	if err != nil {
		return err
	}
	after, err := r.number("cursor", 0, 0, 1<<62)
	if err != nil {
		return err
	}
	q := store.ContactQuery{Session: r.id, Search: r.URL.Query().Get("search"), After: after, Limit: int(limit)}
	if len(q.Search) > searchLimit {
		return invalid("search", fmt.Sprintf("search must not be longer than %d bytes", searchLimit))
	}
	rows, err := a.DB.Contacts(r.Context(), q)
	if err != nil {
		return err
	}
	data := []object{}
	for _, c := range rows {
		data = append(data, contactRow(c))
	}
	var cursor any
	if len(rows) == q.Limit {
		cursor = rows[len(rows)-1].Seq
	}
	return reply(w, http.StatusOK, object{"success": true, "data": data, "cursor": cursor})
}

// contactRow uses Baileys' names for a contact: notify is what the person calls themselves.
func contactRow(c *store.Contact) object {
	return object{
		"id": c.ID, "sessionId": c.Session, "phoneNumber": orNull(c.Phone), "lid": orNull(c.LID), "name": orNull(c.Name),
		"notify": orNull(c.PushName), "verifiedName": orNull(c.BusinessName),
	}
}
