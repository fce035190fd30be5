package phone

import (
	"cmp"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"
)

// file builds the message of a draft with media.
func file(d Draft, context *waE2E.ContextInfo, now time.Time) (*waE2E.Message, error) {
	if d.Media == nil || d.Media.DirectPath == "" {
		return nil, missing("a " + d.Type + " message needs an uploaded file")
	}
	m, taken := *d.Media, proto.Int64(now.Unix())
	switch d.Type {
	case "image":
		return image(d, m, context, taken), nil
	case "video":
		return video(d, m, context, taken), nil
	case "document":
		return document(d, m, context, taken), nil
	case "sticker":
		return sticker(d, m, context, taken), nil
	default:
		return audio(d, m, context, taken), nil
	}
}

func image(d Draft, m Media, context *waE2E.ContextInfo, taken *int64) *waE2E.Message {
	img := &waE2E.ImageMessage{
		URL: textOrNil(m.URL), DirectPath: proto.String(m.DirectPath), MediaKey: m.Key, MediaKeyTimestamp: taken,
		FileSHA256: m.SHA256, FileEncSHA256: m.EncSHA256, FileLength: proto.Uint64(m.Length),
		Mimetype: proto.String(cmp.Or(m.Mimetype, "image/jpeg")), Caption: textOrNil(d.Caption),
		Width: numberOrNil(d.Width), Height: numberOrNil(d.Height),
		JPEGThumbnail: d.Thumbnail, ContextInfo: context,
	}
	if d.ViewOnce {
		img.ViewOnce = proto.Bool(true)
	}
	return &waE2E.Message{ImageMessage: img}
}

func video(d Draft, m Media, context *waE2E.ContextInfo, taken *int64) *waE2E.Message {
	v := &waE2E.VideoMessage{
		URL: textOrNil(m.URL), DirectPath: proto.String(m.DirectPath), MediaKey: m.Key, MediaKeyTimestamp: taken,
		FileSHA256: m.SHA256, FileEncSHA256: m.EncSHA256, FileLength: proto.Uint64(m.Length),
		Mimetype: proto.String(cmp.Or(m.Mimetype, "video/mp4")), Caption: textOrNil(d.Caption),
		Seconds: numberOrNil(d.Seconds), Width: numberOrNil(d.Width), Height: numberOrNil(d.Height),
		JPEGThumbnail: d.Thumbnail, ContextInfo: context,
	}
	if d.GIF {
		v.GifPlayback = proto.Bool(true)
	}
	if d.ViewOnce {
		v.ViewOnce = proto.Bool(true)
	}
	if d.PTV {
		return &waE2E.Message{PtvMessage: v}
	}
	return &waE2E.Message{VideoMessage: v}
}

func audio(d Draft, m Media, context *waE2E.ContextInfo, taken *int64) *waE2E.Message {
	a := &waE2E.AudioMessage{
		URL: textOrNil(m.URL), DirectPath: proto.String(m.DirectPath), MediaKey: m.Key, MediaKeyTimestamp: taken,
		FileSHA256: m.SHA256, FileEncSHA256: m.EncSHA256, FileLength: proto.Uint64(m.Length),
		Mimetype: proto.String(cmp.Or(m.Mimetype, "audio/ogg; codecs=opus")),
		Seconds:  proto.Uint32(d.Seconds), PTT: proto.Bool(d.PTT || d.Type == "voice"), ContextInfo: context,
	}
	if a.GetPTT() {
		a.Waveform = d.Waveform
	}
	if d.ViewOnce {
		a.ViewOnce = proto.Bool(true)
	}
	return &waE2E.Message{AudioMessage: a}
}

func document(d Draft, m Media, context *waE2E.ContextInfo, taken *int64) *waE2E.Message {
	name := cmp.Or(m.FileName, "document")
	return &waE2E.Message{DocumentMessage: &waE2E.DocumentMessage{
		URL: textOrNil(m.URL), DirectPath: proto.String(m.DirectPath), MediaKey: m.Key, MediaKeyTimestamp: taken,
		FileSHA256: m.SHA256, FileEncSHA256: m.EncSHA256, FileLength: proto.Uint64(m.Length),
		Mimetype: proto.String(cmp.Or(m.Mimetype, "application/octet-stream")),
		FileName: proto.String(name), Title: proto.String(name), Caption: textOrNil(d.Caption),
		JPEGThumbnail: d.Thumbnail, ContextInfo: context,
	}}
}

func sticker(d Draft, m Media, context *waE2E.ContextInfo, taken *int64) *waE2E.Message {
	return &waE2E.Message{StickerMessage: &waE2E.StickerMessage{
		URL: textOrNil(m.URL), DirectPath: proto.String(m.DirectPath), MediaKey: m.Key, MediaKeyTimestamp: taken,
		FileSHA256: m.SHA256, FileEncSHA256: m.EncSHA256, FileLength: proto.Uint64(m.Length),
		Mimetype: proto.String(cmp.Or(m.Mimetype, "image/webp")),
		Width:    numberOrNil(d.Width), Height: numberOrNil(d.Height),
		PngThumbnail: d.Thumbnail, ContextInfo: context,
	}}
}
