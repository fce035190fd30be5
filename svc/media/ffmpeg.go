package media

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"time"

	"wamux/store"
)

const (
	transcodeTime = time.Minute
	complaint     = 4 << 10 // bytes of ffmpeg's complaints that are kept for the log
)

// transcode has ffmpeg make Ogg Opus of a recording. It reads from its standard
// input and reaches nothing else: no file, no network, no format but the one it
// is told, no environment. Its time, its output and what it allocates at once are
// bounded.
func (s *Studio) transcode(ctx context.Context, demuxer string, data []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, transcodeTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.ffmpeg, arguments(demuxer)...)
	cmd.Stdin = bytes.NewReader(data)
	cmd.Env = []string{}
	cmd.WaitDelay = time.Second
	out, said := &bounded{max: s.max, stop: cancel}, &bounded{max: complaint}
	cmd.Stdout, cmd.Stderr = out, said
	err := cmd.Run()
	switch {
	case out.full:
		return nil, store.Errorf(store.CodeUnprocessable, "media_too_large", "The voice note would have more than the %d bytes that are allowed", s.max)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, unreadable("Converting the recording to a voice note took too long; send Ogg Opus", err)
	case err != nil || !isOpus(out.kept.Bytes()):
		s.log.Info("ffmpeg could not convert a recording", "error", err, "said", said.kept.String())
		return nil, unreadable("The recording is damaged, or holds no sound, and cannot be made a voice note", err)
	}
	return out.kept.Bytes(), nil
}

func arguments(demuxer string) []string {
	input, protocols := "pipe:0", "pipe"
	if demuxer == "mov" { // its index may be at the end
		input, protocols = "cache:pipe:0", "pipe,cache"
	}
	return []string{
		"-hide_banner", "-nostats", "-loglevel", "error", "-max_alloc", "268435456", "-threads", "1",
		"-protocol_whitelist", protocols, "-f", demuxer, "-i", input,
		"-map", "0:a:0", "-map_metadata", "-1", "-vn", "-sn", "-dn", "-ac", "1", "-ar", "48000",
		"-c:a", "libopus", "-b:a", "32k", "-application", "voip", "-threads", "1", "-f", "ogg", "pipe:1",
	}
}

// bounded keeps what is written to it up to a limit, and calls stop, if there is
// one, when there is more.
type bounded struct {
	kept bytes.Buffer // not embedded: its ReadFrom would go round the limit
	max  int64
	full bool
	stop func()
}

// Write never fails, unless what is beyond the limit is of use to nobody.
func (b *bounded) Write(p []byte) (int, error) {
	room := b.max - int64(b.kept.Len())
	if int64(len(p)) <= room {
		return b.kept.Write(p)
	}
	b.kept.Write(p[:max(room, 0)])
	b.full = true
	if b.stop != nil {
		b.stop()
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}
