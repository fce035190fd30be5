package svc

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"wamux/store"
)

// logLevels is how much is logged: of everything, and of some sessions.
type logLevels struct {
	usual    slog.Level
	sessions map[string]slog.Level
}

// parseLogLevels reads LOG_LEVEL: a level, or levels of sessions as in shop=debug, or both, separated by commas.
func parseLogLevels(s string) (logLevels, error) {
	l := logLevels{usual: slog.LevelInfo, sessions: map[string]slog.Level{}}
	named := false
	for _, part := range list(s) {
		session, word, bound := strings.Cut(part, "=")
		if !bound {
			word = part
		}
		level, known := logLevel(word)
		switch {
		case !known || !bound && named:
			return l, fmt.Errorf("must be debug, info, warn or error, for a session behind its name (info,shop=debug)")
		case bound && store.ValidSessionID(session) != nil:
			return l, fmt.Errorf("must have the id of a session before each =")
		case bound:
			l.sessions[session] = level
		default:
			l.usual, named = level, true
		}
	}
	return l, nil
}

// least is the level below which nobody wants anything.
func (l logLevels) least() slog.Level {
	return slices.Min(append(slices.Collect(maps.Values(l.sessions)), l.usual))
}

// of is the level of a session.
func (l logLevels) of(session string) slog.Level {
	if level, named := l.sessions[session]; named {
		return level
	}
	return l.usual
}

// newLog writes what c wants to know to w, from which secrets are kept away.
func newLog(c Config, w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.LogLevels.least()}
	var next slog.Handler = slog.NewTextHandler(w, o)
	if c.LogFormat == formatJSON {
		next = slog.NewJSONHandler(w, o)
	}
	return slog.New(&sieve{next, c.LogLevels, c.LogLevels.usual, len(c.LogLevels.sessions) > 0})
}

const formatJSON = "json"

// sieve lets through what the levels want. The session that a line is about is its attribute "session".
type sieve struct {
	slog.Handler
	levels logLevels
	level  slog.Level // of what is logged here, as far as is known
	open   bool       // the session may still come with the line, with a level of its own
}

const sessionAttr = "session"

// Enabled tells whether a line of this level may be wanted.
func (s *sieve) Enabled(_ context.Context, level slog.Level) bool {
	if s.open {
		return level >= s.levels.least()
	}
	return level >= s.level
}

// Handle writes the line if it is wanted.
func (s *sieve) Handle(ctx context.Context, r slog.Record) error {
	level := s.level
	if s.open {
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == sessionAttr {
				level = s.levels.of(a.Value.String())
			}
			return a.Key != sessionAttr
		})
	}
	if r.Level < level {
		return nil
	}
	return s.Handler.Handle(ctx, r)
}

// WithAttrs learns which session it is about, if it does.
func (s *sieve) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *s
	c.Handler = s.Handler.WithAttrs(attrs)
	for _, a := range attrs {
		if a.Key == sessionAttr {
			c.level, c.open = s.levels.of(a.Value.String()), false
		}
	}
	return &c
}

// WithGroup keeps the levels.
func (s *sieve) WithGroup(name string) slog.Handler {
	c := *s
	c.Handler = s.Handler.WithGroup(name)
	return &c
}
