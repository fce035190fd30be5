package convert

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"go.mau.fi/whatsmeow/proto/waE2E"

	"wamux/store"
)

func sendImage(c store.Content, up *Uploaded, around *waE2E.ContextInfo) *waE2E.Message {
	m := c.Media
	return viewOnce(m, &waE2E.Message{ImageMessage: &waE2E.ImageMessage{
		URL: &up.URL, DirectPath: &up.DirectPath, MediaKey: up.MediaKey, FileEncSHA256: up.FileEncSHA256, FileSHA256: up.FileSHA256,
		FileLength: &up.FileLength, Mimetype: mimetype(m, "image/jpeg"), Caption: some(c.Text), Width: some(m.Width), Height: some(m.Height),
		JPEGThumbnail: m.Thumbnail, ViewOnce: some(m.ViewOnce), ContextInfo: around,
	}})
}

func sendVideo(c store.Content, up *Uploaded, around *waE2E.ContextInfo) *waE2E.Message {
	m := c.Media
	v := &waE2E.VideoMessage{
		URL: &up.URL, DirectPath: &up.DirectPath, MediaKey: up.MediaKey, FileEncSHA256: up.FileEncSHA256, FileSHA256: up.FileSHA256,
		FileLength: &up.FileLength, Mimetype: mimetype(m, "video/mp4"), Caption: some(c.Text), Seconds: some(m.Seconds), Width: some(m.Width), Height: some(m.Height),
		JPEGThumbnail: m.Thumbnail, GifPlayback: some(m.GIF || c.Type == "gif"), ViewOnce: some(m.ViewOnce), ContextInfo: around,
	}
	if m.PTV || c.Type == "ptv" {
		return &waE2E.Message{PtvMessage: v}
	}
	return viewOnce(m, &waE2E.Message{VideoMessage: v})
}

func sendAudio(c store.Content, up *Uploaded, around *waE2E.ContextInfo) *waE2E.Message {
	m := c.Media
	voice := m.PTT || c.Type == "voice"
	usual := "audio/mpeg"
	if voice {
		usual = "audio/ogg; codecs=opus"
	}
	a := &waE2E.AudioMessage{
		URL: &up.URL, DirectPath: &up.DirectPath, MediaKey: up.MediaKey, FileEncSHA256: up.FileEncSHA256, FileSHA256: up.FileSHA256,
		FileLength: &up.FileLength, Mimetype: mimetype(m, usual), Seconds: some(m.Seconds), PTT: some(voice), Waveform: m.Waveform,
		ViewOnce: some(m.ViewOnce), ContextInfo: around,
	}
	if voice && *a.Mimetype == "audio/ogg" { // phones play a voice note only when its codec is named
		a.Mimetype = proto.String(usual)
	}
	if m.ViewOnce {
		return &waE2E.Message{ViewOnceMessageV2Extension: &waE2E.FutureProofMessage{Message: &waE2E.Message{AudioMessage: a}}}
	}
	return &waE2E.Message{AudioMessage: a}
}

// sendDocument covers a document that has a caption as WhatsApp does; without
// the cover phones would not show the caption.
func sendDocument(c store.Content, up *Uploaded, around *waE2E.ContextInfo) *waE2E.Message {
	m := c.Media
	msg := &waE2E.Message{DocumentMessage: &waE2E.DocumentMessage{
		URL: &up.URL, DirectPath: &up.DirectPath, MediaKey: up.MediaKey, FileEncSHA256: up.FileEncSHA256, FileSHA256: up.FileSHA256,
		FileLength: &up.FileLength, Mimetype: mimetype(m, "application/octet-stream"), FileName: some(fileName(m.FileName)), Title: some(fileName(m.FileName)),
		Caption: some(c.Text), JPEGThumbnail: m.Thumbnail, ContextInfo: around,
	}}
	if c.Text == "" {
		return msg
	}
	return &waE2E.Message{DocumentWithCaptionMessage: &waE2E.FutureProofMessage{Message: msg}}
}

func sendSticker(c store.Content, up *Uploaded, around *waE2E.ContextInfo) *waE2E.Message {
	m := c.Media
	return &waE2E.Message{StickerMessage: &waE2E.StickerMessage{
		URL: &up.URL, DirectPath: &up.DirectPath, MediaKey: up.MediaKey, FileEncSHA256: up.FileEncSHA256, FileSHA256: up.FileSHA256,
		FileLength: &up.FileLength, Mimetype: mimetype(m, "image/webp"), Width: some(m.Width), Height: some(m.Height), IsAnimated: some(m.Animated),
		ContextInfo: around,
	}}
}

func viewOnce(m *store.Media, msg *waE2E.Message) *waE2E.Message {
	if !m.ViewOnce {
		return msg
	}
	return &waE2E.Message{ViewOnceMessage: &waE2E.FutureProofMessage{Message: msg}}
}

func mimetype(m *store.Media, usual string) *string { return proto.String(firstOf(m.Mimetype, usual)) }

// fileName is what comes after the last slash, so that a name cannot lead out
// of the folder in which a careless client keeps it.
func fileName(s string) string {
	return s[strings.LastIndexAny(s, `/\`)+1:]
}
