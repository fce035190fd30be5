package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"wamux/store"
)

// v1Send answers POST /v1/sessions/:s/messages: 200 when WhatsApp has it, 202 with the job while it goes on.
func (a *api) v1Send(w http.ResponseWriter, r *request) error {
	var in v1SendBody
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	job, media, err := a.v1JobOf(r, &in)
	if err != nil {
		return err
	}
	if job, err = a.deliver(r, job, media); err != nil {
		return err
	}
	return a.replySend(w, job)
}

// jobDeadline is how long an accepted job is tried.
const jobDeadline = 24 * time.Hour

func (a *api) v1JobOf(r *request, in *v1SendBody) (*store.Job, []byte, error) {
	idempotency := r.Header.Get("Idempotency-Key")
	if len(idempotency) > 200 {
		return nil, nil, invalid("Idempotency-Key", "An Idempotency-Key has at most 200 characters")
	}
	to, err := recipient("to", in.To, a.CountryCode)
	if err != nil {
		return nil, nil, err
	}
	content, from, err := a.v1Content(r, in, to)
	if err != nil {
		return nil, nil, err
	}
	id, err := a.messageID("messageId", r.id, in.MessageID)
	if err != nil {
		return nil, nil, err
	}
	job := &store.Job{Session: r.id, Key: idempotency, Fingerprint: fingerprint(from, to, content),
		MessageID: id, Chosen: in.MessageID != "", To: to, Deadline: time.Now().Add(jobDeadline)}
	a.look(r.Context(), &content) // after the fingerprint, which a page must not change
	var media []byte
	if known, err := a.accepted(r, job); known || err != nil {
		return job, nil, err // its media was loaded the first time, and may be gone since
	}
	if from != nil {
		media, err = a.load(r.Context(), in.Type, from, &content)
	}
	job.Content = content
	return job, media, err
}

func (a *api) v1Content(r *request, in *v1SendBody, to string) (store.Content, *source, error) {
	c := store.Content{Type: in.Type, ExpiresIn: in.ExpiresIn, MentionAll: in.MentionAll}
	from, err := a.v1Fill(r, in, &c)
	if err != nil {
		return c, nil, err
	}
	if utf8.RuneCountInString(c.Text) > textLimit {
		return c, nil, invalid(in.Type, fmt.Sprintf("The text is longer than %d characters", textLimit))
	}
	if c.Mentions, err = mentions("mentions", in.Mentions); err != nil {
		return c, nil, err
	}
	if in.ReplyTo != "" {
		target, err := a.target(r, "replyTo", in.ReplyTo)
		if err != nil {
			return c, nil, err
		}
		c.Reply = &store.Reply{Key: keyOf(target), Raw: target.Raw, Text: target.Text}
		c.Reply.Key.Participant = target.Sender
	}
	return c, from, nil
}

// v1Fill is the table of types. Exactly the object of the type may be there.
func (a *api) v1Fill(r *request, in *v1SendBody, c *store.Content) (*source, error) {
	if err := in.oneObject(); err != nil {
		return nil, err
	}
	var err error
	switch in.Type {
	case "text":
		if c.Text = in.Text.Body; strings.TrimSpace(c.Text) == "" {
			return nil, invalid("text.body", "The text is empty")
		}
		c.Preview, err = in.LinkPreview.of(c.Text)
	case "location":
		c.Location, err = in.Location.stored("location")
	case "liveLocation":
		c.Text = in.Live.Caption
		c.Location, err = (&v1Location{Latitude: in.Live.Latitude, Longitude: in.Live.Longitude}).stored("liveLocation")
	case "contact":
		c.Type = "contacts"
		c.Contacts, err = contacts("contact", "", []string{in.Contact.VCard})
	case "contacts":
		c.Contacts, err = contacts("contacts", in.Contacts.DisplayName, in.Contacts.VCards)
	case "poll":
		c.Poll, err = poll("poll", in.Poll.Name, in.Poll.Options, in.Poll.Selectable)
	case "event":
		c.Occasion, err = in.Event.stored()
	case "reaction":
		var target *store.Message
		if target, err = a.target(r, "reaction.messageId", in.Reaction.MessageID); err == nil {
			key := keyOf(target)
			c.Text, c.Key = in.Reaction.Emoji, &key
		}
	default:
		return in.media().fill(in, c)
	}
	return nil, err
}

func (m *v1Media) fill(in *v1SendBody, c *store.Content) (*source, error) {
	c.Text = m.Caption
	c.Media = &store.Media{
		Mimetype: m.Mimetype, FileName: m.FileName, PTT: in.Type == "voice", GIF: in.Type == "gif", PTV: in.Type == "ptv", ViewOnce: in.ViewOnce,
		Seconds: m.Seconds, Width: m.Width, Height: m.Height, Thumbnail: m.Thumbnail, Waveform: m.Waveform,
	}
	if in.Type == "gif" || in.Type == "ptv" {
		c.Type = "video"
	}
	from := &source{url: m.URL, data: m.Data}
	return from, from.check(in.Type)
}

