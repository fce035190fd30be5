package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"wamux/store"
)

// rootSend is the body of POST /:sessionId/messages/send.
type rootSend struct {
	JID     string       `json:"jid"`
	Type    string       `json:"type"`
	Message *rootMessage `json:"message"`
	Options rootOptions  `json:"options"`
	Delay   float64      `json:"delay"` // in a batch: milliseconds to wait before it
}

// send answers POST /:sessionId/messages/send. It waits for WhatsApp's ack; its clients know no jobs, so what cannot be
// sent in time is taken back.
func (a *api) send(w http.ResponseWriter, r *request) error {
	if r.session == nil || !linked(r.session) {
		return invalid("", "Session not found or not authenticated")
	}
	var in rootSend
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	if in.JID == "" || in.Message == nil {
		return invalid("", "JID and message are required")
	}
	return a.sendRoot(w, r, &in)
}

func (a *api) sendRoot(w http.ResponseWriter, r *request, in *rootSend) error {
	job, media, err := a.rootJob(r, in)
	if err == nil {
		job, err = a.deliverOrCancel(r.Context(), job, media)
	}
	if err != nil {
		return a.sendFailed(w, r, err)
	}
	return reply(w, http.StatusOK, object{"success": true, "data": webMessage(job)})
}

// linked tells whether the session has an account to send from; a short loss of the connection does not matter,
// nor does a database that cannot be written: the store then says why.
func linked(s *store.Session) bool {
	switch s.State {
	case store.StateOnline:
		return true
	case store.StateOffline, store.StateConnecting, store.StateStorageError:
		return s.JID != "" && s.Wanted == store.WantRunning
	}
	return false
}

// rootJob makes the job of a message, and the media to send with it. What was accepted before under the message id that the
// caller chose is not made again: its media may be gone since.
func (a *api) rootJob(r *request, in *rootSend) (*store.Job, []byte, error) {
	job, from, err := a.rootAsked(r, in)
	if err != nil {
		return nil, nil, err
	}
	if known, err := a.accepted(r, job); known || err != nil {
		return job, nil, err
	}
	if err = a.settle(r, &job.Content); err != nil {
		return nil, nil, err
	}
	if job.Content.Reply, err = a.reply(r, in.Options.Quoted, job.To); err != nil {
		return nil, nil, err
	}
	a.look(r.Context(), &job.Content)
	var media []byte
	if from != nil {
		media, err = a.load(r.Context(), "message", from, &job.Content)
	}
	return job, media, err
}

// rootAsked is the job as it is asked for, before anything is looked up for it.
func (a *api) rootAsked(r *request, in *rootSend) (*store.Job, *source, error) {
	to, err := rootRecipient(in.JID, in.Type, a.CountryCode)
	if err != nil {
		return nil, nil, err
	}
	content, from, err := in.Message.content(to)
	if err != nil {
		return nil, nil, err
	}
	content.ExpiresIn = whole(in.Options.Ephemeral)
	id, err := a.messageID("options.messageId", r.id, in.Options.MessageID)
	return &store.Job{Session: r.id, MessageID: id, Chosen: in.Options.MessageID != "", To: to, Content: content,
		Fingerprint: fingerprint(from, to, content, in.Options.Quoted), Deadline: time.Now().Add(a.SendWait)}, from, err
}

// accepted tells whether the same message was accepted before under its Idempotency-Key or message id; where it was another one
// that is a conflict.
func (a *api) accepted(r *request, job *store.Job) (bool, error) {
	known, err := a.DB.EarlierJob(r.Context(), job)
	return known != nil, err
}

var messageIDs = regexp.MustCompile(`^[A-Za-z0-9_.-]{4,64}$`)

// messageID checks the id that the caller chose, or makes one.
func (a *api) messageID(field, session, chosen string) (string, error) {
	if chosen == "" {
		return a.Sessions.NewMessageID(session), nil
	}
	if !messageIDs.MatchString(chosen) {
		return "", invalid(field, "A message id has 4 to 64 letters, digits, dots, dashes or underscores")
	}
	return chosen, nil
}

