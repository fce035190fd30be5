// Package media makes of the files that people send what WhatsApp takes: WebP
// stickers of pictures, voice notes in Ogg Opus of recordings. It does in pure Go
// what pure Go does well, and leaves the rest to ffmpeg where that is there.
package media

import (
	"context"
	"log/slog"
	"os/exec"

	"wamux/store"
	"wamux/svc/session/convert"
)

// Options of a [Studio]. The zero value is ready to use.
type Options struct {
	FFmpeg string       // path of the program; "" means the one on the path, if there is one
	Max    int64        // bytes that a conversion may give; 0 means 64 MiB
	Log    *slog.Logger // nil: silent. It learns what ffmpeg complains about
}

// Studio converts media. It is safe for use by many goroutines and works on two
// files at a time, so that its memory and processor time stay bounded.
type Studio struct {
	ffmpeg string
	max    int64
	log    *slog.Logger
	slots  chan struct{}
}

// New makes a Studio.
func New(o Options) *Studio {
	s := &Studio{ffmpeg: o.FFmpeg, max: o.Max, log: o.Log, slots: make(chan struct{}, 2)}
	if s.ffmpeg == "" {
		s.ffmpeg, _ = exec.LookPath("ffmpeg") // without it some conversions are not available
	}
	if s.max <= 0 {
		s.max = 64 << 20
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// enter waits for a slot; the caller gives it back by leave.
func (s *Studio) enter(ctx context.Context) error {
	select {
	case s.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Studio) leave() { <-s.slots }

// Thumbnail makes the small JPEG that a chat shows of a picture. Errors are
// [*store.Error] of code unprocessable.
func (s *Studio) Thumbnail(ctx context.Context, data []byte) ([]byte, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	small, _, _, err := convert.Thumbnail(data)
	return small, err
}

func unavailable(sentence, hint string) error {
	return &store.Error{Code: store.CodeUnprocessable, Name: "conversion_unavailable", Message: sentence, Hint: hint}
}

func unreadable(sentence string, cause error) error {
	return &store.Error{Code: store.CodeUnprocessable, Name: "media_unreadable", Message: sentence, Err: cause}
}
