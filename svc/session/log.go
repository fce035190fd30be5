package session

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"go.mau.fi/libsignal/logger"
	waBinary "go.mau.fi/whatsmeow/binary"
	waLog "go.mau.fi/whatsmeow/util/log"
)

// libLog is the library's logger. What it says holds phone numbers, names and
// whole stanzas, so every argument is redacted, and the logs of the wire are
// never written.
type libLog struct {
	log   *slog.Logger
	quiet bool // only for debugging
}

var _ waLog.Logger = libLog{}

func (l libLog) Errorf(msg string, a ...any) { l.print(slog.LevelWarn, msg, a) }
func (l libLog) Warnf(msg string, a ...any)  { l.print(slog.LevelWarn, msg, a) }
func (l libLog) Infof(msg string, a ...any)  { l.print(slog.LevelDebug, msg, a) }
func (l libLog) Debugf(msg string, a ...any) { l.print(slog.LevelDebug, msg, a) }

// Sub returns the logger of a part of the library.
func (l libLog) Sub(module string) waLog.Logger {
	if module == "Recv" || module == "Send" {
		return waLog.Noop
	}
	return libLog{l.log.With("part", module), module == "Socket"}
}

func (l libLog) print(level slog.Level, msg string, args []any) {
	ctx := context.Background()
	if l.quiet {
		level = slog.LevelDebug // a connection that ends is a state, not a warning
	}
	if !l.log.Enabled(ctx, level) {
		return
	}
	clean := make([]any, len(args))
	for i, a := range args {
		clean[i] = redact(a)
	}
	l.log.Log(ctx, level, fmt.Sprintf(msg, clean...))
}

// addresses finds JIDs and phone numbers.
var addresses = regexp.MustCompile(`[0-9A-Za-z._:-]*[0-9]{5,}[0-9._:-]*(@[a-z.]+)?`)

// redact keeps what helps to find a fault and drops who and what it was about.
func redact(a any) any {
	switch v := a.(type) {
	case bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float64, time.Duration, time.Time:
		return v
	case *waBinary.Node:
		return "<" + v.Tag + ">"
	case waBinary.Node:
		return "<" + v.Tag + ">"
	case nil:
		return nil
	case error, string, fmt.Stringer:
		return addresses.ReplaceAllString(fmt.Sprint(v), "…")
	}
	// Others may be in use by other goroutines, which printing would not wait for.
	return fmt.Sprintf("%T", a)
}

// signalLog is the logger of the Signal library, which would print to stdout.
type signalLog struct {
	log *slog.Logger
}

func (l signalLog) Debug(string, string)       {}
func (l signalLog) Info(string, string)        {}
func (l signalLog) Warning(caller, msg string) { l.print(caller, msg) }
func (l signalLog) Error(caller, msg string)   { l.print(caller, msg) }
func (l signalLog) Configure(string)           {}

func (l signalLog) print(caller, msg string) {
	l.log.Debug("signal: "+addresses.ReplaceAllString(msg, "…"), "at", caller)
}

// quietSignal sends the Signal library's words to log, once per process.
func quietSignal(log *slog.Logger) {
	if logger.Logger == nil {
		var l logger.Loggable = signalLog{log}
		logger.Setup(&l)
	}
}