// reply makes the quoted message; our own history knows it best, what the caller sent of it comes second.
func (a *api) reply(r *request, q *webMessageInfo, chat string) (*store.Reply, error) {
	if q == nil {
		return nil, nil
	}
	key, err := q.Key.stored("options.quoted.key", chat)
	if err != nil {
		return nil, err
	}
	out := &store.Reply{Key: *key, Message: q.Message, Text: quotedText(q.Message)}
	known, err := a.DB.Message(r.Context(), r.id, key.ID)
	if store.ErrorCode(err) == store.CodeNotFound {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	out.Raw, out.Text, out.Message = known.Raw, known.Text, nil
	if out.Key.Participant == "" {
		out.Key.Participant = known.Sender
	}
	return out, nil
}

// quotedText finds the text that a quoted message shows.
func quotedText(raw json.RawMessage) string {
	var m struct {
		Conversation string `json:"conversation"`
		Extended     struct {
			Text string `json:"text"`
		} `json:"extendedTextMessage"`
		Image    struct{ Caption string } `json:"imageMessage"`
		Video    struct{ Caption string } `json:"videoMessage"`
		Document struct{ Caption string } `json:"documentMessage"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &m) != nil {
		return ""
	}
	for _, text := range []string{m.Conversation, m.Extended.Text, m.Image.Caption, m.Video.Caption, m.Document.Caption} {
		if text != "" {
			return text
		}
	}
	return ""
}

// deliverOrCancel accepts the job and waits for its end. When the wait is over first, the job is taken back, unless it is on the wire.
func (a *api) deliverOrCancel(ctx context.Context, job *store.Job, media []byte) (*store.Job, error) {
	waiting, cancel := context.WithTimeout(ctx, a.SendWait)
	defer cancel()
	done, err := a.Sessions.Send(waiting, job, media)
	if err != nil && (waiting.Err() == nil || done == nil) {
		return nil, err
	}
	if err != nil {
		if done, err = a.giveUp(context.WithoutCancel(ctx), done); err != nil {
			return nil, err
		}
	}
	return done, jobError(done)
}

func (a *api) giveUp(ctx context.Context, job *store.Job) (*store.Job, error) {
	cancelled, err := a.Sessions.Cancel(ctx, job.Session, job.ID)
	if err != nil {
		return nil, err
	}
	if cancelled {
		return nil, store.Errorf(store.CodeTimeout, "not_sent", "The session could not send in time, the message was taken back")
	}
	now, err := a.DB.Job(ctx, job.Session, job.ID)
	if err == nil && !ended(now) {
		err = store.Errorf(store.CodeTimeout, "unconfirmed", "WhatsApp has not confirmed the message yet, it may still arrive")
	}
	return now, err
}

// jobError is why a job that has ended was not sent; nil when it was, or when it has not ended.
func jobError(j *store.Job) error {
	switch j.State {
	case store.JobFailed:
		p := fail(statusOfJob(j.Code), j.Code, j.Error, "")
		if p.Name == "" {
			p.Name = "refused"
		}
		return p
	case store.JobCancelled:
		return store.Errorf(store.CodeConflict, "cancelled", "The message was cancelled before it was sent")
	}
	return nil
}

// statusOfJob gives the code of a failed job its status; one that is not known here is a refusal of WhatsApp.
func statusOfJob(code string) int {
	switch code {
	case "content_invalid":
		return http.StatusBadRequest
	case "not_on_whatsapp", "invalid_recipient", "not_in_group":
		return http.StatusUnprocessableEntity
	case "deadline", "no_answer":
		return http.StatusGatewayTimeout
	case "storage":
		return http.StatusInternalServerError
	}
	return http.StatusBadGateway
}

// sendFailed writes why a message was not sent: what the caller can correct as it is, the rest as the old service did.
func (a *api) sendFailed(w http.ResponseWriter, r *request, err error) error {
	p := problemOf(err)
	switch p.Status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusTooManyRequests:
		return err
	}
	if passes(err) {
		return err
	}
	if p.Name == "message_id_used" {
		return reply(w, p.Status, rootFailure{Message: p.Detail, Error: p.Hint})
	}
	if p.Status == http.StatusInternalServerError {
		a.Log.Error("a message was not sent", "session", r.id, "code", p.Name, "err", err)
	} else {
		a.Log.Warn("a message was not sent", "session", r.id, "code", p.Name, "reason", p.Detail) // a cause may name the media's URL
	}
	return reply(w, http.StatusInternalServerError, rootFailure{Message: "Failed to send message", Error: p.Detail})
}

// webMessage is a sent job as Baileys' WebMessageInfo prints itself: the time is text, and the status PENDING at this
// point, whatever came since (clients of the old service saw nothing else here).
func webMessage(j *store.Job) object {
	return object{
		"key":              object{"remoteJid": j.To, "fromMe": true, "id": j.MessageID},
		"message":          orEmpty(j.Sent),
		"messageTimestamp": strconv.FormatInt(j.SentAt.Unix(), 10),
		"status":           "PENDING",
	}
}

// fingerprint tells whether two requests ask for the same. Media by URL counts by its URL.
func fingerprint(from *source, asked ...any) string {
	h := sha256.New()
	count := func(part []byte) {
		h.Write([]byte(strconv.Itoa(len(part)) + ":"))
		h.Write(part)
	}
	for _, part := range asked {
		text, err := json.Marshal(part)
		if err != nil {
			return ""
		}
		count(text)
	}
	if from != nil {
		count([]byte(from.url))
		count(from.data)
	}
	return hex.EncodeToString(h.Sum(nil))
}
