package media

import (
	"context"
	"net/http"
	"strings"

	"wamux/svc/session/convert"
)

// Voice makes a voice note in Ogg Opus of a recording. Ogg Opus comes back as it
// is, everything else needs ffmpeg. seconds is 0 and waveform nil where the
// recording does not tell them. Errors are [*store.Error] of code unprocessable:
// conversion_unavailable without ffmpeg, media_unreadable when the recording is
// none.
func (s *Studio) Voice(ctx context.Context, data []byte) (ogg []byte, seconds uint32, waveform []byte, err error) {
	if err := s.enter(ctx); err != nil {
		return nil, 0, nil, err
	}
	defer s.leave()
	if !isOpus(data) {
		demuxer := demuxerOf(data)
		switch {
		case demuxer == "":
			return nil, 0, nil, unreadable("A voice note is made of Ogg Opus, MP3, M4A, WAV, FLAC, AAC, AMR or WebM; this is none of them", nil)
		case s.ffmpeg == "":
			return nil, 0, nil, unavailable("A voice note must be Ogg Opus, and converting needs ffmpeg, which is not installed here",
				"Send Ogg Opus, install ffmpeg, or send it as audio that is no voice note.")
		}
		if data, err = s.transcode(ctx, demuxer, data); err != nil {
			return nil, 0, nil, err
		}
	}
	seconds, _ = convert.OggSeconds(data)
	return data, seconds, Waveform(data), nil
}

// isOpus tells an Ogg file whose first stream is Opus.
func isOpus(data []byte) bool {
	return len(data) > 36 && string(data[:4]) == "OggS" && strings.Contains(string(data[:min(len(data), 512)]), "OpusHead")
}

// demuxerOf names the part of ffmpeg that reads a recording, by its first bytes,
// so that nobody can have it read as a list of other files. "" is for what is no
// recording.
func demuxerOf(data []byte) string {
	for _, m := range []struct {
		at             int
		magic, demuxer string
	}{
		{0, "OggS", "ogg"}, {0, "ID3", "mp3"}, {0, "\xff\xfb", "mp3"}, {0, "\xff\xf3", "mp3"}, {0, "\xff\xf2", "mp3"}, {0, "\xff\xfa", "mp3"},
		{0, "fLaC", "flac"}, {0, "#!AMR", "amr"}, {0, "\xff\xf1", "aac"}, {0, "\xff\xf9", "aac"}, {4, "ftyp", "mov"}, {8, "WAVE", "wav"},
		{0, "\x1a\x45\xdf\xa3", "matroska"},
	} {
		if len(data) > m.at && strings.HasPrefix(string(data[m.at:min(len(data), m.at+8)]), m.magic) {
			return m.demuxer
		}
	}
	if http.DetectContentType(data) == "audio/mpeg" {
		return "mp3"
	}
	return ""
}
