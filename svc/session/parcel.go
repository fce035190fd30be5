package session

import (
	"crypto/rand"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"

	"wamux/store"
	"wamux/svc/session/convert"
)

// parcel is a job with what its attempts have made of it so far.
type parcel struct {
	job    *store.Job
	to     types.JID
	msg    *waE2E.Message
	secret []byte // the same in every attempt
	sent   whatsmeow.SendResponse

	left    bool                // it may be on its way, or there: nobody may call it failed until WhatsApp does
	attempt int                 // how many tries there were
	ack     <-chan *binary.Node // gets the ack of the last one; nil when that is here already
	until   time.Time           // when the ack is late
}

// pack uploads the media, if there is any, and makes the message.
func (o *sender) pack(p *parcel) (err error) {
	if p.to, err = types.ParseJID(p.job.To); err != nil {
		return store.Errorf(store.CodeInvalid, "invalid_recipient", "The recipient is no WhatsApp address")
	}
	content := p.job.Content
	var up *convert.Uploaded
	if kind, ok := convert.MediaKind(content); ok {
		data, err := o.s.m.db.JobMedia(o.run.ctx, p.job.ID)
		if err != nil {
			return err
		}
		if up, err = o.upload(data, kind); err != nil {
			return err
		}
		content = convert.Measure(content, data)
	}
	msg, err := convert.Outgoing(content, up)
	if err != nil {
		return err
	}
	convert.Stamp(msg, o.run.own(), p.job.CreatedAt)
	if p.secret, err = o.secret(p); err != nil {
		return err
	}
	if t := p.job.Content.Type; t == "poll" || t == "event" { // clients of the old service read votes with what the answer tells
		o.protect(p, msg)
	}
	p.msg = msg
	return nil
}

// protect puts the secret into a message. What goes to a newsletter has none: it
// is not encrypted, and everybody would read it.
func (o *sender) protect(p *parcel, msg *waE2E.Message) {
	if p.to.Server != types.NewsletterServer {
		convert.Secret(msg, p.secret)
	}
}

// secret is the message's secret: the one that an attempt before a crash has
// kept and may have sent, else a new one.
func (o *sender) secret(p *parcel) ([]byte, error) {
	own := o.run.own()
	for _, sender := range []types.JID{own.LID, own.JID} {
		if p.job.State != store.JobSending {
			break
		}
		secret, _, err := o.run.device.MsgSecrets.GetMessageSecret(o.run.ctx, p.to, sender, p.job.MessageID)
		if err != nil || secret != nil {
			return secret, err
		}
	}
	secret := make([]byte, 32)
	_, err := rand.Read(secret)
	return secret, err
}

func (o *sender) upload(data []byte, kind string) (*convert.Uploaded, error) {
	at, err := o.run.client.Upload(o.ctx, data, mediaType(kind))
	if err != nil {
		return nil, &uploadError{err}
	}
	return &convert.Uploaded{URL: at.URL, DirectPath: at.DirectPath, MediaKey: at.MediaKey,
		FileEncSHA256: at.FileEncSHA256, FileSHA256: at.FileSHA256, FileLength: at.FileLength}, nil
}

func mediaType(kind string) whatsmeow.MediaType {
	switch kind {
	case "video":
		return whatsmeow.MediaVideo
	case "audio":
		return whatsmeow.MediaAudio
	case "document":
		return whatsmeow.MediaDocument
	}
	return whatsmeow.MediaImage // also of stickers
}
