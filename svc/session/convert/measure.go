package convert

import (
	"bytes"
	"image"

	"wamux/store"
)

// Measure adds what the bytes of its media tell about a content and its sender
// did not: the thumbnail of an image, width and height, how long a voice note
// plays. What cannot be told stays empty; that is no reason not to send it.
func Measure(c store.Content, data []byte) store.Content {
	if c.Media == nil {
		return c
	}
	m := *c.Media
	switch c.Type {
	case "image":
		measureImage(&m, data)
	case "sticker":
		if config, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil && m.Width == 0 && m.Height == 0 {
			m.Width, m.Height = uint32(config.Width), uint32(config.Height)
		}
		m.Animated = m.Animated || animated(data)
	case "audio", "voice":
		if s, ok := OggSeconds(data); ok && m.Seconds == 0 {
			m.Seconds = s
		}
	}
	c.Media = &m
	return c
}

func measureImage(m *store.Media, data []byte) {
	if len(m.Thumbnail) > 0 && m.Width > 0 && m.Height > 0 {
		return
	}
	small, w, h, err := Thumbnail(data)
	if err != nil {
		return
	}
	if len(m.Thumbnail) == 0 {
		m.Thumbnail = small
	}
	if m.Width == 0 || m.Height == 0 {
		m.Width, m.Height = uint32(w), uint32(h)
	}
}

// animated tells a WebP file that moves, by the flag in its extended header.
func animated(data []byte) bool {
	return len(data) > 20 && string(data[:4]) == "RIFF" && string(data[8:16]) == "WEBPVP8X" && data[20]&0x02 != 0
}
