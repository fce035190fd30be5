package osservice

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

// TestEventLog takes the errors of a log in either format, and the sentence that ends a program.
func TestEventLog(t *testing.T) {
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			log := slog.New(handler(&out))
			log.Error("it failed")
			log.Warn("it may fail", "said", `"level":"ERROR"`)
			lines := strings.Split(out.String(), "\n")
			if !isError(lines[0]) || isError(lines[1]) {
				t.Errorf("got %v for %s, %v for %s", isError(lines[0]), lines[0], isError(lines[1]), lines[1])
			}
		})
	}
	for line, want := range map[string]bool{"error: the port is taken": true, "hint: choose another": false, "": false} {
		if isError(line) != want {
			t.Errorf("%q: got %v", line, !want)
		}
	}
}
