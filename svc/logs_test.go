package svc

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
)

// TestLogLevels writes a line of each level about nothing, about a session that is named and about one that is not, in both ways to
// say which one it is.
func TestLogLevels(t *testing.T) {
	for setting, want := range map[string]map[string]string{
		"info":                      {"": "IWE", "shop": "IWE", "bar": "IWE"},
		"info,shop=debug":           {"": "IWE", "shop": "DIWE", "bar": "IWE"},
		"shop=debug":                {"": "IWE", "shop": "DIWE", "bar": "IWE"},
		"debug,shop=silent":         {"": "DIWE", "shop": "", "bar": "DIWE"},
		"warn,shop=info,bar=err":    nil,
		"warn,info":                 nil,
		"sh=debug":                  nil,
		"healthz=debug":             nil,
		"error,shop=warn,bar=debug": {"": "E", "shop": "WE", "bar": "DIWE"},
	} {
		levels, err := parseLogLevels(setting)
		if (err == nil) != (want != nil) {
			t.Errorf("%s: got %v", setting, err)
		}
		for session, lines := range want {
			for _, way := range []string{"with", "inline"} {
				if got := linesOf(levels, session, way); got != lines {
					t.Errorf("%s: session %q %s: got %q, want %q", setting, session, way, got, lines)
				}
			}
		}
	}
}

// linesOf logs at four levels and tells by a letter which of them came out.
func linesOf(levels logLevels, session, way string) string {
	var out bytes.Buffer
	log := newLog(Config{LogLevels: levels, LogFormat: "text"}, &out)
	var args []any
	switch {
	case session == "":
	case way == "with":
		log = log.With("session", session).With("part", "Socket")
	default:
		args = []any{"part", "Socket", "session", session}
	}
	log.Debug("D", args...)
	log.Info("I", args...)
	log.Warn("W", args...)
	log.Error("E", args...)
	got := ""
	for line := range strings.Lines(out.String()) {
		_, rest, _ := strings.Cut(line, " msg=")
		got += rest[:1]
	}
	return got
}

// TestRedactor plants secrets in messages, attributes, groups and errors, in both formats, and looks that the lines still are of
// their format and say what they were about.
func TestRedactor(t *testing.T) {
	secrets := []string{"canary-configured", "c4n4ryKEYc4n4ry-_", "AGE-SECRET-KEY-1CANARY0000000000", "AGE-SECRET-KEY-PQ-1CANARY", "6281234567890", "canarytoken"}
	for _, format := range []string{"text", formatJSON} {
		var out bytes.Buffer
		log := newLog(Config{LogFormat: format}, newRedactor(&out, []string{"canary-configured", "short"}))
		log.Info("called with wk_abcdefghij_c4n4ryKEYc4n4ry-_ and AGE-SECRET-KEY-1CANARY0000000000", "key", "AGE-SECRET-KEY-PQ-1CANARY")
		log.Info("sent to 6281234567890@s.whatsapp.net", "jid", "6281234567890:12@s.whatsapp.net", "phone", "6281234567890", "to", "+6281234567890")
		log.With("header", `Authorization: Bearer canarytoken`).WithGroup("g").Info("x", "y", "authorization=canarytoken", "z", "X-Api-Key: canarytoken")
		log.Info("header", "all", map[string]string{"Authorization": "Basic canarytoken", "x-api-key": "canarytoken"})
		log.Info("a setting", "is", "canary-configured", slog.Group("h", "age", "age-secret-key-1canary0000000000"))
		for _, secret := range append(secrets, "1canary0000") {
			if strings.Contains(out.String(), secret) {
				t.Errorf("%s: %q is in\n%s", format, secret, &out)
			}
		}
		for _, kept := range []string{"wk_abcdefghij_…", "…@s.whatsapp.net", "sent to ", "a setting"} {
			if !strings.Contains(out.String(), kept) {
				t.Errorf("%s: no %q in\n%s", format, kept, &out)
			}
		}
		if n := strings.Count(out.String(), "\n"); n != 5 {
			t.Errorf("%s: got %d lines, want 5", format, n)
		}
		for line := range strings.Lines(out.String()) {
			if format == formatJSON && !json.Valid([]byte(line)) {
				t.Errorf("no JSON: %s", line)
			}
		}
	}
}

// TestRedactorLeaves what only looks a little like a secret.
func TestRedactorLeaves(t *testing.T) {
	var out bytes.Buffer
	r := newRedactor(&out, []string{"warn"})
	const line = "time=2026-11-28T00:39:58.123Z level=WARN msg=\"session state\" session=shop state=online job=job_0123456789 took=12345678ns key=wk_abcdefghij\n"
	if n, err := r.Write([]byte(line)); err != nil || n != len(line) || out.String() != line {
		t.Errorf("got %d %v %s", n, err, &out)
	}
}
