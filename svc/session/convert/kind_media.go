package convert

import "go.mau.fi/whatsmeow/proto/waE2E"

// Keys, paths and hashes of media stay in the raw message: whoever may read a
// row's metadata need not be able to open its file.

func extendedText(t *waE2E.ExtendedTextMessage) content {
	m := meta{}
	if t.GetMatchedText() != "" || t.GetTitle() != "" {
		link := meta{}
		put(link, "url", t.GetMatchedText())
		put(link, "title", t.GetTitle())
		put(link, "description", t.GetDescription())
		m["link"] = link
	}
	put(m, "viewOnce", t.GetViewOnce())
	put(m, "backgroundArgb", t.GetBackgroundArgb())
	put(m, "textArgb", t.GetTextArgb())
	return content{"text", t.GetText(), m, t.GetContextInfo()}
}

func file(mimetype string, length uint64) meta {
	m := meta{"media": true}
	put(m, "mimetype", mimetype)
	put(m, "fileLength", length)
	return m
}

func picture(i *waE2E.ImageMessage) content {
	m := file(i.GetMimetype(), i.GetFileLength())
	put(m, "caption", i.GetCaption())
	put(m, "width", i.GetWidth())
	put(m, "height", i.GetHeight())
	put(m, "viewOnce", i.GetViewOnce())
	put(m, "accessibilityLabel", i.GetAccessibilityLabel())
	return content{"image", i.GetCaption(), m, i.GetContextInfo()}
}

func video(v *waE2E.VideoMessage) content {
	c := content{"video", v.GetCaption(), videoMeta(v), v.GetContextInfo()}
	if v.GetGifPlayback() {
		c.Type = "gif"
		c.Meta["gif"] = true
	}
	return c
}

func ptv(v *waE2E.VideoMessage) content {
	return content{"ptv", v.GetCaption(), videoMeta(v), v.GetContextInfo()}
}

func videoMeta(v *waE2E.VideoMessage) meta {
	m := file(v.GetMimetype(), v.GetFileLength())
	put(m, "caption", v.GetCaption())
	put(m, "seconds", v.GetSeconds())
	put(m, "width", v.GetWidth())
	put(m, "height", v.GetHeight())
	put(m, "viewOnce", v.GetViewOnce())
	put(m, "accessibilityLabel", v.GetAccessibilityLabel())
	return m
}

func audio(a *waE2E.AudioMessage) content {
	m := file(a.GetMimetype(), a.GetFileLength())
	put(m, "seconds", a.GetSeconds())
	put(m, "ptt", a.GetPTT())
	put(m, "viewOnce", a.GetViewOnce())
	if a.GetPTT() {
		return content{"voice", "", m, a.GetContextInfo()}
	}
	return content{"audio", "", m, a.GetContextInfo()}
}

func document(d *waE2E.DocumentMessage) content {
	m := file(d.GetMimetype(), d.GetFileLength())
	put(m, "caption", d.GetCaption())
	put(m, "fileName", d.GetFileName())
	put(m, "title", d.GetTitle())
	put(m, "pageCount", d.GetPageCount())
	put(m, "contactVcard", d.GetContactVcard())
	return content{"document", d.GetCaption(), m, d.GetContextInfo()}
}

func sticker(s *waE2E.StickerMessage) content {
	m := file(s.GetMimetype(), s.GetFileLength())
	put(m, "width", s.GetWidth())
	put(m, "height", s.GetHeight())
	put(m, "animated", s.GetIsAnimated())
	put(m, "lottie", s.GetIsLottie())
	put(m, "avatar", s.GetIsAvatar())
	put(m, "ai", s.GetIsAiSticker())
	put(m, "emojis", s.GetEmojis())
	put(m, "accessibilityLabel", s.GetAccessibilityLabel())
	return content{"sticker", "", m, s.GetContextInfo()}
}

func stickerPack(p *waE2E.StickerPackMessage) content {
	m := file("", p.GetFileLength())
	put(m, "packId", p.GetStickerPackID())
	put(m, "name", p.GetName())
	put(m, "publisher", p.GetPublisher())
	put(m, "description", p.GetPackDescription())
	put(m, "caption", p.GetCaption())
	put(m, "stickers", len(p.GetStickers()))
	return content{"stickerPack", firstOf(p.GetCaption(), p.GetName()), m, p.GetContextInfo()}
}

func album(a *waE2E.AlbumMessage) content {
	m := meta{}
	put(m, "images", a.GetExpectedImageCount())
	put(m, "videos", a.GetExpectedVideoCount())
	return content{"album", "", m, a.GetContextInfo()}
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