func (in *v1SendBody) media() *v1Media {
	return map[string]*v1Media{
		"image": in.Image, "video": in.Video, "gif": in.GIF, "ptv": in.PTV, "audio": in.Audio,
		"voice": in.Voice, "document": in.Document, "sticker": in.Sticker,
	}[in.Type]
}

func (in *v1SendBody) oneObject() error {
	there := map[string]bool{
		"text": in.Text != nil, "image": in.Image != nil, "video": in.Video != nil, "gif": in.GIF != nil, "ptv": in.PTV != nil,
		"audio": in.Audio != nil, "voice": in.Voice != nil, "document": in.Document != nil, "sticker": in.Sticker != nil,
		"location": in.Location != nil, "liveLocation": in.Live != nil, "contact": in.Contact != nil, "contacts": in.Contacts != nil,
		"poll": in.Poll != nil, "event": in.Event != nil, "reaction": in.Reaction != nil,
	}
	found, known := there[in.Type]
	if !known {
		return invalid("type", "type must be one of "+v1Types)
	}
	if !found {
		return invalid(in.Type, "The object "+in.Type+" is missing")
	}
	for name, is := range there {
		if is && name != in.Type {
			return invalid(name, "A message of type "+in.Type+" has no object "+name)
		}
	}
	switch {
	case in.ViewOnce && !slices.Contains([]string{"image", "video", "audio", "voice"}, in.Type):
		return invalid("viewOnce", "Only an image, a video, audio or a voice note can be viewed once")
	case in.LinkPreview != nil && in.Type != "text":
		return invalid("linkPreview", "Only a text has a link preview")
	}
	return nil
}

// target finds the message that a reply or reaction is about.
func (a *api) target(r *request, field, id string) (*store.Message, error) {
	m, err := a.DB.Message(r.Context(), r.id, id)
	if store.ErrorCode(err) == store.CodeNotFound {
		return nil, invalid(field, "There is no message with this id in the history of this session")
	}
	return m, err
}

// keyOf names a message of the history; who wrote it matters only where several may have.
func keyOf(m *store.Message) store.MessageKey {
	k := store.MessageKey{RemoteJID: m.Chat, FromMe: m.Outgoing, ID: m.ID}
	if !m.Outgoing && !strings.HasSuffix(m.Chat, "@"+serverPhone) && !strings.HasSuffix(m.Chat, "@"+serverLID) {
		k.Participant = m.Sender
	}
	return k
}

// deliver waits for the job unless the caller asked not to; a wait that ends first is no error, the job goes on.
func (a *api) deliver(r *request, job *store.Job, media []byte) (*store.Job, error) {
	if asynchronous(r) {
		return a.Sessions.Accept(r.Context(), job, media)
	}
	ctx, cancel := context.WithTimeout(r.Context(), a.SendWait)
	defer cancel()
	done, err := a.Sessions.Send(ctx, job, media)
	if done != nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
		return a.DB.Job(context.WithoutCancel(ctx), done.Session, done.ID)
	}
	return done, err
}

func (a *api) replySend(w http.ResponseWriter, job *store.Job) error {
	if err := jobError(job); err != nil {
		return err
	}
	status := http.StatusOK
	if job.State != store.JobSent {
		status = http.StatusAccepted
		w.Header().Set("Location", "/v1/sessions/"+job.Session+"/jobs/"+job.ID)
	}
	return reply(w, status, jobBody(job))
}

// jobBody is a job as /v1 shows it.
func jobBody(j *store.Job) object {
	chat := j.Chat
	if chat == "" {
		chat = j.To
	}
	return object{
		"id": j.ID, "messageId": j.MessageID, "state": j.State, "to": j.To, "chat": personOf(chat, "", "", ""), "type": j.Content.Type,
		"code": orNull(j.Code), "error": orNull(j.Error), "attempts": j.Attempts, "sentAt": stamp(j.SentAt),
		"createdAt": stamp(j.CreatedAt), "updatedAt": stamp(j.UpdatedAt), "deadline": stamp(j.Deadline),
	}
}

// v1Job answers GET /v1/sessions/:s/jobs/:j.
func (a *api) v1Job(w http.ResponseWriter, r *request) error {
	job, err := a.DB.Job(r.Context(), r.id, r.params.ByName("j"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, jobBody(job))
}

// v1JobCancel answers DELETE /v1/sessions/:s/jobs/:j. Only what waits can be cancelled.
func (a *api) v1JobCancel(w http.ResponseWriter, r *request) error {
	job, err := a.DB.Job(r.Context(), r.id, r.params.ByName("j"))
	if err != nil {
		return err
	}
	cancelled, err := a.Sessions.Cancel(r.Context(), r.id, job.ID)
	if err != nil {
		return err
	}
	if !cancelled {
		if job.State == store.JobQueued {
			job.State = store.JobSending // it is on its way, the database just does not know yet
		}
		return fail(http.StatusConflict, "job_not_queued", "The job is "+string(job.State)+" and cannot be cancelled any more", "")
	}
	return nothing(w)
}
