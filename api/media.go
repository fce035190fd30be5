package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"wamux/store"
)

// source is where a media file comes from: its bytes, a data: URL, or an address to fetch.
type source struct {
	url    string
	data   []byte
	stream bool // a Node stream, which JSON cannot carry
	bad    bool // a form that is not known
}

// UnmarshalJSON reads {"url":…}, {"type":"Buffer","data":…}, a bare Buffer's array, and notes what it cannot take.
func (s *source) UnmarshalJSON(raw []byte) error {
	if raw[0] != '{' {
		s.bad = raw[0] != '['
		if !s.bad {
			var err error
			s.data, err = numbers(raw)
			return err
		}
		return nil
	}
	var in struct {
		URL    *string         `json:"url"`
		Data   json.RawMessage `json:"data"`
		Stream *present        `json:"stream"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		s.bad = true
		return nil
	}
	s.stream, s.bad = in.Stream != nil, in.URL == nil && in.Data == nil
	if in.URL != nil {
		s.url = *in.URL
		return nil
	}
	var err error
	s.data, err = buffer(in.Data)
	return err
}

// check refuses what can be refused without reaching for the network.
func (s *source) check(field string) error {
	scheme, _, _ := strings.Cut(s.url, ":")
	switch {
	case s.stream:
		return invalid(field, `A stream cannot travel in JSON: send {"url":"https://…"} or {"type":"Buffer","data":"base64"}`)
	case s.bad:
		return invalid(field, field+` must be {"url":"https://… or data:…"} or {"type":"Buffer","data":…}`)
	case s.url == "" && len(s.data) == 0:
		return invalid(field, "The media is empty")
	case s.url != "" && !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "data"):
		return refusedURL(field, "The media URL must begin with https://, http:// or data:")
	}
	return nil
}

// refusedURL has the name that the guarded fetcher gives an address where it will not go.
func refusedURL(field, sentence string) error {
	p := fail(http.StatusUnprocessableEntity, "url_refused", sentence, "")
	p.Fields = []fieldError{{field, sentence}}
	return p
}

// load returns the bytes of the media and fills in what the caller did not say about them.
func (a *api) load(ctx context.Context, field string, s *source, c *store.Content) ([]byte, error) {
	data, told, err := a.open(ctx, field, s)
	if err != nil {
		return nil, err
	}
	if len(data) == 0 {
		return nil, invalid(field, "The media is empty")
	}
	if int64(len(data)) > a.MaxFileSize {
		return nil, fail(http.StatusRequestEntityTooLarge, "media_too_large", fmt.Sprintf("The media is larger than %d bytes", a.MaxFileSize), "Raise MAX_FILE_SIZE if it must be sent.")
	}
	if c.Media.FileName == "" && c.Type == "document" {
		c.Media.FileName = fileName(s.url)
	}
	if err = a.fileAllowed(mediaMimetype(c, told, data), c.Media.FileName, sniff(data)); err != nil {
		return nil, err
	}
	if data, err = a.convert(ctx, data, c); err != nil {
		return nil, err
	}
	c.Media.Size = int64(len(data))
	c.Media.Mimetype = mediaMimetype(c, told, data)
	return data, sane(field, c.Type, c.Media.Mimetype, sniff(data))
}

// convert makes a sticker or a voice note of what is none yet, and measures it.
func (a *api) convert(ctx context.Context, data []byte, c *store.Content) (_ []byte, err error) {
	m := c.Media
	switch {
	case a.Studio == nil:
	case c.Type == "sticker" && sniff(data) != "image/webp":
		if data, err = a.Studio.Sticker(ctx, data); err == nil {
			m.Mimetype, m.Width, m.Height = "image/webp", 0, 0
		}
	case c.Type == "voice":
		var seconds uint32
		var waveform []byte
		if data, seconds, waveform, err = a.Studio.Voice(ctx, data); err == nil {
			m.Mimetype = "audio/ogg; codecs=opus"
			m.Seconds = cmp.Or(m.Seconds, seconds)
			if len(m.Waveform) == 0 {
				m.Waveform = waveform
			}
		}
	}
	return data, err
}

func (a *api) open(ctx context.Context, field string, s *source) ([]byte, string, error) {
	if s.url == "" {
		return s.data, "", nil
	}
	if strings.EqualFold(s.url[:min(5, len(s.url))], "data:") {
		return dataURL(field, s.url)
	}
	if a.Fetcher == nil {
		return nil, "", invalid(field, "Media by URL is not available here, send its bytes")
	}
	return a.Fetcher.Fetch(ctx, s.url, a.MaxFileSize)
}

// dataURL reads data:[type][;base64],… of RFC 2397.
func dataURL(field, text string) ([]byte, string, error) {
	head, body, found := strings.Cut(text[len("data:"):], ",")
	mimetype, encoded := strings.CutSuffix(head, ";base64")
	if !found {
		return nil, "", invalid(field, "The data: URL has no comma before its data")
	}
	if !encoded {
		plain, err := url.PathUnescape(body)
		if err != nil {
			return nil, "", invalid(field, "The data: URL is not encoded correctly")
		}
		return []byte(plain), mimetype, nil
	}
	data, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(body, "="))
	if err != nil {
		return nil, "", invalid(field, "The data: URL is not valid base64")
	}
	return data, mimetype, nil
}

// fileName is the last part of a URL's path, "" when it has none.
func fileName(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	name := u.Path[strings.LastIndexByte(u.Path, '/')+1:]
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == '\\' {
			return -1
		}
		return c
	}, name)
}

// mediaMimetype decides: what the caller said, else what the bytes are, else what the server said. A voice note is Opus.
func mediaMimetype(c *store.Content, told string, data []byte) string {
	found := sniff(data)
	switch {
	case c.Media.Mimetype != "":
		return c.Media.Mimetype
	case c.Type == "voice" && (found == "audio/ogg" || found == ""):
		return "audio/ogg; codecs=opus"
	case c.Type == "audio" && found == "video/mp4":
		return "audio/mp4"
	case c.Type == "audio" && found == "audio/ogg" && bytes.Contains(data[:min(len(data), 64)], []byte("OpusHead")):
		return "audio/ogg; codecs=opus"
	case found != "":
		return found
	}
	if kind, _, err := mime.ParseMediaType(told); err == nil && kind != "application/octet-stream" {
		return told
	}
	return unknownMimetype(c.Type)
}

// unknownMimetype is what a file is called that says nothing about itself.
func unknownMimetype(contentType string) string {
	switch contentType {
	case "image":
		return "image/jpeg"
	case "video":
		return "video/mp4"
	case "audio":
		return "audio/mpeg"
	case "sticker":
		return "image/webp"
	}
	return "application/octet-stream"
}

// sniff names the type of the bytes; "" when they say nothing.
func sniff(data []byte) string {
	for _, m := range []struct {
		at          int
		magic, kind string
	}{
		{0, "OggS", "audio/ogg"}, {4, "ftypM4A", "audio/mp4"}, {4, "ftypqt", "video/quicktime"}, {4, "ftyp3g", "video/3gpp"},
		{4, "ftypheic", "image/heic"}, {4, "ftypavif", "image/avif"}, {4, "ftyp", "video/mp4"}, {0, "fLaC", "audio/flac"},
		{0, "#!AMR", "audio/amr"}, {0, "\xff\xf1", "audio/aac"}, {0, "\xff\xf9", "audio/aac"},
		{0, "\xff\xfb", "audio/mpeg"}, {0, "\xff\xf3", "audio/mpeg"}, {0, "\xff\xf2", "audio/mpeg"},
	} {
		if len(data) > m.at && bytes.HasPrefix(data[m.at:], []byte(m.magic)) {
			return m.kind
		}
	}
	kind := http.DetectContentType(data)
	if kind == "application/octet-stream" {
		return ""
	}
	return kind
}

// sane refuses a file that plainly is something else than it is sent as, such as the HTML page of a failed download.
func sane(field, contentType, mimetype, found string) error {
	major, wanted := strings.Split(mimetype, "/")[0], map[string]string{
		"image": "image", "video": "video", "audio": "audio", "voice": "audio", "sticker": "image",
	}[contentType]
	if strings.ContainsAny(mimetype, "\r\n\x00") || !strings.Contains(mimetype, "/") {
		return invalid(field, "The mimetype is not one such as image/jpeg")
	}
	if wanted == "" {
		return nil
	}
	if major != wanted || strings.HasPrefix(found, "text/") {
		return fail(http.StatusUnprocessableEntity, "media_type", fmt.Sprintf("The media is no %s: it is %s", wanted, plain(found, mimetype)), "Send it as a document, or give the right file.")
	}
	if contentType == "sticker" && found != "" && found != "image/webp" {
		return fail(http.StatusUnprocessableEntity, "media_type", "A sticker must be a WebP image", "Convert it to WebP, 512 by 512 pixels.")
	}
	return nil
}

// plain is the type to tell a person, without parameters.
func plain(found, mimetype string) string {
	if found == "" {
		found = mimetype
	}
	found, _, _ = strings.Cut(found, ";")
	return found
}
