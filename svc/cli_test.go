package svc

import (
	"bytes"
	"strings"
	"testing"
)

// TestCommandLine calls Main as main does.
func TestCommandLine(t *testing.T) {
	for _, tt := range []struct {
		name           string
		args           []string
		code           int
		stdout, stderr string
	}{
		{"Help", []string{"help"}, 0, "wamux run --sandbox", ""},
		{"DashHelp", []string{"--help"}, 0, "Usage:", ""},
		{"HelpConfig", []string{"help", "config"}, 0, "MAX_SESSIONS, --max-sessions", ""},
		{"HelpOther", []string{"help", "me"}, 2, "", `error: there is no help on "me"`},
		{"Version", []string{"version"}, 0, "whatsmeow ", ""},
		{"Config", []string{"config", "--port", "3001"}, 0, "--port", ""},
		{"UnknownCommand", []string{"fly"}, 2, "", "hint: `wamux help`"},
		{"UnknownFlag", []string{"run", "--fly"}, 2, "", "error: there is no flag --fly"},
		{"Postgres", []string{"run", "--database", "postgresql://u:secret@h/d"}, 2, "", "one SQLite file"},
		{"NoFolder", []string{"run", "--port", "0", "--database", "/proc/none/x.db"}, 1, "", "error: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			var stdout, stderr bytes.Buffer
			code := Main(tt.args, strings.NewReader(""), &stdout, &stderr)
			if code != tt.code || !strings.Contains(stdout.String(), tt.stdout) || !strings.Contains(stderr.String(), tt.stderr) {
				t.Errorf("got %d\n%s\n%s\nwant %d, %q, %q", code, &stdout, &stderr, tt.code, tt.stdout, tt.stderr)
			}
			if strings.Contains(stderr.String(), "secret") {
				t.Errorf("got %s, which shows a password", &stderr)
			}
		})
	}
}
