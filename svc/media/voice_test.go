package media

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"wamux/store"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// without is a Studio that has no ffmpeg.
func without() *Studio {
	s := New(Options{FFmpeg: "none"})
	s.ffmpeg = ""
	return s
}

// TestVoicePassesOpus: Ogg Opus is not touched, and tells how long and how loud
// it is.
func TestVoicePassesOpus(t *testing.T) {
	data := file(t, "loud-quiet.ogg")
	got, seconds, waveform, err := without().Voice(t.Context(), data)
	if err != nil || !bytes.Equal(got, data) || seconds != 2 {
		t.Fatalf("got %d bytes, %d seconds, %v", len(got), seconds, err)
	}
	loudThenQuiet(t, waveform)
}

func loudThenQuiet(t *testing.T, waveform []byte) {
	t.Helper()
	if len(waveform) != 64 {
		t.Fatalf("got %d values, want 64", len(waveform))
	}
	for i, v := range waveform {
		if v > 100 || i > 2 && i < 30 && v < 50 || i > 36 && v > 20 {
			t.Errorf("value %d of %v: want a loud first half and a quiet second one", i, waveform)
			break
		}
	}
}

// TestWaveformOfDamage has none, or that of what is left.
func TestWaveformOfDamage(t *testing.T) {
	data := file(t, "loud-quiet.ogg")
	for _, bad := range [][]byte{nil, []byte("OggS"), data[:100], bytes.Replace(data, []byte("OpusHead"), []byte("OpusHeap"), 1)} {
		if got := Waveform(bad); got != nil {
			t.Errorf("got %v of %d bytes", got, len(bad))
		}
	}
	if got := Waveform(data[:len(data)*3/4]); got != nil && len(got) != 64 {
		t.Errorf("got %v of a cut file", got)
	}
}

// TestVoiceWithoutFFmpeg says what to do.
func TestVoiceWithoutFFmpeg(t *testing.T) {
	for name, want := range map[string]string{"loud-quiet.mp3": "conversion_unavailable", "tone.m4a": "conversion_unavailable"} {
		_, _, _, err := without().Voice(t.Context(), file(t, name))
		if e := (*store.Error)(nil); !errors.As(err, &e) || e.Name != want || e.Code != store.CodeUnprocessable || e.Hint == "" {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
	_, _, _, err := without().Voice(t.Context(), []byte("#EXTM3U\nfile:///etc/passwd"))
	if e := (*store.Error)(nil); !errors.As(err, &e) || e.Name != "media_unreadable" {
		t.Errorf("a list of other files: got %v", err)
	}
}

// TestVoiceByFFmpeg converts real recordings, where ffmpeg is there.
func TestVoiceByFFmpeg(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not on the path")
	}
	s := New(Options{})
	got, seconds, waveform, err := s.Voice(t.Context(), file(t, "loud-quiet.mp3"))
	if err != nil || !isOpus(got) || seconds < 2 || seconds > 3 {
		t.Fatalf("mp3: got %d bytes, %d seconds, %v", len(got), seconds, err)
	}
	if len(waveform) != 64 || waveform[10] < 50 || waveform[58] > 30 {
		t.Errorf("mp3: got %v", waveform)
	}
	if got, seconds, _, err = s.Voice(t.Context(), file(t, "tone.m4a")); err != nil || !isOpus(got) || seconds < 2 || seconds > 3 {
		t.Errorf("m4a: got %d bytes, %d seconds, %v", len(got), seconds, err)
	}
	for name, bad := range map[string][]byte{
		"cut":      file(t, "tone.m4a")[:40],
		"nonsense": append([]byte("ID3"), bytes.Repeat([]byte("x"), 999)...),
	} {
		if _, _, _, err := s.Voice(t.Context(), bad); store.ErrorCode(err) != store.CodeUnprocessable {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestFFmpegIsBounded runs a stand-in that misbehaves.
func TestFFmpegIsBounded(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in is a shell script")
	}
	fake := func(script string) *Studio {
		path := filepath.Join(t.TempDir(), "ffmpeg")
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
		return New(Options{FFmpeg: path, Max: 64 << 10})
	}
	mp3 := file(t, "loud-quiet.mp3")
	t.Setenv("WAMUX_SECRET", "x")
	for name, c := range map[string]struct{ script, want string }{
		"fails":          {"cat >/dev/null; exit 1", "media_unreadable"},
		"gives nonsense": {"cat >/dev/null; echo hello", "media_unreadable"},
		"gives too much": {"while :; do printf %0999d 1; done", "media_too_large"},
		"knows too much": {`cat >/dev/null; test -z "$WAMUX_SECRET" && exit 1; while :; do printf %0999d 1; done`, "media_unreadable"},
		"never reads":    {"exit 0", "media_unreadable"},
	} {
		_, _, _, err := fake(c.script).Voice(t.Context(), mp3)
		if e := (*store.Error)(nil); !errors.As(err, &e) || e.Name != c.want {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if _, _, _, err := fake("exec sleep 60").Voice(ctx, mp3); err == nil || time.Since(begun) > 20*time.Second {
		t.Errorf("never ends: got %v after %v", err, time.Since(begun))
	}
}

// TestArguments lets ffmpeg read one thing only.
func TestArguments(t *testing.T) {
	for demuxer, want := range map[string]string{"mp3": "-protocol_whitelist pipe -f mp3 -i pipe:0", "mov": "-protocol_whitelist pipe,cache -f mov -i cache:pipe:0"} {
		if got := strings.Join(arguments(demuxer), " "); !strings.Contains(got, want) {
			t.Errorf("got %s, want %s in it", got, want)
		}
	}
}

// FuzzVoice: no recording breaks what looks at it.
func FuzzVoice(f *testing.F) {
	f.Add(file(f, "loud-quiet.ogg"))
	f.Add(file(f, "loud-quiet.mp3")[:64])
	s := without()
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, _, waveform, err := s.Voice(t.Context(), data); err == nil && waveform != nil && len(waveform) != 64 {
			t.Errorf("got %d values", len(waveform))
		}
	})
}
